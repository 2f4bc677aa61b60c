"""EMR's API as the product calls it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError
from moto.emr.models import emr_backends

from tests.drill.stand_in.emr_world import EmrWorld, emr_behind_http, step

POLICY = {"ComputeLimits": {"UnitType": "Instances", "MinimumCapacityUnits": 2, "MaximumCapacityUnits": 5}}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmrWorld]:
    """One EMR for all tests here; each launches a cluster of its own if it changes one."""
    with emr_behind_http(tmp_path_factory.mktemp("emr")) as made:
        yield made


@pytest.fixture(scope="module")
def waiting(world: EmrWorld) -> str:
    """A cluster that is WAITING and that no test changes."""
    known = emr_backends[world.stand_in.account][world.stand_in.region]
    known.create_security_configuration("encrypted", "{}")
    return world.waiting(
        steps=[step("one"), step("two")],
        Tags=[{"Key": "for-use-with-amazon-emr-managed-policies", "Value": "true"}],
        Configurations=[{"Classification": "livy-conf", "Properties": {"livy.server.port": "8998"}}],
        ReleaseLabel="emr-7.13.0",
        SecurityConfiguration="encrypted",
    )


def fails(code: str, text: str) -> AbstractContextManager[object]:
    """Expects an error of the API with this code and text."""
    return pytest.raises(ClientError, match=rf"\({code}\).*{text}")


def test_describe_cluster_gives_back_what_was_asked_for(world: EmrWorld, waiting: str) -> None:
    found = world.describe(waiting)

    assert (found["Id"], found["Name"], found["ReleaseLabel"], found["SecurityConfiguration"]) == (
        waiting,
        "a-g1",
        "emr-7.13.0",
        "encrypted",
    )
    assert found["Tags"] == [{"Key": "for-use-with-amazon-emr-managed-policies", "Value": "true"}]
    assert found["Configurations"] == [{"Classification": "livy-conf", "Properties": {"livy.server.port": "8998"}}]
    assert (found["AutoTerminate"], found["TerminationProtected"]) == (False, False)


def test_describe_cluster_names_place_and_times(world: EmrWorld, waiting: str) -> None:
    found = world.describe(waiting)

    attributes, times = found["Ec2InstanceAttributes"], found["Status"]["Timeline"]
    assert attributes["Ec2AvailabilityZone"] == "us-east-1a"
    assert attributes["Ec2SubnetId"] == world.subnets["us-east-1a"]
    assert times["CreationDateTime"] < times["ReadyDateTime"]
    assert "EndDateTime" not in times


def test_an_unknown_cluster_is_not_valid(world: EmrWorld) -> None:
    with fails("InvalidRequestException", r"Cluster id 'j-NONE' is not valid\."):
        world.describe("j-NONE")


def test_clusters_are_listed_newest_first(world: EmrWorld, waiting: str) -> None:
    newer = world.launch(Name="newer")
    found = [one["Id"] for one in world.emr.list_clusters()["Clusters"]]

    assert found.index(newer) < found.index(waiting)


def test_clusters_are_listed_by_state(world: EmrWorld, waiting: str) -> None:
    found = world.emr.list_clusters(ClusterStates=["WAITING"])["Clusters"]

    assert waiting in [one["Id"] for one in found]
    assert {one["Status"]["State"] for one in found} == {"WAITING"}


def test_clusters_are_listed_by_time(world: EmrWorld, waiting: str) -> None:
    created = world.describe(waiting)["Status"]["Timeline"]["CreationDateTime"]

    assert waiting not in [
        one["Id"] for one in world.emr.list_clusters(CreatedBefore=created.replace(year=2000))["Clusters"]
    ]


def test_lists_come_in_pages(world: EmrWorld) -> None:
    cluster_id = world.launch(steps=[step(f"step {number}") for number in range(60)])
    pages = world.emr.get_paginator("list_steps").paginate(ClusterId=cluster_id)

    assert [len(page["Steps"]) for page in pages] == [50, 10]


def test_the_primarys_address_is_a_loopback_address_of_its_zone(world: EmrWorld, waiting: str) -> None:
    (found,) = world.emr.list_instances(ClusterId=waiting, InstanceGroupTypes=["MASTER"])["Instances"]

    assert found["PrivateIpAddress"] == world.clusters.primary(waiting).address
    assert found["PrivateDnsName"] == f"ip-{found['PrivateIpAddress'].replace('.', '-')}.ec2.internal"


def test_instances_are_listed_by_role_and_state(world: EmrWorld, waiting: str) -> None:
    core = world.emr.list_instances(ClusterId=waiting, InstanceGroupTypes=["CORE"], InstanceStates=["RUNNING"])
    gone = world.emr.list_instances(ClusterId=waiting, InstanceStates=["TERMINATED"])

    assert [one["InstanceType"] for one in core["Instances"]] == ["m5.2xlarge", "m5.2xlarge"]
    assert gone["Instances"] == []


def test_a_cluster_that_starts_has_no_instances(world: EmrWorld) -> None:
    assert world.emr.list_instances(ClusterId=world.launch())["Instances"] == []


def test_instances_of_an_ended_cluster_are_terminated(world: EmrWorld) -> None:
    cluster_id = world.waiting()
    world.emr.terminate_job_flows(JobFlowIds=[cluster_id])
    world.ended(cluster_id)

    found = world.emr.list_instances(ClusterId=cluster_id)["Instances"]
    assert {one["Status"]["State"] for one in found} == {"TERMINATED"}


def test_the_instance_groups_are_listed(world: EmrWorld, waiting: str) -> None:
    found = world.emr.list_instance_groups(ClusterId=waiting)["InstanceGroups"]

    assert [(one["InstanceGroupType"], one["RunningInstanceCount"]) for one in found] == [("MASTER", 1), ("CORE", 2)]


def test_steps_are_listed_newest_first(world: EmrWorld, waiting: str) -> None:
    assert [one["Name"] for one in world.emr.list_steps(ClusterId=waiting)["Steps"]] == ["two", "one"]


def test_a_step_is_described_by_its_id(world: EmrWorld, waiting: str) -> None:
    listed = world.emr.list_steps(ClusterId=waiting, StepStates=["COMPLETED"])["Steps"][0]

    assert world.emr.describe_step(ClusterId=waiting, StepId=listed["Id"])["Step"] == listed


def test_a_step_that_has_not_begun_can_be_cancelled(world: EmrWorld) -> None:
    """Not one that has ended or is unknown; all of it with an answer for each."""
    cluster_id = world.launch(steps=[step("first"), step("second")])
    second, first = (one["Id"] for one in world.emr.list_steps(ClusterId=cluster_id)["Steps"])
    cancelled = world.emr.cancel_steps(ClusterId=cluster_id, StepIds=[second])["CancelStepsInfoList"]

    assert cancelled == [{"StepId": second, "Status": "SUBMITTED"}]
    again = world.emr.cancel_steps(ClusterId=cluster_id, StepIds=[second, "s-NONE"])["CancelStepsInfoList"]
    assert [one["Status"] for one in again] == ["FAILED", "FAILED"]
    states = {one["Id"]: one["Status"]["State"] for one in world.emr.list_steps(ClusterId=cluster_id)["Steps"]}
    assert states == {first: "PENDING", second: "CANCELLED"}


def test_an_unknown_step_is_not_valid(world: EmrWorld, waiting: str) -> None:
    with fails("InvalidRequestException", r"Step id 's-NONE' is not valid\."):
        world.emr.describe_step(ClusterId=waiting, StepId="s-NONE")


def test_a_protected_cluster_is_not_ended(world: EmrWorld) -> None:
    """Protection is lifted first (A12)."""
    cluster_id = world.waiting(instances={"TerminationProtected": True})
    with fails("ValidationException", "Could not shut down one or more job flows since they are termination protected"):
        world.emr.terminate_job_flows(JobFlowIds=[cluster_id])

    assert world.describe(cluster_id)["Status"]["State"] == "WAITING"


def test_a_cluster_whose_protection_was_lifted_is_ended_by_user_request(world: EmrWorld) -> None:
    cluster_id = world.waiting(instances={"TerminationProtected": True})
    world.emr.set_termination_protection(JobFlowIds=[cluster_id], TerminationProtected=False)
    world.emr.terminate_job_flows(JobFlowIds=[cluster_id])

    status = world.describe(cluster_id)["Status"]
    assert status["State"] in ("TERMINATING", "TERMINATED")
    assert status["StateChangeReason"] == {"Code": "USER_REQUEST", "Message": "Terminated by user request"}


def test_ending_a_cluster_twice_is_no_error(world: EmrWorld) -> None:
    cluster_id = world.waiting()
    world.emr.terminate_job_flows(JobFlowIds=[cluster_id])
    world.emr.terminate_job_flows(JobFlowIds=[cluster_id])

    assert world.ended(cluster_id) == "TERMINATED"


def test_an_ended_cluster_cannot_be_changed(world: EmrWorld) -> None:
    cluster_id = world.launch()
    world.emr.terminate_job_flows(JobFlowIds=[cluster_id])

    for operation, arguments in (
        ("add_job_flow_steps", {"JobFlowId": cluster_id, "Steps": [step()]}),
        ("set_termination_protection", {"JobFlowIds": [cluster_id], "TerminationProtected": True}),
        ("put_managed_scaling_policy", {"ClusterId": cluster_id, "ManagedScalingPolicy": POLICY}),
    ):
        with fails("ValidationException", "shutting down, terminated, or finished may not be modified"):
            getattr(world.emr, operation)(**arguments)


def test_changes_of_an_unknown_cluster_are_refused(world: EmrWorld) -> None:
    with fails("ValidationException", "Specified job flow ID does not exist"):
        world.emr.terminate_job_flows(JobFlowIds=["j-NONE"])


def test_the_managed_scaling_policy_can_be_replaced(world: EmrWorld) -> None:
    cluster_id = world.launch()
    world.emr.put_managed_scaling_policy(ClusterId=cluster_id, ManagedScalingPolicy=POLICY)

    assert world.emr.get_managed_scaling_policy(ClusterId=cluster_id)["ManagedScalingPolicy"] == POLICY


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"UnitType": "InstanceFleetUnits"}, "is Instances or VCPU, got InstanceFleetUnits"),
        ({"MinimumCapacityUnits": 0}, "got 0 and 10"),
        ({"MinimumCapacityUnits": 11}, "got 11 and 10"),
        ({"MaximumCoreCapacityUnits": 11}, "MaximumCoreCapacityUnits is at most MaximumCapacityUnits, got 11 and 10"),
        ({"MaximumOnDemandCapacityUnits": 11}, "MaximumOnDemandCapacityUnits is at most"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(world: EmrWorld, changes: dict[str, Any], message: str) -> None:
    cluster_id = world.launch()
    limits = {"UnitType": "Instances", "MinimumCapacityUnits": 2, "MaximumCapacityUnits": 10, **changes}

    with fails("ValidationException", message):
        world.emr.put_managed_scaling_policy(
            ClusterId=cluster_id, ManagedScalingPolicy={"ComputeLimits": cast("Any", limits)}
        )
    assert "ManagedScalingPolicy" not in world.emr.get_managed_scaling_policy(ClusterId=cluster_id)


def test_a_launch_with_a_policy_that_makes_no_sense_is_refused(world: EmrWorld) -> None:
    limits = {"UnitType": "Instances", "MinimumCapacityUnits": 3, "MaximumCapacityUnits": 2}
    with fails("ValidationException", "got 3 and 2"):
        world.launch(ManagedScalingPolicy={"ComputeLimits": limits})


def test_the_policy_of_an_ended_cluster_can_be_read(world: EmrWorld) -> None:
    cluster_id = world.launch(ManagedScalingPolicy=POLICY)
    world.emr.terminate_job_flows(JobFlowIds=[cluster_id])

    assert world.emr.get_managed_scaling_policy(ClusterId=cluster_id)["ManagedScalingPolicy"] == POLICY


def test_tags_of_an_ended_cluster_cannot_be_changed(world: EmrWorld) -> None:
    cluster_id = world.launch(Tags=[{"Key": "a", "Value": "1"}])
    world.emr.terminate_job_flows(JobFlowIds=[cluster_id])

    with fails("InvalidRequestException", "cannot be changed"):
        world.emr.add_tags(ResourceId=cluster_id, Tags=[{"Key": "b", "Value": "2"}])
    with fails("InvalidRequestException", "cannot be changed"):
        world.emr.remove_tags(ResourceId=cluster_id, TagKeys=["a"])


def test_a_cluster_has_fifty_tags_at_most(world: EmrWorld) -> None:
    cluster_id = world.launch()
    tags: list[Any] = [{"Key": f"k{number}", "Value": "v"} for number in range(51)]

    with fails("InvalidRequestException", "at most 50 tags"):
        world.emr.add_tags(ResourceId=cluster_id, Tags=tags)


def test_tags_can_be_added_and_removed(world: EmrWorld) -> None:
    cluster_id = world.launch(Tags=[{"Key": "a", "Value": "1"}])
    world.emr.add_tags(ResourceId=cluster_id, Tags=[{"Key": "b", "Value": "2"}])
    world.emr.remove_tags(ResourceId=cluster_id, TagKeys=["a"])

    assert world.describe(cluster_id)["Tags"] == [{"Key": "b", "Value": "2"}]
    written = [entry["tags"] for entry in world.stand_in.journal if entry["kind"] == "tags"]
    assert written == [{"a": "1", "b": "2"}, {"b": "2"}]


def test_a_subnet_that_is_not_there_is_refused(world: EmrWorld) -> None:
    with fails("ValidationException", "subnet-0 does not exist"):
        world.launch(instances={"Ec2SubnetId": "subnet-0"})


def test_a_launch_without_machines_is_refused(world: EmrWorld) -> None:
    with fails("ValidationException", "the stand-in launches instance groups in one subnet"):
        world.launch(instances={"InstanceGroups": []})


def test_machines_of_groups_are_not_listed_as_those_of_a_fleet(world: EmrWorld, waiting: str) -> None:
    with fails("InvalidRequestException", "mutually exclusive"):
        world.emr.list_instances(ClusterId=waiting, InstanceFleetType="MASTER")
    with fails("InvalidRequestException", "mutually exclusive"):
        world.emr.list_instance_fleets(ClusterId=waiting)


def test_there_are_no_bootstrap_actions(world: EmrWorld, waiting: str) -> None:
    assert world.emr.list_bootstrap_actions(ClusterId=waiting)["BootstrapActions"] == []


def test_what_would_change_machines_is_refused(world: EmrWorld, waiting: str) -> None:
    with fails("InvalidRequestException", "The stand-in does not do this"):
        world.emr.modify_cluster(ClusterId=waiting, StepConcurrencyLevel=2)
