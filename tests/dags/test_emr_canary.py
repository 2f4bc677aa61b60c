"""The canary: success and latency of a small job, by schedule (B11)."""

from __future__ import annotations

from emr_dr.settings import CANARY_FILE

from .conftest import Told
from .files import DAGS


def counted(run: Told) -> list[str]:
    """Metrics with the pipeline in their name."""
    return [each["name"] for each in run["metrics"] if not each["tags"]]


def test_it_counts_a_success_and_how_long_that_took(runs: Told) -> None:
    assert runs["canary"]["state"] == "success", runs["canary"]["log"][-3000:]
    # On a busy machine nobody may have seen the job wait: then how long it waited is not told.
    assert [each for each in counted(runs["canary"]) if each != "emr_dr.job_queue_time.canary"] == [
        "emr_dr.jobs_submitted.canary",
        "emr_dr.jobs_succeeded.canary",
        "emr_dr.job_duration.canary",
    ]
    assert all(each["seconds"] > 0 for each in runs["canary"]["metrics"] if "job_" in each["name"])


def test_it_counts_a_failure(runs: Told) -> None:
    assert runs["canary-away"]["state"] == "failed"
    assert "emr_dr.jobs_failed.canary" in counted(runs["canary-away"])


def test_one_runs_at_a_time_and_ends_before_the_next_begins(loaded: Told) -> None:
    canary = loaded["dags"]["emr_canary"]

    assert (canary["scheduled"], canary["active_runs"]) == (True, 1)
    assert canary["time_limit"] < 900


def test_nobody_has_to_turn_it_on(loaded: Told) -> None:
    """B11: Airflow, and so MWAA, pauses a new DAG that does not say otherwise."""
    assert loaded["dags"]["emr_canary"]["paused"] is False


def test_its_job_is_the_one_that_each_cluster_has() -> None:
    """Put there by a step of the incarnation, so that nothing has to be prepared."""
    assert f'"{CANARY_FILE}"' in (DAGS / "emr_canary.py").read_text()
