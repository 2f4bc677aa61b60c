"""Linger: Livy stays up until every client has read its result."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from ..planned import drained, switched_over
from ..scenarios import failed_over, settled
from ..world import World, rule_of


def linger(world: World, request: dict[str, Any]) -> tuple[str, str]:
    """Status and message of one call."""
    answer = world.step("retirement", "Linger", request)
    return str(answer.status), answer.message


def test_an_unplanned_retirement_does_not_linger(world: World) -> None:
    """A12: its Livy is dead."""
    request = failed_over(world)
    assert linger(world, request) == ("done", "unplanned: nobody can read a result")


def test_livy_stays_up_for_the_longest_time_between_two_polls(world: World) -> None:
    """B6: a 410 would make a client run a job again that succeeded."""
    request = drained(world)
    before = settled(world)
    world.clock.now += 899.9
    assert linger(world, request) == ("wait", "kept up, so that clients read their results: emr-dr-active-passive-a-g1")
    assert settled(world) == before
    assert rule_of(1) in str(world.rules["id-1"])
    world.clock.now += 0.1
    assert linger(world, request) == ("done", "every client has had the time to read its result")


def test_the_time_counts_from_the_end_of_the_drain(world: World) -> None:
    """A14: a retirement that was lost and started again does not begin anew."""
    request = drained(world)
    world.clock.now += 900
    assert linger(world, {**request, "retirement": "a-retire-g1-2"})[0] == "done"


def test_what_is_not_drained_stays_up(world: World) -> None:
    """Linger called out of turn ends nothing."""
    request = switched_over(world, batches=(1001000007,))
    world.clock.now += 100_000
    assert linger(world, request)[0] == "wait"


def test_an_eviction_ends_the_linger(world: World) -> None:
    """A12: a failover waits for the slot."""
    request = drained(world)
    world.put({**world.incarnation(1).to_item(), "evicted_at": world.clock.now})
    assert linger(world, request)[0] == "done"


@pytest.mark.parametrize("ago", [0, 60])
def test_a_cluster_that_ends_by_itself_is_not_kept(world: World, ago: float) -> None:
    """Nobody can read a result there any more."""
    request = drained(world)
    world.cluster(1).ended_at = world.clock.now - ago
    assert linger(world, request)[0] == "done"


def test_an_error_of_our_own_call_ends_no_linger(world: World) -> None:
    """A14: EMR cannot be asked whether the cluster lives."""
    request = drained(world)
    world.broken = {"describe_cluster"}
    with pytest.raises(ClientError, match="Rate exceeded"):
        linger(world, request)


def test_a_second_call_after_its_end_changes_nothing(world: World) -> None:
    """A14: its answer to the machine was lost."""
    request = drained(world)
    world.clock.now += 900
    linger(world, request)
    before, calls = settled(world), world.calls
    assert linger(world, request)[0] == "done"
    assert (settled(world), world.calls) == (before, calls)
