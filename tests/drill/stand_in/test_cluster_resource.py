"""From a template's words to the API's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.model import Shape

from emr_drill.stand_in.api_faults import ApiFaults
from emr_drill.stand_in.cluster_resource import UnknownProperty, run_job_flow_request

from .stack_world import StackWorld, cluster_template, stack_world, subnet


@pytest.fixture(scope="module")
def shape() -> Shape:
    service = botocore.session.get_session().get_service_model("emr")
    found = service.operation_model("RunJobFlow").input_shape
    assert found is not None
    return found


def request(shape: Shape, **properties: Any) -> dict[str, Any]:
    return run_job_flow_request({"Name": "c", "Instances": {}, **properties}, shape)


def test_groups_get_their_roles(shape: Shape) -> None:
    made = request(
        shape,
        Instances={
            "MasterInstanceGroup": {"InstanceCount": 1, "InstanceType": "m5.xlarge"},
            "TaskInstanceGroups": [{"InstanceCount": 2, "InstanceType": "m5.xlarge"}],
        },
    )

    assert [group["InstanceRole"] for group in made["Instances"]["InstanceGroups"]] == ["MASTER", "TASK"]


def test_fleets_get_their_types(shape: Shape) -> None:
    made = request(shape, Instances={"MasterInstanceFleet": {"TargetOnDemandCapacity": 1}})

    assert made["Instances"]["InstanceFleets"] == [{"TargetOnDemandCapacity": 1, "InstanceFleetType": "MASTER"}]


def test_cluster_of_a_template_stays_alive(shape: Shape) -> None:
    """CloudFormation's default is the opposite of RunJobFlow's."""
    assert request(shape)["Instances"]["KeepJobFlowAliveWhenNoSteps"] is True


def test_renamed_members(shape: Shape) -> None:
    made = request(
        shape, Configurations=[{"Classification": "livy-conf", "ConfigurationProperties": {"livy.server.port": "8998"}}]
    )

    assert made["Configurations"] == [{"Classification": "livy-conf", "Properties": {"livy.server.port": "8998"}}]


@pytest.mark.parametrize(
    ("properties", "path", "value"),
    [
        ({"StepConcurrencyLevel": "2"}, ["StepConcurrencyLevel"], 2),
        ({"VisibleToAllUsers": "true"}, ["VisibleToAllUsers"], True),
        ({"Instances": {"TerminationProtected": "false"}}, ["Instances", "TerminationProtected"], False),
        ({"ReleaseLabel": 7}, ["ReleaseLabel"], "7"),
    ],
)
def test_text_becomes_what_the_api_takes(shape: Shape, properties: Any, path: list[str], value: Any) -> None:
    found: Any = request(shape, **properties)
    for key in path:
        found = found[key]

    assert found == value


def test_unknown_property_is_named(shape: Shape) -> None:
    with pytest.raises(UnknownProperty, match="AWS::EMR::Cluster has no property Colour"):
        request(shape, Colour="blue")


RUN = "elasticmapreduce:RunJobFlow"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[StackWorld]:
    with stack_world(tmp_path) as made:
        yield made


def test_a_throttled_launch_is_tried_again(world: StackWorld) -> None:
    faults = world.stand_in.api_faults
    faults.throttle(RUN)
    stack = world.create("one", cluster_template(subnet(world)))
    world.until(lambda: len(world.stand_in.journal) >= 2)
    assert world.clusters.all() == []

    faults.clear()
    assert world.settled(stack) == "CREATE_COMPLETE"


@pytest.mark.parametrize(
    ("fault", "left"),
    [
        (lambda faults: faults.throttle(RUN), 0),
        (lambda faults: faults.deny(RUN), 0),
        (lambda faults: faults.away("elasticmapreduce"), 0),
        (lambda faults: faults.lose_answer(RUN), 1),
    ],
    ids=["throttled for long", "denied", "away", "lost"],
)
def test_a_launch_that_fails_fails_the_stack(world: StackWorld, fault: Callable[[ApiFaults], None], left: int) -> None:
    """With its answer lost, a cluster is left that no stack knows of: RunJobFlow takes no token."""
    fault(world.stand_in.api_faults)
    stack = world.create("one", cluster_template(subnet(world)))

    assert world.settled(stack) == "ROLLBACK_COMPLETE"
    assert len(world.clusters.alive()) == left


def test_a_deletion_that_is_denied_fails(world: StackWorld) -> None:
    stack = world.create("one", cluster_template(subnet(world)))
    world.settled(stack)
    world.stand_in.api_faults.deny("elasticmapreduce:TerminateJobFlows")
    world.client("cloudformation").delete_stack(StackName="one")

    assert world.settled(stack) == "DELETE_FAILED"
