"""Which incarnations a retirement is about: what it was asked for, all of it, and nothing of others."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_core.record import Incarnation, IncarnationState
from failover.errors import InvariantError
from failover.front_door import FrontDoor
from failover.retiring import check_others_serve, ids_may_be_closed, kept_for_clients, not_done, to_retire

from .planned import drained, switched_over
from .scenarios import deletion, failed_over, launched, retirement_call, settled
from .world import World


def generations(world: World, request: dict[str, Any]) -> list[int]:
    return [each.generation for each in to_retire(retirement_call(world, request))]


def test_one_incarnation_is_retired_alone(world: World) -> None:
    """Its successor serves."""
    assert generations(world, failed_over(world)) == [1]


def test_what_serves_is_refused(world: World) -> None:
    """A14: never zero by our own act."""
    request = {"retirement": "x", "managed_cluster": "a", "generation": 1, "planned": True}
    launched(world)
    with pytest.raises(InvariantError, match="generation 1 must not be retired: it serves"):
        generations(world, request)


@pytest.mark.parametrize("generation", [1, 7])
def test_what_is_retired_or_unknown_needs_nothing(world: World, generation: int) -> None:
    """Started again, a retirement ends at once."""
    request = {**failed_over(world), "generation": generation}
    world.put({**world.incarnation(1).to_item(), "state": "retired"})
    assert generations(world, request) == []


def test_a_deletion_retires_everything(world: World) -> None:
    """Also what serves."""
    failed_over(world)
    assert generations(world, deletion(world)) == [1, 2]


def test_a_deletion_leaves_other_managed_clusters_alone(world: World) -> None:
    """And what is retired already."""
    failed_over(world)
    world.put({**world.incarnation(1).to_item(), "state": "retired"})
    world.put({**world.incarnation(2).to_item(), "generation": 50, "id": "g000050", "managed_cluster": "b"})
    assert generations(world, deletion(world)) == [2]


def test_a_stack_that_no_record_knows_is_recorded(world: World) -> None:
    """So that every step finds it; with the prefix that its ids have."""
    launched(world)
    world.record.items.pop(("incarnation", "g000001"))
    request = deletion(world)
    for _ in range(2):
        assert generations(world, request) == [1]
    stray = world.incarnation(1)
    assert (stray.state, stray.stack_name, stray.id_prefix, stray.created_at) == (
        IncarnationState.RETIRING,
        "emr-dr-active-passive-a-g1",
        1001,
        world.clock.now,
    )


def test_a_stack_that_is_not_ours_is_not_recorded(world: World) -> None:
    """A name that looks like ours is not enough."""
    launched(world)
    world.record.items.pop(("incarnation", "g000001"))
    for stack in world.stacks.values():
        stack.tags["emr-dr:deployment"] = "another"
    assert generations(world, deletion(world)) == []
    assert world.deployment.record.incarnations() == []


def test_what_is_recorded_is_not_overwritten(world: World) -> None:
    """Its stack is no stray."""
    before = launched(world).incarnation(1)
    generations(world, deletion(world))
    assert world.incarnation(1) == before


def test_a_deletion_finds_stacks_that_no_record_knows(world: World) -> None:
    """A delete during a create must not leak a cluster."""
    launched(world)
    world.record.items.pop(("incarnation", "g000001"))
    assert world.run_retirement(deletion(world)) == "Retired"
    assert settled(world)["stacks"] == []
    assert world.incarnation(1).state is IncarnationState.RETIRED


def test_a_deletion_leaves_stacks_of_others_alone(world: World) -> None:
    """A name that looks like ours is not enough."""
    launched(world)
    world.record.items.pop(("incarnation", "g000001"))
    for stack in world.stacks.values():
        stack.tags["emr-dr:deployment"] = "another"
    assert world.run_retirement(deletion(world)) == "Retired"
    assert len(settled(world)["stacks"]) == 1


def test_a_deletion_leaves_managed_clusters_with_longer_names_alone(world: World) -> None:
    """``a-g`` is also how the stacks of a managed cluster ``a-g2`` begin."""
    launched(world)
    (stack,) = world.stacks.values()
    stack.name = "emr-dr-active-passive-a-g2-g1"
    world.record.items.pop(("incarnation", "g000001"))
    assert world.run_retirement(deletion(world)) == "Retired"
    assert settled(world)["stacks"] == ["emr-dr-active-passive-a-g2-g1"]


def test_stacks_that_cannot_be_listed_are_not_none(world: World) -> None:
    """A14: a deletion must not end while nobody knows what exists."""
    request = deletion(launched(world))
    world.broken = {"get_paginator"}
    with pytest.raises(ClientError):
        generations(world, request)


@pytest.mark.parametrize(("waited", "kept"), [(0, True), (899.9, True), (900, False)])
def test_what_clients_read_is_kept_for_a_while(world: World, waited: float, kept: bool) -> None:
    """B6: after its drain."""
    request = drained(world)
    world.clock.now += waited
    call = retirement_call(world, request)
    assert kept_for_clients(call, world.incarnation(1)) is kept


def test_what_drains_is_kept(world: World) -> None:
    """B11."""
    call = retirement_call(world, switched_over(world))
    assert kept_for_clients(call, world.incarnation(1))


def test_an_unplanned_end_keeps_nothing(world: World) -> None:
    """A12: its services are dead."""
    call = retirement_call(world, {**drained(world), "planned": False})
    assert not kept_for_clients(call, world.incarnation(1))


@pytest.mark.parametrize(
    ("fenced", "planned", "closed"),
    [(True, False, True), (False, False, False), (True, True, False), (False, True, False)],
)
def test_ids_may_be_closed_when_nothing_runs_and_nobody_reads(
    world: World, fenced: bool, planned: bool, closed: bool
) -> None:
    """A14, B6: both, as a 410 makes clients run their jobs again."""
    call = retirement_call(world, {**switched_over(world), "planned": planned})
    if fenced:
        world.put({**world.incarnation(1).to_item(), "fenced_at": world.clock.now})
    assert ids_may_be_closed(call, world.incarnation(1)) is closed


def test_the_end_of_everything_closes_ids_of_what_it_found_late(world: World) -> None:
    """It never served."""
    failed_over(world)
    assert ids_may_be_closed(retirement_call(world, deletion(world)), world.incarnation(1))


def in_service(world: World, *addresses: str) -> None:
    world.targets["balanced"] = dict.fromkeys(addresses, world.clock.now - 100)


def test_the_only_healthy_place_is_guarded(world: World) -> None:
    """A14: never zero by our own act."""
    call = retirement_call(world, switched_over(world))
    in_service(world, "10.0.1.1", "10.0.1.2")
    check_others_serve(call, world.incarnation(1))
    world.unhealthy.add("10.0.1.2")
    with pytest.raises(InvariantError, match="g000001 must not be taken away: it is in the balanced group"):
        check_others_serve(call, world.incarnation(1))


@pytest.mark.parametrize(
    ("own", "other", "guarded"),
    [
        ("not known", "unhealthy", True),
        ("not known", "not known", True),
        ("healthy", "not known", True),
        ("not known", "healthy", False),
        ("unhealthy", "not known", False),
    ],
)
def test_a_place_that_may_be_healthy_is_guarded(
    world: World, monkeypatch: pytest.MonkeyPatch, own: str, other: str, guarded: bool
) -> None:
    """A14: an error of the load balancer's own is no word against what serves, and none for another."""
    call = retirement_call(world, switched_over(world))
    monkeypatch.setattr(FrontDoor, "health", lambda *_: {"10.0.1.1": own, "10.0.1.2": other})
    with pytest.raises(InvariantError) if guarded else nullcontext():
        check_others_serve(call, world.incarnation(1))


@pytest.mark.parametrize("addresses", [(), ("10.0.1.2",)])
def test_what_is_not_in_service_may_go(world: World, addresses: tuple[str, ...]) -> None:
    """Whether somebody else is or not."""
    call = retirement_call(world, switched_over(world))
    in_service(world, *addresses)
    check_others_serve(call, world.incarnation(1))


def test_the_end_of_everything_takes_the_last_one_too(world: World) -> None:
    """Delete = retire all."""
    failed_over(world)
    in_service(world, "10.0.2.2")
    check_others_serve(retirement_call(world, deletion(world)), world.incarnation(2))


def test_an_address_that_was_handed_on_is_guarded_for_its_new_owner_alone(world: World) -> None:
    """A14: the old owner could never be retired."""
    call = retirement_call(world, switched_over(world))
    world.put({**world.incarnation(2).to_item(), "primary_address": "10.0.1.1"})
    in_service(world, "10.0.1.1")
    check_others_serve(call, world.incarnation(1))


def test_an_error_of_our_own_call_lets_nobody_go(world: World) -> None:
    """A14: nobody knows who is healthy."""
    call = retirement_call(world, switched_over(world))
    world.broken = {"describe_target_health"}
    with pytest.raises(ClientError):
        check_others_serve(call, world.incarnation(1))


def test_what_one_of_them_cannot_be_dealt_with_for_is_raised_in_the_end(world: World) -> None:
    """Every other one has had its turn by then; the step is called again."""
    failed_over(world)
    both = to_retire(retirement_call(world, deletion(world)))
    asked: list[int] = []

    def step(incarnation: Incarnation) -> bool:
        asked.append(incarnation.generation)
        if incarnation.generation == 1:
            raise InvariantError("not ours")
        return True

    with pytest.raises(InvariantError, match="not ours"):
        not_done(both, step)
    assert asked == [1, 2]
    assert not_done(both, lambda each: each.generation == 1) == both[1:]
