"""A failover takes what stands by, or what is on its way there, and launches only if nothing of that is of use."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dr_core.evidence import Verdict
from dr_core.record import Incarnation, IncarnationState, Outcome
from dr_core.standby import LATE_CANARY_SECONDS, RETRY_SECONDS, VERIFIED_SECONDS, spec_digest
from failover.execution_ended import tidy_up
from failover.leftovers import leave_begun, stand_down
from failover.reconcile import reconcile
from failover.standby import keep
from failover.steps import roll_back

from .parts import OPERATIONS, LostAnswerError
from .scenarios import (
    ended,
    failing,
    hanging,
    latest_request,
    never_nobody_in_service,
    no_probers,
    settled,
    standby_asked_for,
    standing_by,
    wanting_standby,
)
from .world import World


def seconds_of(world: World, request: dict[str, Any]) -> float:
    """How long an operation took."""
    began = world.clock.now
    assert world.run_operation(request) == "CutOverDone"
    return world.clock.now - began


def test_a_failover_takes_the_standby(world: World) -> None:
    """B6: one fresh look, then fence and cut over; nothing is launched."""
    assert seconds_of(standing_by(world), failing(world)) < 60
    assert settled(world)["states"] == {1: "retiring", 2: "serving"}
    assert world.managed_cluster().serving_generation == 2
    assert world.incarnation(2).operation == "op2"
    assert world.operation("op2").outcome is Outcome.FAILED_OVER
    assert len(world.stacks) == 2


def test_a_new_standby_follows_a_failover(world: World) -> None:
    """Issue: in the AZ that has not just failed."""
    standing_by(world).run_operation(failing(world))
    keep(world.deployment)
    assert world.run_operation(latest_request(world)) == "CutOverDone"
    world.run_started_retirements()
    assert settled(world)["states"] == {1: "retired", 2: "serving", 3: "standby"}
    assert world.incarnation(3).availability_zone == "us-east-1c"


def test_a_repeated_failover_step_takes_it_once(world: World) -> None:
    """A14: every step may be called twice."""
    standing_by(world)
    assert world.run_operation(failing(world), twice=True) == "CutOverDone"
    assert settled(world)["states"] == {1: "retiring", 2: "serving"}


@pytest.mark.parametrize("call", range(1, 25))
def test_a_function_may_die_anywhere_on_the_way(world: World, call: int) -> None:
    """A14: the answer to any one call is lost, and the machine calls again."""
    standing_by(world)
    request = failing(world)
    world.lose_call = world.calls + call
    assert world.run_operation(request) == "CutOverDone"
    assert settled(world)["states"] == {1: "retiring", 2: "serving"}
    assert never_nobody_in_service(world)


def test_a_failover_by_hand_takes_it_too(world: World) -> None:
    """Whoever leaves an AZ that is about to go away need not wait for a launch."""
    standing_by(world)
    assert world.run_operation(world.request("failover", "op2", reason="evacuation")) == "CutOverDone"
    assert world.managed_cluster().serving_generation == 2


def test_a_switchover_proves_a_new_cluster(world: World) -> None:
    """What is planned may take its time."""
    standing_by(world)
    assert world.run_operation(world.request("switchover", "op2", reason="manual")) == "CutOverDone"
    assert world.managed_cluster().serving_generation == 3
    assert world.incarnation(2).state is IncarnationState.STANDBY


@pytest.mark.parametrize(
    ("reason", "zone"),
    [
        ("manual", "us-east-1c"),
        ("evacuation", "us-east-1c"),
        # With another spec the standby is replaced anyway.
        ("upgrade", "us-east-1a"),
    ],
)
def test_a_switchover_leaves_the_zone_of_the_standby_to_it(world: World, reason: str, zone: str) -> None:
    """B13: the standby, which stands in us-east-1b, would else be replaced although nothing is wrong with it."""
    standing_by(world)
    world.run_operation(world.request("switchover", "op2", reason=reason), until="Verify")
    assert world.incarnation(3).availability_zone == zone


def test_a_failback_returns_to_where_the_standby_is(world: World) -> None:
    """B13: its words are "to return to a preferred availability zone"; the standby is replaced then."""
    standing_by(world)
    for generation, zone in ((1, "us-east-1c"), (2, "us-east-1a")):
        world.put({**world.incarnation(generation).to_item(), "availability_zone": zone})
    world.run_operation(world.request("switchover", "op2", reason="failback"), until="Verify")
    assert world.incarnation(3).availability_zone == "us-east-1a"


def test_a_switchover_goes_beside_the_standby_if_no_other_zone_is_left(world: World) -> None:
    """It is asked for by a person, and the standby is replaced afterwards."""
    world = standing_by(world)
    world.broken_zones = {"us-east-1c"}
    assert world.run_operation(world.request("switchover", "op2", reason="manual")) == "CutOverDone"
    assert world.incarnation(world.managed_cluster().serving_generation or 0).availability_zone == "us-east-1b"


def budget_used_up(world: World) -> None:
    for generation in range(11, 11 + world.deployment.config.policy.launches_per_day):
        incarnation = Incarnation(
            generation=generation,
            managed_cluster="a",
            state=IncarnationState.RETIRED,
            reason="unhealthy",
            created_at=world.clock.now - 60,
        )
        world.put(incarnation.to_item())


def test_a_used_up_launch_budget_does_not_keep_a_failover_from_the_standby(world: World) -> None:
    """A12, B7: it launches nothing."""
    budget_used_up(standing_by(world))
    request = failing(world)
    world.see_evidence(1, Verdict.UNHEALTHY)
    assert world.run_operation(request) == "CutOverDone"
    assert world.managed_cluster().serving_generation == 2


def test_a_standby_that_is_not_taken_gives_no_launch_beyond_the_budget(world: World) -> None:
    """B7: Launch asks for the budget by itself."""
    budget_used_up(standing_by(world))
    world.kill_primary(2)
    request = failing(world)
    world.see_evidence(1, Verdict.UNHEALTHY)
    assert world.run_operation(request) == "Failed"
    assert "automatic operations have launched 8 clusters in 24 hours" in (world.operation("op2").message or "")
    assert len(world.stacks) == 2


def unproved(world: World) -> None:
    old = world.clock.now - VERIFIED_SECONDS
    world.put(replace(world.incarnation(2), canary_succeeded_at=old).to_item())


def of_another_spec(world: World) -> None:
    world.put(replace(world.incarnation(2), spec_digest=spec_digest("{}")).to_item())


def beside_what_failed(world: World) -> None:
    world.put(replace(world.incarnation(2), availability_zone="us-east-1a").to_item())


def dead(world: World) -> None:
    world.kill_primary(2)


def seen_by_one_alone(world: World) -> None:
    """Which is not enough to rest on."""
    world.dead_probers = {"prober-us-east-1a", "prober-us-east-1c"}


@pytest.mark.parametrize("what", [unproved, of_another_spec, beside_what_failed, dead])
def test_a_standby_that_may_not_do_is_not_taken(world: World, what: Any) -> None:
    """The normal way then: a launch."""
    what(standing_by(world))
    assert world.run_operation(failing(world)) == "CutOverDone"
    assert world.managed_cluster().serving_generation == 3
    assert world.incarnation(2).state is IncarnationState.STANDBY


def test_one_prober_and_the_load_balancer_are_enough(world: World) -> None:
    """A12: with two AZs, one of them lost, nobody else is left to look at a standby that stands well."""
    standing_by(world)
    request = failing(world)
    world.run_operation(request, until="Launch")
    seen_by_one_alone(world)
    world.step("operation", "Launch", request)
    assert world.operation("op2").generation == 2


def test_one_vantage_point_is_not_enough(world: World) -> None:
    standing_by(world)
    request = failing(world)
    world.run_operation(request, until="Launch")
    seen_by_one_alone(world)
    world.targets["slot-2"].clear()
    world.step("operation", "Launch", request)
    assert world.incarnation(2).state is IncarnationState.STANDBY
    assert world.operation("op2").generation == 3


def test_what_is_launched_beside_a_sick_standby_goes_elsewhere(world: World) -> None:
    """What made it sick may be in its AZ."""
    dead(standing_by(world))
    world.run_operation(failing(world))
    assert world.incarnation(3).availability_zone == "us-east-1c"


def test_livy_is_mended_in_place_all_the_same(world: World) -> None:
    """It keeps the jobs, and takes no longer."""
    standing_by(world)
    assert world.run_operation(hanging(world)) == "Repaired"
    assert settled(world)["states"] == {1: "serving", 2: "standby"}


def test_a_failover_stops_the_launch_of_a_standby_and_takes_it_over(world: World) -> None:
    """It never waits for it: minutes of the launch are over already."""
    request = standby_asked_for(world)
    world.run_operation(request, until="Verify")
    failover = failing(world)
    assert world.step("operation", "Claim", failover).status == "done"
    launch = world.execution(OPERATIONS, request["operation"])
    assert world.executions[launch]["status"] == "ABORTED"
    assert world.managed_cluster().lease is not None
    assert world.managed_cluster().lease.operation == "op2"  # type: ignore[union-attr]
    detail = {**ended(world, request, status="ABORTED"), "error": "Superseded"}
    tidy_up(world.deployment, detail)
    assert world.run_operation(failover) == "CutOverDone"
    assert settled(world)["states"] == {1: "retiring", 2: "serving"}
    assert len(world.stacks) == 2


def test_it_stops_the_launch_of_one_that_is_not_wanted_any_more(world: World) -> None:
    """A deploy with standby: none came while it was launched: what it launched is of no use then."""
    request = standby_asked_for(world)
    world.run_operation(request, until="Verify")
    wanting_standby(world, wanted=False)
    assert world.run_operation(failing(world)) == "CutOverDone"
    assert world.executions[world.execution(OPERATIONS, request["operation"])]["status"] == "ABORTED"
    assert world.managed_cluster().serving_generation == 3


@pytest.mark.parametrize("state", ["Launch", "Verify", "Route", "CutOver"])
def test_it_takes_it_over_from_every_state(world: World, state: str) -> None:
    """Whatever the launch had come to."""
    request = standby_asked_for(world)
    world.run_operation(request, until=state)
    assert world.run_operation(failing(world)) == "CutOverDone"
    assert world.managed_cluster().serving_generation == 2
    assert len(world.stacks) == 2


def hanging_canary(world: World, *, seconds: float) -> dict[str, Any]:
    """The request of a failover that comes when the canary of what was to stand by has been running for a while."""
    request = standby_asked_for(world)
    world.run_operation(request, until="Verify")
    world.cluster(2).canary_state = "running"
    assert world.step("operation", "Verify", request).status == "wait"
    world.clock.now += seconds
    return failing(world)


def test_a_failover_launches_instead_of_waiting_for_a_canary_that_hangs(world: World) -> None:
    """It would wait until the limit of Verify, and then fail: what hangs is given up, and another AZ comes first."""
    failover = hanging_canary(world, seconds=LATE_CANARY_SECONDS + 1)
    assert world.run_operation(failover) == "CutOverDone"
    assert world.managed_cluster().serving_generation == 3
    assert world.incarnation(3).availability_zone == "us-east-1c"
    assert "had not succeeded after 120 s" in (world.incarnation(2).given_up or "")
    assert world.incarnation(2).state is IncarnationState.ABANDONED


@pytest.mark.parametrize(("seconds", "answers"), [(60, True), (LATE_CANARY_SECONDS + 1, False)])
def test_it_waits_for_a_canary_that_has_just_begun(world: World, seconds: float, *, answers: bool) -> None:
    """Nor does it give up what nobody can ask at the moment: UNKNOWN leads to no action."""
    failover = hanging_canary(world, seconds=seconds)
    world.run_operation(failover, until="Launch")
    if not answers:
        no_probers(world)
    assert world.step("operation", "Launch", failover).status == "done"
    world.dead_probers = set()
    world.cluster(2).canary_state = "success"
    assert world.run_operation(failover) == "CutOverDone"
    assert world.managed_cluster().serving_generation == 2


def test_nobody_waits_for_an_end_that_does_not_come(world: World) -> None:
    """The lease is taken from a closed execution only."""
    request = standby_asked_for(world)
    world.run_operation(request, until="Verify")
    world.broken = {"stop_execution"}
    with pytest.raises(Exception, match="Rate exceeded"):
        world.step("operation", "Claim", failing(world))
    assert world.managed_cluster().lease.operation == request["operation"]  # type: ignore[union-attr]


def test_a_switchover_gives_up_what_was_to_stand_by(world: World) -> None:
    """A deploy brings another spec."""
    request = standby_asked_for(world)
    world.run_operation(request, until="Verify")
    assert world.run_operation(world.request("switchover", "op2", reason="upgrade")) == "CutOverDone"
    world.run_started_retirements()
    assert settled(world)["states"] == {1: "retired", 2: "retired", 3: "serving"}


def test_the_launch_of_a_standby_gives_way_and_never_waits(world: World) -> None:
    """Another operation came first: the next minute sees what is wanted then."""
    request = standby_asked_for(world)
    world.run_operation(failing(world), until="Verify")
    assert world.step("operation", "Claim", request).status == "cancelled"


def test_a_repaired_cluster_leaves_the_launch_to_be_taken_over(world: World) -> None:
    """Nothing was changed for what had begun: the next launch goes on with it."""
    request = standby_asked_for(world)
    world.run_operation(request, until="Verify")
    assert world.run_operation(hanging(world)) == "Repaired"
    reconcile(world.deployment)
    assert world.incarnation(2).state is IncarnationState.VERIFYING
    detail = {**ended(world, request, status="ABORTED"), "error": "Superseded"}
    tidy_up(world.deployment, detail)
    keep(world.deployment)
    assert world.run_operation(latest_request(world)) == "CutOverDone"
    assert settled(world)["states"] == {1: "serving", 2: "standby"}


def test_what_nobody_took_over_is_given_up_in_the_end(world: World) -> None:
    """Never a bill that nobody sees: while standbys are kept back, say."""
    request = standby_asked_for(world)
    world.run_operation(request, until="Verify")
    tidy_up(world.deployment, {**ended(world, request, status="ABORTED"), "error": "Superseded"})
    world.clock.now += 1200
    reconcile(world.deployment)
    assert world.incarnation(2).state is IncarnationState.ABANDONED


def test_a_standby_stands_by_again_if_the_old_one_has_recovered(world: World) -> None:
    """What has recovered is kept; nothing has to be launched for that."""
    standing_by(world)
    request = failing(world)
    world.run_operation(request, until="Fence")
    world.unhealthy.clear()
    assert world.wait_for("operation", "Fence", request).status == "cancelled"
    assert settled(world)["states"] == {1: "serving", 2: "standby"}
    assert "stands by again" in world.notices[-1]["message"]


def test_a_late_call_takes_no_standby_from_the_next_failover(world: World) -> None:
    """A14: whoever wants to set it aside read the record before another operation took it over."""
    standing_by(world)
    world.run_operation(failing(world), until="Fence")
    before = world.incarnation(2)
    world.put({**before.to_item(), "operation": "a-failover-next"})
    assert not stand_down(world.deployment, before)
    assert world.incarnation(2).state is IncarnationState.VERIFYING


def test_a_fence_that_died_after_that_says_the_same(world: World) -> None:
    """A14: the call that set the standby aside was the last one of its function."""
    standing_by(world)
    request = failing(world)
    world.run_operation(request, until="Fence")
    world.unhealthy.clear()
    world.clock.now += 60
    world.see_evidence(1, Verdict.HEALTHY)
    world.lose_call = world.calls + 1
    with pytest.raises(LostAnswerError):
        for _ in range(9):
            world.step("operation", "Fence", request)
    assert world.step("operation", "Fence", request).status == "cancelled"
    assert settled(world)["states"] == {1: "serving", 2: "standby"}


@pytest.mark.parametrize("state", ["Verify", "Route", "Fence"])
def test_a_failover_that_a_person_stops_leaves_the_standby(world: World, state: str) -> None:
    """It was proved before, and nothing rests on it yet."""
    standing_by(world)
    request = failing(world)
    world.run_operation(request, until=state)
    tidy_up(world.deployment, ended(world, request, status="ABORTED"))
    assert settled(world)["states"] == {1: "serving", 2: "standby"}
    assert world.run_operation({**request, "operation": "op3"}) == "CutOverDone"
    assert world.managed_cluster().serving_generation == 2


def test_after_the_point_of_no_return_the_next_failover_brings_it_in(world: World) -> None:
    """docs/decisions/0012: what served is being ended for it."""
    standing_by(world)
    request = failing(world)
    world.run_operation(request, until="CutOver")
    tidy_up(world.deployment, ended(world, request, status="ABORTED"))
    assert world.incarnation(2).state is IncarnationState.VERIFYING
    assert world.run_operation({**request, "operation": "op3"}) == "CutOverDone"
    assert settled(world)["states"] == {1: "retiring", 2: "serving"}


def test_a_standby_that_an_interrupted_failover_took_is_looked_at_again(world: World) -> None:
    """Nobody tidied up, and it has died since."""
    standing_by(world)
    request = failing(world)
    world.run_operation(request, until="Verify")
    world.executions[world.execution(OPERATIONS, "op2")]["status"] = "FAILED"
    world.kill_primary(2)
    assert world.run_operation({**request, "operation": "op3"}) == "CutOverDone"
    assert world.managed_cluster().serving_generation == 3


def test_what_is_needed_now_does_not_stand_by_again(world: World) -> None:
    """docs/decisions/0012: the end of what serves is decided, and it is not where jobs come from yet."""
    standing_by(world)
    request = failing(world)
    world.run_operation(request, until="Fence")
    world.put(replace(world.incarnation(1), terminate_requested_at=world.clock.now).to_item())
    tidy_up(world.deployment, ended(world, request, status="ABORTED"))
    assert world.incarnation(2).state is IncarnationState.VERIFYING


def test_verify_does_not_prove_again_what_stood_by(world: World) -> None:
    """Launch has looked at it a moment ago; what probers wrote down may say nothing in the outage of an AZ."""
    standing_by(world)
    request = failing(world)
    world.run_operation(request, until="Verify")
    world.record.seen.clear()
    assert world.step("operation", "Verify", request).status == "done"


def test_a_roll_back_leaves_what_stands_by(world: World) -> None:
    """Somebody has put it back already: its ids must not be taken away."""
    standing_by(world)
    request = failing(world)
    world.run_operation(request, until="Verify")
    world.put(replace(world.incarnation(2), state=IncarnationState.STANDBY).to_item())
    before = dict(world.rules)
    assert world.wait_for("operation", "RollBack", request).status == "done"
    assert world.incarnation(2).state is IncarnationState.STANDBY
    assert world.rules == before


def test_a_late_roll_back_leaves_what_a_failover_has_taken_over(world: World) -> None:
    """A14: a step outlives its execution, which the failover has stopped: RollBack has no lease to lose."""
    request = standby_asked_for(world)
    world.run_operation(request, until="Verify")
    failover = failing(world)
    world.run_operation(failover, until="Fence")
    before = dict(world.rules)
    assert "was taken over by operation op2" in world.wait_for("operation", "RollBack", request).message
    assert world.rules == before
    assert world.run_operation(failover) == "CutOverDone"
    assert world.managed_cluster().serving_generation == 2


def test_a_roll_back_undoes_nothing_of_what_is_taken_over_at_that_moment(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between what it reads and what it writes: the ids of what a failover needs must not be taken away first."""
    request = standby_asked_for(world)
    world.run_operation(request, until="Verify")
    failover = failing(world)
    before: list[dict[str, Any]] = []

    def meanwhile(*_: object) -> bool:
        world.run_operation(failover, until="Fence")
        before.append(dict(world.rules))
        return False

    monkeypatch.setattr(roll_back, "in_service_group", meanwhile)
    assert "was taken over by operation op2" in world.wait_for("operation", "RollBack", request).message
    assert before == [world.rules]
    assert world.run_operation(failover) == "CutOverDone"
    assert world.managed_cluster().serving_generation == 2


def left_in_service(world: World) -> None:
    """A failover by hand took over what was to stand by, and was interrupted when that was where jobs come from."""
    world.run_operation(standby_asked_for(world), until="Verify")
    request = world.request("failover", "op2", reason="evacuation")
    world.run_operation(request, until="Fence")
    world.step("operation", "Fence", request)
    assert world.cluster(2).address in world.targets["balanced"]
    world.executions[world.execution(OPERATIONS, "op2")]["status"] = "ABORTED"


def test_what_is_in_service_is_not_launched_to_stand_by(world: World) -> None:
    """B6: a standby is not where new jobs come from; they would be lost when it is given up."""
    left_in_service(world)
    world.clock.now += RETRY_SECONDS
    keep(world.deployment)
    assert world.run_operation(latest_request(world)) == "CutOverDone"
    assert settled(world)["states"] == {1: "serving", 2: "verifying", 3: "standby"}


def test_what_has_come_into_service_does_not_stand_by(world: World) -> None:
    """Its launch has passed everything else."""
    request = standby_asked_for(world)
    world.run_operation(request, until="CutOver")
    world.targets["balanced"][world.cluster(2).address] = world.clock.now
    answer = world.step("operation", "CutOver", request)
    assert (answer.status, world.incarnation(2).state) == ("failed", IncarnationState.VERIFYING)
    assert "is in the balanced group" in answer.message


def called_off_with_what_was_begun(world: World) -> str:
    """A failover has proved what was on its way to stand by, and a last look keeps what serves; what is told."""
    launch = standby_asked_for(world)
    world.run_operation(launch, until="Verify")
    request = failing(world)
    assert world.run_operation(request, until="Fence") == "Fence"
    assert world.operation("op2").generation == 2
    world.unhealthy.clear()
    assert world.wait_for("operation", "Fence", request).status == "cancelled"
    tidy_up(world.deployment, {**ended(world, launch, status="ABORTED"), "error": "Superseded"})
    return str(world.notices[-1]["message"])


def test_what_was_begun_goes_on_to_stand_by_if_the_old_one_has_recovered(world: World) -> None:
    """docs/decisions/0015: what was begun stays, and nothing is launched twice for a fault that comes and goes."""
    assert "goes on to stand by" in called_off_with_what_was_begun(world)
    reconcile(world.deployment)
    assert world.incarnation(2).state is IncarnationState.VERIFYING
    keep(world.deployment)
    assert world.run_operation(latest_request(world)) == "CutOverDone"
    assert settled(world)["states"] == {1: "serving", 2: "standby"}


@pytest.mark.parametrize(("until", "state"), [("Fence", "verifying"), ("Route", "abandoned")])
def test_what_a_stopped_failover_has_proved_goes_on_to_stand_by(world: World, until: str, state: str) -> None:
    """Before that it may be what the failover came to nothing for."""
    launch = standby_asked_for(world)
    world.run_operation(launch, until="Verify")
    request = failing(world)
    world.run_operation(request, until=until)
    if until == "Fence":
        no_probers(world)
        world.step("operation", "Fence", request)
    tidy_up(world.deployment, ended(world, request, status="ABORTED"))
    assert str(world.incarnation(2).state) == state


def test_what_nobody_takes_over_after_that_is_given_up_too(world: World) -> None:
    """Never a bill that nobody sees."""
    called_off_with_what_was_begun(world)
    world.clock.now += 1200
    reconcile(world.deployment)
    assert world.incarnation(2).state is IncarnationState.ABANDONED


def test_what_stands_where_new_jobs_go_is_not_left_to_stand_by(world: World) -> None:
    """It takes jobs, and stands by for nobody."""
    launch = standby_asked_for(world)
    world.run_operation(launch, until="Verify")
    request = failing(world)
    world.run_operation(request, until="CutOver")
    assert leave_begun(world.deployment, world.incarnation(2)) is False
    assert world.incarnation(1).terminate_requested_at is not None
    world.targets["balanced"].pop(world.incarnation(2).primary_address or "", None)
    assert leave_begun(world.deployment, world.incarnation(2)) is False, "what served is being ended for it"
