"""What is counted, under a bounded number of names, and the line that tells of each job (B11)."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emr_dr_airflow.decisions.telemetry import (
    LONGEST_PIPELINE,
    Count,
    Duration,
    Report,
    Result,
    of_end,
    of_loss,
    of_submission,
    pipeline_of,
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
