"""Launches that were given up: each is seen to its end, and known as long as it costs money."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_core.launch_plan import Dying
from failover.dying import dying

from .safety import retirements
from .world import World


@pytest.fixture
def given_up(world: World) -> World:
    """A world in which generation 1 was given up while it launched; its cluster lives."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Launch")
    for _ in range(3):
        world.step("operation", "Launch", request)
        world.clock.now += 50
    world.put({**world.incarnation(1).to_item(), "state": "abandoned"})
    return world


def seen(world: World) -> list[Dying]:
    return dying(world.deployment, world.deployment.record.incarnations())


def test_one_that_lives_is_seen(given_up: World) -> None:
    """A14: it costs money."""
    assert seen(given_up) == [Dying(generation=1)]


def test_its_retirement_is_started_if_none_runs(given_up: World) -> None:
    """A14: who gave it up died before; never a bill that nobody sees."""
    assert retirements(given_up) == []
    seen(given_up)
    assert retirements(given_up) == ["a-retire-g1"]
    seen(given_up)
    assert retirements(given_up) == ["a-retire-g1"]


def test_its_retirement_is_started_again_if_it_failed(given_up: World) -> None:
    """A14."""
    seen(given_up)
    next(each for each in given_up.executions.values() if each.get("name") == "a-retire-g1")["status"] = "FAILED"
    seen(given_up)
    assert retirements(given_up) == ["a-retire-g1", "a-retire-g1-2"]


def test_one_whose_cluster_nobody_noted_down_is_seen(given_up: World) -> None:
    """A14: its stack says which it is."""
    given_up.record.items["incarnation", "g000001"].pop("cluster_id")
    assert seen(given_up) == [Dying(generation=1)]
    assert given_up.incarnation(1).cluster_id == "j-1"


def test_since_when_it_ends_is_told(given_up: World) -> None:
    """As soon as EMR accepted the request."""
    world = given_up
    world.put({**world.incarnation(1).to_item(), "terminate_requested_at": 5.0})
    assert seen(world) == [Dying(generation=1)]
    world.cluster(1).ended_at = world.clock.now
    assert seen(world) == [Dying(generation=1, ending_since=5.0)]


def test_one_that_emr_ends_by_itself_has_no_time_yet(given_up: World) -> None:
    """Its retirement writes one down within seconds."""
    given_up.cluster(1).ended_at = given_up.clock.now
    assert seen(given_up) == [Dying(generation=1)]


@pytest.mark.parametrize("end", ["ended", "forgotten", "no cluster"])
def test_one_that_is_gone_is_not_seen(given_up: World, end: str) -> None:
    """It costs nothing."""
    world = given_up
    item: dict[str, Any] = world.incarnation(1).to_item()
    match end:
        case "ended":
            world.cluster(1).ended_at = world.clock.now - 60
        case "forgotten":
            world.clusters.clear()
        case _:
            item.pop("cluster_id")
            item.pop("stack_id")
            world.put(item)
            world.stacks.clear()
    assert seen(world) == []


@pytest.mark.parametrize("state", ["launching", "verifying", "serving", "retiring", "retired"])
def test_others_are_not_touched(given_up: World, state: str) -> None:
    """A14: nobody gave them up."""
    given_up.put({**given_up.incarnation(1).to_item(), "state": state})
    assert seen(given_up) == []
    assert retirements(given_up) == []


@pytest.mark.parametrize("call", ["describe_cluster", "start_execution"])
def test_an_error_of_our_own_call_is_no_end(given_up: World, call: str) -> None:
    """A14: nobody launches while nobody knows what lives."""
    given_up.broken = {call}
    with pytest.raises(ClientError):
        seen(given_up)
