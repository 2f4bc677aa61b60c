"""Requests by hand: which are carried out, and that no other one is mistaken for one."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_core.record import Operation, Outcome
from dr_core.requests import Kind, OperationRequest, Reason, RequestRefusedError
from dr_core.steps import OPERATION_LIMIT_SECONDS
from failover.acceptance import request_of
from failover.calls import StepEvent

from .parts import OPERATIONS
from .scenarios import ended, failing, launched
from .world import World


def event(world: World, *, name: str = "mine", step: str = "Claim", **request: Any) -> StepEvent:
    """The call of a step, of an execution that a person started."""
    return StepEvent(
        machine="operation",
        step=step,
        request={"kind": "switchover", "managed_cluster": "a", "reason": "manual", **request},
        execution=world.execution(OPERATIONS, name),
        entered=world.clock.now,
    )


def refusal(world: World, call: StepEvent) -> str:
    """The sentence that a call is refused with."""
    with pytest.raises(RequestRefusedError) as refused:
        request_of(world.deployment, call)
    return str(refused.value)


def test_a_request_by_hand_is_accepted(world: World) -> None:
    """The operation is called as its execution."""
    assert request_of(launched(world).deployment, event(world)) == OperationRequest(
        operation="mine", kind=Kind.SWITCHOVER, reason=Reason.MANUAL, managed_cluster="a"
    )


def test_the_monitors_request_is_not_weighed(world: World) -> None:
    """A11: Claim judges it by its own rules, and calls it off where another operation answers the same incident."""
    request = failing(launched(world))
    world.run_operation(request, until="Verify")
    second = {**request, "operation": "op3"}
    assert request_of(world.deployment, event(world, name="op3", **second)).reason is Reason.UNHEALTHY


def test_the_monitors_request_in_another_execution_is_refused(world: World) -> None:
    """The console offers to start a new execution with the input of an old one."""
    request = failing(launched(world))
    assert "keys that nobody may give by hand: incident" in refusal(world, event(world, **request))


def test_an_unknown_managed_cluster_is_refused_with_the_known_ones(world: World) -> None:
    """A person reads the names there."""
    assert refusal(world, event(world, managed_cluster="b")) == (
        "managed_cluster must be one of a, got 'b': correct it"
    )


def test_a_managed_cluster_that_was_never_created_is_refused(world: World) -> None:
    """Nobody said what it shall be."""
    world.record.items.clear()
    assert refusal(world, event(world)).startswith("managed cluster a was never created")


@pytest.mark.parametrize("kind", ["failover", "repair", "switchover"])
def test_who_works_on_the_managed_cluster_is_said(world: World, kind: str) -> None:
    """A13: one operation at a time, and a person does not wait for what cannot come."""
    request = launched(world).request("switchover", "op2", reason="upgrade")
    world.run_operation(request, until="Verify")
    assert refusal(world, event(world, kind=kind)).startswith("operation op2 works on managed cluster a")


def test_a_lease_whose_execution_is_closed_stands_in_nobodys_way(world: World) -> None:
    """Claim takes it over."""
    request = launched(world).request("switchover", "op2", reason="upgrade")
    world.run_operation(request, until="Verify")
    ended(world, request)
    assert request_of(world.deployment, event(world)).operation == "mine"


def test_a_lease_whose_execution_is_not_known_yet_stands_in_the_way(world: World) -> None:
    """A14: DescribeExecution is eventually consistent."""
    found = launched(world).managed_cluster().to_item()
    world.put({**found, "lease": {"execution": "young", "operation": "op2", "since": world.clock.now - 59}})
    assert refusal(world, event(world)).startswith("operation op2 works on managed cluster a")
    world.clock.now += 1
    assert request_of(world.deployment, event(world)).operation == "mine"


def test_nothing_is_refused_while_nobody_says_whether_the_holder_runs(world: World) -> None:
    """An error of our own call is no answer to a person; the machine calls again."""
    world.run_operation(launched(world).request("switchover", "op2", reason="upgrade"), until="Verify")
    world.broken = {"describe_execution"}
    with pytest.raises(ClientError, match="Rate exceeded"):
        request_of(world.deployment, event(world))


def test_a_claim_that_is_called_again_is_not_refused_for_its_own_lease(world: World) -> None:
    """A14: the answer of the first call may be lost."""
    request = launched(world).request("switchover", "mine", reason="manual")
    world.run_operation(request, until="Reassess")
    world.clock.now += OPERATION_LIMIT_SECONDS
    assert request_of(world.deployment, event(world)).operation == "mine"


def test_what_was_accepted_stands(world: World) -> None:
    """Claim judges what changes after that: another execution may have taken the lease meanwhile."""
    request = launched(world).request("switchover", "mine", reason="manual")
    world.run_operation(world.request("switchover", "op2", reason="upgrade"), until="Verify")
    entered = {"Claim": world.clock.now}
    world.put(
        Operation(
            id="mine", request="{}", managed_cluster="a", execution=event(world).execution, entered=entered
        ).to_item()
    )
    assert request_of(world.deployment, event(world)).operation == request["operation"]


@pytest.mark.parametrize("changes", [{"execution": "arn:another"}, {"entered": {}}, {"entered": {"Claim": 1.0}}])
def test_a_name_that_was_used_before_is_refused(world: World, changes: dict[str, Any]) -> None:
    """Step Functions forgets it after 90 days; its outcome would end the new operation at once."""
    values = {"execution": event(world).execution, "entered": {"Claim": world.clock.now}, **changes}
    known = Operation(id="mine", request="{}", managed_cluster="a", outcome=Outcome.SWITCHED_OVER, **values)
    launched(world).put(known.to_item())
    assert refusal(world, event(world)).startswith("an operation called 'mine' is in the record already")


def test_later_steps_read_what_the_first_one_accepted(world: World) -> None:
    """They are called only after it."""
    request = request_of(world.deployment, event(world, step="Launch", because="a test"))
    assert (request.operation, request.because) == ("mine", "a test")
