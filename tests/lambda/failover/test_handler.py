"""The entry point: which step, with what the record says, and what is noted down about it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from dr_core.record import ManagedCluster, Operation, Outcome
from dr_core.steps import ROLL_BACK, OperationStep, RetirementStep
from failover import handler as module
from failover.calls import StepEvent, wait
from failover.handler import OPERATION_STEPS, RETIREMENT_STEPS, run_step

from .parts import OPERATIONS
from .world import World

EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:operation:op1"
EVENT: dict[str, Any] = {
    "machine": "operation",
    "step": "Claim",
    "request": {
        "operation": "op1",
        "kind": "launch",
        "reason": "bootstrap",
        "managed_cluster": "a",
        "incident": None,
    },
    "execution": EXECUTION,
    "entered": "2026-11-21T05:00:00.250Z",
}


def test_every_state_of_the_machines_has_a_step() -> None:
    """The machines are made from the same names."""
    assert set(OPERATION_STEPS) == {*OperationStep, ROLL_BACK}
    assert set(RETIREMENT_STEPS) == set(RetirementStep)


def test_a_call_answers_status_and_message(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the machine's choice reads, and a sentence for people."""
    monkeypatch.setattr(module, "deployment_from_environment", lambda: world.deployment)
    assert module.handler(EVENT, None) == {"status": "done", "message": "holds the lease"}


def test_a_call_of_a_retirement_answers_how_long_to_wait(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its machine waits as long as the step says: one that lasts for days must not fill the history."""
    monkeypatch.setattr(module, "deployment_from_environment", lambda: world.deployment)
    monkeypatch.setitem(RETIREMENT_STEPS, "DeleteStack", lambda _: wait("not gone"))
    request = {"retirement": "r1", "managed_cluster": "a", "generation": 1, "planned": False}
    event = {**EVENT, "machine": "retirement", "step": "DeleteStack", "request": request}
    started = datetime.fromtimestamp(world.clock.now, UTC).isoformat()

    first = module.handler({**event, "entered": started}, None)
    world.clock.now += 4000
    later = module.handler({**event, "entered": datetime.fromtimestamp(world.clock.now, UTC).isoformat()}, None)

    assert first == {"status": "wait", "message": "not gone", "wait_seconds": 15}
    assert later == {"status": "wait", "message": "not gone", "wait_seconds": 300}


def test_the_first_entry_into_a_state_is_noted_down(world: World) -> None:
    """The phases are measured by it; a state that waits is entered many times."""
    run_step(world.deployment, StepEvent.from_event(EVENT))
    run_step(world.deployment, StepEvent.from_event({**EVENT, "entered": "2026-11-21T06:00:00Z"}))
    operation = world.operation("op1")
    assert operation.entered == {"Claim": 1795237200.25}
    assert operation.execution == EXECUTION


def test_an_operation_that_was_recorded_before_it_ran_keeps_its_answer(world: World) -> None:
    """The custom resource records whom to answer before it starts the execution."""
    world.expect_answer("op1", EVENT["request"])
    run_step(world.deployment, StepEvent.from_event(EVENT))
    operation = world.operation("op1")
    assert operation.answer is not None
    assert operation.execution == EXECUTION
    assert operation.started_at == world.clock.now


def test_a_request_by_hand_becomes_an_operation_called_as_its_execution(world: World) -> None:
    """A person gives no id, and what a person wrote as the cause is kept."""
    world.put(ManagedCluster(name="a", serving_generation=1).to_item())
    request = {"kind": "switchover", "reason": "manual", "managed_cluster": "a", "because": "before the maintenance"}
    answers = [
        run_step(world.deployment, StepEvent.from_event({**EVENT, "request": request, "step": step}))
        for step in ("Claim", "Reassess")
    ]
    assert [answer.status for answer in answers] == ["done", "done"]
    assert json.loads(world.operation("op1").request)["because"] == "before the maintenance"


def test_what_is_refused_leaves_no_trace(world: World) -> None:
    """A14: nothing was begun, so there is nothing to undo."""
    before = dict(world.record.items)
    request = {"kind": "jump", "reason": "manual", "managed_cluster": "a"}
    answer = run_step(world.deployment, StepEvent.from_event({**EVENT, "request": request}))
    assert answer.status == "refused"
    assert answer.message == 'kind must be one of failover, repair, switchover, got "jump": correct it'
    assert world.record.items == before


@pytest.mark.parametrize("missing", ["machine", "step", "request", "execution", "entered"])
def test_an_event_without_what_a_call_needs_is_refused(missing: str) -> None:
    """The name of what is missing stands in the error."""
    event = {key: value for key, value in EVENT.items() if key != missing}
    with pytest.raises(ValueError, match=missing):
        StepEvent.from_event(event)


def test_an_unknown_machine_is_refused(world: World) -> None:
    """What, got, allowed."""
    with pytest.raises(ValueError, match="machine must be operation or retirement, got 'x'"):
        run_step(world.deployment, StepEvent.from_event({**EVENT, "machine": "x"}))


def test_a_managed_cluster_that_was_never_created_is_refused(world: World) -> None:
    """Nobody said what it shall be."""
    world.record.items.clear()
    with pytest.raises(ValueError, match="managed cluster a is not in the record"):
        run_step(world.deployment, StepEvent.from_event(EVENT))


def test_why_a_step_raised_is_noted_down(world: World) -> None:
    """The rollback tells people."""
    world.run_operation(EVENT["request"], until="Launch")
    world.put(ManagedCluster(name="a", lease=world.managed_cluster().lease).to_item())
    with pytest.raises(Exception, match="no spec"):
        world.step("operation", "Launch", EVENT["request"])
    assert (world.operation("op1").message or "").startswith("Launch raised InvariantError: nothing says")


@pytest.mark.parametrize(
    ("outcome", "step", "status"),
    [
        (Outcome.CANCELLED, "Reassess", "cancelled"),
        (Outcome.REPAIRED, "Repair", "repaired"),
        (Outcome.FAILED, "Launch", "failed"),
        (Outcome.FAILED, "RollBack", "done"),
    ],
)
def test_a_step_after_the_end_answers_as_the_end_did(world: World, outcome: Outcome, step: str, status: str) -> None:
    """The function died after it closed the operation and before it answered."""
    world.put(Operation(id="op1", request="{}", managed_cluster="a", outcome=outcome).to_item())
    assert world.step("operation", step, EVENT["request"]).status == status


def test_a_cut_over_that_is_called_again_changes_nothing(world: World) -> None:
    """Its answer to the machine was lost."""
    world.run_operation(EVENT["request"])
    told = len(world.notices)
    assert world.step("operation", "CutOver", EVENT["request"]).status == "done"
    assert len(world.notices) == told


def test_the_lease_is_given_back_after_the_end(world: World) -> None:
    """The function died between the outcome and the release."""
    world.run_operation(EVENT["request"], until="Isolate")
    world.put({**world.operation("op1").to_item(), "outcome": "cancelled"})
    world.executions[world.execution(OPERATIONS, "op1")] = {"status": "RUNNING", "input": "{}"}
    world.step("operation", "Isolate", EVENT["request"])
    assert world.managed_cluster().lease is None
