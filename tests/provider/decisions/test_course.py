"""What travels through a deferral comes back as it was (A9)."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from emr_dr_airflow.decisions.batches import Batch
from emr_dr_airflow.decisions.course import RESUME_SECONDS, Course, deadline_of, outcome_from_dict, outcome_to_dict
from emr_dr_airflow.decisions.watching import Ended, Lost, Outcome, TimedOut, Unknown

BATCH = Batch(id=7, name="n", state="success", application="application_1_1", tracking_url="http://x")
COURSE = Course(number=2, name="n", batch=7, begun_at=1.5, submitted_at=2.5, resubmissions=1, deadline=9.0)


def test_a_course_survives_json() -> None:
    assert Course.from_dict(json.loads(json.dumps(COURSE.to_dict()))) == COURSE


@pytest.mark.parametrize(
    "outcome",
    [
        Ended(batch=BATCH, at=3.5, running_at=2.5),
        Ended(batch=BATCH, at=3.5, running_at=None),
        Lost(at=1.0, last=BATCH),
        TimedOut(at=2.0),
        Unknown(reason="why", at=3.0),
    ],
)
def test_an_outcome_survives_json(outcome: Outcome) -> None:
    assert outcome_from_dict(json.loads(json.dumps(outcome_to_dict(outcome)))) == outcome


def test_an_event_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="got 'sunk'"):
        outcome_from_dict({"kind": "sunk"})


def test_a_course_learns_from_its_batch_and_forgets_nothing() -> None:
    learned = COURSE.seen(BATCH)

    assert (learned.application, learned.tracking_url) == ("application_1_1", "http://x")
    assert learned.seen(Batch(id=7, name="n", state="recovering")) == learned


@pytest.mark.parametrize(
    "outcome",
    [
        Ended(batch=BATCH, at=3.5, running_at=2.5),
        Lost(at=1.0, last=BATCH),
        TimedOut(at=1.0, last=BATCH),
        Unknown(reason="why", at=1.0, last=BATCH),
    ],
)
def test_a_course_goes_on_with_what_its_job_had_last(outcome: Outcome) -> None:
    """Its id, and its application, whatever became of it (B9)."""
    after = replace(COURSE, batch=3).after(outcome)

    assert (after.batch, after.application, after.tracking_url) == (7, "application_1_1", "http://x")


def test_an_outcome_of_no_batch_changes_nothing() -> None:
    assert COURSE.after(Unknown(reason="why", at=3.0)) == COURSE


@pytest.mark.parametrize(("limit", "left"), [(86_400.0, RESUME_SECONDS), (600.0, 60.0), (30.0, 3.0)])
def test_a_trigger_has_its_word_before_airflow_2_has(limit: float, left: float) -> None:
    """It counts from the start of the try, as Airflow 2 does, and leaves time to resume."""
    assert deadline_of(1000.0, limit) == 1000.0 + limit - left


def test_without_a_limit_there_is_no_deadline() -> None:
    assert deadline_of(1000.0, None) is None
