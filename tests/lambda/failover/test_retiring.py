"""Which incarnations a retirement is about: what it was asked for, all of it, and nothing of others."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_core.record import IncarnationState
from failover.errors import InvariantError
from failover.retiring import to_retire

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
