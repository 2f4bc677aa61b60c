"""The cases of the matrix (A6, A9)."""

from __future__ import annotations

import pytest

from emr_drill.airflow_matrix.cases import (
    CASES,
    DIES_AFTER_END,
    POLLING_SECONDS,
    POSITION_LIMIT_SECONDS,
    ROWS,
    Action,
    Case,
    Group,
    Request,
)
from emr_drill.airflow_matrix.outcomes import Outcome
from emr_drill.faults.table import FAULTS


def test_every_group_has_cases_and_a_row_that_is_there() -> None:
    assert {case.group for case in CASES.values()} == set(Group) == set(ROWS)
    assert set(ROWS.values()) <= set(FAULTS)


@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.name)
def test_a_case_has_a_mishap_or_a_fault_of_clusters(case: Case) -> None:
    assert case.mishaps or case.group is not Group.WIRE
    assert all(one.seconds or one.times for one in case.mishaps)
    assert case.seconds > 2 * POLLING_SECONDS


@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.name)
def test_who_is_made_to_wait_has_the_patience(case: Case) -> None:
    """Else it gives up before what its case is about."""
    waits = any(one.action in (Action.ANSWER_AFTER, Action.ASK_AFTER, Action.FORGET) for one in case.mishaps)
    assert waits == (case.request_limit > 60)


def test_what_dies_after_the_answer_was_never_polled() -> None:
    (one,) = CASES["dies-after-answer"].mishaps
    assert (one.request, one.after) == (Request.POLL, 0)


def test_only_what_ended_unseen_may_end_otherwise_than_right() -> None:
    """A9: whatever else fails, each job's effect is there once, and its task says so."""
    others = {case.name: case.expected for case in CASES.values() if case.expected != {Outcome.RIGHT}}

    assert others == {
        "expired": {Outcome.RIGHT, Outcome.DISTURBED},
        "dies-after-end": {Outcome.RIGHT, Outcome.DOUBLED},
    }


def test_jobs_run_on_until_the_last_one_is_there_and_the_fault_strikes() -> None:
    for case in CASES.values():
        if case.group in (Group.DIES, Group.LIVY_RESTART) and case.name != DIES_AFTER_END:
            assert case.seconds > POSITION_LIMIT_SECONDS
