"""``emr-dr bench-clients``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emr_drill.clients import bench
from emr_drill.clients.cases import CASES

from .conftest import Cli


class Bench:
    """What was asked, and what is found."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.options: dict[str, Any] = {}
        self.content: dict[str, Any] = {"cases": {}}

    def run(self, names: list[str], **options: Any) -> dict[str, Any]:
        self.names, self.options = names, options
        return self.content


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench()
    monkeypatch.setattr(bench, "run", made.run)
    return made


def test_every_case_unless_told_otherwise(cli: Cli, asked: Bench) -> None:
    assert cli("bench-clients").code == 0
    assert asked.names == list(CASES)


def test_some_cases(cli: Cli, asked: Bench, tmp_path: Path) -> None:
    ended = cli(
        "bench-clients", "--cases", "control,kill", "--go-on", "--block", "50", "--workdir", str(tmp_path / "new")
    )

    assert ended.code == 0
    assert asked.names == ["control", "kill"]
    assert (asked.options["go_on"], asked.options["block"], asked.options["workdir"]) == (True, 50, tmp_path / "new")


def test_an_unknown_case_is_refused_with_those_that_there_are(cli: Cli, asked: Bench) -> None:
    ended = cli("bench-clients", "--cases", "nonsense")

    assert ended.code == 2
    assert "there is no case nonsense; there are both-busy, kill" in ended.err


def test_a_case_that_is_not_as_it_must_be_is_1(cli: Cli, asked: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "passed", lambda content: False)

    assert cli("bench-clients").code == 1
