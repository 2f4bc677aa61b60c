"""What is counted, under a bounded number of names, and the line that tells of each job (B11)."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emr_dr_airflow.decisions.course import Course
from emr_dr_airflow.decisions.names import TaskTry
from emr_dr_airflow.decisions.telemetry import (
    LONGEST_PIPELINE,
    Count,
    Duration,
    Report,
    Result,
    of_end,
    of_loss,
    of_submission,
    of_whom_time_ran_out,
    pipeline_of,
    report_of,
    to_line,
)

REPORT = Report(
    result=Result.SUCCEEDED,
    pipeline="etl",
    dag_id="etl",
    run_id="r",
    task_id="load",
    map_index=-1,
    try_number=1,
    batch_name="j-x",
    batch_id=7,
    application_id="application_1_1",
    duration_seconds=60.0,
    queue_seconds=5.0,
)
WHOSE = TaskTry(dag_id="etl", run_id="r", run_key="", task_id="load", map_index=-1, number=1)
COURSE = Course(number=1, name="j-x", batch=7, begun_at=10.0, submitted_at=40.0, application="application_1_1")


@given(st.text(max_size=300))
def test_a_pipeline_is_a_part_of_a_metrics_name(text: str) -> None:
    assert re.fullmatch(rf"[a-z0-9_-]{{1,{LONGEST_PIPELINE}}}", pipeline_of(text))


def test_a_batch_counts_once_when_it_is_taken() -> None:
    assert list(of_submission(resubmission=0)) == [Count(name="jobs_submitted")]
    assert list(of_submission(resubmission=1)) == [Count(name="jobs_resubmitted")]
    assert list(of_loss()) == [Count(name="jobs_lost")]


def test_an_end_counts_with_its_times() -> None:
    assert list(of_end(REPORT)) == [
        Count(name="jobs_succeeded"),
        Duration(name="job_duration", seconds=60.0),
        Duration(name="job_queue_time", seconds=5.0),
    ]


@pytest.mark.parametrize("result", Result)
def test_every_end_counts_as_what_it_is(result: Result) -> None:
    """A loss was counted when it happened."""
    counts = [one.name for one in of_end(replace(REPORT, result=result)) if isinstance(one, Count)]

    assert counts == ([] if result is Result.LOST else [f"jobs_{result.value}"])


def test_without_an_end_there_are_no_times() -> None:
    report = replace(REPORT, result=Result.REFUSED, duration_seconds=None, queue_seconds=None)

    assert list(of_end(report)) == [Count(name="jobs_refused")]


def test_a_job_is_one_line_of_json() -> None:
    line = to_line(replace(REPORT, reason="two\nlines"))

    assert "\n" not in line
    assert json.loads(line)["event"] == "emr_dr_job"
    assert json.loads(line)["application_id"] == "application_1_1"


def test_a_report_says_what_the_course_knows() -> None:
    report = report_of(Result.SUCCEEDED, COURSE, WHOSE, pipeline="etl", at=70.0, running_at=45.0)

    assert report == REPORT


def test_a_job_that_was_not_seen_to_wait_has_no_queue_time() -> None:
    """Nor does one count whose end nobody saw, and one that never was has a name at most."""
    report = report_of(Result.FAILED, COURSE, WHOSE, pipeline="etl", at=70.0)
    assert (report.duration_seconds, report.queue_seconds) == (60.0, None)

    report = report_of(Result.KILLED, COURSE, WHOSE, pipeline="etl")
    assert (report.duration_seconds, report.queue_seconds) == (None, None)
    assert report.application_id == "application_1_1"

    report = report_of(Result.REFUSED, None, WHOSE, pipeline="etl", name="j-y", at=70.0)
    assert (report.batch_name, report.batch_id, report.duration_seconds) == ("j-y", None, None)


@pytest.mark.parametrize(("deadline", "late"), [(None, False), (99.0, False), (50.0, True)])
def test_times_tell_a_timeout_from_a_person(deadline: float | None, late: bool) -> None:
    assert of_whom_time_ran_out(replace(COURSE, deadline=deadline), 70.0) is late
