"""The data set: however often its job runs, one run of each day counts (A9, B9, B11)."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from .conftest import Told
from .job_livy import CLEARED, DOUBLED, LOST_AFTER, LOST_BEFORE, ROWS, WELL
from .stage import DAYS, LATE_SECONDS


@pytest.mark.parametrize("key", [*DAYS, "totals-s3"])
def test_it_succeeds_whatever_becomes_of_its_first_job(runs: Told, key: str) -> None:
    assert runs[key]["state"] == "success", runs[key]["log"][-3000:]


@pytest.mark.parametrize(("day", "written"), [(WELL, 1), (LOST_BEFORE, 2), (LOST_AFTER, 1), (DOUBLED, 2)])
def test_one_run_of_a_day_counts_and_is_complete(told: Told, day: str, written: int) -> None:
    """Lost and run again, or doubled."""
    marker = told["markers"][f"date={day}"]
    files = [each for each in told["output"] if each.startswith(f"date={day}/run=")]

    assert marker["rows"] == ROWS
    assert len(files) == written
    assert f"date={day}/run={marker['run']}/part-0.parquet" in files


def test_a_sample_is_computed_first_and_writes_nothing(told: Told) -> None:
    """B11: a canary before the full job."""
    for day in (WELL, LOST_BEFORE, LOST_AFTER, DOUBLED):
        submits = [arguments for arguments in told["submitted"] if day in arguments]
        assert len([each for each in submits if "--sample" in each]) == 1
    assert told["runs"]["totals"]["tasks"] == {"sample": "success", "write": "success", "publish_freshness": "success"}


@pytest.mark.parametrize(("day", "times"), [(WELL, 1), (LOST_BEFORE, 2), (LOST_AFTER, 2), (DOUBLED, 2)])
def test_what_was_lost_is_run_again_once(told: Told, day: str, times: int) -> None:
    assert len([each for each in told["submitted"] if day in each and "--sample" not in each]) == times


def test_a_job_is_told_where_to_write_and_whose_it_is(told: Told) -> None:
    (arguments,) = (each for each in told["submitted"] if WELL in each and "--sample" not in each)

    assert arguments[0] == "--output" and arguments[1].startswith("file://")
    assert arguments[2:] == ["--date", WELL, "--attempt", "1"]


def test_it_tells_how_late_the_totals_are(runs: Told) -> None:
    """B9: from the end of the day on."""
    assert lag_of(runs["totals-doubled"]) - lag_of(runs["totals"]) == pytest.approx(86_400, abs=300)


def test_a_day_that_is_cleared_is_as_late_as_it_was(runs: Told) -> None:
    """B9: what was there in time is told to have been, however late it is looked at."""
    assert lag_of(runs["totals-cleared"]) == LATE_SECONDS


def test_in_s3_the_time_of_the_marker_counts(told: Told) -> None:
    end = datetime(2026, 11, 7, tzinfo=UTC).timestamp()

    assert lag_of(told["runs"]["totals-s3"]) == told["made_in_s3"] - end


def test_how_late_they_are_is_a_line_of_json_too(runs: Told) -> None:
    """B9: in the log, as everything that is told of a job."""
    log: str = runs["totals-cleared"]["log"]
    line, _ = json.JSONDecoder().raw_decode(log[log.index('{"committed_at"') :])

    assert line == {
        "event": "emr_dr_freshness",
        "pipeline": "daily-totals",
        "date": CLEARED,
        "committed_at": "2026-11-06T01:00:00+00:00",
        "lag_seconds": LATE_SECONDS,
    }


def lag_of(run: Told) -> float:
    """What a run told."""
    (lag,) = (each["seconds"] for each in run["metrics"] if each["name"].endswith("lag.daily-totals"))
    return float(lag)
