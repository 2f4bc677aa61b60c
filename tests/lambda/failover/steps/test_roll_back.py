"""RollBack: what was begun goes, what serves stays, and everybody who waits is told why."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_core.record import IncarnationState, Outcome

from ..scenarios import failing, launched, second_half, settled
from ..world import World


def begun(world: World) -> dict[str, Any]:
    """The request of a switchover that is rolled back after Route, and which CloudFormation waits for."""
    request = launched(world).request("switchover", "op2", reason="upgrade")
    world.expect_answer("op2", request)
    world.run_operation(request, until="Fence")
    world.put({**world.operation("op2").to_item(), "message": "a reason"})
    return request


def roll_back(world: World, request: dict[str, Any]) -> str:
    """Call the step as the machine does; the sentence that it ends with."""
    while (answer := world.step("operation", "RollBack", request)).status == "wait":
        world.clock.now += 10
    assert answer.status == "done"
    return str(answer.message)


def test_what_was_begun_is_deleted_and_what_serves_stays(world: World) -> None:
    """A14: as if it had not been started."""
    assert roll_back(world, begun(world)) == "emr-dr-active-passive-a-g2 was deleted."
    end = settled(world)
    assert end["states"] == {1: "serving", 2: "retired"}
    assert end["stacks"] == ["emr-dr-active-passive-a-g1"]
    assert {group: end["targets"][group] for group in ("balanced", "slot-1")} == {
        "balanced": ["10.0.1.1"],
        "slot-1": ["10.0.1.1"],
    }
    assert end["slots"] == {1: 1, 2: None, 3: None, 4: None}
    assert end["lease"] is None


def test_the_reason_is_what_the_failed_step_noted_down(world: World) -> None:
    """CloudFormation and people get the same one."""
    roll_back(world, begun(world))
    (answer,) = world.answers
    assert (answer["succeeded"], answer["reason"]) == (False, "a reason. emr-dr-active-passive-a-g2 was deleted.")
    assert "failed: a reason." in world.notices[-1]["message"]
    assert world.operation("op2").outcome is Outcome.FAILED


def test_a_failure_without_a_reason_points_at_the_log(world: World) -> None:
    """A step that died could note nothing down."""
    request = begun(world)
    world.record.items["operation", "op2"].pop("message")
    roll_back(world, request)
    assert world.answers[0]["reason"].startswith("a step kept raising errors; the function's log says which")


def test_a_second_call_deletes_tells_and_answers_nothing_again(world: World) -> None:
    """A14: a repeated step changes nothing, during the deletion and after it."""
    request = begun(world)
    world.step("operation", "RollBack", request)
    world.step("operation", "RollBack", request)
    roll_back(world, request)
    before, told = settled(world), len(world.notices)
    assert world.step("operation", "RollBack", request).status == "done"
    assert (settled(world), len(world.notices), len(world.answers)) == (before, told, 1)
    assert [each.deletions for each in world.stacks.values()] == [0, 1]


def test_a_failure_before_the_launch_leaves_nothing_to_undo(world: World) -> None:
    """People are told all the same."""
    request = launched(world).request("switchover", "op2", reason="upgrade")
    world.run_operation(request, until="Launch")
    assert roll_back(world, request) == "Nothing had been launched."
    assert world.notices[-1]["subject"] == "emr-dr-active-passive: switchover of a failed"


def test_nothing_is_rolled_back_after_fence(world: World) -> None:
    """The old incarnation's applications may be dead already."""
    request = failing(launched(world))
    world.run_operation(request, until="CutOver")
    assert world.step("operation", "RollBack", request).status == "failed"
    assert str(world.incarnation(2).state) == "verifying"


@pytest.mark.parametrize(
    ("state", "words"),
    [("serving", "is serving and was left alone"), ("retired", "was deleted")],
)
def test_a_rollback_touches_only_what_is_on_its_way(world: World, state: str, words: str) -> None:
    """None retired that holds the only healthy place."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Verify")
    world.put({**world.incarnation(1).to_item(), "state": state})
    assert words in world.step("operation", "RollBack", request).message


def test_a_rollback_leaves_what_an_interrupted_cut_over_put_into_service(world: World) -> None:
    """It may be the only healthy one."""
    request = failing(launched(world))
    world.run_operation(request, until="CutOver")
    world.step("operation", "CutOver", request)
    world.executions[world.execution(request["operation"], "")] = {}
    world.executions = {key: {**value, "status": "FAILED"} for key, value in world.executions.items()}
    again = world.request("failover", "op3", reason="unhealthy")
    world.run_operation(again, until="Launch")
    assert "was left there" in world.step("operation", "RollBack", again).message
    assert "10.0.2.2" in world.targets["balanced"]


def test_a_rollback_that_takes_long_hands_over_to_a_retirement(world: World) -> None:
    """CloudFormation is answered within its hour."""
    world.canary_state = "dead"
    world.TERMINATION_SECONDS = 10_000
    request = world.request("launch", "op1")
    world.expect_answer("op1", request)
    assert world.run_operation(request) == "Failed"
    assert "emr-dr-active-passive-a-g1 is still being deleted." in world.answers[0]["reason"]
    world.TERMINATION_SECONDS = 60
    world.run_started_retirements()
    assert str(world.incarnation(1).state) == "retired"


def test_a_cluster_that_is_not_ours_is_not_ended(world: World) -> None:
    """Never terminate what is not ours."""
    request = begun(world)
    world.clusters["j-2"].name = "another"
    with pytest.raises(Exception, match="cluster j-2 must not be ended"):
        world.step("operation", "RollBack", request)
    assert world.terminated == []


@pytest.mark.parametrize(
    "call", ["describe_target_health", "deregister_targets", "describe_stacks", "terminate_job_flows", "delete_stack"]
)
def test_a_rollback_that_could_not_be_done_is_not_closed(world: World, call: str) -> None:
    """A14: an error of our own call; nobody is told of an end that has not come, and the next call brings it."""
    request = begun(world)
    world.broken = {call}
    with pytest.raises(ClientError, match="Rate exceeded"):
        world.step("operation", "RollBack", request)
    assert (world.operation("op2").outcome, world.answers) == (None, [])
    world.broken.clear()
    assert roll_back(world, request) == "emr-dr-active-passive-a-g2 was deleted."
    assert world.incarnation(2).state is IncarnationState.RETIRED


def test_an_isolated_incarnation_stays_out_while_another_serves(world: World) -> None:
    """A2: every second job would fail there, until the next attempt or a person has mended it."""
    launched(world)
    second_half(world)
    request = failing(world)
    world.broken_zones = {"us-east-1a", "us-east-1b", "us-east-1c"}
    assert world.run_operation(request, twice=True) == "Failed"
    assert list(world.targets["balanced"]) == ["10.0.3.90"]
    assert world.incarnation(1).isolated_at is not None
    assert "which is unhealthy, gets no new jobs while another managed cluster serves" in world.notices[-1]["message"]


def test_an_isolated_incarnation_gets_new_jobs_again_when_nobody_else_does(world: World) -> None:
    """A14: never zero by our own act, however sick it may be; before the end of what was launched is waited for."""
    launched(world)
    second_half(world)
    request = failing(world)
    assert world.run_operation(request, until="Verify") == "Verify"
    assert list(world.targets["balanced"]) == ["10.0.3.90"]
    world.unhealthy.add("10.0.3.90")
    world.step("operation", "RollBack", request)
    assert sorted(world.targets["balanced"]) == ["10.0.1.1", "10.0.3.90"]
    assert world.incarnation(1).isolated_at is None


@pytest.mark.parametrize(
    ("kind", "reason", "words"),
    [
        ("failover", "unhealthy", "the monitor starts the next one by itself"),
        ("failover", "manual", "Nobody starts it again: do that yourself"),
        ("switchover", "upgrade", "rolls its stack back by itself. Deploy again when the reason is gone."),
        ("repair", "manual", "start a failover, which replaces the cluster and loses its jobs: aws stepfunctions "),
    ],
)
def test_people_are_told_what_comes_next(world: World, kind: str, reason: str, words: str) -> None:
    """At night it matters whether it is tried again by itself."""
    request = launched(world).request(kind, "op2", reason=reason)
    world.step("operation", "Claim", request)
    world.step("operation", "RollBack", request)
    assert words in world.notices[-1]["message"]


def test_people_are_told_what_serves_in_the_meantime(world: World) -> None:
    """A sick cluster that was left in service is no service."""
    request = failing(launched(world))
    world.broken_zones = {"us-east-1a", "us-east-1b", "us-east-1c"}
    assert world.run_operation(request) == "Failed"
    message = world.notices[-1]["message"]
    assert "emr-dr-active-passive-a-g1 (j-1), which is unhealthy, was left in service: jobs may fail until" in message


def test_a_switchover_that_failed_leaves_what_serves_as_it_was(world: World) -> None:
    roll_back(world, begun(world))
    assert "emr-dr-active-passive-a-g1 (j-1) was left in service as it was." in world.notices[-1]["message"]


def test_an_operation_that_never_got_the_lease_says_what_serves(world: World) -> None:
    """A false page: it waited for another one, and never looked."""
    request = launched(world).request("switchover", "op2", reason="manual")
    world.step("operation", "RollBack", request)
    assert "emr-dr-active-passive-a-g1 (j-1) was left in service as it was." in world.notices[-1]["message"]


def test_what_another_operation_ends_is_not_said_to_serve_as_before(world: World) -> None:
    request = launched(world).request("switchover", "op2", reason="manual")
    world.put({**world.incarnation(1).to_item(), "terminate_requested_at": 1})
    world.step("operation", "RollBack", request)
    assert "(j-1), which serves by the record, is being ended by another operation." in world.notices[-1]["message"]


def test_a_first_launch_that_failed_leaves_nothing_in_service(world: World) -> None:
    world.broken_zones = {"us-east-1a", "us-east-1b", "us-east-1c"}
    assert world.run_operation(world.request("launch", "op1")) == "Failed"
    assert "Nothing of managed cluster a is in service: jobs fail." in world.notices[-1]["message"]


def test_a_message_ends_each_sentence_once(world: World) -> None:
    """What a launch says of its AZs ends in a full stop already."""
    request = failing(launched(world))
    world.broken_zones = {"us-east-1a", "us-east-1b", "us-east-1c"}
    world.run_operation(request)
    assert ".." not in world.notices[-1]["message"]
