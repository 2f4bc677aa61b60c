"""Instance fleets of the stand-in (B5): what EMR refuses, which machines there are, and how it is told."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.model import StringShape, StructureShape
from moto.emr.exceptions import InvalidRequestException, ValidationException

from emr_drill.stand_in.emr_fleets import (
    ON_DEMAND,
    SPOT,
    STRATEGIES,
    Available,
    InstanceFleet,
    Machine,
    machines_in_words,
    problem_of,
    provision,
)

from .emr_world import ZONES, EmrWorld, emr_world

ZONE = ZONES[0]
PRIORITIZED = {"OnDemandSpecification": {"AllocationStrategy": "prioritized"}}
SPOT_OR_END = {"TimeoutDurationMinutes": 10, "TimeoutAction": "TERMINATE_CLUSTER"}
SPOT_OR_ON_DEMAND = {"TimeoutDurationMinutes": 10, "TimeoutAction": "SWITCH_TO_ON_DEMAND"}


def types(*weighted: tuple[str, int]) -> list[dict[str, Any]]:
    return [
        {"InstanceType": name, "WeightedCapacity": weight, "Priority": place}
        for place, (name, weight) in enumerate(weighted)
    ]


PRIMARY: dict[str, Any] = {
    "InstanceFleetType": "MASTER",
    "TargetOnDemandCapacity": 1,
    "InstanceTypeConfigs": types(("m5.xlarge", 1), ("m5a.xlarge", 1)),
    "LaunchSpecifications": PRIORITIZED,
}
CORE: dict[str, Any] = {
    "Name": "core",
    "InstanceFleetType": "CORE",
    "TargetOnDemandCapacity": 5,
    "TargetSpotCapacity": 0,
    "InstanceTypeConfigs": types(("m5.xlarge", 1), ("m5.2xlarge", 2)),
    "LaunchSpecifications": PRIORITIZED,
}
TASK: dict[str, Any] = {
    "InstanceFleetType": "TASK",
    "TargetOnDemandCapacity": 0,
    "TargetSpotCapacity": 4,
    "InstanceTypeConfigs": types(("r5.2xlarge", 2)),
    "LaunchSpecifications": {**PRIORITIZED, "SpotSpecification": SPOT_OR_END},
}


def asked(*fleets: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"Ec2SubnetIds": ["subnet-1"], "InstanceFleets": list(fleets or (PRIMARY, CORE, TASK)), **changes}


def fleet(request: dict[str, Any]) -> InstanceFleet:
    return InstanceFleet(id="if-1", request=request)


def without(*missing: tuple[str, str]) -> Available:
    """EC2 has everything but these instance types in these markets."""

    def available(instance_type: str, market: str) -> bool:
        return (instance_type, market) not in missing

    return available


ALL = without()


def test_fleets_that_make_sense_are_taken() -> None:
    assert problem_of(asked()) is None


def switched(**changes: Any) -> dict[str, Any]:
    return {**TASK, "LaunchSpecifications": {"SpotSpecification": {**SPOT_OR_END, **changes}}}


@pytest.mark.parametrize(
    ("instances", "words"),
    [
        (asked(InstanceGroups=[{"InstanceRole": "MASTER"}]), "mutually exclusive"),
        (asked(Ec2SubnetIds=[], Ec2SubnetId="subnet-1"), "takes Ec2SubnetIds"),
        (asked(CORE), "one MASTER fleet"),
        (asked(PRIMARY, CORE, CORE), "at most one CORE"),
        (asked(PRIMARY, TASK, TASK), "one TASK"),
        (asked({**PRIMARY, "TargetOnDemandCapacity": 2}), "of the primary is 1"),
        (asked({**PRIMARY, "TargetSpotCapacity": 1}), "of the primary is 1"),
        (asked({**PRIMARY, "InstanceTypeConfigs": types(("m5.xlarge", 2))}), "of the primary is 1"),
        (asked(PRIMARY, {**CORE, "TargetOnDemandCapacity": 0}), "is greater than 0"),
        (asked(PRIMARY, {**CORE, "InstanceTypeConfigs": []}), "has 1 to 30 instance types"),
        (asked(PRIMARY, {**CORE, "InstanceTypeConfigs": types(("x", 1), ("x", 2))}), "each instance type once"),
        (asked(PRIMARY, {**CORE, "InstanceTypeConfigs": types(("x", 0))}), "WeightedCapacity is 1 or more"),
        (
            asked(PRIMARY, {**CORE, "LaunchSpecifications": {"OnDemandSpecification": {"AllocationStrategy": "x"}}}),
            "AllocationStrategy of OnDemandSpecification is one of",
        ),
        (asked(PRIMARY, switched(AllocationStrategy="cheap")), "AllocationStrategy of SpotSpecification is one of"),
        (asked(PRIMARY, switched(TimeoutDurationMinutes=4)), "TimeoutDurationMinutes is 5 to 1440, got 4"),
        (asked(PRIMARY, switched(TimeoutDurationMinutes=1441)), "TimeoutDurationMinutes is 5 to 1440, got 1441"),
        (asked(PRIMARY, switched(TimeoutAction="WAIT")), "TimeoutAction is SWITCH_TO_ON_DEMAND or"),
    ],
)
def test_fleets_that_emr_would_refuse_are_refused(instances: dict[str, Any], words: str) -> None:
    assert words in (problem_of(instances) or "")


def test_without_an_allocation_strategy_five_types_are_the_most() -> None:
    """EMR Management Guide, "Planning and configuring instance fleets"."""
    many = {**CORE, "InstanceTypeConfigs": types(*((f"m{number}.xlarge", 1) for number in range(6)))}
    assert problem_of(asked(PRIMARY, many)) is None
    assert "has 1 to 5 instance types" in (problem_of(asked(PRIMARY, {**many, "LaunchSpecifications": {}})) or "")


def test_strategies_are_those_of_the_model() -> None:
    service = botocore.session.get_session().get_service_model("emr")
    for name, prefix in (("OnDemandSpecification", "OnDemand"), ("SpotSpecification", "Spot")):
        shape = service.shape_for(f"{prefix}ProvisioningAllocationStrategy")
        assert isinstance(shape, StringShape)
        assert set(STRATEGIES[name]) == set(shape.enum)


def test_a_fleet_takes_its_first_choice_until_its_units_are_met() -> None:
    core = fleet(CORE)
    assert core.provision(ALL, switched=False)
    assert core.machines == [Machine("m5.xlarge", ON_DEMAND, 1)] * 5


def test_a_fleet_takes_another_type_where_there_is_none_of_the_first() -> None:
    """And one unit more than asked for, when the last machine counts two."""
    core = fleet(CORE)
    assert core.provision(without(("m5.xlarge", ON_DEMAND)), switched=False)
    assert core.machines == [Machine("m5.2xlarge", ON_DEMAND, 2)] * 3
    assert core.units(ON_DEMAND) == 6


def test_priorities_decide_and_not_the_order_of_the_request() -> None:
    turned = {**CORE, "InstanceTypeConfigs": list(reversed(CORE["InstanceTypeConfigs"]))}
    core = fleet(turned)
    core.provision(ALL, switched=False)
    assert {machine.instance_type for machine in core.machines} == {"m5.xlarge"}


def test_a_launch_with_all_machines_waits_for_none() -> None:
    assert provision([fleet(PRIMARY), fleet(CORE), fleet(TASK)], ALL, begun=0.0, now=1.0) is None


def test_a_launch_without_on_demand_machines_waits_without_end() -> None:
    """The API has no time-out for them at a launch: the controller's own deadline ends it."""
    none = without(("m5.xlarge", ON_DEMAND), ("m5.2xlarge", ON_DEMAND))
    found = provision([fleet(CORE), fleet(TASK)], none, begun=0.0, now=100_000.0)
    assert found is not None
    assert (found.until, found.given_up) == (math.inf, "")


NO_SPOT = without(("r5.2xlarge", SPOT))


def test_a_launch_without_spot_machines_waits_until_its_time_is_over() -> None:
    found = provision([fleet(TASK)], NO_SPOT, begun=100.0, now=200.0)
    assert found is not None
    assert (found.until, found.given_up) == (700.0, "")


def test_a_launch_without_spot_machines_ends_when_its_time_is_over() -> None:
    found = provision([fleet(TASK)], NO_SPOT, begun=100.0, now=700.0)
    assert found is not None
    assert "task instance fleet did not get its spot units within 10 minutes" in found.given_up


def test_or_it_takes_them_on_demand() -> None:
    task = fleet({**TASK, "LaunchSpecifications": {"SpotSpecification": SPOT_OR_ON_DEMAND}})
    assert provision([task], NO_SPOT, begun=100.0, now=699.0) is not None
    assert provision([task], NO_SPOT, begun=100.0, now=700.0) is None
    assert task.machines == [Machine("r5.2xlarge", ON_DEMAND, 2)] * 2


def test_machines_that_came_are_kept_while_others_are_waited_for() -> None:
    core, task = fleet(CORE), fleet(TASK)
    for now in (1.0, 2.0):
        provision([core, task], NO_SPOT, begun=0.0, now=now)
    assert core.units(ON_DEMAND) == 5
    assert machines_in_words([task]) == "TASK: "


@pytest.fixture
def world(tmp_path: Path) -> Iterator[EmrWorld]:
    with emr_world(tmp_path) as made:
        yield made


def launch(world: EmrWorld, *fleets: dict[str, Any], **more: Any) -> str:
    instances = {
        "Ec2SubnetIds": [world.subnets[ZONE]],
        "KeepJobFlowAliveWhenNoSteps": True,
        "InstanceFleets": list(fleets or (PRIMARY, CORE, TASK)),
    }
    request = {"Name": "a-g1", "ServiceRole": "service", "JobFlowRole": "machines", **more}
    return str(world.emr.run_job_flow(Instances=instances, **request)["JobFlowId"])


@pytest.fixture
def waiting(world: EmrWorld) -> str:
    cluster_id = launch(world)
    world.wait(cluster_id, "WAITING")
    return cluster_id


def test_a_cluster_says_that_it_is_of_fleets_and_where(world: EmrWorld, waiting: str) -> None:
    found = world.describe(waiting)
    assert found["InstanceCollectionType"] == "INSTANCE_FLEET"
    assert found["Ec2InstanceAttributes"]["Ec2SubnetId"] == world.subnets[ZONE]
    assert found["Ec2InstanceAttributes"]["RequestedEc2SubnetIds"] == [world.subnets[ZONE]]


def test_the_primary_is_listed_by_its_fleet(world: EmrWorld, waiting: str) -> None:
    """A12: where the front door leads to."""
    (found,) = world.emr.list_instances(ClusterId=waiting, InstanceFleetType="MASTER")["Instances"]
    fleets = world.emr.list_instance_fleets(ClusterId=waiting)["InstanceFleets"]

    assert found["PrivateIpAddress"] == world.clusters.primary(waiting).address
    assert found["InstanceFleetId"] == next(one["Id"] for one in fleets if one["InstanceFleetType"] == "MASTER")
    assert "InstanceGroupId" not in found


def test_machines_of_fleets_are_not_listed_as_those_of_a_group(world: EmrWorld, waiting: str) -> None:
    with pytest.raises(InvalidRequestException, match="mutually exclusive"):
        world.emr.list_instances(ClusterId=waiting, InstanceGroupTypes=["MASTER"])
    with pytest.raises(InvalidRequestException, match="mutually exclusive"):
        world.emr.list_instance_groups(ClusterId=waiting)


def test_answers_have_the_members_of_the_model_and_no_others(world: EmrWorld, waiting: str) -> None:
    service = botocore.session.get_session().get_service_model("emr")
    fleets = world.emr.list_instance_fleets(ClusterId=waiting)["InstanceFleets"]
    instances = world.emr.list_instances(ClusterId=waiting)["Instances"]

    for name, found in (
        ("InstanceFleet", fleets),
        ("Instance", instances),
        ("InstanceTypeSpecification", [each for one in fleets for each in one["InstanceTypeSpecifications"]]),
        ("InstanceFleetStatus", [one["Status"] for one in fleets]),
    ):
        shape = service.shape_for(name)
        assert isinstance(shape, StructureShape)
        assert found
        assert not {key for one in found for key in one} - shape.members.keys(), name


def test_fleets_say_what_they_shall_have_and_what_they_have(world: EmrWorld, waiting: str) -> None:
    fleets = {
        one["InstanceFleetType"]: one for one in world.emr.list_instance_fleets(ClusterId=waiting)["InstanceFleets"]
    }
    names = [f"{what}{market}Capacity" for what in ("Target", "Provisioned") for market in ("OnDemand", "Spot")]

    assert {role: [one[name] for name in names] for role, one in fleets.items()} == {
        "MASTER": [1, 0, 1, 0],
        "CORE": [5, 0, 5, 0],
        "TASK": [0, 4, 0, 4],
    }
    assert fleets["TASK"]["LaunchSpecifications"]["SpotSpecification"] == SPOT_OR_END


def test_a_policy_of_managed_scaling_counts_units(world: EmrWorld, waiting: str) -> None:
    limits = {"UnitType": "InstanceFleetUnits", "MinimumCapacityUnits": 9, "MaximumCapacityUnits": 20}
    world.emr.put_managed_scaling_policy(ClusterId=waiting, ManagedScalingPolicy={"ComputeLimits": limits})
    with pytest.raises(ValidationException, match="is InstanceFleetUnits, got Instances"):
        world.emr.put_managed_scaling_policy(
            ClusterId=waiting, ManagedScalingPolicy={"ComputeLimits": {**limits, "UnitType": "Instances"}}
        )


def test_a_cluster_comes_up_of_the_types_that_there_are(world: EmrWorld) -> None:
    """A12, B5: that is what fleets are for."""
    world.clusters.use_up(ZONE, "m5.xlarge")
    cluster_id = launch(world)
    world.wait(cluster_id, "WAITING")

    primary, *others = world.emr.list_instances(ClusterId=cluster_id)["Instances"]
    assert primary["InstanceType"] == "m5a.xlarge"
    assert {one["InstanceType"] for one in others if one["Market"] == "ON_DEMAND"} == {"m5.2xlarge"}


def test_a_cluster_without_spot_machines_ends_with_emrs_reason(world: EmrWorld) -> None:
    world.clusters.use_up(ZONE, "r5.2xlarge", markets=[SPOT])
    cluster_id = launch(world)

    assert world.ended(cluster_id) == "TERMINATED_WITH_ERRORS"
    assert world.describe(cluster_id)["Status"]["StateChangeReason"]["Code"] == "INSTANCE_FLEET_TIMEOUT"
    (created, ended) = (world.clusters.history(cluster_id)[number][1] for number in (0, -1))
    assert ended - created >= 600


def test_a_cluster_without_machines_on_demand_starts_when_there_are_some(world: EmrWorld) -> None:
    for name in ("m5.xlarge", "m5a.xlarge"):
        world.clusters.use_up(ZONE, name)
    cluster_id = launch(world)
    world.stand_in.clock.sleep(5000)
    assert world.clusters.history(cluster_id)[-1][0] == "STARTING"

    world.clusters.give_back(ZONE, "m5a.xlarge")
    world.wait(cluster_id, "WAITING")


def test_a_zone_without_machines_fails_launches_of_fleets_too(world: EmrWorld) -> None:
    world.clusters.fail_capacity(ZONE)
    cluster_id = launch(world)
    assert world.ended(cluster_id) == "TERMINATED_WITH_ERRORS"
    (detail,) = world.describe(cluster_id)["Status"]["ErrorDetails"]
    assert detail["ErrorData"] == [{"instance-type": "m5.xlarge", "availability-zone": ZONE}]


def test_a_choice_between_subnets_is_refused(world: EmrWorld) -> None:
    """EMR would choose the AZ; the stand-in does not pretend to."""
    instances = asked(Ec2SubnetIds=list(world.subnets.values()))
    with pytest.raises(ValidationException, match="does not choose between several subnets"):
        world.emr.run_job_flow(Name="a-g1", ServiceRole="s", JobFlowRole="m", Instances=instances)
