"""Planned operations that fail, or are stopped, while they cut over: what served before serves on, alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dr_core.record import IncarnationState
from failover import custom_resource
from failover.clusters import Clusters
from failover.errors import InvariantError
from failover.execution_ended import tidy_up

from .fakes import FakeStateMachines
from .parts import OPERATIONS, SPEC
from .safety import stack_event
from .scenarios import ended, failing, launched, never_nobody_in_service, settled
from .world import World

ALONE = {"balanced": ["10.0.1.1"], "nn-a": ["10.0.1.1"], "rm-a": ["10.0.1.1"], "slot-1": ["10.0.1.1"]}


def cutting_over(world: World) -> dict[str, Any]:
    """The request of a switchover whose new incarnation was brought into service and never called healthy."""
    launched(world)
    request = world.request("switchover", "op2", reason="upgrade")
    world.expect_answer("op2", request, spec=SPEC.replace("role", "role2"))
    world.run_operation(request, until="CutOver")
    world.unhealthy.add(str(world.incarnation(2).primary_address))
    assert world.step("operation", "CutOver", request).status == "wait"
    return request


def served_alone(world: World) -> None:
    """Assert that generation 1 serves as if nothing had happened."""
    world.run_started_retirements()
    end = settled(world)
    assert (end["targets"], end["states"], end["serving"]) == (ALONE, {1: "serving", 2: "retired"}, 1)
    assert len(end["stacks"]) == 1
    assert never_nobody_in_service(world)


def test_a_new_incarnation_that_never_gets_healthy_is_taken_out_again(world: World) -> None:
    """Nobody would look at it any more: two incarnations would be in service for ever."""
    request = cutting_over(world)
    world.clock.now += 600
    answer = world.step("operation", "CutOver", request)
    assert answer.status == "failed"
    served_alone(world)


def test_what_was_given_up_is_not_cut_over_to(world: World) -> None:
    """The step died after it gave up, and the machine calls it again; the new one turned healthy meanwhile."""
    request = cutting_over(world)
    world.clock.now += 600
    first = world.step("operation", "CutOver", request)
    world.unhealthy.clear()
    assert world.step("operation", "CutOver", request).message == first.message
    served_alone(world)


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED"])
def test_an_execution_that_ended_in_its_cut_over_is_undone(world: World, status: str) -> None:
    """Whatever ended it."""
    request = cutting_over(world)
    tidy_up(world.deployment, ended(world, request, status=status))
    assert "was taken out of the balanced group again" in world.notices[-1]["message"]
    served_alone(world)


def test_the_old_one_comes_back_into_the_groups_that_it_was_taken_out_of(world: World) -> None:
    """The cut-over died in the middle: the group of the ResourceManager would be empty."""
    request = cutting_over(world)
    world.targets["rm-a"].pop("10.0.1.1")
    tidy_up(world.deployment, ended(world, request, status="FAILED"))
    served_alone(world)


def test_an_update_back_to_what_runs_undoes_a_cut_over(world: World) -> None:
    """EventBridge's event may be lost; CloudFormation rolls the update back."""
    request = cutting_over(world)
    ended(world, request, status="FAILED")
    custom_resource.respond(world.deployment, stack_event("Update", "back"))
    assert [(each["request"], each["succeeded"]) for each in world.answers] == [("back", True)]
    served_alone(world)


def test_an_update_back_stops_the_switchover_and_undoes_it(world: World) -> None:
    """A newer request supersedes a running one."""
    request = cutting_over(world)
    world.executions[world.execution(OPERATIONS, "op2")] = {
        "status": "RUNNING",
        "input": json.dumps({"request": request}),
    }
    custom_resource.respond(world.deployment, stack_event("Update", "back"))
    assert world.managed_cluster().lease is None
    served_alone(world)


def test_a_new_incarnation_stays_while_the_old_one_is_sick(world: World) -> None:
    """Never zero by our own act: either may come back first."""
    request = cutting_over(world)
    world.unhealthy.add("10.0.1.1")
    tidy_up(world.deployment, ended(world, request, status="FAILED"))
    assert world.incarnation(2).state is IncarnationState.VERIFYING
    assert sorted(world.targets["balanced"]) == ["10.0.1.1", "10.0.1.2"]


def test_what_a_failover_has_begun_is_left_to_it(world: World) -> None:
    """An update to what runs must not undo a failover that runs."""
    launched(world)
    world.run_operation(failing(world), until="CutOver")
    custom_resource.respond(world.deployment, stack_event("Update", "back"))
    assert world.incarnation(2).state is IncarnationState.VERIFYING


def test_a_switchover_that_runs_on_its_own_is_left_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that could not be stopped is at work and holds the lease."""
    request = cutting_over(world)
    world.executions[world.execution(OPERATIONS, "op2")] = {
        "status": "RUNNING",
        "input": json.dumps({"request": request}),
    }
    monkeypatch.setattr(FakeStateMachines, "stop_execution", lambda self, **_: None)
    monkeypatch.setattr(FakeStateMachines, "paginate", lambda self, **_: iter([{"executions": []}]))
    custom_resource.respond(world.deployment, stack_event("Update", "back"))
    assert world.incarnation(2).state is IncarnationState.VERIFYING


def test_a_stopped_step_cannot_record_its_cut_over_after_the_comparison(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step was at work when its execution was stopped, right before its record: what serves stays where it is."""
    request = cutting_over(world)
    world.unhealthy.clear()
    world.clock.now += 30
    world.executions[world.execution(OPERATIONS, "op2")] = {
        "status": "RUNNING",
        "input": json.dumps({"request": request}),
    }
    protect, stopped = Clusters.protect, list[bool]()

    def protect_after_an_update(self: Clusters, cluster_id: str, *, protected: bool) -> None:
        if not stopped:
            stopped.append(True)
            custom_resource.respond(world.deployment, stack_event("Update", "back"))
        protect(self, cluster_id, protected=protected)

    monkeypatch.setattr(Clusters, "protect", protect_after_an_update)
    with pytest.raises(InvariantError, match="lost the lease"):
        world.step("operation", "CutOver", request)
    world.clock.now += 30
    world.run_started_retirements()
    end = settled(world)
    assert (end["targets"], end["states"], end["serving"]) == (ALONE, {1: "serving", 2: "retired"}, 1)
    assert world.managed_cluster().spec == SPEC


def test_an_update_of_what_never_served_stops_the_launch_that_runs(world: World) -> None:
    """Two launches must not follow each other."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Verify")
    custom_resource.respond(world.deployment, stack_event("Update", "r2"))
    assert world.executions[world.execution(OPERATIONS, "op1")]["status"] == "ABORTED"
    assert world.managed_cluster().lease is None


def test_a_delete_takes_the_lease_away(world: World) -> None:
    """A stopped step must not record that something serves."""
    world.run_operation(world.request("launch", "op1"), until="Verify")
    custom_resource.respond(world.deployment, stack_event("Delete", "r9"))
    assert world.managed_cluster().lease is None


def test_the_lease_of_an_execution_that_was_stopped_before_is_taken_away(world: World) -> None:
    """The first delivery of the request died between StopExecution and the lease."""
    request = cutting_over(world)
    ended(world, request, status="ABORTED")
    custom_resource.respond(world.deployment, stack_event("Update", "r3", TemplateUrl="https://bucket/newest.json"))
    assert world.managed_cluster().lease is None
