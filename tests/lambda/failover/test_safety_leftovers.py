"""Incarnations that were begun and given up: none of them goes on running, whoever died on the way."""

from __future__ import annotations

from typing import Any

import pytest

from dr_core.record import IncarnationState
from failover.execution_ended import tidy_up
from failover.leftovers import abandon

from .fakes import FakeStateMachines, client_error
from .safety import retirements
from .scenarios import ended, failing, launched, settled
from .world import World, rule_of


def refuse_retirements(monkeypatch: pytest.MonkeyPatch, *, times: int) -> None:
    """Let StartExecution of retirements fail a few times."""
    start, left = FakeStateMachines.start_execution, [times]

    def start_execution(self: FakeStateMachines, **request: Any) -> None:
        if "retire" in request["name"] and left[0]:
            left[0] -= 1
            raise client_error("ThrottlingException", "Rate exceeded", "StartExecution")
        start(self, **request)

    monkeypatch.setattr(FakeStateMachines, "start_execution", start_execution)


def hanging_launch(world: World, monkeypatch: pytest.MonkeyPatch, *, refusals: int) -> dict[str, Any]:
    """The request of a launch whose first cluster passed its deadline and could not be retired."""
    refuse_retirements(monkeypatch, times=refusals)
    world.LAUNCH_SECONDS = 3000.0
    request = world.request("launch", "op1")
    assert world.run_operation(request, until="Launch") == "Launch"
    world.step("operation", "Launch", request)
    world.clock.now += 20
    world.step("operation", "Launch", request)
    world.clock.now += world.deployment.config.policy.launch_limit_seconds
    with pytest.raises(Exception, match="Rate exceeded"):
        world.step("operation", "Launch", request)
    assert world.incarnation(1).state is IncarnationState.ABANDONED
    return request


def test_the_next_call_of_launch_retires_what_was_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The step raised between its record and StartExecution; the machine calls it again."""
    request = hanging_launch(world, monkeypatch, refusals=1)
    world.step("operation", "Launch", request)
    assert retirements(world) == ["a-retire-g1"]


def test_an_execution_that_ended_has_what_it_gave_up_retired(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The execution died with an incarnation that was written down as abandoned and that nothing retires."""
    request = hanging_launch(world, monkeypatch, refusals=1)
    tidy_up(world.deployment, ended(world, request, status="TIMED_OUT"))
    world.run_started_retirements()
    assert settled(world)["stacks"] == []


def test_the_next_operation_retires_what_was_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """EventBridge's event may be lost."""
    request = hanging_launch(world, monkeypatch, refusals=1)
    ended(world, request, status="TIMED_OUT")
    world.LAUNCH_SECONDS = 480.0
    assert world.run_operation(world.request("launch", "op2")) == "CutOverDone"
    world.run_started_retirements()
    assert settled(world)["states"] == {1: "retired", 2: "serving"}


def test_an_execution_that_died_while_rolling_back_leaves_nothing(world: World) -> None:
    """Its stack's deletion failed once, and nobody calls RollBack again."""
    world.canary_state = "dead"
    request = world.request("launch", "op1")
    world.run_operation(request, until="Verify")
    assert world.step("operation", "Verify", request).status == "failed"
    world.delete_fails = 1
    world.step("operation", "RollBack", request)
    tidy_up(world.deployment, ended(world, request, status="TIMED_OUT"))
    world.run_started_retirements()
    assert settled(world)["stacks"] == []


def test_what_was_rolled_back_is_retired_though_no_event_arrives(world: World) -> None:
    """RollBack leaves the deletion to a retirement before it begins to wait for it."""
    world.canary_state = "dead"
    request = world.request("launch", "op1")
    world.run_operation(request, until="Verify")
    world.step("operation", "Verify", request)
    world.delete_fails = 1
    world.step("operation", "RollBack", request)
    world.run_started_retirements()
    assert settled(world)["stacks"] == []


def test_what_serves_meanwhile_is_not_given_up(world: World) -> None:
    """Who wants to give it up read the record before the cut-over was written."""
    begun = world.request("launch", "op1")
    world.run_operation(begun, until="CutOver")
    seen = world.incarnation(1)
    world.run_operation(begun)
    assert not abandon(world.deployment, seen)
    assert world.incarnation(1).state is IncarnationState.SERVING
    assert retirements(world) == []


def test_nothing_is_retired_twice(world: World) -> None:
    """A retired incarnation stays retired."""
    launched(world)
    seen = world.incarnation(1)
    world.put({**seen.to_item(), "state": "retired"})
    assert not abandon(world.deployment, seen)
    assert world.incarnation(1).state is IncarnationState.RETIRED


def cut_over_interrupted(world: World) -> None:
    """Generation 2, which shall replace the dead generation 1, is in the balanced group, and its operation is over."""
    request = failing(launched(world))
    world.run_operation(request, until="CutOver")
    world.step("operation", "CutOver", request)
    world.clock.now += 30
    tidy_up(world.deployment, ended(world, request))
    assert world.incarnation(2).state is IncarnationState.VERIFYING
    world.clock.now += 120


def test_what_died_in_the_balanced_group_is_not_taken_over(world: World) -> None:
    """Every later failover would wait for it, and fail."""
    cut_over_interrupted(world)
    world.kill_primary(2)
    assert world.run_operation(world.request("failover", "op3", reason="unhealthy")) == "CutOverDone"
    world.run_started_retirements()
    assert settled(world)["states"] == {1: "retired", 2: "retired", 3: "serving"}


def test_what_dies_after_it_was_taken_over_is_given_up(world: World) -> None:
    """Clients may know ids of it: they do not answer 410 before it is fenced."""
    cut_over_interrupted(world)
    request = world.request("failover", "op3", reason="unhealthy")
    world.run_operation(request, until="Verify")
    world.kill_primary(2)
    assert world.run_operation(request) == "Failed"
    assert world.incarnation(2).state is IncarnationState.ABANDONED
    assert any(rule_of(2) in str(rule) for rule in world.rules.values())
    assert world.run_operation(world.request("failover", "op4", reason="unhealthy")) == "CutOverDone"
    world.run_started_retirements()
    assert settled(world)["states"] == {1: "retired", 2: "retired", 3: "serving"}
