"""The sample DAG of the source: SparkPi by the stock operator."""

from __future__ import annotations

import runpy
import sys
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest

from ..synthesis import REPOSITORY

DAG_FILE = REPOSITORY / "dags" / "emr_spark_pi.py"


class Recorded:
    """In place of Airflow's classes, which are not in this environment: keeps what it was made with."""

    made: list[tuple[str, dict[str, Any]]]

    def __init__(self, **arguments: Any) -> None:
        self.made.append((type(self).__name__, arguments))

    def __enter__(self) -> Recorded:
        return self

    def __exit__(self, *error: object) -> None:
        return None


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """What DAG and task were made with."""
    made: list[tuple[str, dict[str, Any]]] = []
    classes = {name: type(name, (Recorded,), {"made": made}) for name in ("DAG", "LivyOperator")}
    livy = "airflow.providers.apache.livy.operators.livy"
    for name, content in (("airflow", {"DAG": classes["DAG"]}), (livy, {"LivyOperator": classes["LivyOperator"]})):
        module = ModuleType(name)
        module.__dict__.update(content)
        monkeypatch.setitem(sys.modules, name, module)
    for number in range(2, livy.count(".") + 1):
        package = ".".join(livy.split(".")[:number])
        monkeypatch.setitem(sys.modules, package, ModuleType(package))
    monkeypatch.setenv("AIRFLOW__EMR_DR__ARTIFACT_BUCKET", "artifacts")
    runpy.run_path(str(DAG_FILE))
    return dict(made)


def test_it_runs_spark_pi_from_the_artifact_bucket_in_deploy_mode_cluster(loaded: dict[str, dict[str, Any]]) -> None:
    """A8."""
    task, dag = loaded["LivyOperator"], loaded["DAG"]

    assert task["livy_conn_id"] == "livy_default"
    assert task["class_name"] == "org.apache.spark.examples.SparkPi"
    assert task["file"] == "{{ params.jar }}"
    assert dag["params"]["jar"] == "s3://artifacts/jars/spark-examples.jar"
    assert task["conf"] == {"spark.submit.deployMode": "cluster"}


def test_it_is_tried_again_once_after_five_minutes(loaded: dict[str, dict[str, Any]]) -> None:
    """A8."""
    task = loaded["LivyOperator"]

    assert (task["retries"], task["retry_delay"]) == (1, timedelta(minutes=5))


def test_it_waits_for_the_job_and_runs_when_a_person_asks(loaded: dict[str, dict[str, Any]]) -> None:
    """With no interval a task is green as soon as its job is submitted."""
    assert loaded["LivyOperator"]["polling_interval"] > 0
    assert (loaded["DAG"]["schedule"], loaded["DAG"]["catchup"]) == (None, False)
