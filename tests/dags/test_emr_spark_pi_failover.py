"""SparkPi by the operator that sees a job through a failover (A8, A9)."""

from __future__ import annotations

import pytest

from .conftest import Told


@pytest.mark.parametrize(("key", "done"), [("ours", "spark_pi"), ("ours-deferred", "spark_pi_deferrable")])
def test_it_waits_as_it_is_asked_to(runs: Told, key: str, done: str) -> None:
    assert runs[key]["state"] == "success", runs[key]["log"][-3000:]
    assert runs[key]["tasks"] == {
        "choose": "success",
        **dict.fromkeys(["spark_pi", "spark_pi_deferrable"], "skipped"),
        done: "success",
    }


def test_its_job_runs_on_one_of_the_clusters(told: Told) -> None:
    """A real batch of a simulated Livy, with the name by which it is found again."""
    names = [batch["name"] for batches in told["batches"].values() for batch in batches]

    assert len([name for name in names if str(name).startswith("j-emr-spark-pi-failover-spark-pi-")]) == 2
    assert told["runs"]["ours"]["xcoms"]["app_id"].startswith("application_")


def test_the_stock_operator_runs_the_same_job(runs: Told) -> None:
    """A8: `emr_spark_pi` from beginning to end."""
    assert runs["stock"]["state"] == "success", runs["stock"]["log"][-3000:]


@pytest.mark.parametrize("task", ["spark_pi", "spark_pi_deferrable"])
def test_it_is_tried_again_once_after_five_minutes(loaded: Told, task: str) -> None:
    """A8, with either way of waiting."""
    found = loaded["dags"]["emr_spark_pi_failover"]["tasks"][task]

    assert (found["kind"], found["retries"], found["retry_delay"]) == ("EmrLivyOperator", 1, 300)
