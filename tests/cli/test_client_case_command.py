"""``emr-dr client-case``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emr_drill.clients import one_case
from emr_drill.clients.cases import CASES
from emr_drill.report import Report

from .conftest import Cli


def test_the_report_of_a_case_is_written(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[Any] = []

    def run(case: Any, **options: Any) -> Report:
        asked.append((case, options["seed"], options["block"]))
        return Report(services="real", fault="none", speed=4, seed=7)

    monkeypatch.setattr(one_case, "run", run)
    ended = cli("client-case", "control", "--seed", "7", "--block", "50", "--json", str(tmp_path / "report.json"))

    assert ended.code == 0
    assert asked == [(CASES["control"], 7, 50)]
    assert json.loads((tmp_path / "report.json").read_text())["seed"] == 7


def test_an_unknown_case_is_refused(cli: Cli, tmp_path: Path) -> None:
    ended = cli("client-case", "nonsense", "--json", str(tmp_path / "report.json"))

    assert ended.code == 2
    assert "there is no case nonsense" in ended.err
