"""One case of the benchmark: which drill it is."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from emr_drill import run as drill
from emr_drill.clients import control, one_case
from emr_drill.clients.cases import CASES
from emr_drill.report import Report


def ran(name: str, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Any]:
    """Which program ran the case, and its options."""
    seen: list[tuple[str, Any]] = []

    def noting(program: str) -> Any:
        def run(options: Any, **_: Any) -> Report:
            seen.append((program, options))
            return Report(services=options.services, fault="none", speed=options.speed, seed=options.seed)

        return run

    monkeypatch.setattr(drill, "run", noting("drill"))
    monkeypatch.setattr(control, "run", noting("control"))
    one_case.run(CASES[name], seed=7, block=50, assembly=Path("a"), workdir=None, console=Console(file=io.StringIO()))
    return seen[0]


def test_a_case_of_the_product_is_a_drill_of_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    program, options = ran("cluster-dies", monkeypatch)

    assert program == "drill"
    assert (options.fault, options.strategy, options.services) == ("kill-primary", "active-active", "real")
    assert (options.seed, options.block, options.clients) == (7, 50, CASES["cluster-dies"].plan)


def test_the_control_is_no_drill_of_the_product(monkeypatch: pytest.MonkeyPatch) -> None:
    program, options = ran("control", monkeypatch)

    assert (program, options.seed, options.clients) == ("control", 7, CASES["control"].plan)
