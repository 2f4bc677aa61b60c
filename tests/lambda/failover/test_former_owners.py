"""An address that was handed on leads to nobody until its new owner is proved."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_core.record import Incarnation, IncarnationState, Slot
from failover.former_owners import take_from_former_owners

from .scenarios import failing, launched
from .world import World

OLD = "10.0.1.1"


def handed_on(world: World, **changes: Any) -> Incarnation:
    """A new incarnation that has the address of generation 1, whose primary is dead and whose cluster has ended."""
    launched(world)
    world.cluster(1).ended_at = world.clock.now - 600
    new = Incarnation(generation=2, managed_cluster="a", state=IncarnationState.LAUNCHING, primary_address=OLD)
    world.put({**new.to_item(), **changes})
    return new


def holding(world: World, address: str) -> list[str]:
    """The groups in which an address is a target."""
    return sorted(group for group, targets in world.targets.items() if address in targets)


def test_nothing_leads_to_a_new_owner_that_nobody_has_proved(world: World) -> None:
    """A12: neither ids of the old one, nor new jobs, nor people; the old one's slot and rule stay."""
    new = handed_on(world)
    rules = dict(world.rules)
    assert holding(world, OLD) == ["balanced", "nn-a", "rm-a", "slot-1"]
    assert take_from_former_owners(world.deployment, new) == ""
    assert holding(world, OLD) == []
    assert world.rules == rules
    assert world.record.slots([1])[0].generation == 1


def test_a_second_call_changes_nothing_more(world: World) -> None:
    """A14: the step may have died before the record knew the address."""
    new = handed_on(world)
    for _ in range(2):
        assert take_from_former_owners(world.deployment, new) == ""
    assert holding(world, OLD) == []


def test_the_slot_that_the_new_one_holds_is_left_to_it(world: World) -> None:
    """A12: the slots of the old one are told by their holder, not by the address."""
    new = handed_on(world)
    world.put(Slot(number=2, generation=2).to_item())
    world.targets["slot-2"] = {OLD: world.clock.now}
    take_from_former_owners(world.deployment, new)
    assert holding(world, OLD) == ["slot-2"]


@pytest.mark.parametrize("state", [each for each in IncarnationState if each is not IncarnationState.RETIRED])
def test_whatever_became_of_the_old_one(world: World, state: IncarnationState) -> None:
    """A12: its ids are clients' until it is retired."""
    new = handed_on(world)
    world.put({**world.incarnation(1).to_item(), "state": str(state)})
    take_from_former_owners(world.deployment, new)
    assert holding(world, OLD) == []


@pytest.mark.parametrize("changes", [{"state": "retired"}, {"primary_address": "10.0.1.9"}, {"generation": 3}], ids=str)
def test_who_is_no_former_owner_loses_nothing(world: World, changes: dict[str, Any]) -> None:
    """A14: a retired one has nothing, and a younger one has it now."""
    new = handed_on(world)
    world.put({**world.incarnation(1).to_item(), **changes})
    calls = world.calls
    assert take_from_former_owners(world.deployment, new) == ""
    assert world.calls == calls


@pytest.mark.parametrize("ended", [None, 0])
def test_an_old_one_whose_cluster_has_not_ended_keeps_its_place(world: World, ended: float | None) -> None:
    """A14: one of the two words is wrong; what may serve is not taken out for it."""
    new = handed_on(world)
    world.cluster(1).ended_at = None if ended is None else world.clock.now
    assert take_from_former_owners(world.deployment, new) == (
        "10.0.1.1 is the address of emr-dr-active-passive-a-g1 too, whose cluster j-1 has not ended"
    )
    assert holding(world, OLD) == ["balanced", "nn-a", "rm-a", "slot-1"]


def test_nothing_is_taken_as_long_as_nobody_knows(world: World) -> None:
    """A14: an error of our own call; the machine calls again."""
    new = handed_on(world)
    world.broken = {"describe_cluster"}
    with pytest.raises(ClientError, match="Rate exceeded"):
        take_from_former_owners(world.deployment, new)
    assert holding(world, OLD) == ["balanced", "nn-a", "rm-a", "slot-1"]


def at_launch(world: World, *, seconds: float) -> dict[str, Any]:
    """The request of a failover whose new primary has the dead one's address, *seconds* after its stack began."""
    request = failing(launched(world))
    world.run_operation(request, until="Launch")
    world.cluster(1).ended_at = world.clock.now - 600
    for _ in range(2):
        world.step("operation", "Launch", request)
        world.clock.now += 15
    world.cluster(1).address = "0.0.0.0"
    world.cluster(2).address = OLD
    world.clock.now += seconds
    return request


@pytest.mark.parametrize(("seconds", "status"), [(100, "wait"), (500, "done")])
def test_launch_takes_the_address_before_the_record_has_it(world: World, seconds: float, status: str) -> None:
    """A12: from then on probers and steps go there."""
    request = at_launch(world, seconds=seconds)
    world.broken = {"deregister_targets"}
    with pytest.raises(ClientError, match="Rate exceeded"):
        world.step("operation", "Launch", request)
    assert world.incarnation(2).primary_address is None
    world.broken.clear()
    assert world.step("operation", "Launch", request).status == status
    assert (world.incarnation(2).primary_address, holding(world, OLD)) == (OLD, [])


def test_launch_waits_for_the_word_of_emr(world: World) -> None:
    """A14: nobody is led to an address that may be somebody else's."""
    request = at_launch(world, seconds=500)
    world.cluster(1).ended_at = None
    answer = world.step("operation", "Launch", request)
    assert (answer.status, world.incarnation(2).state) == ("wait", IncarnationState.LAUNCHING)
    assert answer.message == (
        "generation 2 in us-east-1b: 10.0.1.1 is the address of emr-dr-active-passive-a-g1 too, whose cluster j-1 has "
        "not ended"
    )
    assert world.incarnation(2).primary_address is None
    world.cluster(1).ended_at = world.clock.now - 600
    assert world.step("operation", "Launch", request).status == "done"


def test_a_known_address_is_asked_for_once(world: World) -> None:
    """What was taken once is not taken again in each look."""
    request = at_launch(world, seconds=100)
    world.step("operation", "Launch", request)
    left = len(world.deregistered)
    world.step("operation", "Launch", request)
    assert len(world.deregistered) == left


def test_a_failover_to_the_address_of_what_died_comes_to_its_end(world: World) -> None:
    """A11: the new one serves at it, and no id of the old one leads there."""
    request = at_launch(world, seconds=0)
    world.unhealthy.clear()
    assert world.run_operation(request) == "CutOverDone"
    world.run_started_retirements()
    assert holding(world, OLD) == ["balanced", "nn-a", "rm-a", "slot-2"]
    assert world.incarnation(1).state is IncarnationState.RETIRED
