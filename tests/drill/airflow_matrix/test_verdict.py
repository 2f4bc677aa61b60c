"""What became of a run (A6, A7, A9)."""

from __future__ import annotations

import pytest

from emr_drill.airflow_matrix.cases import Request
from emr_drill.airflow_matrix.lines import Seen
from emr_drill.airflow_matrix.outcomes import Outcome
from emr_drill.airflow_matrix.verdict import Said, outcome, strangers
from emr_drill.jobs.ledger import Entry


def entry(at: float, event: str = "effect", incarnation: str = "g1") -> Entry:
    return Entry(job="k", incarnation=incarnation, application=f"application_{at}", at=at, event=event)


@pytest.mark.parametrize(
    ("state", "effects", "killed", "expected"),
    [
        ("success", [10.0], False, Outcome.RIGHT),
        ("success", [], False, Outcome.WRONG),
        ("success", [30.0], False, Outcome.WRONG),  # said before it was so
        ("success", [10.0, 20.0], False, Outcome.DOUBLED),
        ("failed", [10.0, 20.0], False, Outcome.DOUBLED),
        ("failed", [], False, Outcome.LOST_AND_SAID),
        ("failed", [10.0], False, Outcome.DISTURBED),
        ("", [], False, Outcome.SILENT),
        ("", [10.0], False, Outcome.SILENT),
        ("failed", [], True, Outcome.RIGHT),
        ("failed", [10.0], True, Outcome.WRONG),
        ("success", [], True, Outcome.WRONG),
    ],
)
def test_what_a_task_says_is_compared_with_what_its_job_did(
    state: str, effects: list[float], killed: bool, expected: Outcome
) -> None:
    assert outcome(Said(state=state, at=20.0), [entry(at) for at in effects], killed=killed) is expected


def test_a_job_that_failed_has_no_effect() -> None:
    assert outcome(Said(state="failed", at=20.0), [entry(10.0, "failed")], killed=False) is Outcome.LOST_AND_SAID


def test_a_delete_of_anothers_batch_is_told_whatever_was_answered() -> None:
    def seen(request: Request, batch: int, status: int = 200) -> Seen:
        return Seen(at=0.0, request=request, status=status, batch=batch)

    owners = {1: "mine", 2: "theirs", 3: "theirs"}
    requests = [
        seen(Request.DELETE, 1),
        seen(Request.DELETE, 2),
        seen(Request.DELETE, 3, 404),
        seen(Request.DELETE, 2, 0),  # nobody answered
        seen(Request.POLL, 3),
        seen(Request.DELETE, 4),  # a ghost's: no job got it
    ]

    assert strangers("mine", requests, owners) == [2, 3, 2]
