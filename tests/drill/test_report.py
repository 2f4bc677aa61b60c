"""What a drill found out, for machines and for people (A13)."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from emr_drill.faults.judging import RowResult
from emr_drill.report import IncarnationLine, OperationLine, Report, render

COUNTS = {
    "submitted": 27,
    "succeeded": 18,
    "failed": 9,
    "lost": 8,
    "resubmitted": 8,
    "repeated": 3,
    "broken": 0,
    "disturbed": 0,
    "unreported": 0,
    "doubled": 0,
    "wrong": 0,
}


def good(**changes: Any) -> Report:
    """A report of a drill that went well, with *changes*."""
    values: dict[str, Any] = {
        "services": "simulated",
        "fault": "kill-primary",
        "speed": 25.0,
        "seed": 1,
        "recovered": True,
        "phases": {"detect": 34.0, "decide": 8.0, "launch": 470.0, "verify": 55.0, "cut_over": 28.0},
        "recovery_seconds": 595.0,
        "emr_launch_seconds": 465.0,
        "overhead_seconds": 130.0,
        "jobs": dict(COUNTS),
        "incarnations": [
            IncarnationLine(
                managed_cluster="a",
                generation=1,
                availability_zone="us-east-1a",
                first_id=1001000000,
                last_id=1001999999,
                serving_from=700.0,
                serving_to=1300.0,
                end="retired",
            )
        ],
        "operations": [
            OperationLine(kind="failover", reason="unhealthy", outcome="failed over", phases={"decide": 8.0})
        ],
        "machine_seconds": 61.0,
    }
    return Report(**{**values, **changes})


def text(report: Report) -> str:
    """What a person reads, on a wide terminal."""
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(render(report))
    return console.export_text()


def test_a_drill_that_recovered_cleanly_passed() -> None:
    assert good().passed


@pytest.mark.parametrize(
    "spoil",
    [
        lambda report: setattr(report, "recovered", False),
        lambda report: report.jobs.update(unreported=1),
        lambda report: report.jobs.update(doubled=1),
        lambda report: report.jobs.update(wrong=1),
        lambda report: report.invariants_broken.append("two incarnations share an id range"),
        lambda report: setattr(report, "problem", "waited 600 s for something, in vain"),
    ],
)
def test_any_broken_promise_fails_the_drill(spoil: Callable[[Report], None]) -> None:
    report = good()
    spoil(report)

    assert not report.passed


@pytest.mark.parametrize("count", ["lost", "resubmitted", "repeated", "disturbed", "failed"])
def test_what_a_failover_costs_is_no_broken_promise(count: str) -> None:
    """A job that went down with its cluster is lost; its client is told and runs it again."""
    assert good(jobs={**COUNTS, count: 5}).passed


def test_the_json_has_every_field_that_tools_read() -> None:
    found = json.loads(json.dumps(good().to_dict()))

    assert {
        *("strategy", "services", "fault", "speed", "seed", "recovered", "phases", "recovery_seconds"),
        *("emr_launch_seconds", "overhead_seconds", "jobs", "incarnations", "operations", "invariants_broken"),
        *("inert_types", "passed"),
    } <= set(found)
    assert set(found["jobs"]) == set(COUNTS)
    assert {"generation", "availability_zone", "first_id", "last_id", "serving_from", "serving_to"} <= set(
        found["incarnations"][0]
    )
    assert set(found["operations"][0]) == {"kind", "reason", "outcome", "phases"}


def test_the_headline_says_how_long_and_whose_time_it_was() -> None:
    shown = text(good())

    assert "the drill passed" in shown
    assert "recovered in 595 s" in shown
    assert "465 s of that is EMR launching a cluster, 130 s is ours" in shown


def test_a_drill_that_broke_nothing_claims_no_recovery() -> None:
    shown = text(good(fault="none", phases={}, recovery_seconds=None, emr_launch_seconds=None, overhead_seconds=None))

    assert "the drill passed" in shown
    assert "recovered in" not in shown


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"recovered": False}, "the system did not recover"),
        ({"problem": "waited 600 s for 5 jobs running, in vain"}, "waited 600 s for 5 jobs running, in vain"),
        ({"jobs": {**COUNTS, "unreported": 2}}, "2 jobs unreported"),
        ({"invariants_broken": ["a generation was used twice: [1, 1]"]}, "a generation was used twice: [1, 1]"),
    ],
)
def test_a_failure_says_why(changes: dict[str, Any], words: str) -> None:
    shown = text(good(**changes))

    assert "the drill FAILED" in shown
    assert words in shown


def test_every_phase_is_shown_with_what_happens_in_it() -> None:
    rows = {row.split()[1]: row for row in text(good()).splitlines() if row.startswith("│ ") and len(row.split()) > 2}

    assert [rows[name].split()[3] for name in ("detect", "decide", "launch", "verify", "cut_over")] == [
        *("34", "8", "470", "55", "28")
    ]


def test_every_count_of_jobs_is_shown() -> None:
    shown = text(good())

    assert [name for name in COUNTS if f"│ {name} " not in shown] == []


def row(*did_not_hold: str, listed: list[str] | None = None) -> RowResult:
    return RowResult(name="kill-livy", must="Livy is restarted", did_not_hold=[*did_not_hold], listed=listed or [])


def test_with_a_row_the_row_decides() -> None:
    """What it allows, and what it does not."""
    assert good(fault_row=row(), recovered=False, jobs={**COUNTS, "doubled": 1}).passed
    assert not good(fault_row=row("1 clusters were launched")).passed


def test_a_row_that_held_is_told_with_what_has_to_be_listed() -> None:
    shown = text(good(fault="kill-livy", fault_row=row(listed=["the fence limit passed"])))

    assert "kill-livy: as it must be: Livy is restarted" in shown
    assert "listed: the fence limit passed" in shown


def test_a_row_that_did_not_hold_is_told_sentence_by_sentence() -> None:
    shown = text(good(fault="kill-livy", fault_row=row("one thing", "another thing")))

    assert "kill-livy: what must happen: Livy is restarted" in shown
    assert "one thing" in shown and "another thing" in shown


@pytest.mark.parametrize(("did_not_hold", "held"), [((), True), (("one thing",), False)])
def test_the_json_says_whether_the_row_held(did_not_hold: tuple[str, ...], held: bool) -> None:
    found = json.loads(json.dumps(good(fault_row=row(*did_not_hold)).to_dict()))

    assert (found["fault_row"]["held"], found["passed"]) == (held, held)
    assert found["fault_row"]["must"] == "Livy is restarted"


def test_complaints_about_jobs_are_shown() -> None:
    assert "wrong: k: told success" in text(good(complaints=["wrong: k: told success"]))


def test_incarnations_are_shown_with_their_ids() -> None:
    assert "1001000000 to 1001999999" in text(good())


@pytest.mark.parametrize(("late", "told"), [(0.3, False), (0.5, True)])
def test_a_machine_that_is_too_busy_is_told(late: float, told: bool) -> None:
    """Half a second is 12 s on the drill's clock: more than a round of the probers."""
    assert ("this machine was too busy for speed 25" in text(good(machine_late_seconds=late))) is told


def test_what_the_stand_in_does_not_do_is_named() -> None:
    assert "AWS::S3::BucketPolicy" in text(good(inert_types=["AWS::S3::BucketPolicy"]))


def test_application_ids_count_with_real_services_alone() -> None:
    applications = {"before-01-try1": "application_1_1", "before-02-try1": "application_1_2"}

    assert "2 YARN application ids" in text(good(services="real", applications=applications))
    assert "YARN application ids" not in text(good(applications=applications))


def test_texts_with_brackets_are_shown_as_they_are() -> None:
    """Rich would take [bold] for markup."""
    assert "prefixes [bold]" in text(good(problem="prefixes [bold]"))
