"""What is counted of jobs, by pipeline, and the one line of JSON that tells of each.

A pipeline is a DAG unless its author says otherwise.  Neither runs nor tasks are dimensions: their number has no
bound.  Words are those of the whole product: a job is ``lost`` when its cluster is gone and its client was told so,
``failed`` by its own fault; how an ``unknown`` one ended, nobody said.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum

from emr_dr_airflow.decisions.course import Course
from emr_dr_airflow.decisions.names import TaskTry

PREFIX = "emr_dr"
LONGEST_PIPELINE = 60
_OTHER_CHARACTERS = re.compile(r"[^a-z0-9_-]+")


class Result(StrEnum):
    """How a job ended for its task."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    LOST = "lost"
    TIMED_OUT = "timed_out"
    KILLED = "killed"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Add 1 to a counter."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """A length of time, seconds."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One job at its end.

    Attributes:
        result: how it ended.
        pipeline: what it is counted under.
        dag_id, run_id, task_id, map_index, try_number: whose it is.
        batch_name: the correlation id: also in Spark's properties and in YARN's tags.
        batch_id: of its last batch, ``None`` if there was none.
        application_id: of its last batch, empty if it had none.
        resubmissions: how many batches were lost and run again.
        duration_seconds: from the first submit to the end that was seen; ``None`` where there was none.
        queue_seconds: from the last submit to when it was first seen to run; ``None`` if it was not seen to wait.
        reason: why it did not succeed.
    """

    result: Result
    pipeline: str
    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    try_number: int
    batch_name: str
    batch_id: int | None = None
    application_id: str = ""
    resubmissions: int = 0
    duration_seconds: float | None = None
    queue_seconds: float | None = None
    reason: str = ""


def report_of(
    result: Result,
    course: Course | None,
    whose: TaskTry,
    *,
    pipeline: str,
    name: str = "",
    at: float | None = None,
    running_at: float | None = None,
    reason: str = "",
) -> Report:
    """What there is to tell of a job.

    Args:
        result: how it ended.
        course: of the job; ``None`` if it was not submitted, as far as is known.
        whose: the try of its task.
        pipeline: what it is counted under.
        name: of the batch that was to be, without a course.
        at: when its end was seen; ``None`` if none was.
        running_at: when it was first seen to run, if that is known.
        reason: why it did not succeed.
    """
    return Report(
        result=result,
        pipeline=pipeline,
        dag_id=whose.dag_id,
        run_id=whose.run_id,
        task_id=whose.task_id,
        map_index=whose.map_index,
        try_number=whose.number,
        batch_name=course.name if course else name,
        batch_id=course.batch if course else None,
        application_id=course.application if course else "",
        resubmissions=course.resubmissions if course else 0,
        duration_seconds=round(max(0.0, at - course.begun_at), 3) if course and at is not None else None,
        queue_seconds=round(max(0.0, running_at - course.submitted_at), 3) if course and running_at else None,
        reason=reason,
    )


def of_whom_time_ran_out(course: Course, now: float) -> bool:
    """Whether a job that was ended from outside was, as far as times tell, because its task's time is up."""
    return course.deadline is not None and now >= course.deadline


def pipeline_of(text: str) -> str:
    """*text* as a part of a metric's name: at most 60 of ``a-z``, ``0-9``, ``_`` and ``-``."""
    return _OTHER_CHARACTERS.sub("_", text.lower()).strip("_")[:LONGEST_PIPELINE] or "unnamed"


def of_submission(*, resubmission: int) -> Iterator[Count]:
    """What a batch that was taken counts as."""
    yield Count(name="jobs_resubmitted" if resubmission else "jobs_submitted")


def of_loss() -> Iterator[Count]:
    """What a batch that went down with its cluster counts as."""
    yield Count(name="jobs_lost")


def of_end(report: Report) -> Iterator[Count | Duration]:
    """What the end of a job counts as.  Losses were counted as they happened."""
    if report.result is not Result.LOST:
        yield Count(name=f"jobs_{report.result}")
    if report.duration_seconds is not None:
        yield Duration(name="job_duration", seconds=report.duration_seconds)
    if report.queue_seconds is not None:
        yield Duration(name="job_queue_time", seconds=report.queue_seconds)


def to_line(report: Report) -> str:
    """One line of JSON with everything that is known of a job."""
    return json.dumps({"event": "emr_dr_job", **asdict(report)}, sort_keys=True, ensure_ascii=True)
