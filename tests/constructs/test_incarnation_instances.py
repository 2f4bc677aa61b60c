"""The machines of an incarnation in groups and in fleets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import botocore.session
import pytest
from aws_cdk import Stack
from botocore.validate import ParamValidator

from dr_core.specs import launch_numbers
from emr_dr.incarnation_instances import DRIVERS_ON_CORE_NODES, in_words, limit_parameters
from emr_dr.incarnation_template import IncarnationCluster, classifications
from emr_dr.settings import Settings
from emr_drill.stand_in.cluster_resource import run_job_flow_request
from emr_drill.stand_in.emr_fleets import problem_of as fleets_problem
from emr_drill.stand_in.emr_scaling import problem_of as scaling_problem

from ..synthesis import new_app, only, templates
from .fleets import CORE_TYPES, FLEETS, TASK, WITH_TASK


def settings(fleets: dict[str, Any] | None) -> Settings:
    return Settings.parse({"cluster": {} if fleets is None else {"fleets": fleets}})


def synthesize(folder: Path, fleets: dict[str, Any] | None) -> dict[str, Any]:
    app = new_app(folder)
    IncarnationCluster(Stack(app, "Stack"), "Incarnation", settings=settings(fleets))
    return templates(app)["Stack"]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return synthesize(tmp_path_factory.mktemp("fleets"), WITH_TASK)


@pytest.fixture(scope="module")
def cluster(template: dict[str, Any]) -> dict[str, Any]:
    return only(template, "AWS::EMR::Cluster")


def types_of(fleet: dict[str, Any]) -> list[tuple[str, int, int]]:
    return [(each["InstanceType"], each["WeightedCapacity"], each["Priority"]) for each in fleet["InstanceTypeConfigs"]]


def test_a_cluster_is_of_fleets_alone(cluster: dict[str, Any]) -> None:
    """B5: EMR takes one of the two shapes."""
    found = cluster["Instances"]
    assert {"MasterInstanceFleet", "CoreInstanceFleet", "TaskInstanceFleets"} <= found.keys()
    assert not found.keys() & {"MasterInstanceGroup", "CoreInstanceGroup", "Ec2SubnetId"}


def test_the_availability_zone_is_the_controllers_choice(cluster: dict[str, Any]) -> None:
    """A12: of several subnets EMR would choose, the one that failed too."""
    assert cluster["Instances"]["Ec2SubnetIds"] == [{"Ref": "SubnetId"}]


def test_primary_and_core_are_on_demand(cluster: dict[str, Any]) -> None:
    """B5: EC2 may take spot machines back."""
    found = cluster["Instances"]
    for name, units in (("MasterInstanceFleet", 1), ("CoreInstanceFleet", {"Ref": "CoreUnits"})):
        assert (found[name]["TargetOnDemandCapacity"], found[name]["TargetSpotCapacity"]) == (units, 0)
        assert "SpotSpecification" not in found[name]["LaunchSpecifications"]


def test_types_count_their_units_in_the_order_of_the_settings(cluster: dict[str, Any]) -> None:
    found = cluster["Instances"]
    assert types_of(found["MasterInstanceFleet"]) == [("m5.xlarge", 1, 0), ("m5a.xlarge", 1, 1)]
    assert types_of(found["CoreInstanceFleet"]) == [("m5.xlarge", 1, 0), ("m5.2xlarge", 2, 1)]
    strategies = {
        fleet["LaunchSpecifications"]["OnDemandSpecification"]["AllocationStrategy"]
        for fleet in (found["MasterInstanceFleet"], found["CoreInstanceFleet"], *found["TaskInstanceFleets"])
    }
    assert strategies == {"prioritized"}


def test_the_task_fleet_has_its_share_of_spot_machines(cluster: dict[str, Any]) -> None:
    """B5."""
    (task,) = cluster["Instances"]["TaskInstanceFleets"]
    assert (task["TargetOnDemandCapacity"], task["TargetSpotCapacity"]) == (
        {"Ref": "TaskOnDemandUnits"},
        {"Ref": "TaskSpotUnits"},
    )
    assert task["LaunchSpecifications"]["SpotSpecification"] == {
        "AllocationStrategy": "price-capacity-optimized",
        "TimeoutDurationMinutes": 5,
        "TimeoutAction": "SWITCH_TO_ON_DEMAND",
    }


def test_a_launch_may_end_where_spot_machines_do_not_come(tmp_path: Path) -> None:
    """A12: the next AZ is tried then."""
    ends = {**TASK, "spot_timeout_action": "terminate-cluster", "spot_timeout_minutes": 8}
    cluster = only(synthesize(tmp_path, {**FLEETS, "task": ends}), "AWS::EMR::Cluster")
    specification = cluster["Instances"]["TaskInstanceFleets"][0]["LaunchSpecifications"]["SpotSpecification"]
    assert (specification["TimeoutAction"], specification["TimeoutDurationMinutes"]) == ("TERMINATE_CLUSTER", 8)


def test_managed_scaling_counts_units_of_fleets(cluster: dict[str, Any]) -> None:
    """A3, B5."""
    assert cluster["ManagedScalingPolicy"]["ComputeLimits"] == {
        "UnitType": "InstanceFleetUnits",
        "MinimumCapacityUnits": {"Ref": "MinimumUnits"},
        "MaximumCapacityUnits": {"Ref": "MaximumUnits"},
        "MaximumCoreCapacityUnits": {"Ref": "MaximumCoreUnits"},
        "MaximumOnDemandCapacityUnits": {"Ref": "MaximumOnDemandUnits"},
    }


@pytest.mark.parametrize("fleets", [None, FLEETS, WITH_TASK], ids=["groups", "fleets", "with a task fleet"])
def test_a_launch_gives_exactly_the_numbers_that_the_template_asks_for(
    fleets: dict[str, Any] | None, tmp_path: Path
) -> None:
    """CreateStack refuses one too many and one too few."""
    given, found = launch_numbers(settings(fleets).scaling), synthesize(tmp_path, fleets)

    asked = {name for name, about in found["Parameters"].items() if about["Type"] == "Number"}
    assert given.keys() == limit_parameters(settings(fleets).cluster).keys() == asked
    for name, number in given.items():
        assert found["Parameters"][name]["MinValue"] <= number <= found["Parameters"][name]["MaxValue"]
        assert f"{{'Ref': '{name}'}}" in str(found["Resources"])


@pytest.mark.parametrize(
    "changes",
    [
        {"maximum_units": 30, "maximum_units_alone": 50},
        {"core": {"types": CORE_TYPES, "units": 3, "maximum_units": 5}},
        {"task": {**TASK, "units": 6, "spot_percent": 0}},
    ],
    ids=["limits", "core units", "task units"],
)
def test_units_of_the_settings_are_no_part_of_the_text(
    changes: dict[str, Any], template: dict[str, Any], tmp_path: Path
) -> None:
    """A14: another text would be another incarnation, and EMR changes limits on a cluster that runs."""
    assert synthesize(tmp_path, {**WITH_TASK, **changes}) == template


def test_emr_takes_what_the_template_makes_of_a_launch(cluster: dict[str, Any]) -> None:
    """By botocore's model and by the stand-in's rules; CloudFormation hands numbers on as text."""
    given = {name: str(number) for name, number in launch_numbers(settings(WITH_TASK).scaling).items()}

    def resolved(value: Any) -> Any:
        if isinstance(value, dict):
            name = value.get("Ref")
            return given.get(name, f"subnet-{name}") if name else {key: resolved(each) for key, each in value.items()}
        return [resolved(each) for each in value] if isinstance(value, list) else value

    service = botocore.session.get_session().get_service_model("emr")
    shape = service.operation_model("RunJobFlow").input_shape
    assert shape is not None
    asked = {"Name": "a", **{name: resolved(cluster[name]) for name in ("Instances", "ManagedScalingPolicy")}}
    request = run_job_flow_request(asked, shape)

    assert ParamValidator().validate(request, shape).generate_report() == ""
    assert fleets_problem(request["Instances"]) is None
    assert scaling_problem(request["ManagedScalingPolicy"], fleets=True) is None
    targets = [
        (each["TargetOnDemandCapacity"], each["TargetSpotCapacity"]) for each in request["Instances"]["InstanceFleets"]
    ]
    assert targets == [(1, 0), (2, 0), (1, 3)]


def test_drivers_run_where_no_spot_machine_is() -> None:
    """B5: EC2 takes executors, which Spark starts again, and no job."""
    assert classifications(settings(WITH_TASK))["yarn-site"].items() >= DRIVERS_ON_CORE_NODES.items()


@pytest.mark.parametrize("fleets", [None, FLEETS], ids=["groups", "fleets"])
def test_without_task_nodes_no_labels_are_needed(fleets: dict[str, Any] | None) -> None:
    assert not classifications(settings(fleets))["yarn-site"].keys() & DRIVERS_ON_CORE_NODES.keys()


def test_machines_in_words() -> None:
    """B13: who reads a diff sees what a cluster will be of."""
    assert in_words(settings(None).cluster) == "primary m5.xlarge, core m5.xlarge"
    assert in_words(settings(WITH_TASK).cluster) == (
        "instance fleets: primary m5.xlarge or m5a.xlarge, core m5.xlarge or m5.2xlarge, task m5.2xlarge or r5.2xlarge"
    )
