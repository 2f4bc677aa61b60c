"""Executions that ended before their last state: what the function for ended executions and the next operation do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dr_core.record import IncarnationState, Outcome
from dr_core.requests import Kind
from dr_core.steps import OperationStep
from failover import execution_ended
from failover.execution_ended import tidy_up
from failover.record_store import Change

from .parts import OPERATIONS, RETIREMENTS
from .scenarios import failed_over, failing, launched, never_nobody_in_service, settled, shape
from .world import World


def ended(world: World, request: dict[str, Any], *, status: str = "TIMED_OUT") -> dict[str, Any]:
    """The detail of the event, after the execution of *request* ended in the world."""
    machine = OPERATIONS if "operation" in request else RETIREMENTS
    execution = world.execution(machine, request.get("operation") or request["retirement"])
    world.executions[execution] = {"status": status, "input": json.dumps({"request": request})}
    return {
        "executionArn": execution,
        "stateMachineArn": machine,
        "status": status,
        "input": json.dumps({"request": request}),
        "cause": None,
    }


AFTER_A_FAILOVER = {
    "serves": True,
    "lease": None,
    "targets": [("balanced", 1), ("nn-a", 1), ("rm-a", 1)],
    "slots": [False, False, False, True],
    "routed": 1,
    "stacks": 1,
    "clusters": 1,
    "protected": 1,
}


@pytest.mark.parametrize("event_arrives", [True, False])
@pytest.mark.parametrize("step", list(OperationStep))
def test_the_next_failover_ends_well_wherever_the_last_one_stopped(
    world: World, step: OperationStep, event_arrives: bool
) -> None:
    """A14: no state of an interrupted failover is a trap; EventBridge's event may be lost."""
    request = failing(launched(world))
    world.run_operation(request, until=step)
    world.step("operation", step, request)
    event = ended(world, request)
    if event_arrives:
        tidy_up(world.deployment, event)
    world.clock.now += 120
    assert world.run_operation(world.request("failover", "op3", reason="unhealthy")) == "CutOverDone"
    world.run_started_retirements()
    end = shape(settled(world))
    assert {**end, "states": None} == {**AFTER_A_FAILOVER, "states": None}
    assert end["states"][-1:] == ["serving"]
    assert set(end["states"][:-1]) == {"retired"}
    assert never_nobody_in_service(world)


def test_an_interrupted_cut_over_is_finished_by_the_next_failover(world: World) -> None:
    """What is in the balanced group already is proved: launching another one would take eight minutes more."""
    request = failing(launched(world))
    world.run_operation(request, until="CutOver")
    world.step("operation", "CutOver", request)
    tidy_up(world.deployment, ended(world, request))
    assert world.incarnation(2).state is IncarnationState.VERIFYING
    assert world.run_operation(world.request("failover", "op3", reason="unhealthy")) == "CutOverDone"
    assert world.managed_cluster().serving_generation == 2


def test_a_switchover_leaves_what_serves_until_its_own_cut_over(world: World) -> None:
    """An interrupted failover's incarnation in the balanced group may be the only healthy one."""
    request = failing(launched(world))
    world.run_operation(request, until="CutOver")
    world.step("operation", "CutOver", request)
    ended(world, request)
    assert world.run_operation(world.request("switchover", "op3", reason="upgrade")) == "CutOverDone"
    world.run_started_retirements()
    assert never_nobody_in_service(world)
    assert settled(world)["states"] == {1: "retired", 2: "retired", 3: "serving"}


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED"])
def test_cloudformation_is_answered_where_the_machine_could_not(world: World, status: str) -> None:
    """The custom resource is answered in time, whatever becomes of the execution; and once."""
    request = world.request("launch", "op1")
    world.expect_answer("op1", request)
    world.run_operation(request, until="Verify")
    event = ended(world, request, status=status)
    tidy_up(world.deployment, event)
    tidy_up(world.deployment, event)
    (answer,) = world.answers
    assert not answer["succeeded"]
    assert status in answer["reason"]
    assert world.operation("op1").outcome is Outcome.FAILED


def test_an_execution_that_never_called_a_step_is_answered_too(world: World) -> None:
    """The function may have been broken from the first call on."""
    request = world.request("launch", "op1")
    world.expect_answer("op1", request)
    tidy_up(world.deployment, ended(world, request, status="FAILED"))
    assert [each["succeeded"] for each in world.answers] == [False]


def test_an_execution_unknown_to_the_record_is_recorded(world: World) -> None:
    """The monitor counts how an operation ended."""
    tidy_up(world.deployment, ended(world, world.request("failover", "op9", reason="unhealthy"), status="FAILED"))
    assert world.operation("op9").outcome is Outcome.FAILED


def test_what_was_launched_is_given_up(world: World) -> None:
    """A cluster that nobody waits for costs money."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Verify")
    tidy_up(world.deployment, ended(world, request))
    world.run_started_retirements()
    assert settled(world)["stacks"] == []
    assert settled(world)["lease"] is None


def test_nothing_is_done_after_an_operation_that_rolled_back(world: World) -> None:
    """Its end ``Failed`` raises the event too."""
    world.bad_seed = True
    request = world.request("launch", "op1")
    world.expect_answer("op1", request)
    assert world.run_operation(request) == "Failed"
    before, told = settled(world), len(world.notices)
    tidy_up(world.deployment, ended(world, request, status="FAILED"))
    assert (settled(world), len(world.answers), len(world.notices)) == (before, 1, told)


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED"])
def test_an_execution_that_ended_after_its_cut_over_is_a_success(world: World, status: str) -> None:
    """The record says that it serves: CloudFormation is told so, and the old incarnation is retired."""
    launched(world)
    request = world.request("switchover", "op2", reason="upgrade")
    world.expect_answer("op2", request)
    world.run_operation(request, until="CutOver")
    world.step("operation", "CutOver", request)
    world.clock.now += 20
    world.lose_call = world.calls + 6  # deregistered from three groups, protected, told, recorded
    with pytest.raises(Exception, match="call"):
        world.step("operation", "CutOver", request)
    tidy_up(world.deployment, ended(world, request, status=status))
    assert [each["succeeded"] for each in world.answers] == [True]
    world.run_started_retirements()
    assert settled(world)["states"] == {1: "retired", 2: "serving"}


def test_nobody_is_paged_for_what_a_deletion_stopped(world: World) -> None:
    """The person who deletes knows."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Verify")
    world.put({**world.managed_cluster().to_item(), "tombstone": True})
    tidy_up(world.deployment, ended(world, request, status="ABORTED"))
    assert world.notices == []


def test_a_good_end_needs_nothing(world: World) -> None:
    """A rule that is written too wide does no harm."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Verify")
    before = settled(world)
    tidy_up(world.deployment, ended(world, request, status="SUCCEEDED"))
    assert settled(world) == before


def test_another_machine_needs_nothing(world: World) -> None:
    """None touched that is not ours."""
    event = {**ended(world, world.request("launch", "op1")), "stateMachineArn": "another"}
    tidy_up(world.deployment, event)
    assert world.notices == []


def test_people_are_told_of_a_retirement_that_ended(world: World) -> None:
    """A cluster that is not deleted costs money and may run jobs."""
    tidy_up(world.deployment, ended(world, failed_over(world), status="FAILED"))
    assert world.notices[-1]["subject"] == "emr-dr-active-passive: retirement a-retire-g1 ended as FAILED"


def test_a_deletion_that_ended_is_answered(world: World) -> None:
    """CloudFormation waits for the retirement of a whole managed cluster."""
    request = {"retirement": "a-delete-1", "managed_cluster": "a", "generation": None, "planned": False}
    world.expect_answer("a-delete-1", request)
    tidy_up(world.deployment, ended(world, request, status="ABORTED"))
    (answer,) = world.answers
    assert "the retirement of every incarnation ended as ABORTED" in answer["reason"]


def test_a_claim_waits_for_another_operation(world: World) -> None:
    """At most one operation for a managed cluster."""
    request = launched(world).request("switchover", "op2", reason="upgrade")
    world.run_operation(request, until="Verify")
    assert world.step("operation", "Claim", world.request("switchover", "op3")).status == "wait"


def test_a_claim_does_not_wait_for_ever(world: World) -> None:
    """CloudFormation waits for it, an hour at most."""
    request = launched(world).request("switchover", "op2", reason="upgrade")
    world.run_operation(request, until="Verify")
    world.step("operation", "Claim", world.request("switchover", "op3"))
    world.clock.now += 300
    assert world.step("operation", "Claim", world.request("switchover", "op3")).status == "failed"


def test_a_second_failover_is_called_off(world: World) -> None:
    """The first one answers the same incident."""
    request = failing(launched(world))
    world.run_operation(request, until="Verify")
    assert world.run_operation(world.request("failover", "op3", reason="unhealthy")) == "Cancelled"
    assert world.operation("op3").outcome is Outcome.CANCELLED
    lease = world.managed_cluster().lease
    assert lease is not None
    assert lease.operation == "op2"


@pytest.mark.parametrize("kind", [Kind.LAUNCH, Kind.FAILOVER, Kind.SWITCHOVER])
def test_a_closed_execution_loses_its_lease(world: World, kind: Kind) -> None:
    """Taken over only when DescribeExecution says that the holder is closed."""
    request = launched(world).request("switchover", "op2", reason="upgrade")
    world.run_operation(request, until="Verify")
    ended(world, request)
    assert world.step("operation", "Claim", world.request(kind, "op3")).status == "done"
    lease = world.managed_cluster().lease
    assert lease is not None
    assert lease.operation == "op3"


def test_a_lease_that_changes_hands_meanwhile_is_not_taken(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lease is taken by a condition on the holder that was seen."""
    request = launched(world).request("switchover", "op2", reason="upgrade")
    world.run_operation(request, until="Verify")
    ended(world, request)
    change = world.record.change_together

    def change_after_somebody_else(*wanted: Change) -> bool:
        world.put({**world.managed_cluster().to_item(), "lease": {"execution": "x", "operation": "y", "since": 1}})
        return change(*wanted)

    monkeypatch.setattr(world.record, "change_together", change_after_somebody_else)
    answer = world.step("operation", "Claim", world.request("switchover", "op3"))
    assert (answer.status, answer.message) == ("wait", "another execution took the lease at the same moment")


def test_nothing_is_claimed_of_a_managed_cluster_that_is_being_deleted(world: World) -> None:
    """The tombstone stops an operation at its first step."""
    world.put({**world.managed_cluster().to_item(), "tombstone": True})
    assert world.run_operation(world.request("failover", "op1", reason="unhealthy")) == "Failed"
    assert world.stacks == {}


def test_the_event_is_read_as_eventbridge_sends_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry point."""
    monkeypatch.setattr(execution_ended, "deployment_from_environment", lambda: world.deployment)
    detail = ended(world, world.request("failover", "op9", reason="unhealthy"), status="FAILED")
    execution_ended.handler({"detail-type": "Step Functions Execution Status Change", "detail": detail}, None)
    assert world.operation("op9").outcome is Outcome.FAILED
