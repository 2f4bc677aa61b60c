"""CloseIds: a 410 for what is known to have ended, and for nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from failover.errors import InvariantError

from ..parts import START
from ..planned import drained, switched_over
from ..scenarios import failed_over, launched, settled
from ..world import World, rule_of


def fenced(world: World) -> dict[str, Any]:
    """The request of a retirement whose incarnation is known to run nothing."""
    request = failed_over(world)
    world.run_retirement(request, until="CloseIds")
    return request


def test_ids_of_what_is_fenced_lead_nowhere(world: World) -> None:
    """A13: they answer 410 from here on, and the slot is free."""
    answer = world.step("retirement", "CloseIds", fenced(world))
    assert (answer.status, answer.message) == ("done", "its ids answer 410")
    assert not [rule for rule, conditions in world.rules.items() if rule_of(1) in str(conditions)]
    assert settled(world)["slots"][1] is None
    assert world.targets["slot-1"] == {}


def test_ids_of_its_successor_stay_open(world: World) -> None:
    """One slot alone is closed."""
    world.step("retirement", "CloseIds", fenced(world))
    assert rule_of(2) in str(world.rules["id-2"])
    assert settled(world)["slots"][2] == 2
    assert list(world.targets["balanced"]) == ["10.0.2.2"]


def test_a_second_call_changes_nothing(world: World) -> None:
    """A14: not even when somebody else has the slot by then."""
    request = fenced(world)
    world.step("retirement", "CloseIds", request)
    world.put({"kind": "slot", "id": "1", "generation": 3})
    before = settled(world)
    assert world.step("retirement", "CloseIds", request).status == "done"
    assert settled(world) == before


def test_ids_that_are_not_fenced_are_not_closed(world: World) -> None:
    """CloseIds called out of turn does nothing."""
    request = failed_over(world)
    assert world.step("retirement", "CloseIds", request).status == "wait"
    assert rule_of(1) in str(world.rules["id-1"])


def test_late_finds_of_a_deletion_are_left_to_its_last_state(world: World) -> None:
    """CloseIds passes over what is not fenced yet; Confirm brings it to its end."""
    launched(world)
    request = {"retirement": "a-delete-1", "managed_cluster": "a", "generation": None, "planned": False}
    world.step("retirement", "Drain", request)
    assert world.step("retirement", "CloseIds", request).status == "done"
    assert list(world.targets["slot-1"]) == ["10.0.1.1"]


def test_the_only_healthy_place_is_not_given_up(world: World) -> None:
    """None retired that holds the only healthy place."""
    launched(world).run_operation(world.request("switchover", "op2", reason="upgrade"))
    request = {"retirement": "a-retire-g1", "managed_cluster": "a", "generation": 1, "planned": True}
    world.run_retirement(request, until="CloseIds")
    world.targets["balanced"] = {"10.0.1.1": START}
    with pytest.raises(InvariantError, match="nobody else is healthy there"):
        world.step("retirement", "CloseIds", request)


def test_one_of_two_healthy_places_may_be_given_up(world: World) -> None:
    """A14: the other one serves."""
    launched(world).run_operation(world.request("switchover", "op2", reason="upgrade"))
    request = {"retirement": "a-retire-g1", "managed_cluster": "a", "generation": 1, "planned": True}
    world.run_retirement(request, until="CloseIds")
    world.targets["balanced"] = {"10.0.1.1": START, "10.0.1.2": START}
    assert world.step("retirement", "CloseIds", request).status == "done"
    assert list(world.targets["balanced"]) == ["10.0.1.2"]


def test_nothing_is_closed_in_a_slot_of_somebody_else(world: World) -> None:
    """A14: whose ids would answer 410 then."""
    request = fenced(world)
    world.put({"kind": "slot", "id": "1", "generation": 3})
    before = dict(world.rules)
    world.step("retirement", "CloseIds", request)
    assert world.rules == before


@pytest.mark.parametrize("call", ["describe_target_health", "deregister_targets", "modify_rule"])
def test_a_slot_is_not_free_before_its_ids_are_closed(world: World, call: str) -> None:
    """A14: an error of our own call; the next one closes them."""
    request = fenced(world)
    world.broken = {call}
    with pytest.raises(ClientError, match="Rate exceeded"):
        world.step("retirement", "CloseIds", request)
    assert settled(world)["slots"][1] == 1
    world.broken.clear()
    assert world.step("retirement", "CloseIds", request).status == "done"
    assert settled(world)["slots"][1] is None


@pytest.mark.parametrize("state", ["drains", "lingers"])
def test_ids_stay_open_while_clients_read_their_results(world: World, state: str) -> None:
    """B6: a 410 before that makes clients run jobs again that succeeded; even if nothing runs any more."""
    request = drained(world) if state == "lingers" else switched_over(world)
    world.put({**world.incarnation(1).to_item(), "fenced_at": world.clock.now})
    answer = world.step("retirement", "CloseIds", request)
    assert (answer.status, answer.message) == (
        "wait",
        "generation 1 stays up, so that clients read their results",
    )
    assert rule_of(1) in str(world.rules["id-1"])


def test_ids_of_a_planned_retirement_are_closed_while_the_cluster_is_up(world: World) -> None:
    """B6: so that they never answer 5xx."""
    request = switched_over(world)
    assert world.run_retirement(request, until="CloseIds") == "CloseIds"
    assert world.cluster_state(world.cluster(1)) == "WAITING"
    assert world.step("retirement", "CloseIds", request).status == "done"
    assert rule_of(1) not in str(world.rules)
