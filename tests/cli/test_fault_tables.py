"""The fault table and its results on a terminal."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console
from rich.table import Table

from emr_dr_cli.fault_tables import fault_table, line, result_table
from emr_drill.faults.table import FAULTS

RUN: dict[str, Any] = {
    "fault": "kill-livy",
    "seed": 1,
    "passed": True,
    "submits_again_seconds": 91.4,
    "jobs": {"lost": 0},
    "operations": ["repaired"],
    "why": [],
}
BROKEN = {**RUN, "seed": 2, "passed": False, "why": ["one thing", "another"], "submits_again_seconds": None}


def shown(table: Table) -> str:
    console = Console(file=io.StringIO(), width=250, record=True)
    console.print(table)
    return console.export_text()


def test_every_fault_is_shown_with_what_must_happen() -> None:
    text = shown(fault_table())

    assert [fault.name for fault in FAULTS.values() if fault.name not in text] == []
    assert "Livy is restarted in place" in text


def test_a_line_says_how_it_ended() -> None:
    assert line(RUN) == "kill-livy (seed 1): as it must be: repaired"
    assert line({**RUN, "operations": []}) == "kill-livy (seed 1): as it must be: no operation"


def test_a_line_of_a_failure_says_why() -> None:
    assert line(BROKEN) == "kill-livy (seed 2): FAILED\n    one thing\n    another"


def test_a_line_of_a_failure_says_where_its_logs_are() -> None:
    assert line({**BROKEN, "files": "here"}).endswith("\n    files of this drill: here")
    assert "files" not in line({**RUN, "files": "here"})


def test_results_are_shown_row_by_row() -> None:
    text = shown(result_table({"what": "the fault table", "runs": [RUN, BROKEN]}))

    row = next(one for one in text.splitlines() if "kill-livy" in one)
    assert [cell.strip() for cell in row.strip("│").split("│")] == ["kill-livy", "1 of 2", "repaired", "91", "0"]


def test_a_row_without_figures_is_shown() -> None:
    assert "│ -" in shown(
        result_table({"what": "x", "runs": [{"fault": "none", "seed": 1, "passed": False, "why": ["no report"]}]})
    )
