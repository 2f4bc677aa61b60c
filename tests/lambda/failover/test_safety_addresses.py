"""Addresses that were handed out again: what is meant for the old owner does not hit the new one."""

from __future__ import annotations

from typing import Any

import pytest

from dr_core.record import IncarnationState
from failover.leftovers import give_up_cut_over, in_service_group
from failover.removal import address_handed_on, withdraw

from .fakes import FakeProbers
from .scenarios import failed_over, failing, launched
from .world import World

OLD = "10.0.1.1"


@pytest.fixture
def told_to_end(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Addresses whose ResourceManagers were told to end every application."""
    kill, addresses = FakeProbers._kill_applications, list[str]()

    def kill_applications(self: FakeProbers, request: dict[str, Any]) -> dict[str, Any]:
        addresses.append(request["address"])
        return kill(self, request)

    monkeypatch.setattr(FakeProbers, "_kill_applications", kill_applications)
    return addresses


def hand_on(world: World, *, to: int) -> None:
    """EC2 gives the address of generation 1 to another generation."""
    item = world.incarnation(to).to_item()
    world.put({**item, "primary_address": OLD})
    world.cluster(1).address = "0.0.0.0"
    world.cluster(to).address = OLD


def test_the_new_owner_of_an_address_stays_in_service(world: World) -> None:
    """The retirement of the old owner comes to its end after the new one came into service."""
    request = failed_over(world)
    world.run_retirement(request, until="Confirm")
    hand_on(world, to=2)
    world.unhealthy.clear()
    world.deployment.front_door.put_in_service(managed_cluster="a", address=OLD)
    assert world.run_retirement(request) == "Retired"
    assert all(OLD in world.targets[group] for group in ("balanced", "rm-a", "nn-a"))


def test_the_youngest_owner_of_an_address_can_be_taken_out(world: World) -> None:
    """The one before it is still being retired under the same address."""
    failed_over(world)
    hand_on(world, to=2)
    world.deployment.front_door.put_in_service(managed_cluster="a", address=OLD)
    withdraw(world.deployment, world.incarnation(2))
    assert OLD not in world.targets["balanced"]


def test_a_retired_incarnation_owns_no_address(world: World) -> None:
    """It is kept in the record for its range of ids."""
    failed_over(world)
    hand_on(world, to=2)
    world.put({**world.incarnation(2).to_item(), "state": "retired"})
    assert not address_handed_on(world.deployment, world.incarnation(1))


def test_fence_takes_no_id_from_a_new_owner(world: World, told_to_end: list[str]) -> None:
    """The dead primary's address went to the incarnation that takes over, whose ids have a slot of their own."""
    request = failing(launched(world))
    world.run_operation(request, until="Fence")
    hand_on(world, to=2)
    group = world.deployment.front_door.slot(world.incarnation(2).slot or 0).target_group
    world.targets[group] = {OLD: 0.0}
    assert world.step("operation", "Fence", request).status == "done"
    assert told_to_end == []
    assert OLD in world.targets[group]


def test_a_retirement_does_not_end_the_applications_of_a_new_owner(world: World, told_to_end: list[str]) -> None:
    """EMR takes minutes to notice that a primary is gone; its address may be in use before."""
    request = failed_over(world)
    told_to_end.clear()
    hand_on(world, to=2)
    world.cluster(1).ended_at = None
    world.step("retirement", "AwaitFenced", request)
    assert told_to_end == []


def test_what_is_registered_for_a_new_owner_is_not_in_service_for_the_old_one(world: World) -> None:
    """A leftover would be finished as if it were the new one."""
    failed_over(world)
    hand_on(world, to=2)
    world.deployment.front_door.put_in_service(managed_cluster="a", address=OLD)
    assert not in_service_group(world.deployment, world.incarnation(1))
    assert in_service_group(world.deployment, world.incarnation(2))


def test_a_cut_over_is_not_given_up_for_an_old_one_whose_address_it_has(world: World) -> None:
    """What looks healthy there is the new one itself."""
    launched(world)
    world.run_operation(world.request("switchover", "op2", reason="upgrade"), until="CutOver")
    hand_on(world, to=2)
    assert not give_up_cut_over(world.deployment, world.incarnation(2))
    assert world.incarnation(2).state is IncarnationState.VERIFYING
