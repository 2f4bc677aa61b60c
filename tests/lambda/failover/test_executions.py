"""Executions: started once for a name, asked whether they run, stopped."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_core.record import Incarnation, IncarnationState
from dr_core.requests import Kind, OperationRequest, Reason, RetirementRequest
from failover.errors import ExecutionEndedError
from failover.executions import Executions

from .parts import OPERATIONS, RETIREMENTS
from .scenarios import DELETION
from .world import World

OLD = Incarnation(generation=1, managed_cluster="a", state=IncarnationState.RETIRING)


@pytest.fixture
def executions(world: World) -> Executions:
    return world.deployment.executions


def operation(world: World, name: str = "op1", *, kind: str = "switchover", **extra: Any) -> OperationRequest:
    return OperationRequest.from_dict(world.request(kind, name, **{"reason": "upgrade", **extra}))


def started(world: World) -> dict[str, Any]:
    """The requests that executions were started with, by name."""
    return {each["name"]: json.loads(each["input"])["request"] for each in world.executions.values()}


def test_an_operation_is_started_with_its_request(world: World, executions: Executions) -> None:
    """Under its own name, once; a second start finds it running."""
    request = operation(world)
    for _ in range(2):
        executions.start_operation(request)
    assert started(world) == {"op1": request.to_dict()}
    assert list(world.executions) == [world.execution(OPERATIONS, "op1")]


def test_a_deletion_is_started_with_its_request(world: World, executions: Executions) -> None:
    """Of the other machine."""
    for _ in range(2):
        executions.start_deletion(RetirementRequest.from_dict(DELETION))
    assert started(world) == {"a-delete-1": DELETION}
    assert list(world.executions) == [world.execution(RETIREMENTS, "a-delete-1")]


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED"])
def test_a_deletion_that_ended_badly_is_refused(world: World, executions: Executions, status: str) -> None:
    """Its caller must not wait for it."""
    request = RetirementRequest.from_dict(DELETION)
    executions.start_deletion(request)
    world.executions[world.execution(RETIREMENTS, "a-delete-1")]["status"] = status
    with pytest.raises(ExecutionEndedError, match=f"execution a-delete-1 was started before and is {status}"):
        executions.start_deletion(request)


def test_a_retirement_has_the_name_of_its_incarnation(world: World, executions: Executions) -> None:
    """So that whoever starts it again starts no second one."""
    for _ in range(2):
        executions.retire(OLD, planned=True)
    assert started(world) == {
        "a-retire-g1": {"retirement": "a-retire-g1", "managed_cluster": "a", "generation": 1, "planned": True}
    }


@pytest.mark.parametrize(
    ("status", "open_"),
    [
        ("RUNNING", True),
        ("PENDING_REDRIVE", True),
        ("SUCCEEDED", False),
        ("FAILED", False),
        ("TIMED_OUT", False),
        ("ABORTED", False),
    ],
)
def test_an_execution_runs_until_it_is_closed(world: World, executions: Executions, status: str, open_: bool) -> None:
    """A14: a lease is taken over only from one that is closed."""
    world.executions["arn"] = {"status": status}
    assert executions.runs("arn") is open_


def test_an_execution_that_step_functions_forgot_does_not_run(executions: Executions) -> None:
    """Executions are forgotten after 90 days."""
    assert not executions.runs("arn")


@pytest.mark.parametrize(("ago", "open_"), [(0, True), (59, True), (60, False)])
def test_an_execution_that_step_functions_does_not_know_yet_runs(
    world: World, executions: Executions, ago: float, open_: bool
) -> None:
    """A14: DescribeExecution is eventually consistent; a lease taken over now would have two holders."""
    assert executions.runs("arn", since=world.clock.now - ago) is open_


def test_an_execution_that_is_closed_does_not_run_however_young(world: World, executions: Executions) -> None:
    world.executions["arn"] = {"status": "FAILED"}
    assert not executions.runs("arn", since=world.clock.now)


def test_a_retirement_that_step_functions_does_not_know_yet_gets_no_second_one(
    world: World, executions: Executions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A14: its name is taken, with another input, and nobody says by what."""
    executions.retire(OLD, planned=True)
    monkeypatch.setattr(Executions, "_status", lambda *_: "")
    executions.retire(OLD, planned=False)
    assert list(started(world)) == ["a-retire-g1"]


def test_no_answer_is_no_closed_execution(world: World, executions: Executions) -> None:
    """A14: an error of our own call."""
    world.broken = {"describe_execution"}
    with pytest.raises(ClientError):
        executions.runs("arn")


def test_operations_of_a_managed_cluster_are_stopped(world: World, executions: Executions) -> None:
    """Those that run, and of the kinds that are named."""
    for name, kind in (("op1", "switchover"), ("op2", "failover"), ("op3", "switchover")):
        executions.start_operation(operation(world, name, kind=kind))
    executions.start_operation(operation(world, "op4", managed_cluster="b"))
    executions.retire(OLD, planned=True)
    world.executions[world.execution(OPERATIONS, "op3")]["status"] = "SUCCEEDED"

    stopped = executions.stop_operations("a", cause="c", kinds=(Kind.SWITCHOVER,))

    assert stopped == [world.execution(OPERATIONS, "op1")]
    assert {each["name"]: each["status"] for each in world.executions.values()} == {
        "op1": "ABORTED",
        "op2": "RUNNING",
        "op3": "SUCCEEDED",
        "op4": "RUNNING",
        "a-retire-g1": "RUNNING",
    }


def test_only_operations_of_the_reasons_that_are_named_are_stopped(world: World, executions: Executions) -> None:
    """What a person asked for goes on beside a small deploy."""
    for reason in ("upgrade", "evacuation"):
        executions.start_operation(operation(world, f"op-{reason}", kind="switchover", reason=reason))
    stopped = executions.stop_operations("a", cause="c", reasons=(Reason.UPGRADE,))
    assert stopped == [world.execution(OPERATIONS, "op-upgrade")]


def test_operations_of_every_kind_are_stopped(world: World, executions: Executions) -> None:
    """A delete stops whatever runs."""
    names = []
    for kind in Kind:
        executions.start_operation(operation(world, f"op-{kind}", kind=kind))
        names.append(world.execution(OPERATIONS, f"op-{kind}"))
    assert executions.stop_operations("a", cause="c") == names


def test_running_retirements_are_known_by_their_names(world: World, executions: Executions) -> None:
    """Those of one incarnation, whichever attempt it is; that of a whole managed cluster has no generation."""
    executions.retire(OLD, planned=True)
    assert executions.running_retirements() == {("a", OLD.generation)}
    world.executions[world.execution(RETIREMENTS, "a-retire-g1")]["status"] = "ABORTED"
    assert executions.running_retirements() == set()
    executions.retire(OLD, planned=True)
    whole = RetirementRequest(retirement="a-delete-1", managed_cluster="a", generation=None, planned=False)
    executions.start_deletion(whole)
    assert executions.running_retirements() == {("a", OLD.generation)}
