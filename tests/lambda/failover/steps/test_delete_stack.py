"""DeleteStack: what a retired incarnation consists of is given back, however often it takes."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from failover.errors import InvariantError

from ..parts import Stack
from ..planned import drained, switched_over
from ..scenarios import failed_over
from ..world import World


def closed(world: World) -> dict[str, Any]:
    """The request of a retirement whose ids are closed."""
    request = failed_over(world)
    world.run_retirement(request, until="DeleteStack")
    return request


def stack_of(world: World, generation: int) -> Stack:
    return next(each for each in world.stacks.values() if each.name.endswith(f"g{generation}"))


def test_the_stack_is_deleted(world: World) -> None:
    """A12: and waited for, by the next call."""
    request = closed(world)
    answer = world.step("retirement", "DeleteStack", request)
    assert (answer.status, answer.message) == ("wait", "being deleted: emr-dr-active-passive-a-g1")
    answer = world.step("retirement", "DeleteStack", request)
    assert (answer.status, answer.message) == ("done", "its stack is gone")


def test_the_stack_of_its_successor_is_left_alone(world: World) -> None:
    """It serves."""
    world.run_retirement(closed(world), until="Confirm")
    assert stack_of(world, 2).deletions == 0


def test_a_deletion_that_goes_on_is_not_asked_for_again(world: World) -> None:
    """A14: a repeated step changes nothing."""
    request = closed(world)
    world.cluster(1).ended_at = world.clock.now
    for _ in range(3):
        assert world.step("retirement", "DeleteStack", request).status == "wait"
    assert stack_of(world, 1).deletions == 1


def test_a_failed_deletion_is_repeated(world: World) -> None:
    """Keep trying while the AZ is away."""
    request = failed_over(world)
    world.delete_fails = 3
    assert world.run_retirement(request) == "Retired"
    (stack,) = (each for each in world.stacks.values() if each.name.endswith("g1"))
    assert stack.deletions == 4


def test_protection_is_lifted_before_the_stack_is_deleted(world: World) -> None:
    """CloudFormation cannot delete the stack of a protected cluster."""
    request = failed_over(world)
    world.run_retirement(request, until="DeleteStack")
    world.cluster(1).protected = True
    world.cluster(1).ended_at = None
    assert world.run_retirement(request) == "Retired"


def test_a_stack_that_is_not_ours_is_not_deleted(world: World) -> None:
    """Its name is not enough."""
    request = closed(world)
    stack_of(world, 1).tags = {"emr-dr:deployment": "another"}
    assert world.step("retirement", "DeleteStack", request).status == "done"
    assert stack_of(world, 1).deletions == 0


@pytest.mark.parametrize("call", ["describe_stacks", "delete_stack"])
def test_an_error_of_our_own_is_no_deletion(world: World, call: str) -> None:
    """A14: a stack that could not be looked at is not gone; the machine calls again."""
    request = closed(world)
    world.broken = {call}
    with pytest.raises(ClientError, match="Rate exceeded"):
        world.step("retirement", "DeleteStack", request)
    world.broken.clear()
    assert world.step("retirement", "DeleteStack", request).status == "wait"
    assert stack_of(world, 1).deletions == 1


def test_what_is_not_fenced_is_not_deleted(world: World) -> None:
    """A14: DeleteStack called out of turn ends no job."""
    request = failed_over(world)
    world.terminated.clear()
    assert world.step("retirement", "DeleteStack", request).status == "wait"
    assert stack_of(world, 1).deletions == 0
    assert world.terminated == []


@pytest.mark.parametrize("state", ["drains", "lingers"])
def test_what_clients_still_read_is_not_deleted(world: World, state: str) -> None:
    """B6: its Livy has their results."""
    request = drained(world) if state == "lingers" else switched_over(world)
    world.put({**world.incarnation(1).to_item(), "fenced_at": world.clock.now})
    assert world.step("retirement", "DeleteStack", request).status == "wait"
    assert stack_of(world, 1).deletions == 0


def test_the_only_healthy_place_is_not_deleted(world: World) -> None:
    """A14: looked at again right before its end is requested."""
    request = switched_over(world)
    world.run_retirement(request, until="DeleteStack")
    world.targets["balanced"] = {"10.0.1.1": world.clock.now - 100}
    with pytest.raises(InvariantError, match="nobody else is healthy there"):
        world.step("retirement", "DeleteStack", request)
    assert stack_of(world, 1).deletions == 0
    assert world.terminated == []
