"""The function for executions that ended badly: what their own last state could not do."""

from __future__ import annotations

import pytest

from dr_core.record import Outcome
from failover import execution_ended
from failover.execution_ended import tidy_up

from .scenarios import ended, failed_over, launched, settled
from .world import World


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


def test_the_lease_of_the_next_operation_is_left_alone(world: World) -> None:
    """A14: the event may come when another execution has taken it over."""
    request = launched(world).request("switchover", "op2", reason="upgrade")
    world.run_operation(request, until="Verify")
    event = ended(world, request)
    world.step("operation", "Claim", world.request("switchover", "op3"))
    tidy_up(world.deployment, event)
    lease = world.managed_cluster().lease
    assert lease is not None
    assert lease.operation == "op3"


def test_the_reason_that_a_step_noted_down_is_told(world: World) -> None:
    """It says more than the status of the execution."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Verify")
    world.put({**world.operation("op1").to_item(), "message": "Verify raised TypeError: x"})
    tidy_up(world.deployment, ended(world, request, status="FAILED"))
    assert "did not come to its end: Verify raised TypeError: x." in world.notices[-1]["message"]


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


def test_the_event_is_read_as_eventbridge_sends_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry point."""
    monkeypatch.setattr(execution_ended, "deployment_from_environment", lambda: world.deployment)
    detail = ended(world, world.request("failover", "op9", reason="unhealthy"), status="FAILED")
    execution_ended.handler({"detail-type": "Step Functions Execution Status Change", "detail": detail}, None)
    assert world.operation("op9").outcome is Outcome.FAILED
