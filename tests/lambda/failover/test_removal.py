"""How an incarnation leaves: nothing of it is forgotten, and nothing that is not ours is touched."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_core.record import Incarnation
from failover.errors import InvariantError
from failover.removal import (
    address_handed_on,
    change_incarnation,
    cluster_ended,
    cluster_ending,
    delete_stack,
    request_end,
    with_cluster,
    withdraw,
)

from .parts import Stack
from .scenarios import launched, settled
from .world import World, rule_of


@pytest.fixture
def incarnation(world: World) -> Incarnation:
    """Generation 1, which serves."""
    return launched(world).incarnation(1)


def forget(world: World, *attributes: str) -> Incarnation:
    """Generation 1 as a launch left it that was interrupted before it noted *attributes* down."""
    for attribute in attributes:
        world.record.items["incarnation", "g000001"].pop(attribute)
    return world.incarnation(1)


def only_stack(world: World) -> Stack:
    (stack,) = world.stacks.values()
    return stack


def test_attributes_are_set_and_removed(world: World, incarnation: Incarnation) -> None:
    """The others stay."""
    change_incarnation(world.deployment, incarnation, fenced_at=5.0, slot=None)
    changed = world.incarnation(1)
    assert (changed.fenced_at, changed.slot, changed.cluster_id) == (5.0, None, "j-1")


def test_what_is_withdrawn_is_in_no_group_and_no_slot(world: World, incarnation: Incarnation) -> None:
    """A12, A13: also when called again."""
    for _ in range(2):
        withdraw(world.deployment, incarnation)
    end = settled(world)
    assert end["targets"] == {}
    assert end["slots"] == {1: None, 2: None, 3: None, 4: None}
    assert rule_of(1) not in str(end["rules"])
    assert world.incarnation(1).slot is None


def test_a_slot_that_was_not_noted_down_is_freed(world: World, incarnation: Incarnation) -> None:
    """Whoever took it died before it could say so."""
    withdraw(world.deployment, forget(world, "slot"))
    assert settled(world)["slots"][1] is None
    assert rule_of(1) not in str(world.rules)


def test_a_slot_of_somebody_else_is_not_freed(world: World, incarnation: Incarnation) -> None:
    """A14: its ids would answer 410."""
    world.put({"kind": "slot", "id": "1", "generation": 7})
    rules = dict(world.rules)
    withdraw(world.deployment, incarnation)
    assert settled(world)["slots"][1] == 7
    assert world.rules == rules


def test_a_slot_is_freed_last(world: World, incarnation: Incarnation) -> None:
    """The next one to hold it must not find its rules closed behind its back."""
    world.broken = {"modify_rule"}
    with pytest.raises(ClientError):
        withdraw(world.deployment, incarnation)
    assert settled(world)["slots"][1] == 1


def test_what_never_had_an_address_leaves_its_slot_too(world: World, incarnation: Incarnation) -> None:
    """There is nothing to deregister."""
    withdraw(world.deployment, forget(world, "primary_address"))
    assert settled(world)["slots"][1] is None
    assert world.deregistered == []


@pytest.mark.parametrize(
    ("other", "handed_on"),
    [
        ({"generation": 2, "state": "verifying"}, True),
        ({"generation": 2, "state": "retired"}, False),
        ({"generation": 0, "state": "retiring"}, False),
        ({"generation": 2, "state": "verifying", "primary_address": "10.0.2.2"}, False),
    ],
)
def test_an_address_belongs_to_its_youngest_owner(
    world: World, incarnation: Incarnation, other: dict[str, Any], handed_on: bool
) -> None:
    """A VPC hands out the address of a primary that is gone again."""
    world.put({**incarnation.to_item(), "id": f"g{other['generation']:06d}", **other})
    assert address_handed_on(world.deployment, incarnation) is handed_on


def test_no_address_is_handed_on_by_nobody(world: World, incarnation: Incarnation) -> None:
    """Two incarnations without an address share none."""
    world.put({**incarnation.to_item(), "id": "g000002", "generation": 2})
    world.record.items["incarnation", "g000002"].pop("primary_address")
    assert not address_handed_on(world.deployment, forget(world, "primary_address"))


def test_ids_that_were_not_noted_down_are_found(world: World, incarnation: Incarnation) -> None:
    """By the name of the stack, and they are noted down."""
    found, status = with_cluster(world.deployment, forget(world, "stack_id", "cluster_id"))
    assert (found.stack_id, found.cluster_id, status) == (only_stack(world).stack_id, "j-1", "CREATE_COMPLETE")
    assert world.incarnation(1) == found


def test_what_is_known_is_not_looked_for(world: World, incarnation: Incarnation) -> None:
    """One look at the stack's status, and no change."""
    calls = world.calls
    assert with_cluster(world.deployment, incarnation) == (incarnation, "CREATE_COMPLETE")
    assert world.calls == calls


def test_a_stack_that_is_not_ours_is_not_taken_for_ours(world: World, incarnation: Incarnation) -> None:
    """A name is not enough."""
    only_stack(world).tags = {}
    found, status = with_cluster(world.deployment, forget(world, "stack_id", "cluster_id"))
    assert (found.stack_id, found.cluster_id, status) == (None, None, "")


def test_an_end_is_requested_and_its_time_noted_down(world: World, incarnation: Incarnation) -> None:
    """The first time counts."""
    seen = request_end(world.deployment, incarnation)
    assert seen is not None
    assert seen.state == "WAITING"
    first = world.clock.now
    world.clock.now += 5
    request_end(world.deployment, world.incarnation(1))
    assert world.incarnation(1).terminate_requested_at == first


def test_an_incarnation_without_a_cluster_needs_no_end(world: World, incarnation: Incarnation) -> None:
    """Nothing of it runs."""
    assert request_end(world.deployment, forget(world, "cluster_id")) is None
    assert world.terminated == []


def test_an_end_that_is_refused_is_not_noted_down(world: World, incarnation: Incarnation) -> None:
    """Never terminate what is not ours; a limit that counts from it would pass for nothing."""
    world.clusters["j-1"].name = "another"
    with pytest.raises(InvariantError, match="must not be ended"):
        request_end(world.deployment, incarnation)
    assert world.incarnation(1).terminate_requested_at is None


def test_an_end_is_written_down_before_it_is_requested(world: World, incarnation: Incarnation) -> None:
    """EMR calls it ``USER_REQUEST``, and the monitor would take it for a person's."""
    world.broken = {"terminate_job_flows"}
    with pytest.raises(ClientError):
        request_end(world.deployment, incarnation)
    assert world.incarnation(1).terminate_requested_at == world.clock.now


def test_a_stack_goes_with_its_cluster(world: World, incarnation: Incarnation) -> None:
    """One action in each call: asked for, waited for, gone."""
    assert not delete_stack(world.deployment, incarnation)
    assert world.terminated == ["emr-dr-active-passive-a-g1"]
    assert not delete_stack(world.deployment, incarnation)
    assert only_stack(world).deletions == 1
    world.clock.now += 60
    assert delete_stack(world.deployment, incarnation)


def test_no_stack_is_gone_already(world: World, incarnation: Incarnation) -> None:
    """Somebody deleted it by hand."""
    world.stacks.clear()
    assert delete_stack(world.deployment, incarnation)


def test_the_stack_of_a_cluster_that_is_not_ours_stays(world: World, incarnation: Incarnation) -> None:
    """CloudFormation would end the cluster."""
    world.clusters["j-1"].name = "another"
    with pytest.raises(InvariantError, match="must not be ended"):
        delete_stack(world.deployment, incarnation)
    assert only_stack(world).deletions == 0


def test_a_cluster_has_ended_when_emr_says_so(world: World, incarnation: Incarnation) -> None:
    """TERMINATING is not enough."""
    assert not cluster_ended(world.deployment, incarnation)
    world.cluster(1).ended_at = world.clock.now
    assert not cluster_ended(world.deployment, incarnation)
    world.clock.now += 60
    assert cluster_ended(world.deployment, incarnation)


def test_a_cluster_that_nobody_knows_has_ended(world: World, incarnation: Incarnation) -> None:
    """EMR forgets clusters; and one that was never created never ran."""
    world.clusters.clear()
    assert cluster_ended(world.deployment, incarnation)
    assert cluster_ended(world.deployment, forget(world, "cluster_id"))


def test_a_cluster_that_cannot_be_looked_at_has_not_ended(world: World, incarnation: Incarnation) -> None:
    """A14: an error of our own call."""
    world.broken = {"describe_cluster"}
    with pytest.raises(ClientError):
        cluster_ended(world.deployment, incarnation)


def test_a_cluster_that_is_being_ended_is_ending(world: World, incarnation: Incarnation) -> None:
    """Its services will not be back, though its containers may still write."""
    assert not cluster_ending(world.deployment, incarnation)
    world.cluster(1).ended_at = world.clock.now
    assert cluster_ending(world.deployment, incarnation)
    assert not cluster_ended(world.deployment, incarnation)
    world.clock.now += 60
    assert cluster_ending(world.deployment, incarnation)


def test_a_cluster_that_never_was_or_is_forgotten_is_ending(world: World, incarnation: Incarnation) -> None:
    """Nobody waits for it."""
    assert cluster_ending(world.deployment, forget(world, "cluster_id"))
    world.clusters.clear()
    assert cluster_ending(world.deployment, incarnation)


def test_a_cluster_that_cannot_be_described_is_not_known_to_end(world: World, incarnation: Incarnation) -> None:
    """A14: an error of our own call says nothing."""
    world.broken = {"describe_cluster"}
    with pytest.raises(ClientError):
        cluster_ending(world.deployment, incarnation)
