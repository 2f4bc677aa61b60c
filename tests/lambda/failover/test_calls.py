"""What steps are called with, and what they answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dr_core.record import ManagedCluster
from failover.calls import OperationCall, StepEvent, cancelled, done, failed, wait
from failover.errors import InvariantError

from .scenarios import launched, operation_call, retirement_call
from .world import World

EVENT: dict[str, Any] = {
    "machine": "retirement",
    "step": "Drain",
    "request": {"retirement": "a-retire-g1"},
    "execution": "arn:execution",
    "entered": "2026-11-21T05:00:00.250Z",
}


@pytest.mark.parametrize(
    ("answer", "status"),
    [(done("x"), "done"), (wait("x"), "wait"), (failed("x"), "failed"), (cancelled("x"), "cancelled")],
)
def test_an_answer_is_plain_values(answer: Any, status: str) -> None:
    """As the machine's choice reads them."""
    assert answer.to_dict() == {"status": status, "message": "x"}


def test_an_answer_may_say_how_long_to_wait() -> None:
    """For a machine that does not know it by itself."""
    answer = replace(wait("x"), wait_seconds=300)
    assert answer.to_dict() == {"status": "wait", "message": "x", "wait_seconds": 300}


def test_an_event_is_read_as_the_machine_sends_it() -> None:
    """Step Functions writes times with milliseconds and a Z."""
    event = StepEvent.from_event(EVENT)
    assert (event.machine, event.step, event.execution) == ("retirement", "Drain", "arn:execution")
    assert event.request == {"retirement": "a-retire-g1"}
    assert event.entered == 1795237200.25


@pytest.mark.parametrize("entered", [None, 5])
def test_an_event_with_a_time_of_another_type_is_refused(entered: Any) -> None:
    """The whole event stands in the error."""
    with pytest.raises(ValueError, match=r"not a call of a state machine, .*'step': 'Drain'"):
        StepEvent.from_event({**EVENT, "entered": entered})


def called(world: World) -> OperationCall:
    """A call of Claim, 5 s after it was first entered, by an execution that holds the lease."""
    request = world.request("launch", "op1")
    world.step("operation", "Claim", request)
    world.clock.now += 5
    return operation_call(world, request)


def test_the_time_of_a_step_counts_from_its_first_entry(world: World) -> None:
    """However often it has been called since."""
    call = called(world)
    assert call.waited == 5


def test_the_time_of_a_retirements_step_counts_from_its_first_entry(world: World) -> None:
    """The same."""
    request = {"retirement": "r", "managed_cluster": "a", "generation": 1, "planned": True}
    world.step("retirement", "Drain", request)
    world.clock.now += 7
    assert retirement_call(world, request).waited == 7


def test_an_execution_holds_the_lease_that_names_it(world: World) -> None:
    """A14: at most one operation for a managed cluster."""
    assert called(world).holds_lease


@pytest.mark.parametrize("lease", [None, {"execution": "another", "operation": "op1", "since": 1}])
def test_no_other_lease_is_held(world: World, lease: dict[str, Any] | None) -> None:
    """An operation of the same name in another execution is another one."""
    call = called(world)
    world.put({**ManagedCluster(name="a").to_item(), **({"lease": lease} if lease else {})})
    assert not operation_call(world, world.request("launch", call.operation.id)).holds_lease


def test_the_new_incarnation_is_the_operations_own(world: World) -> None:
    """Not what serves."""
    launched(world)
    request = world.request("switchover", "op2", reason="upgrade")
    world.run_operation(request, until="Verify")
    assert operation_call(world, request).new_incarnation().generation == 2


@pytest.mark.parametrize("generation", [None, 7])
def test_an_operation_without_an_incarnation_is_told_apart(world: World, generation: int | None) -> None:
    """Nothing launched, or nothing that the record knows."""
    call = called(world)
    if generation is not None:
        world.put({**world.operation("op1").to_item(), "generation": generation})
        call = operation_call(world, world.request("launch", "op1"))
    with pytest.raises(InvariantError, match="operation op1 has launched nothing that Claim could work on"):
        call.new_incarnation()
