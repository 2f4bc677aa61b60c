"""Steps that are added at run time, with the very scripts of the assets, on simulated primaries (A12, B11)."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emr_drill.ports import Service
from emr_drill.primary.primary import SimulatedPrimaryFactory

from .emr_world import EmrWorld, emr_world, step, until

SCRIPTS = Path(__file__).resolve().parents[3] / "constructs" / "emr_dr" / "scripts"
pytestmark = pytest.mark.long
STATE_DIRECTORY = "/var/lib/livy/emr-dr/recovery"
FIRST_ID = 1_002_000_000
CANARY = "hdfs:///tmp/emr-dr/canary.py"
LIVY = {
    "livy.server.recovery.mode": "recovery",
    "livy.server.recovery.state-store": "filesystem",
    "livy.server.recovery.state-store.url": f"file://{STATE_DIRECTORY}",
    "livy.server.yarn.poll-interval": "500ms",
}
SEED = step("seed-livy", script="seed-livy.sh", arguments=[str(FIRST_ID), STATE_DIRECTORY])
RESTART = step("restart-livy", script="restart-livy.sh", arguments=[])
INSTALL_CANARY = step("install-canary", script="install-canary.sh", arguments=[CANARY])


@pytest.fixture
def world(tmp_path: Path) -> Iterator[EmrWorld]:
    files = {file.name: file.read_bytes() for file in SCRIPTS.glob("*.sh")}
    with emr_world(tmp_path, primaries=SimulatedPrimaryFactory(), speed=200, scripts=files) as made:
        yield made


def launch(world: EmrWorld, *steps: dict[str, Any]) -> str:
    """A cluster that is WAITING after *steps*."""
    return world.waiting(steps=steps, Configurations=[{"Classification": "livy-conf", "Properties": LIVY}])


def livy(world: EmrWorld, cluster_id: str, method: str, path: str, body: Any = None) -> Any:
    """One request to the cluster's Livy."""
    connection = http.client.HTTPConnection(world.clusters.primary(cluster_id).address, 8998, timeout=20)
    try:
        connection.request(method, path, None if body is None else json.dumps(body).encode())
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def add(world: EmrWorld, cluster_id: str, asked: dict[str, Any]) -> str:
    """Add one step; its id."""
    return str(world.emr.add_job_flow_steps(JobFlowId=cluster_id, Steps=[asked])["StepIds"][0])


def state(world: EmrWorld, cluster_id: str, step_id: str) -> str:
    """A step's state."""
    return str(world.emr.describe_step(ClusterId=cluster_id, StepId=step_id)["Step"]["Status"]["State"])


def job(key: str, seconds: float) -> dict[str, Any]:
    return {"file": "s3://artifacts/job.py", "args": [key, str(seconds), "succeed"], "name": key}


@pytest.mark.parametrize("frozen", [False, True])
def test_livy_that_a_step_restarts_keeps_ids_and_jobs(world: EmrWorld, frozen: bool) -> None:
    """Repair in place: no job is lost, and no id is given twice."""
    cluster_id = launch(world, SEED)
    batch = livy(world, cluster_id, "POST", "/batches", job("one", 150))
    until(lambda: livy(world, cluster_id, "GET", f"/batches/{batch['id']}")["state"] == "running")
    if frozen:
        world.clusters.freeze_service(cluster_id, Service.LIVY)

    restart = add(world, cluster_id, RESTART)
    until(lambda: state(world, cluster_id, restart) == "COMPLETED")

    until(lambda: livy(world, cluster_id, "GET", f"/batches/{batch['id']}")["state"] == "success")
    assert livy(world, cluster_id, "POST", "/batches", job("two", 1))["id"] == FIRST_ID + 1


def test_a_cluster_runs_while_a_step_does_and_waits_again(world: EmrWorld) -> None:
    cluster_id = launch(world)

    restart = add(world, cluster_id, RESTART)
    until(lambda: state(world, cluster_id, restart) == "COMPLETED")
    until(lambda: world.clusters.history(cluster_id)[-1][0] == "WAITING")

    assert [state for state, _ in world.clusters.history(cluster_id)][-3:] == ["WAITING", "RUNNING", "WAITING"]


def test_a_livy_that_was_seeded_badly_is_seeded_again_by_a_step(world: EmrWorld) -> None:
    """A bad seed fails open: ids from 0, and nobody says a word."""
    world.clusters.bad_seed()
    cluster_id = launch(world, SEED)
    assert livy(world, cluster_id, "POST", "/batches", job("one", 1))["id"] == 0

    again = add(world, cluster_id, SEED)
    until(lambda: state(world, cluster_id, again) == "COMPLETED")

    assert livy(world, cluster_id, "POST", "/batches", job("two", 1))["id"] == FIRST_ID


def test_a_canary_that_the_drill_broke_is_dead(world: EmrWorld) -> None:
    world.clusters.fail_canary()
    cluster_id = launch(world, SEED, INSTALL_CANARY)

    batch = livy(world, cluster_id, "POST", "/batches", {"file": CANARY, "name": "canary"})

    until(lambda: livy(world, cluster_id, "GET", f"/batches/{batch['id']}")["state"] == "dead")


def test_a_step_that_hangs_does_not_keep_the_cluster_from_its_end(world: EmrWorld) -> None:
    cluster_id = launch(world)
    jar = {"Jar": "command-runner.jar", "Args": ["sleep", "100000"]}
    add(world, cluster_id, {"Name": "hangs", "ActionOnFailure": "CONTINUE", "HadoopJarStep": jar})
    world.wait(cluster_id, "WAITING")
    world.emr.terminate_job_flows(JobFlowIds=[cluster_id])

    assert world.ended(cluster_id) == "TERMINATED"
