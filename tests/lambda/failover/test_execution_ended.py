"""The function for executions that ended badly: what their own last state could not do."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from dr_core.record import Outcome
from failover import execution_ended
from failover.execution_ended import tidy_up

from .scenarios import ended, failed_over, failing, launched, second_half, settled
from .world import World

HOW = {
    "FAILED": "its execution failed (no cause was given)",
    "TIMED_OUT": "its execution reached its time limit of 55 minutes",
    "ABORTED": "a person stopped its execution (no cause was given)",
}
PAUSE = 'invoke the function emr-dr-active-passive-control with {"action": "pause", "because": "..."}'


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
    assert answer["reason"] == f"{HOW[status]}. emr-dr-active-passive-a-g1 is being deleted."
    assert world.operation("op1").outcome is Outcome.FAILED


def test_cloudformation_is_answered_though_nothing_can_be_undone_yet(world: World) -> None:
    """A13: who deploys reads the reason at once; what is left over is given up when AWS takes calls again."""
    request = launched(world).request("switchover", "op2", reason="upgrade")
    world.expect_answer("op2", request)
    world.run_operation(request, until="Verify")
    world.broken = {"start_execution"}
    for _ in range(2):
        with pytest.raises(ClientError):
            tidy_up(world.deployment, ended(world, request))

    assert [each["succeeded"] for each in world.answers] == [False]


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
    world.canary_state = "dead"
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
    message = world.notices[-1]["message"]
    assert "did not come to its end: Verify raised TypeError: x." in message


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
    assert world.notices[-1]["subject"] == "emr-dr-active-passive: retirement a-retire-g1 failed"


def test_a_deletion_that_ended_is_answered(world: World) -> None:
    """CloudFormation waits for the retirement of a whole managed cluster."""
    request = {"retirement": "a-delete-1", "managed_cluster": "a", "generation": None, "planned": False}
    world.expect_answer("a-delete-1", request)
    tidy_up(world.deployment, ended(world, request, status="ABORTED"))
    (answer,) = world.answers
    assert answer["reason"] == (
        "the retirement of every incarnation of managed cluster a did not come to its end: "
        "a person stopped its execution (no cause was given)"
    )


def test_the_event_is_read_as_eventbridge_sends_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry point."""
    monkeypatch.setattr(execution_ended, "deployment_from_environment", lambda: world.deployment)
    detail = ended(world, world.request("failover", "op9", reason="unhealthy"), status="FAILED")
    execution_ended.handler({"detail-type": "Step Functions Execution Status Change", "detail": detail}, None)
    assert world.operation("op9").outcome is Outcome.FAILED


def test_a_refused_request_needs_nothing(world: World) -> None:
    """A14: it began nothing, and whoever started it reads why in the execution."""
    request = {"kind": "repair", "reason": "manual", "managed_cluster": "a"}
    detail = {**ended(launched(world), {**request, "operation": "mine"}, status="FAILED"), "error": "Refused"}
    before, told = dict(world.record.items), len(world.notices)
    tidy_up(world.deployment, detail)
    assert (world.record.items, len(world.notices)) == (before, told)


def test_a_refusal_under_the_name_of_an_older_operation_leaves_that_alone(world: World) -> None:
    """The record keeps names longer than Step Functions does."""
    request = launched(world).request("switchover", "mine", reason="manual")
    world.run_operation(request, until="Verify")
    before = settled(world)
    tidy_up(world.deployment, {**ended(world, request, status="FAILED"), "error": "Refused"})
    assert settled(world) == before


@pytest.mark.parametrize(
    "text",
    [
        '{"request": {"kind": "switchover", "reason": "manual", "managed_cluster": "a"}}',
        '{"request": {"kind": "jump"}}',
        '{"request": "failover"}',
        "{}",
        "[]",
        None,
    ],
)
def test_a_request_by_hand_that_began_nothing_needs_nothing(world: World, text: str | None) -> None:
    """Whether or not the event says how the execution ended."""
    detail = {**ended(launched(world), world.request("repair", "mine", reason="manual")), "input": text}
    before, told = dict(world.record.items), len(world.notices)
    tidy_up(world.deployment, detail)
    assert (world.record.items, len(world.notices)) == (before, told)


def test_an_operation_whose_input_was_too_long_for_the_event_is_tidied_up(world: World) -> None:
    """EventBridge leaves it out; the record has it."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Verify")
    tidy_up(world.deployment, {**ended(world, request), "input": None})
    assert world.operation("op1").outcome is Outcome.FAILED


def test_who_stopped_a_switchover_by_hand_reads_what_was_left_and_what_comes_next(world: World) -> None:
    """The old incarnation serves on, the new one goes, and nobody starts it again."""
    request = launched(world).request("switchover", "mine", reason="manual", because="a test")
    world.run_operation(request, until="Verify")
    tidy_up(world.deployment, {**ended(world, request, status="ABORTED"), "cause": "changed my mind"})
    notice = world.notices[-1]
    assert notice["subject"] == "emr-dr-active-passive: switchover of a was stopped"
    assert notice["message"] == (
        "What happened: The switchover of managed cluster a (manual: a test), operation mine, did not come to its end: "
        "a person stopped its execution (changed my mind).\n\n"
        "What was done: emr-dr-active-passive-a-g2 is being deleted.\n\n"
        "What to do next: Check that managed cluster a accepts jobs. Nobody starts it again: do that yourself, under "
        "another name, if you still want it.\n"
    )


def test_who_stopped_a_failover_of_the_monitor_reads_how_to_keep_it_from_starting_again(world: World) -> None:
    """A11: an unhealthy managed cluster is tried again by itself."""
    request = failing(launched(world))
    world.run_operation(request, until="Verify")
    tidy_up(world.deployment, ended(world, request, status="ABORTED"))
    message = world.notices[-1]["message"]
    assert "the monitor starts the next one by itself, unless something keeps it back" in message
    assert PAUSE in message


@pytest.mark.parametrize(
    ("error", "says"),
    [
        ("Superseded", "the product stopped its execution (a newer request)"),
        (None, "a person stopped its execution (a newer request)"),
    ],
)
def test_who_stopped_an_execution_is_told(world: World, error: str | None, says: str) -> None:
    """CloudFormation's newer request stops the older one by itself."""
    request = launched(world).request("switchover", "op2", reason="upgrade")
    world.run_operation(request, until="Verify")
    tidy_up(world.deployment, {**ended(world, request, status="ABORTED"), "error": error, "cause": "a newer request"})
    message = world.notices[-1]["message"]
    assert says in message
    assert ("The newer request goes on by itself." in message) == (error is not None)


@pytest.mark.parametrize("marked", [True, False])
def test_whoever_evacuates_reads_who_does_it_now(world: World, marked: bool) -> None:
    """B13: the deploy that superseded it leaves the AZ in its place, if it says so."""
    request = launched(world).request("switchover", "op2", reason="evacuation")
    world.run_operation(request, until="Launch")
    if marked:
        world.put({**world.incarnation(1).to_item(), "leave_asked_at": int(world.clock.now)})
    tidy_up(world.deployment, {**ended(world, request, status="ABORTED"), "error": "Superseded"})
    message = world.notices[-1]["message"]
    assert ("leaves the availability zone in its place if another one has room" in message) is marked
    assert ("Nobody starts it again" in message) is not marked


def test_what_was_kept_from_new_jobs_gets_them_again(world: World) -> None:
    """Nobody else gives back what an operation isolated that did not come to its end."""
    request = failing(launched(world))
    world.run_operation(request, until="Repair")
    address = world.cluster(1).address
    world.targets["balanced"].pop(address)
    world.put({**world.incarnation(1).to_item(), "isolated_at": 1})
    tidy_up(world.deployment, ended(world, request))
    assert address in world.targets["balanced"]
    assert world.incarnation(1).isolated_at is None


def test_what_is_sick_stays_out_while_another_serves(world: World) -> None:
    """A2: every second job would fail there."""
    launched(world)
    second_half(world)
    request = failing(world)
    world.run_operation(request, until="Repair")
    tidy_up(world.deployment, ended(world, request))
    assert list(world.targets["balanced"]) == ["10.0.3.90"]
    assert world.incarnation(1).isolated_at is not None


def test_who_stopped_a_retirement_reads_that_it_starts_again(world: World) -> None:
    """And how to keep the cluster."""
    tidy_up(world.deployment, ended(world, failed_over(world), status="ABORTED"))
    notice = world.notices[-1]
    assert notice["subject"] == "emr-dr-active-passive: retirement a-retire-g1 was stopped"
    assert "It is started again by itself within minutes" in notice["message"]
    assert PAUSE in notice["message"]


def test_who_stopped_a_deletion_reads_how_to_go_on(world: World) -> None:
    """A stack that was not deleted costs money."""
    request = {"retirement": "a-delete-1", "managed_cluster": "a", "generation": None, "planned": False}
    tidy_up(world.deployment, ended(world, request, status="ABORTED"))
    message = world.notices[-1]["message"]
    assert "Stacks and clusters called emr-dr-active-passive-a-g... may still exist and cost money." in message
    assert "Delete the stack of the deployment again" in message


def test_an_execution_of_the_retirement_machine_with_another_input_needs_nothing(world: World) -> None:
    """A person's own: it began nothing."""
    detail = {**ended(world, {"retirement": "x", "managed_cluster": "a", "generation": 1, "planned": False})}
    for text in ('{"request": {"retirement": "x"}}', "{}"):
        tidy_up(world.deployment, {**detail, "input": text})
    assert world.notices == []


def test_what_the_next_operation_isolated_stays_isolated(world: World) -> None:
    """A14: EventBridge may tell of an end an hour late."""
    request = failing(launched(world))
    world.run_operation(request, until="Repair")
    address = world.cluster(1).address
    world.targets["balanced"].pop(address)
    world.put({**world.incarnation(1).to_item(), "isolated_at": 1})
    lease = {"execution": "arn:next", "operation": "next", "since": 1}
    world.put({**world.managed_cluster().to_item(), "lease": lease})
    tidy_up(world.deployment, ended(world, request))
    assert address not in world.targets["balanced"]
    assert world.incarnation(1).isolated_at == 1


def test_the_last_attempt_is_called_the_last(world: World) -> None:
    """Nobody waits for a failover that does not come."""
    launched(world)
    world.kill_primary(1)
    request = world.request("failover", "a-1-3", reason="unhealthy", incident="a-1")
    world.run_operation(request, until="Verify")
    tidy_up(world.deployment, ended(world, request))
    message = world.notices[-1]["message"]
    assert "This was attempt 3 of 3: none follows by itself." in message
    assert (
        "aws stepfunctions start-execution --state-machine-arn arn:aws:states:us-east-1:123456789012:stateMachine:op"
        in message
    )


def test_an_outage_is_called_one(world: World) -> None:
    """A14: from Fence on what served is being ended, and whoever is paged has to know."""
    request = failing(launched(world))
    assert world.run_operation(request, until="CutOver") == "CutOver"
    tidy_up(world.deployment, ended(world, request))
    message = world.notices[-1]["message"]
    assert "The end of emr-dr-active-passive-a-g1 (j-1), which served, had been requested" in message
    assert "NOTHING MAY BE IN SERVICE NOW" in message
