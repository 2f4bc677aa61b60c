"""Jobs that went down: what people could read of them before their clients were told."""

from __future__ import annotations

from typing import Any

import pytest

from emr_drill.faults.lost import LostJob, lost_jobs
from emr_drill.jobs.plan import Job
from emr_drill.jobs.submitter import Progress, Try

JOB = Job(key="overlong-1", seconds=5400, fails=False, keeps_connection=False, again=60)


def message(text: str, at: float = 90.0) -> dict[str, Any]:
    return {"kind": "notification", "at": at, "subject": "s", "message": text}


def lost(*journal: dict[str, Any], job: Job = JOB, told: str = "lost") -> list[LostJob]:
    first = Try(name="overlong-1-try1", id=1001000007, application="application_1_7", told=told, told_at=100.0)
    second = Try(name="overlong-1-try2", id=1002000001, told="success", told_at=200.0)
    return lost_jobs([Progress(job=job, tries=[first, second])], {"overlong-1-try1"}, list(journal))


@pytest.mark.parametrize("text", ["batches 1001000006, 1001000007", "applications application_1_7."])
def test_a_job_is_named_by_its_batch_or_its_application(text: str) -> None:
    assert lost(message(text)) == [LostJob(name="overlong-1-try1", overlong=True, named=True)]


@pytest.mark.parametrize(
    "entry",
    [
        message("batches 10010000071, application_1_70"),
        message("batches 1001000007", at=101.0),
        {"kind": "metric", "at": 90.0, "message": "1001000007"},
    ],
    ids=["a longer number", "too late", "no message"],
)
def test_whatever_else_names_no_job(entry: dict[str, Any]) -> None:
    assert [one.named for one in lost(entry)] == [False]


def test_what_its_client_was_told_is_kept() -> None:
    assert [one.answered for one in lost(told="failure")] == ["failure"]


def test_a_job_of_the_usual_length_is_not_overlong() -> None:
    usual = Job(key="loaded-1", seconds=300, fails=False, keeps_connection=False)

    assert [one.overlong for one in lost(job=usual)] == [False]
