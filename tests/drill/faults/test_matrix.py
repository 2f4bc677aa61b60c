"""The drill matrix shows what was drilled, with what came of it, and what was not."""

from __future__ import annotations

from typing import Any

from emr_drill.faults.matrix import COLUMNS, NOT_RUN, matrix_table
from emr_drill.faults.model import WARM


def drilled(fault: str, *passed: bool) -> dict[str, Any]:
    """Content of a result file with drills of one row."""
    runs = [{"fault": fault, "passed": one, "commit": f"{number:040d}"} for number, one in enumerate(passed)]
    return {"runs": runs}


def cells(table: str, fault: str) -> list[str]:
    """The row of a fault, cell by cell."""
    (row,) = [line for line in table.splitlines() if line.startswith(f"| {fault} |")]
    return [cell.strip() for cell in row.split("|")[2:-1]]


def test_a_cell_counts_the_drills_in_which_everything_was_as_it_must_be() -> None:
    """B6: a drill that did not hold is not left out."""
    table = matrix_table({"faults-active-active": drilled("kill-primary", True, False, True)})
    assert cells(table, "`kill-primary`") == [NOT_RUN, NOT_RUN, "2 of 3", NOT_RUN, NOT_RUN, NOT_RUN]
    assert cells(table, "**held, of drills**") == [*["**0 of 0**"] * 2, "**2 of 3**", *["**0 of 0**"] * 3]


def test_a_row_that_is_not_for_a_column_is_empty_there() -> None:
    assert cells(matrix_table({}), "`kill-standby`") == [*[""] * 4, NOT_RUN, ""]
    assert cells(matrix_table({}), "`throttled-api`")[1] == "", "not for real services"


def test_it_says_of_which_commits_the_drills_were() -> None:
    """Drills of several codes must not look like those of one."""
    table = matrix_table({"faults-simulated": drilled("kill-livy", True, True)})
    assert "* active-passive, simulated: commit `0000000000`, `0000000000`" not in table
    assert "* active-passive, simulated: commit `0000000000`" in table
    assert f"* {WARM}, simulated: {NOT_RUN}" in table


def test_every_strategy_has_a_column() -> None:
    """A2."""
    assert [column.title for column in COLUMNS] == [
        "active-passive, simulated",
        "active-passive, real",
        "active-active, simulated",
        "active-active, real",
        "active-passive-warm, simulated",
        "active-passive-warm, real",
    ]


def test_drills_that_measure_how_soon_are_drills_of_the_row() -> None:
    """A table that says `not run` beside one that has their figures would contradict it."""
    contents = {
        "faults-active-active": drilled("kill-primary", True),
        "recovery-active-active": drilled("kill-primary", True),
    }

    assert cells(matrix_table(contents), "`kill-primary`")[2] == "2 of 2"
