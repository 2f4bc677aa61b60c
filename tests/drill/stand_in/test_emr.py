"""Clusters of the stand-in as the drill and CloudFormation see them."""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from typing import Any

import pytest

from emr_drill.errors import DrillError
from emr_drill.ports import Service
from emr_drill.primary.primary import SimulatedPrimaryFactory
from tests.drill.stand_in.emr_world import FakeFactory, emr_world, step, until

SCRIPTS = Path(__file__).resolve().parents[3] / "constructs" / "emr_dr" / "scripts"
FIRST_ID = 1_002_000_000
CANARY = "hdfs:///tmp/emr-dr/canary.py"
STATE_DIRECTORY = "/var/lib/livy/emr-dr/recovery"
LIVY_CONF = {
    "livy.server.recovery.mode": "recovery",
    "livy.server.recovery.state-store": "filesystem",
    "livy.server.recovery.state-store.url": f"file://{STATE_DIRECTORY}",
    "livy.server.yarn.poll-interval": "500ms",
}


def call(address: str, method: str, path: str, body: Any = None) -> Any:
    """One request to Livy; its JSON answer."""
    connection = http.client.HTTPConnection(address, 8998, timeout=20)
    try:
        connection.request(method, path, None if body is None else json.dumps(body).encode())
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def test_every_launch_has_an_address_of_its_own_in_the_block_of_its_zone(tmp_path: Path) -> None:
    with emr_world(tmp_path) as world:
        for zone in ("us-east-1a", "us-east-1c", "us-east-1a"):
            world.waiting(zone=zone)

        block = world.stand_in.addresses
        expected = [block.primary(1, 0), block.primary(3, 0), block.primary(1, 1)]
        assert [one.address for one in world.clusters.states()] == expected


def test_a_cluster_is_found_by_its_address(tmp_path: Path) -> None:
    with emr_world(tmp_path) as world:
        cluster_id = world.waiting()
        seen = world.clusters.states()[0]

        assert seen == (cluster_id, "a-g1", "us-east-1a", seen.address, "WAITING")
        assert world.clusters.by_address(str(seen.address)) == seen
        assert world.clusters.by_address("127.0.0.1") is None


def test_a_primary_is_planned_from_the_request(tmp_path: Path) -> None:
    factory = FakeFactory()
    with emr_world(tmp_path, primaries=factory) as world:
        world.waiting(Configurations=[{"Classification": "livy-conf", "Properties": LIVY_CONF}])
        plan = factory.made[0].plan

    assert (plan.name, plan.classifications, plan.seed) == ("a-g1", {"livy-conf": LIVY_CONF}, 1)
    assert plan.ledger == tmp_path / "ledger.jsonl"


def test_a_cluster_that_starts_has_no_primary(tmp_path: Path) -> None:
    with emr_world(tmp_path, speed=1) as world, pytest.raises(DrillError, match="is STARTING and has no primary yet"):
        world.clusters.primary(world.launch())


def test_an_az_without_capacity_fails_the_launch(tmp_path: Path) -> None:
    with emr_world(tmp_path) as world:
        world.clusters.fail_capacity("us-east-1a")
        cluster_id = world.launch()

        assert world.ended(cluster_id) == "TERMINATED_WITH_ERRORS"
        status = world.describe(cluster_id)["Status"]
        assert status["StateChangeReason"]["Code"] == "INTERNAL_ERROR"
        (detail,) = status["ErrorDetails"]
        assert detail["ErrorCode"] == "INTERNAL_ERROR_EC2_INSUFFICIENT_CAPACITY_AZ"
        assert detail["ErrorData"] == [{"instance-type": "m5.xlarge", "availability-zone": "us-east-1a"}]


def test_other_azs_and_later_launches_have_capacity(tmp_path: Path) -> None:
    with emr_world(tmp_path) as world:
        world.clusters.fail_capacity("us-east-1a")
        world.waiting(zone="us-east-1b")
        world.clusters.restore_capacity("us-east-1a")
        world.waiting()


def test_cloudformation_waits_until_the_cluster_is_waiting(tmp_path: Path) -> None:
    with emr_world(tmp_path) as world:
        cluster_id = world.launch()
        before = world.clusters.cfn_status(cluster_id)
        world.wait(cluster_id, "WAITING")

        assert (before, world.clusters.cfn_status(cluster_id)) == (None, "")


def test_cloudformation_is_told_why_a_launch_failed(tmp_path: Path) -> None:
    with emr_world(tmp_path) as world:
        world.clusters.fail_capacity("us-east-1a", message="no machines left")
        cluster_id = world.launch()
        world.ended(cluster_id)

        assert world.clusters.cfn_status(cluster_id) == (
            f"Cluster {cluster_id} is TERMINATED_WITH_ERRORS: INTERNAL_ERROR: no machines left"
        )


def test_a_cluster_is_gone_for_cloudformation_when_it_ended(tmp_path: Path) -> None:
    with emr_world(tmp_path) as world:
        cluster_id = world.waiting()
        before = world.clusters.cfn_gone(cluster_id)
        world.emr.terminate_job_flows(JobFlowIds=[cluster_id])
        world.ended(cluster_id)

        assert (before, world.clusters.cfn_gone(cluster_id), world.clusters.cfn_gone("j-NONE")) == (False, True, True)


def test_state_changes_are_published_as_emr_publishes_them(tmp_path: Path) -> None:
    with emr_world(tmp_path) as world:
        published: list[Any] = []

        class Bus:
            def publish(self, **event: Any) -> None:
                published.append(event)

        world.stand_in.event_bus = Bus()
        cluster_id = world.waiting()
        world.emr.terminate_job_flows(JobFlowIds=[cluster_id])
        world.ended(cluster_id)
        until(lambda: len(published) == 4)

    assert [one["detail"]["state"] for one in published] == ["STARTING", "RUNNING", "WAITING", "TERMINATED"]
    last = published[-1]
    assert (last["source"], last["detail_type"]) == ("aws.emr", "EMR Cluster State Change")
    assert json.loads(last["detail"]["stateChangeReason"])["code"] == "USER_REQUEST"


def test_a_cluster_whose_resource_manager_is_silent_may_run_applications_until_it_ended(tmp_path: Path) -> None:
    with emr_world(tmp_path) as world:
        cluster_id = world.waiting()
        before = world.clusters.applications_running("a-g1")
        world.emr.terminate_job_flows(JobFlowIds=[cluster_id])
        world.ended(cluster_id)

        assert (before, world.clusters.applications_running("a-g1")) == (True, False)


def test_a_cluster_of_simulated_services_lives_dies_and_leaves_the_truth_in_the_ledger(tmp_path: Path) -> None:
    """From RunJobFlow with the scripts of the assets to a job that outlives the primary (A13)."""
    names = ("seed-livy.sh", "install-canary.sh")
    seed = step("seed-livy", script=names[0], arguments=[str(FIRST_ID), STATE_DIRECTORY])
    canary = step("install-canary", script=names[1], arguments=[CANARY])
    scripts = {name: (SCRIPTS / name).read_bytes() for name in names}
    with emr_world(tmp_path, primaries=SimulatedPrimaryFactory(), speed=200, scripts=scripts) as world:
        cluster_id = world.waiting(
            steps=[seed, canary], Configurations=[{"Classification": "livy-conf", "Properties": LIVY_CONF}]
        )
        address = world.clusters.primary(cluster_id).address

        def state(name: str) -> str:
            return str(call(address, "GET", f"/batches/{name}/state")["state"])

        assert call(address, "POST", "/batches", {"file": CANARY, "name": "canary"})["id"] == FIRST_ID
        until(lambda: state("canary") == "success")
        assert not world.clusters.applications_running("a-g1")
        call(address, "POST", "/batches", {"file": "job.py", "args": ["short", "60", "succeed"], "name": "short"})
        call(address, "POST", "/batches", {"file": "job.py", "args": ["long", "3000", "succeed"], "name": "long"})
        until(lambda: (state("short"), state("long")) == ("running", "running"))
        world.clusters.kill_service(cluster_id, Service.RESOURCE_MANAGER)
        assert state("long") == "running"
        world.clusters.kill_primary(cluster_id)

        assert world.ended(cluster_id) == "TERMINATED_WITH_ERRORS"
        written = (tmp_path / "ledger.jsonl").read_text().splitlines()
        assert [json.loads(line)["job"] for line in written] == ["short"]
        assert json.loads(written[0])["at"] < world.clusters.history(cluster_id)[-1][1]
