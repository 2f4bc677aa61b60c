"""Whole retirements: of one incarnation and of a whole managed cluster."""

from __future__ import annotations

from typing import Any

from .parts import START, Clock
from .scenarios import deletion, failed_over, failing, launched, settled, shape
from .world import World


def test_a_planned_retirement_ends_the_cluster_too(world: World) -> None:
    """Fence did not: a switchover's old incarnation is ended by its retirement."""
    launched(world).run_operation(world.request("switchover", "op2", reason="upgrade"))
    assert world.terminated == []
    world.run_started_retirements()
    assert world.terminated == ["emr-dr-active-passive-a-g1"]
    assert settled(world)["states"] == {1: "retired", 2: "serving"}


def test_a_cluster_that_emr_forgot_is_gone(world: World) -> None:
    """EMR forgets clusters after two months."""
    request = failed_over(world)
    del world.clusters["j-1"]
    for stack in world.stacks.values():
        if stack.name.endswith("g1"):
            stack.cluster, stack.deleting = None, True
    assert world.run_retirement(request) == "Retired"


def test_a_retired_incarnation_needs_nothing(world: World) -> None:
    """Started again under the same name, a retirement ends at once."""
    request = failed_over(world)
    world.run_retirement(request)
    calls = world.calls
    assert world.run_retirement(request) == "Retired"
    assert world.calls == calls


def _deleted(world: World, *, twice: bool = False) -> dict[str, Any]:
    launched(world).run_operation(failing(world))
    world.run_retirement(deletion(world), twice=twice)
    return settled(world)


def test_a_deletion_leaves_nothing(world: World) -> None:
    """Delete = retire all."""
    end = _deleted(world)
    assert end["targets"] == {}
    assert end["stacks"] == end["clusters"] == []
    assert end["serving"] is None
    assert set(end["states"].values()) == {"retired"}
    assert set(end["slots"].values()) == {None}
    assert [each["succeeded"] for each in world.answers] == [True]


def test_a_deletion_may_repeat_every_step(world: World) -> None:
    """One answer, nothing left."""
    end = _deleted(world, twice=True)
    assert end["stacks"] == []
    assert len(world.answers) == 1


def test_a_deletion_ends_well_whichever_answer_is_lost(world: World, clock: Clock) -> None:
    """The function may die after any call."""
    launched(world)
    first = world.calls
    world.run_retirement(deletion(world))
    end, total = shape(settled(world)), world.calls
    for lost in range(first + 1, total + 1):
        clock.now = START
        other = World(clock)
        other.create_managed_cluster()
        other.lose_call = lost
        launched(other).run_retirement(deletion(other))
        assert shape(settled(other)) == end, f"answer of call {lost} lost"


def test_a_deletion_in_the_middle_of_a_launch_leaves_nothing(world: World) -> None:
    """A stack may be deleted while it is being created."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Launch")
    for _ in range(4):
        world.step("operation", "Launch", request)
        world.clock.now += 10
    assert world.run_retirement(deletion(world)) == "Retired"
    end = settled(world)
    assert end["stacks"] == end["clusters"] == []
