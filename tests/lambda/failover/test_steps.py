"""What single steps do where the straight path does not lead."""

from __future__ import annotations

import json

import pytest

from dr_core.evidence import Verdict
from dr_core.record import Outcome
from failover.errors import InvariantError

from .fakes import AlreadyExistsException
from .scenarios import failing, launched
from .world import World


def test_an_unknown_verdict_waits_then_calls_the_failover_off(world: World) -> None:
    """A14: UNKNOWN never leads to an action, and a person is told."""
    launched(world).record.seen.clear()
    request = world.request("failover", "op2", reason="unhealthy")
    world.step("operation", "Claim", request)
    assert world.step("operation", "Reassess", request).status == "wait"
    world.clock.now += 60
    assert world.step("operation", "Reassess", request).status == "cancelled"
    assert world.operation("op2").outcome is Outcome.CANCELLED
    assert world.notices[-1]["subject"] == "emr-dr-active-passive: failover of a called off"
    assert world.managed_cluster().lease is None


def test_one_prober_alone_is_no_confirmation(world: World) -> None:
    """A14: a single observer does not act."""
    launched(world).see_evidence(1, Verdict.UNHEALTHY, zones=("us-east-1a",))
    request = world.request("failover", "op2", reason="unhealthy")
    world.step("operation", "Claim", request)
    assert world.step("operation", "Reassess", request).status == "wait"


def test_a_failover_of_nothing_launches(world: World) -> None:
    """The last launch failed, and nothing is in service."""
    assert world.run_operation(world.request("failover", "op1", reason="unhealthy")) == "CutOverDone"
    assert world.operation("op1").outcome is Outcome.FAILED_OVER


def test_a_repair_is_refused(world: World) -> None:
    """Not in this version: say what to do instead."""
    assert launched(world).run_operation(world.request("repair", "op2", reason="manual")) == "Failed"
    assert "start a failover instead" in (world.operation("op2").message or "")


def test_verify_notes_down_the_canary(world: World) -> None:
    """Route asks for it by its id."""
    world.run_operation(world.request("launch", "op1"), until="Route")
    incarnation = world.incarnation(1)
    assert incarnation.canary_name == "emr-dr-canary-g1-1"
    assert incarnation.canary_id == 1_001_000_000
    assert incarnation.canary_app_id == "application_1_0001"


def test_verify_routes_beside_the_canary(world: World) -> None:
    """The load balancer needs its time, and so does the canary."""
    request = world.request("launch", "op1")
    world.canary_state = "running"
    world.run_operation(request, until="Verify")
    world._look_around()
    assert world.step("operation", "Verify", request).status == "wait"
    assert list(world.targets["slot-1"]) == ["10.0.1.1"]
    assert world.incarnation(1).slot == 1


def test_verify_waits_for_two_vantage_points(world: World) -> None:
    """A canary that succeeded is not enough."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Verify")
    world.record.seen.clear()
    answer = world.step("operation", "Verify", request)
    assert answer.status == "wait"
    assert answer.message.startswith("two vantage points have not seen every service healthy")


def test_verify_gives_up_at_its_limit(world: World) -> None:
    """The canary may hang."""
    world.canary_state = "running"
    assert world.run_operation(world.request("launch", "op1")) == "Failed"
    assert "the canary job has not succeeded" in (world.operation("op1").message or "")


def test_verify_waits_while_no_prober_can_be_asked(world: World) -> None:
    """An error of our own call says nothing about the cluster."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Verify")
    world._look_around()
    world.dead_probers = {f"prober-us-east-1{zone}" for zone in "abc"}
    assert world.step("operation", "Verify", request).status == "wait"
    world.dead_probers = {"prober-us-east-1a"}
    assert world.step("operation", "Verify", request).status == "done"


def test_route_waits_for_the_target(world: World) -> None:
    """Healthy in its slot's group, or the ids would answer 503."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Route")
    answer = world.step("operation", "Route", request)
    assert (answer.status, answer.message) == ("wait", "the load balancer calls the target of slot 1 initial")


def test_route_waits_for_the_rule(world: World) -> None:
    """No bound is published on how long a rule takes."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Route")
    world.clock.now += 20
    world.rules.clear()
    answer = world.step("operation", "Route", request)
    assert (answer.status, answer.message) == ("wait", "through 10.0.9.9: answered 410")


def test_route_waits_while_no_prober_can_be_asked(world: World) -> None:
    """An error of our own call says nothing about the route."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Route")
    world.clock.now += 20
    world.dead_probers = {f"prober-us-east-1{zone}" for zone in "abc"}
    assert world.step("operation", "Route", request).status == "wait"


def test_route_gives_up_at_its_limit(world: World) -> None:
    """And the launch is rolled back."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Route")
    world.unhealthy.add("10.0.1.1")
    assert world.step("operation", "Route", request).status == "wait"
    world.clock.now += 180
    answer = world.step("operation", "Route", request)
    assert answer.status == "failed"
    assert "do not lead to it after 180 s" in answer.message


def test_a_deployment_without_a_free_slot_waits(world: World) -> None:
    """Ids of incarnations that still end their jobs must go on leading to them."""
    for number in (1, 2, 3, 4):
        world.put({"kind": "slot", "id": str(number), "generation": 90 + number})
    request = world.request("launch", "op1")
    world.run_operation(request, until="Route")
    answer = world.step("operation", "Route", request)
    assert (answer.status, answer.message) == (
        "wait",
        "every slot is taken by an incarnation whose ids must still lead to it",
    )


def test_the_first_free_slot_is_taken(world: World) -> None:
    """Slots in use are passed over."""
    world.put({"kind": "slot", "id": "1", "generation": 90})
    world.run_operation(world.request("launch", "op1"))
    assert world.incarnation(1).slot == 2


def test_fence_kills_the_applications_that_still_run(world: World) -> None:
    """Livy died, YARN lives: its applications would write beside their second run."""
    launched(world)
    world.cluster(1).applications.append("application_1_0002")
    assert world.run_operation(world.request("failover", "op2", reason="drill"), until="CutOver") == "CutOver"
    assert world.cluster(1).applications == []
    assert world.incarnation(1).terminate_requested_at is not None


def test_fence_does_without_probers(world: World) -> None:
    """EMR is asked to end the cluster all the same."""
    request = failing(launched(world))
    world.run_operation(request, until="Fence")
    world.dead_probers = {f"prober-us-east-1{zone}" for zone in "abc"}
    assert world.step("operation", "Fence", request).status == "done"
    assert world.terminated == ["emr-dr-active-passive-a-g1"]


def test_fence_waits_for_nobody_who_is_not_ready(world: World) -> None:
    """Never end the old one before the new one is proved."""
    request = failing(launched(world))
    world.run_operation(request, until="Fence")
    world.put({**world.incarnation(2).to_item(), "state": "launching"})
    with pytest.raises(InvariantError, match="g000002 is launching and cannot take over"):
        world.step("operation", "Fence", request)
    assert world.terminated == []


def test_steps_without_a_launch_refuse_to_work(world: World) -> None:
    """A machine that skips a state is wrong."""
    request = world.request("launch", "op1")
    world.step("operation", "Claim", request)
    for step in ("Verify", "Route"):
        with pytest.raises(InvariantError, match=f"launched nothing that {step} could work on"):
            world.step("operation", step, request)
    with pytest.raises(InvariantError, match="nothing to cut over to"):
        world.step("operation", "CutOver", request)


def test_a_cut_over_that_lost_its_lease_records_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most one operation writes what serves."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="CutOver")
    world.step("operation", "CutOver", request)
    world.clock.now += 20
    monkeypatch.setattr(world.record, "change_together", lambda *_: False)
    with pytest.raises(InvariantError, match="lost the lease of a during the cut-over"):
        world.step("operation", "CutOver", request)
    assert world.managed_cluster().serving_generation is None


def test_the_phases_of_a_recovery_are_measured(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """By the times at which the states were entered; detection is the monitor's to measure."""
    request = failing(launched(world))
    capsys.readouterr()
    world.run_operation(request)
    written = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    names = {name for each in written for name in each if name.endswith("Seconds")}
    assert names == {"DecideSeconds", "LaunchSeconds", "VerifySeconds", "CutOverSeconds"}
    assert {each["managed_cluster"] for each in written} == {"a"}


def test_a_rollback_that_takes_long_hands_over_to_a_retirement(world: World) -> None:
    """CloudFormation is answered within its hour."""
    world.bad_seed = True
    world.TERMINATION_SECONDS = 10_000
    request = world.request("launch", "op1")
    world.expect_answer("op1", request)
    assert world.run_operation(request) == "Failed"
    assert "Generation 1 is still being deleted." in world.answers[0]["reason"]
    world.TERMINATION_SECONDS = 60
    world.run_started_retirements()
    assert str(world.incarnation(1).state) == "retired"


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


def test_a_holder_that_step_functions_forgot_is_closed(world: World) -> None:
    """Executions are forgotten after 90 days."""
    lease = {"execution": "arn:forgotten", "operation": "old", "since": 1}
    world.put({**world.managed_cluster().to_item(), "lease": lease})
    assert world.step("operation", "Claim", world.request("launch", "op1")).status == "done"


def test_a_tombstone_stops_an_operation_at_its_second_look(world: World) -> None:
    """The delete came after the claim."""
    request = world.request("launch", "op1")
    world.step("operation", "Claim", request)
    world.put({**world.managed_cluster().to_item(), "tombstone": True})
    assert world.step("operation", "Reassess", request).status == "failed"


def test_an_incarnation_that_the_record_lost_is_replaced(world: World) -> None:
    """Nothing can be said of it, and nobody looks at it."""
    world.put({**world.managed_cluster().to_item(), "serving_generation": 7})
    request = world.request("failover", "op1", reason="unhealthy")
    world.step("operation", "Claim", request)
    assert world.step("operation", "Reassess", request).status == "done"


def test_a_launch_whose_stack_is_unknown_is_given_up(world: World) -> None:
    """Somebody deleted it by hand, long ago."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Launch")
    world.step("operation", "Launch", request)
    world.stacks.clear()
    assert world.step("operation", "Launch", request).status == "wait"
    assert world.incarnation(2).availability_zone == "us-east-1b"


def test_a_launch_whose_cluster_is_unknown_is_given_up(world: World) -> None:
    """EMR does not know it any more."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Launch")
    for _ in range(3):
        world.step("operation", "Launch", request)
        world.clock.now += 10
    world.clusters.clear()
    world.step("operation", "Launch", request)
    assert str(world.incarnation(1).state) == "abandoned"


def test_no_zone_is_tried_after_the_limit_of_all(world: World) -> None:
    """CloudFormation waits an hour, and Verify and Route need some of it."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Launch")
    world.clock.now += 2700
    answer = world.step("operation", "Launch", request)
    assert answer.status == "failed"
    assert answer.message.startswith("the launch took longer than it may over all availability zones")


def test_a_stack_that_vanishes_while_it_is_adopted_is_asked_for_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine calls the step again."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Verify")
    world.put({**world.incarnation(1).to_item(), "state": "launching"})
    world.record.items["incarnation", "g000001"].pop("stack_id")
    monkeypatch.setattr(type(world.deployment.stacks), "describe", lambda *_: None)
    with pytest.raises(AlreadyExistsException):
        world.step("operation", "Launch", request)


def test_late_finds_of_a_deletion_are_left_to_its_last_state(world: World) -> None:
    """CloseIds passes over what is not fenced yet; Confirm brings it to its end."""
    launched(world)
    request = {"retirement": "a-delete-1", "managed_cluster": "a", "generation": None, "planned": False}
    world.step("retirement", "Drain", request)
    assert world.step("retirement", "CloseIds", request).status == "done"
    assert list(world.targets["slot-1"]) == ["10.0.1.1"]
