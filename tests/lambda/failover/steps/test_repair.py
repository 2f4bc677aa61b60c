"""Repair: a Livy that fails alone is restarted where it is; everything else is replaced."""

from __future__ import annotations

from typing import Any

import pytest

from dr_core.evidence import Service, Verdict
from dr_core.record import Lease, ManagedCluster, Outcome
from dr_core.repair_plan import CANCEL_SECONDS
from failover.steps.repair import REQUEST_SECONDS

from ..parts import SPEC, LostAnswerError
from ..scenarios import failing, hanging, launched, second_half, settled
from ..world import World

RESTART = ["s3://assets/restart.sh"]


def restarts(world: World, generation: int = 1) -> list[tuple[str, list[str]]]:
    """The steps that were added to a cluster."""
    return [(step.name, step.arguments) for step in world.cluster(generation).steps]


def at_repair(world: World, request: dict[str, Any]) -> dict[str, Any]:
    """*request*, whose next step is Repair."""
    assert world.run_operation(request, until="Repair") == "Repair"
    return request


def until_answer(world: World, request: dict[str, Any]) -> Any:
    """The answer of Repair that is not ``wait``."""
    return world.wait_for("operation", "Repair", request)


@pytest.mark.parametrize("twice", [False, True])
def test_a_livy_that_hangs_is_restarted_in_place(world: World, twice: bool) -> None:
    """A14: no cluster is launched, the incarnation and its jobs stay; also when every step is called twice."""
    request = hanging(launched(world))
    before = settled(world)
    assert world.run_operation(request, twice=twice) == "Repaired"
    assert settled(world) == before
    assert restarts(world) == [("emr-dr-restart-livy-op2", RESTART)]
    assert world.operation("op2").outcome is Outcome.REPAIRED
    assert world.operation("op2").generation is None
    assert world.managed_cluster().lease is None


def test_a_repair_is_told_and_counted(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """What happened, what was done, what to do next."""
    world.run_operation(hanging(launched(world)))
    (notice,) = [each for each in world.notices if "restarted" in each["subject"]]
    assert notice["subject"] == "emr-dr-active-passive: Livy of a was restarted"
    assert notice["message"] == (
        "What happened: Livy of emr-dr-active-passive-a-g1 (j-1) did not answer, while its ResourceManager and its "
        "NameNode did.\n\n"
        "What was done: Livy was restarted by EMR step s-j-1-1, and 2 vantage points see every service healthy. "
        "Batches, their ids and running jobs were kept; no cluster was launched.\n\n"
        "What to do next: Nothing now. Find out in Livy's log on the primary why it stopped answering: if Livy alone "
        "fails again within 30 minutes, the whole cluster is replaced.\n"
    )
    assert '"Repaired":[1.0]' in capsys.readouterr().out.replace(" ", "")


def test_what_was_seen_before_the_repair_does_not_count_against_it(world: World) -> None:
    """A11: the next look of the monitor would launch a cluster otherwise."""
    world.run_operation(hanging(launched(world)))
    assert world.incarnation(1).repaired_at == world.clock.now
    world.see_evidence(1, Verdict.UNHEALTHY, services=(Service.LIVY,))
    request = world.request("failover", "op3", reason="unhealthy")
    world.step("operation", "Claim", request)
    assert world.step("operation", "Reassess", request).status == "wait"


def test_a_livy_that_hangs_again_soon_is_replaced(world: World) -> None:
    """A restart did not cure it."""
    world.run_operation(hanging(launched(world)))
    world.clock.now += 1200
    assert world.run_operation(hanging(world, "op3")) == "CutOverDone"
    assert len(restarts(world)) == 1


def test_a_livy_that_hangs_again_later_is_restarted_again(world: World) -> None:
    """By a step of its own: the first one's name belongs to the first operation."""
    world.run_operation(hanging(launched(world)))
    world.clock.now += 1800
    assert world.run_operation(hanging(world, "op3")) == "Repaired"
    assert [name for name, _ in restarts(world)] == ["emr-dr-restart-livy-op2", "emr-dr-restart-livy-op3"]


def test_a_dead_primary_is_replaced_without_asking_emr(world: World) -> None:
    """A repair would only add its minutes to the recovery."""
    request = at_repair(world, failing(launched(world)))
    world.broken = {"describe_cluster", "get_paginator", "add_job_flow_steps", "describe_step"}
    answer = world.step("operation", "Repair", request)
    assert (answer.status, answer.message) == (
        "done",
        "not mended in place: not Livy alone fails: name_node, resource_manager not known to be good",
    )


@pytest.mark.parametrize("end", ["FAILED", "CANCELLED", "INTERRUPTED"])
def test_a_step_that_fails_leads_to_a_launch(world: World, end: str) -> None:
    """A12: the failover goes on, and the message says what was tried."""
    world.step_end = end
    request = at_repair(world, hanging(launched(world)))
    answer = until_answer(world, request)
    assert answer.status == "done"
    assert f"step s-j-1-1 did not help: EMR calls the step that restarts Livy {end}" in answer.message
    assert ("(Unknown Error. exit code 1)" in answer.message) == (end == "FAILED")
    assert world.run_operation(request) == "CutOverDone"


def test_a_restart_that_does_not_help_leads_to_a_launch(world: World) -> None:
    """A11: it is not believed, it is looked at."""
    world.restart_helps = False
    request = at_repair(world, hanging(launched(world)))
    began = world.clock.now
    answer = until_answer(world, request)
    assert "Livy was restarted, and 0 of 2 vantage points see every service healthy" in answer.message
    assert world.clock.now - began == world.deployment.config.policy.repair_limit_seconds
    assert world.run_operation(request) == "CutOverDone"


def behind_another_step(world: World, request: dict[str, Any]) -> dict[str, Any]:
    """*request*, whose restart of Livy waits for the end of a user's own step, which may last for hours."""
    assert world.step("operation", "Repair", request).status == "wait"
    world.cluster(1).steps[0].created += 100_000
    return request


def test_a_step_that_never_begins_is_cancelled_and_leads_to_a_launch(world: World) -> None:
    """EMR runs steps one after the other; left alone, this one would restart Livy after the failover was over."""
    answer = until_answer(world, behind_another_step(world, at_repair(world, hanging(launched(world)))))
    assert answer.status == "done"
    assert answer.message.endswith("; step s-j-1-1 was cancelled")
    assert world.step_state(world.cluster(1).steps[0]) == "CANCELLED"


def test_a_restart_that_was_asked_for_and_never_begins_is_cancelled(world: World) -> None:
    """Livy is left as it was, as the message says, also when the user's step has ended."""
    request = world.request("repair", "op2", reason="manual")
    behind_another_step(world, at_repair(launched(world), request))
    assert world.run_operation(request, twice=True) == "Failed"
    message = world.notices[-1]["message"]
    assert "step s-j-1-1 was cancelled" in message
    assert "was left in service as it was" in message
    world.clock.now += 200_000
    world.let_steps_work()
    assert not world.cluster(1).steps[0].took_effect


def test_a_cancellation_is_proved_by_a_look(world: World) -> None:
    """EMR takes the request, and may not cancel all the same."""
    world.cancel_works = False
    request = behind_another_step(world, at_repair(world, hanging(launched(world))))
    began = world.clock.now
    answer = until_answer(world, request)
    assert "EMR was asked to cancel step s-j-1-1 and has not confirmed it" in answer.message
    limit = world.deployment.config.policy.repair_limit_seconds + CANCEL_SECONDS
    assert world.clock.now - began == limit


@pytest.mark.parametrize("how", ["refused", "error", "not ours"])
def test_a_cancellation_that_is_refused_is_told(world: World, how: str) -> None:
    """Who asked for the restart learns that it may come yet."""
    request = behind_another_step(world, at_repair(launched(world), world.request("repair", "op2", reason="manual")))
    match how:
        case "refused":
            world.cancel_refused = "no"
        case "error":
            world.broken = {"cancel_steps"}
        case _:
            world.cluster(1).tags = {"emr-dr:deployment": "another"}
    answer = until_answer(world, request)
    assert answer.status == "failed"
    assert "step s-j-1-1 still waits and will restart Livy when the steps before it end (" in answer.message
    assert not world.cluster(1).steps[0].cancelled


def test_a_restart_that_begins_while_it_is_cancelled_counts(world: World) -> None:
    """What it does is looked at, like that of every other."""
    world.cancel_works = False
    request = behind_another_step(world, at_repair(world, hanging(launched(world))))
    world.clock.now += 240
    assert world.step("operation", "Repair", request).status == "wait"
    world.cluster(1).steps[0].created = world.clock.now - 60
    assert world.step("operation", "Repair", request).status == "repaired"


def test_a_step_that_runs_is_not_interrupted(world: World) -> None:
    """It may have killed Livy, and not started it yet."""
    request = at_repair(world, hanging(launched(world)))
    world.step("operation", "Repair", request)
    world.cluster(1).steps[0].seconds = 100_000
    answer = until_answer(world, request)
    assert answer.message.endswith("; step s-j-1-1 has begun, and may still restart Livy")


# What fails is not known yet.


@pytest.mark.parametrize("isolated", [False, True])
def test_what_recovered_since_the_last_look_is_left_alone(world: World, isolated: bool) -> None:
    """A14: nothing is launched, and the budget of launches stays as it is."""
    launched(world)
    if isolated:
        second_half(world)
    request = at_repair(world, hanging(world))
    assert ("10.0.1.1" not in world.targets["balanced"]) == isolated
    world.see_evidence(1, Verdict.HEALTHY)
    assert [world.step("operation", "Repair", request).status for _ in range(2)] == ["cancelled", "cancelled"]
    assert world.operation("op2").outcome is Outcome.CANCELLED
    assert world.managed_cluster().lease is None
    assert "10.0.1.1" in world.targets["balanced"]
    assert restarts(world) == []
    assert len(world.stacks) == 1


def livy_bad_and_yarn_unknown(world: World) -> None:
    world.see_evidence(1, Verdict.UNHEALTHY, services=(Service.LIVY,))
    for item in world.record.seen["g000001"]:
        item["services"][Service.RESOURCE_MANAGER] = {"verdict": "unknown", "detail": "who knows"}


def test_a_doubt_about_yarn_is_waited_with(world: World) -> None:
    """A14: the restart, which keeps running jobs, comes when the doubt is over."""
    request = at_repair(world, hanging(launched(world)))
    livy_bad_and_yarn_unknown(world)
    assert world.step("operation", "Repair", request).status == "wait"
    world.clock.now += 20
    world.see_evidence(1, Verdict.UNHEALTHY, services=(Service.LIVY,))
    world.step("operation", "Repair", request)
    assert len(restarts(world)) == 1


@pytest.mark.parametrize("livy", [False, True])
def test_a_doubt_is_waited_with_for_half_a_minute(world: World, livy: bool) -> None:
    """A12: the recovery must not wait for what may never be known."""
    request = at_repair(world, hanging(launched(world)))
    for _ in range(3):
        world.see_evidence(1, Verdict.UNKNOWN)
        if livy:
            livy_bad_and_yarn_unknown(world)
        assert world.step("operation", "Repair", request).status == "wait"
        world.clock.now += 10
    assert world.step("operation", "Repair", request).status == "done"
    assert restarts(world) == []


@pytest.mark.parametrize(("blind", "status"), [("a", "repaired"), ("ab", "repaired"), ("abc", "wait")])
@pytest.mark.parametrize("how", ["dead_probers", "blind_probers"])
def test_two_vantage_points_have_to_see_it(world: World, blind: str, status: str, how: str) -> None:
    """A14: a prober that cannot be asked, or sees nothing of the world, is none; beside one the load balancer looks."""
    request = at_repair(world, hanging(launched(world)))
    world.step("operation", "Repair", request)
    world.clock.now += 60
    setattr(world, how, {f"prober-us-east-1{zone}" for zone in blind})
    assert world.step("operation", "Repair", request).status == status


def test_one_prober_alone_is_not_enough(world: World) -> None:
    """A14: neither another prober nor the load balancer sees Livy well."""
    request = at_repair(world, hanging(launched(world)))
    world.step("operation", "Repair", request)
    world.clock.now += 60
    world.dead_probers = {"prober-us-east-1a", "prober-us-east-1b"}
    world.targets["slot-1"].clear()
    assert world.step("operation", "Repair", request).status == "wait"


@pytest.mark.parametrize("state", ["unhealthy", "ended"])
def test_a_cluster_that_dies_during_its_repair_is_replaced(world: World, state: str) -> None:
    """A12."""
    request = at_repair(world, hanging(launched(world)))
    world.step("operation", "Repair", request)
    world.kill_primary(1)
    if state == "ended":
        world.cluster(1).ended_at = world.clock.now
    assert world.run_operation(request) == "CutOverDone"
    assert world.managed_cluster().serving_generation == 2


@pytest.mark.parametrize(("ended", "state"), [(0, "TERMINATING"), (600, "TERMINATED")])
def test_a_cluster_that_takes_no_steps_is_replaced(world: World, ended: int, state: str) -> None:
    """EMR would refuse the step."""
    request = at_repair(world, hanging(launched(world)))
    world.cluster(1).ended_at = world.clock.now - ended
    answer = world.step("operation", "Repair", request)
    assert (answer.status, answer.message) == (
        "done",
        f"not mended in place: EMR calls cluster j-1 {state}: it takes no steps",
    )
    assert restarts(world) == []


def test_a_cluster_that_emr_does_not_know_is_replaced(world: World) -> None:
    """It forgets clusters two months after their end."""
    request = at_repair(world, hanging(launched(world)))
    world.clusters["another"] = world.clusters.pop("j-1")
    assert "EMR calls cluster j-1 forgotten" in world.step("operation", "Repair", request).message


def test_a_cluster_that_is_not_ours_gets_no_step(world: World) -> None:
    """Never touch what is not ours; the failover goes on."""
    request = at_repair(world, hanging(launched(world)))
    world.cluster(1).tags = {"emr-dr:deployment": "another"}
    answer = world.step("operation", "Repair", request)
    assert answer.status == "done"
    assert "cluster j-1 must not be given a step" in answer.message
    assert restarts(world) == []


@pytest.mark.parametrize("call", ["describe_cluster", "add_job_flow_steps"])
def test_an_emr_that_cannot_be_asked_holds_a_failover_up_for_a_minute_at_most(world: World, call: str) -> None:
    """An error of our own call says nothing about the cluster; the failover must not end with it either."""
    request = at_repair(world, hanging(launched(world)))
    world.broken = {call}
    assert world.step("operation", "Repair", request).status == "wait"
    world.clock.now += REQUEST_SECONDS
    world.see_evidence(1, Verdict.UNHEALTHY, services=(Service.LIVY,))
    answer = world.step("operation", "Repair", request)
    assert answer.status == "done"
    assert "EMR could not be asked" in answer.message
    world.broken.clear()
    assert world.step("operation", "Launch", request).status == "wait"


def test_a_step_that_cannot_be_looked_at_is_waited_for(world: World) -> None:
    """Up to the limit of the repair: it is under way."""
    request = at_repair(world, hanging(launched(world)))
    world.step("operation", "Repair", request)
    world.broken = {"describe_step"}
    world.clock.now += 239
    assert world.step("operation", "Repair", request).status == "wait"
    world.clock.now += 1
    answer = world.step("operation", "Repair", request)
    assert answer.status == "done"
    assert answer.message.endswith("; step s-j-1-1 may be there, and restart Livy when the steps before it end")


def test_what_was_decided_stands_while_livy_restarts(world: World) -> None:
    """What is seen during the restart may be anything, and is no second decision."""
    request = at_repair(world, hanging(launched(world)))
    world.step("operation", "Repair", request)
    for verdict in Verdict:
        world.see_evidence(1, verdict)
        assert world.step("operation", "Repair", request).status == "wait"
    assert len(restarts(world)) == 1


def test_every_lost_answer_leads_to_one_restart(world: World) -> None:
    """A14: AddJobFlowSteps has no token; a step whose answer was lost is found by its name."""
    request = at_repair(world, hanging(launched(world)))
    status = ""
    for lost in range(1, 20):
        world.lose_call = world.calls + lost
        try:
            status = world.step("operation", "Repair", request).status
        except LostAnswerError:
            continue
        if status == "repaired":
            break
        world.clock.now += 30
    assert status == "repaired"
    assert len(restarts(world)) == 1
    assert world.managed_cluster().lease is None


def test_an_isolated_incarnation_is_given_back(world: World) -> None:
    """A10: both halves serve again."""
    launched(world)
    second_half(world)
    request = hanging(world)
    assert world.run_operation(request, until="Repair") == "Repair"
    assert "10.0.1.1" not in world.targets["balanced"]
    assert until_answer(world, request).status == "repaired"
    assert sorted(world.targets["balanced"]) == ["10.0.1.1", "10.0.3.90"]
    assert world.incarnation(1).isolated_at is None
    assert "It gets new jobs again." in world.notices[-1]["message"]


def test_a_lease_that_was_lost_records_nothing(world: World) -> None:
    """At most one operation for a managed cluster: the other one decides what becomes of it."""
    request = at_repair(world, hanging(launched(world)))
    world.step("operation", "Repair", request)
    world.clock.now += 60
    change_together = world.record.change_together

    def after_a_thief(*changes: Any) -> bool:
        thief = Lease(execution="somebody", operation="other", since=1.0)
        world.put(ManagedCluster(name="a", spec=SPEC, serving_generation=1, lease=thief).to_item())
        return change_together(*changes)

    world.record.change_together = after_a_thief  # type: ignore[method-assign]
    answer = world.step("operation", "Repair", request)
    assert (answer.status, answer.message) == ("failed", "another execution took the lease")
    assert world.incarnation(1).repaired_at is None
    assert world.operation("op2").outcome is None


# Asked for by a person.


def test_a_person_may_restart_a_livy_that_looks_well(world: World) -> None:
    """Nothing is launched, nothing is taken out of service."""
    launched(world)
    before = settled(world)
    request = world.request("repair", "op2", reason="manual", because="logs are full")
    assert world.run_operation(request, twice=True) == "Repaired"
    assert settled(world) == before
    assert restarts(world) == [("emr-dr-restart-livy-op2", RESTART)]
    asked = "What happened: A restart of Livy was asked for (manual: logs are full): emr-dr-active-passive-a-g1 (j-1)."
    assert asked in world.notices[-1]["message"]
    assert world.notices[-1]["message"].endswith("What to do next: Nothing.\n")


def test_a_restart_that_was_asked_for_and_fails_launches_nothing(world: World) -> None:
    """It says why, and leaves everything as it is."""
    launched(world)
    before = settled(world)
    world.step_end = "FAILED"
    assert world.run_operation(world.request("repair", "op2", reason="manual")) == "Failed"
    assert settled(world) == before
    message = world.operation("op2").message or ""
    assert message.startswith("Livy was not mended: step s-j-1-1 did not help")
    assert world.notices[-1]["subject"] == "emr-dr-active-passive: repair of a failed"


def test_a_restart_of_nothing_fails(world: World) -> None:
    """Say so."""
    request = at_repair(world, launched(world).request("repair", "op2", reason="manual"))
    world.record.items["managed-cluster", "a"].pop("serving_generation")
    answer = world.step("operation", "Repair", request)
    assert (answer.status, answer.message) == (
        "failed",
        "Livy was not mended: nothing is in service whose Livy could be restarted",
    )


@pytest.mark.parametrize("missing", ["cluster_id", "primary_address"])
def test_an_incarnation_that_cannot_be_reached_is_replaced(world: World, missing: str) -> None:
    """There is nowhere to run a step, or nobody to look at."""
    request = at_repair(world, hanging(launched(world)))
    world.record.items["incarnation", "g000001"].pop(missing)
    assert "nothing is in service" in world.step("operation", "Repair", request).message
    assert restarts(world) == []


@pytest.mark.parametrize(
    ("kind", "reason"), [("launch", "bootstrap"), ("failover", "manual"), ("switchover", "upgrade")]
)
def test_other_operations_pass(world: World, kind: str, reason: str) -> None:
    """Twice too, and nothing is touched."""
    request = launched(world).request(kind, "op2", reason=reason)
    world.step("operation", "Claim", request)
    before = settled(world)
    for _ in range(2):
        assert world.step("operation", "Repair", request).status == "done"
    assert settled(world) == before
    assert restarts(world) == []


def test_an_interrupted_failover_is_finished_not_mended(world: World) -> None:
    """Its new incarnation is in service already."""
    request = at_repair(world, hanging(launched(world)))
    world.put({**world.operation("op2").to_item(), "generation": 2})
    assert world.step("operation", "Repair", request).message == "an interrupted failover has to be finished"
    assert restarts(world) == []
