"""Results of the fault table, and the document made of them."""

from __future__ import annotations

from typing import Any

from emr_drill.faults.results import document, summaries
from emr_drill.faults.table import FAULTS


def run(fault: str = "kill-livy", seed: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "fault": fault,
        "seed": seed,
        "passed": True,
        "speed": 25.0,
        "submits_again_seconds": 90.0,
        "jobs": {"lost": 1, "unreported": 0, "doubled": 0, "wrong": 0},
        "operations": ["repaired"],
        "listed": [],
        "why": [],
        **changes,
    }


def content(*runs: dict[str, Any]) -> dict[str, Any]:
    return {
        "services": "real",
        "seeds": [1, 2],
        "commit": "0123456789abcdef",
        "measured": "2026-11-21",
        "runs": list(runs),
    }


def test_drills_of_one_row_are_summed_up() -> None:
    (summary,) = summaries(content(run(), run(seed=2, passed=False, submits_again_seconds=110.0)))

    assert (summary.fault, summary.runs, summary.held) == ("kill-livy", 2, 1)
    assert (summary.seconds, summary.lost, summary.bad) == (100.0, 2, 0)
    assert summary.outcomes == ["repaired"]


def test_bad_jobs_are_counted_together() -> None:
    (summary,) = summaries(content(run(jobs={"unreported": 1, "doubled": 2, "wrong": 3})))

    assert summary.bad == 6


def test_rows_come_in_the_order_of_the_table() -> None:
    found = summaries(content(run("hang-livy"), run("kill-primary")))

    assert [summary.fault for summary in found] == ["kill-primary", "hang-livy"]


def test_a_drill_that_could_not_run_has_no_figures() -> None:
    (summary,) = summaries(content({"fault": "kill-livy", "seed": 1, "passed": False, "why": ["no report"]}))

    assert (summary.held, summary.seconds, summary.lost) == (0, None, 0)


def test_the_document_explains_every_row() -> None:
    text = document([])

    assert [name for name in FAULTS if f"| `{name}` |" not in text] == []
    assert FAULTS["hang-livy"].must in text


def test_the_document_shows_what_was_measured_and_what_failed() -> None:
    measured = content(run(), run(seed=2, passed=False, why=["one", "two"]), run("old-returns", listed=["doubled: 1"]))

    text = document([measured, {**measured, "strategy": "active-active", "services": "simulated"}])

    assert "## Measured: active-passive, real services" in text
    assert "## Measured: active-active, simulated services" in text
    assert "2 of 3 drills were as they must be" in text
    assert "| `kill-livy` | 1 of 2 | 25 | repaired | 90 | 2 | 0 |  |" in text
    assert "doubled: 1" in text
    assert "* `kill-livy`, seed 2: one; two" in text


def test_without_failures_none_are_listed() -> None:
    assert "Not as they must be" not in document([content(run())])


def test_the_document_says_where_another_strategy_leads_to_something_else() -> None:
    """A2."""
    text = document([])

    assert "| `kill-all-primaries` (this strategy alone) |" in text
    assert text.count("in the AZ of the other managed cluster") == 4
