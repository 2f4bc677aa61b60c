"""Names that an earlier life of the deployment, or an execution that failed, has used up."""

from __future__ import annotations

from typing import Any

import pytest

from dr_core.record import Incarnation, IncarnationState
from failover import custom_resource
from failover.errors import ExecutionEndedError

from .fakes import FakeCloudFormation, client_error
from .parts import OPERATIONS, RETIREMENTS
from .safety import retirements, stack_event
from .scenarios import failing, launched, settled
from .world import World


def test_a_second_life_creates_stacks_of_the_same_names(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """CloudFormation remembers the tokens of deleted stacks; the record table of the second life is new."""
    create = FakeCloudFormation.create_stack

    def create_stack(self: FakeCloudFormation, **request: Any) -> dict[str, str]:
        token = request.get("ClientRequestToken")
        if token == "emr-dr-active-passive-a-g1":
            raise client_error("TokenAlreadyExistsException", f"Token {token} was used before", "CreateStack")
        return create(self, **request)

    monkeypatch.setattr(FakeCloudFormation, "create_stack", create_stack)
    assert world.run_operation(world.request("launch", "op1")) == "CutOverDone"


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"])
def test_a_closed_retirement_does_not_swallow_the_next_one(world: World, status: str) -> None:
    """The incarnation is not retired, whatever an execution of that name has done."""
    launched(world)
    world.executions[world.execution(RETIREMENTS, "a-retire-g1")] = {"status": status, "input": "{}"}
    assert world.run_operation(failing(world)) == "CutOverDone"
    assert retirements(world) == ["a-retire-g1-2"]
    world.run_started_retirements()
    assert settled(world)["states"] == {1: "retired", 2: "serving"}


def test_a_retirement_that_runs_is_not_started_beside(world: World) -> None:
    """One that is planned and one that is not differ in their input only."""
    incarnation = Incarnation(generation=7, managed_cluster="a", state=IncarnationState.RETIRING)
    world.deployment.executions.retire(incarnation, planned=True)
    world.deployment.executions.retire(incarnation, planned=False)
    assert retirements(world) == ["a-retire-g7"]


def test_an_operation_whose_name_is_used_up_is_refused(world: World) -> None:
    """CloudFormation has to be told; it would wait for an hour."""
    execution = world.execution(OPERATIONS, "a-launch-r1")
    world.executions[execution] = {"status": "FAILED", "input": "{}"}
    with pytest.raises(ExecutionEndedError, match="execution a-launch-r1 was started before and is FAILED"):
        custom_resource.respond(world.deployment, stack_event("Create"))


def test_an_operation_that_succeeded_is_not_started_again(world: World) -> None:
    """A request that is delivered twice."""
    execution = world.execution(OPERATIONS, "a-launch-r1")
    world.executions[execution] = {"status": "SUCCEEDED", "input": "{}"}
    custom_resource.respond(world.deployment, stack_event("Create"))
    assert world.executions[execution]["status"] == "SUCCEEDED"
