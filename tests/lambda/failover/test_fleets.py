"""Managed clusters whose incarnations are of instance fleets, and how they come from and go to instance groups."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dr_core.record import ManagedCluster
from dr_core.scaling import FleetShares, Scaling
from dr_core.specs import Difference, Spec, difference
from failover.custom_resource import respond
from failover.reality import read_record
from failover.scaling import see_to_scaling

from .parts import OPERATIONS
from .safety import stack_event
from .scaled import FLEET_SPEC, SPEC, of_fleets, properties, scaled
from .world import World

LIMITS = {
    "UnitType": "InstanceFleetUnits",
    "MinimumCapacityUnits": 6,
    "MaximumCapacityUnits": 20,
    "MaximumCoreCapacityUnits": 2,
    "MaximumOnDemandCapacityUnits": 7,
}
SCALING = FLEET_SPEC.scaling or pytest.fail()
MORE_ON_DEMAND = replace(
    FLEET_SPEC,
    scaling=replace(SCALING, maximum_instances=30, fleets=FleetShares(core_maximum=4, task_units=4, spot_percent=50)),
)


@pytest.fixture
def serving(world: World) -> World:
    """Generation 1, of instance fleets, serves as its spec says."""
    return of_fleets(world)


def see(world: World) -> list[str]:
    return see_to_scaling(world.deployment, read_record(world.deployment), paused=False)


def switchovers(world: World) -> list[str]:
    return [each["name"] for each in world.executions.values() if each.get("machine") == OPERATIONS]


def test_a_launch_of_fleets_has_its_limits_and_its_primarys_address(serving: World) -> None:
    """A12, B5: the address is asked for as a fleet's, else EMR refuses to tell it."""
    assert serving.cluster(1).limits == LIMITS
    assert serving.incarnation(1).primary_address == serving.cluster(1).address
    assert serving.incarnation(1).limits == {
        "minimum": 6,
        "maximum": 20,
        "unit": "InstanceFleetUnits",
        "core": 2,
        "on_demand": 7,
    }


def test_limits_in_line_are_left_alone(serving: World) -> None:
    calls = serving.calls
    assert see(serving) == []
    assert (serving.calls, serving.notices) == (calls, [])


def test_limits_of_fleets_are_changed_on_the_cluster_that_runs(serving: World) -> None:
    """A3, A14: the share of spot machines too."""
    respond(serving.deployment, stack_event("Update", "r2", **properties(MORE_ON_DEMAND)))

    assert serving.cluster(1).limits == {
        **LIMITS,
        "MaximumCapacityUnits": 30,
        "MaximumCoreCapacityUnits": 4,
        "MaximumOnDemandCapacityUnits": 17,
    }
    assert switchovers(serving) == []
    assert [each["succeeded"] for each in serving.answers] == [True]


def test_limits_of_fleets_that_a_person_set_are_put_back(serving: World) -> None:
    serving.cluster(1).limits = {**LIMITS, "MaximumOnDemandCapacityUnits": 20}
    see(serving)
    assert serving.cluster(1).limits == LIMITS
    (notice,) = serving.notices
    assert "kept to 6 to 20 units (at most 2 in core nodes), and neither" in notice["message"]
    assert "the units of cluster.fleets" in notice["message"]


@pytest.mark.parametrize(("old", "new"), [(SPEC, FLEET_SPEC), (FLEET_SPEC, SPEC)], ids=["to fleets", "to groups"])
def test_the_other_shape_is_another_incarnation(world: World, old: Spec, new: Spec) -> None:
    """B5, B13: EMR turns no cluster of groups into one of fleets."""
    (scaled if old is SPEC else of_fleets)(world)
    respond(world.deployment, stack_event("Update", "r2", **properties(new)))

    assert difference(old, new) is Difference.REPLACE
    assert len(switchovers(world)) == 1
    assert world.managed_cluster().spec == old.to_json(), "until the other one serves"


@pytest.mark.parametrize(("old", "new"), [(SPEC, FLEET_SPEC), (FLEET_SPEC, SPEC)], ids=["to fleets", "to groups"])
def test_limits_of_the_other_shape_are_not_given_to_what_serves(world: World, old: Spec, new: Spec) -> None:
    """EMR would refuse them, each minute, until what is of the new shape serves."""
    (scaled if old is SPEC else of_fleets)(world)
    before = world.cluster(1).limits
    world.put({**world.managed_cluster().to_item(), "spec": new.to_json()})

    assert see(world) == []
    assert world.cluster(1).limits == before
    assert world.notices == []


def test_units_are_told_as_units(serving: World) -> None:
    """A cluster of fleets of 40 units may be one of five machines."""
    wider = replace(SCALING, maximum_instances=30, maximum_instances_alone=None)
    respond(serving.deployment, stack_event("Update", "r2", **properties(replace(FLEET_SPEC, scaling=wider))))
    (answer,) = serving.answers
    assert "with 6 to 30 units (at most 2 in core nodes and 9 on demand)" in answer["reason"]


def test_a_spec_of_fleets_is_read_as_it_was_written() -> None:
    assert Spec.from_json(FLEET_SPEC.to_json()) == FLEET_SPEC
    assert Scaling.from_dict(SCALING.to_dict()) == SCALING
    assert ManagedCluster(name="a", spec=FLEET_SPEC.to_json()).spec is not None
