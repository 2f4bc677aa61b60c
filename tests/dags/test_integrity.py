"""Every DAG in each release of Airflow: it loads without a word, and says what whoever finds it has to know (A8)."""

from __future__ import annotations

import re
from typing import Any

from .conftest import Told
from .files import DAGS

DAG_IDS = {"emr_canary", "emr_daily_totals", "emr_health_monitor", "emr_spark_pi", "emr_spark_pi_failover"}
# The sample of the source, as simple as that is.
SIMPLE = "emr_spark_pi"


def tasks(loaded: Told) -> dict[str, dict[str, Any]]:
    """Each task by its DAG's id and its own."""
    return {
        f"{name}.{task}": found
        for name, dag in loaded["dags"].items()
        if name != SIMPLE
        for task, found in dag["tasks"].items()
    }


def test_every_dag_loads(loaded: Told) -> None:
    """Its tasks do not go round in circles either, or they had no order."""
    assert loaded["errors"] == {}
    assert set(loaded["dags"]) == DAG_IDS
    assert [name for name, dag in loaded["dags"].items() if sorted(dag["order"]) != sorted(dag["tasks"])] == []


def test_nothing_is_warned_of(loaded: Told) -> None:
    """Beyond what Airflow warns of by itself."""
    assert loaded["warnings"] == []


def test_there_is_one_file_for_each(loaded: Told) -> None:
    """Whoever reads a DAG's id in an alarm finds its file; what is no DAG is not read for one."""
    assert {name: dag["file"] for name, dag in loaded["dags"].items()} == {name: f"{name}.py" for name in DAG_IDS}
    assert {file.stem for file in DAGS.glob("*.py")} == DAG_IDS


def test_each_says_what_it_is_for(loaded: Told) -> None:
    for dag in loaded["dags"].values():
        assert "emr-dr" in dag["tags"]
        assert dag["description"]
        assert len(dag["documentation"]) > 300


def test_none_makes_up_for_the_past(loaded: Told) -> None:
    assert [name for name, dag in loaded["dags"].items() if dag["catchup"]] == []


def test_each_has_an_owner_and_an_end(loaded: Told) -> None:
    found = {name: dag for name, dag in loaded["dags"].items() if name != SIMPLE}

    assert {dag["owner"] for dag in found.values()} == {"emr-dr"}
    assert [name for name, dag in found.items() if not dag["time_limit"]] == []
    assert [name for name, task in tasks(loaded).items() if not task["time_limit"]] == []


def test_tasks_end_before_their_run_does(loaded: Told) -> None:
    """All tries of a task together: else a run could be ended while its task is right."""
    for name, task in tasks(loaded).items():
        limit = loaded["dags"][name.partition(".")[0]]["time_limit"]
        assert (task["retries"] + 1) * task["time_limit"] + task["retries"] * task["retry_delay"] <= limit, name


def test_each_task_is_tried_again_but_the_canary(loaded: Told) -> None:
    """The canary's next run is its retry: one that failed first and then succeeded would tell of nothing."""
    assert {name for name, task in tasks(loaded).items() if task["retries"] == 0} == {"emr_canary.canary"}


def test_none_is_green_before_its_job_has_ended(loaded: Told) -> None:
    """With no polling interval a task is."""
    found = [task["polling"] for dag in loaded["dags"].values() for task in dag["tasks"].values()]

    assert len([each for each in found if each is not None]) == 6
    assert all(each > 0 for each in found if each is not None)


def test_no_file_names_an_account_or_a_bucket() -> None:
    for file in DAGS.rglob("*.py"):
        assert re.findall(r"\b\d{12}\b|s3://(?!ARTIFACT_BUCKET|bucket|\{|\.\.\.)[a-z]\S+", file.read_text()) == [], file
