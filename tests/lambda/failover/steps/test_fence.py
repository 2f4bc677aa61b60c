"""Fence: what failed comes to its end, and only what failed, and only when a successor is proved."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_core.evidence import Verdict
from dr_core.record import IncarnationState, Outcome
from failover.errors import InvariantError
from failover.record_store import Change
from failover.steps.fence import EMR_SECONDS, IN_SERVICE_SECONDS, UNKNOWN_SECONDS

from ..parts import RETIREMENTS, LostAnswerError
from ..scenarios import ended, failing, launched, never_nobody_in_service, second_half, settled
from ..world import World, rule_of

G1, G2 = "emr-dr-active-passive-a-g1", "emr-dr-active-passive-a-g2"


def test_the_end_of_what_failed_is_requested(world: World) -> None:
    """A12: stop the old one, so that it cannot write beside its successor."""
    request = failing(launched(world))
    world.run_operation(request, until="Fence")
    answer = world.step("operation", "Fence", request)
    assert (answer.status, answer.message) == (
        "done",
        "emr-dr-active-passive-a-g1: its ids lead nowhere; the end of j-1 is requested",
    )
    assert world.terminated == ["emr-dr-active-passive-a-g1"]
    assert world.incarnation(1).terminate_requested_at == world.clock.now


def test_nothing_is_waited_for(world: World) -> None:
    """New jobs are safe at once; the old ids keep their way until the retirement knows that nothing runs."""
    request = failing(launched(world))
    world.run_operation(request, until="Fence")
    assert world.step("operation", "Fence", request).status == "done"
    assert world.cluster_state(world.cluster(1)) == "TERMINATING"
    assert rule_of(1) in str(world.rules["id-1"])
    assert world.incarnation(1).fenced_at is None


def test_a_second_call_requests_no_second_end(world: World) -> None:
    """A14: the first time of the request is what the retirement's limit counts from."""
    request = failing(launched(world))
    world.run_operation(request, until="Fence")
    world.step("operation", "Fence", request)
    requested = world.incarnation(1).terminate_requested_at
    world.clock.now += 7
    assert world.step("operation", "Fence", request).status == "done"
    assert world.terminated == ["emr-dr-active-passive-a-g1"]
    assert world.incarnation(1).terminate_requested_at == requested


def test_ids_lead_nowhere_before_what_still_runs_is_ended(world: World) -> None:
    """B6: a Livy that lives on would tell clients that their jobs failed, and they would not run them again."""
    launched(world)
    world.cluster(1).applications.append("application_1_0002")
    number = world.incarnation(1).slot
    assert number is not None
    group = world.deployment.front_door.slot(number).target_group
    assert world.incarnation(1).primary_address in world.targets[group]
    assert world.run_operation(world.request("failover", "op2", reason="drill"), until="CutOver") == "CutOver"
    assert world.incarnation(1).primary_address not in world.targets[group]
    assert world.incarnation(1).unrouted_at is not None
    assert world.cluster(1).applications == ["application_1_0002"], "the retirement ends them, when nobody is told"
    assert world.incarnation(1).terminate_requested_at is not None


def test_fence_does_without_probers(world: World) -> None:
    """EMR is asked to end the cluster all the same."""
    request = failing(launched(world))
    world.run_operation(request, until="Fence")
    world.dead_probers = {f"prober-us-east-1{zone}" for zone in "abc"}
    assert world.step("operation", "Fence", request).status == "done"
    assert world.terminated == ["emr-dr-active-passive-a-g1"]


def test_an_old_incarnation_without_an_address_is_ended_all_the_same(world: World) -> None:
    """EMR knows its cluster."""
    request = failing(launched(world))
    world.run_operation(request, until="Fence")
    world.record.items["incarnation", "g000001"].pop("primary_address")
    answer = world.step("operation", "Fence", request)
    assert answer.message == "emr-dr-active-passive-a-g1: no id leads to it; the end of j-1 is requested"
    assert world.terminated == ["emr-dr-active-passive-a-g1"]


def test_what_is_replaced_as_planned_goes_on_working(world: World) -> None:
    """Its retirement ends it."""
    request = launched(world).request("switchover", "op2", reason="upgrade")
    world.cluster(1).applications.append("application_1_0002")
    world.run_operation(request, until="Fence")
    assert world.step("operation", "Fence", request).status == "done"
    assert world.cluster(1).applications == ["application_1_0002"]
    assert world.terminated == []


def test_a_failover_of_nothing_ends_nothing(world: World) -> None:
    """The last launch failed, and nothing is in service."""
    request = world.request("failover", "op1", reason="unhealthy")
    world.run_operation(request, until="Fence")
    assert world.step("operation", "Fence", request).message == "nothing was in service"
    assert world.terminated == []


def test_the_new_incarnation_is_never_the_old_one(world: World) -> None:
    """A failover that took over what serves already must not end it."""
    request = failing(launched(world))
    world.run_operation(request, until="Fence")
    world.put({**world.operation("op2").to_item(), "old_generation": 2})
    assert world.step("operation", "Fence", request).message == "nothing was in service"
    assert world.terminated == []


def test_fence_waits_for_nobody_who_is_not_ready(world: World) -> None:
    """Never end the old one before the new one is proved."""
    request = failing(launched(world))
    world.run_operation(request, until="Fence")
    world.put({**world.incarnation(2).to_item(), "state": "launching"})
    with pytest.raises(InvariantError, match="emr-dr-active-passive-a-g2 is launching and cannot take over"):
        world.step("operation", "Fence", request)
    assert world.terminated == []


def test_fence_without_a_launch_is_refused(world: World) -> None:
    """A14: nothing is ended while nothing could take over."""
    request = failing(launched(world))
    world.step("operation", "Claim", request)
    with pytest.raises(InvariantError, match="launched nothing that Fence could work on"):
        world.step("operation", "Fence", request)
    assert world.terminated == []


@pytest.mark.parametrize("mark", ["name", "tags"])
def test_a_cluster_that_is_not_ours_is_left_alone(world: World, mark: str) -> None:
    """Never terminate what is not ours; a person is told, and the traffic moves all the same."""
    request = failing(launched(world))
    world.run_operation(request, until="Fence")
    setattr(world.clusters["j-1"], mark, {} if mark == "tags" else "another")
    assert world.step("operation", "Fence", request).status == "done"
    assert world.terminated == []
    assert (
        world.notices[-1]["subject"]
        == "emr-dr-active-passive: the cluster of emr-dr-active-passive-a-g1 was left alone"
    )


@pytest.mark.parametrize("call", ["describe_cluster", "set_termination_protection", "terminate_job_flows"])
def test_an_end_that_could_not_be_requested_is_requested_again(world: World, call: str) -> None:
    """A14: an error of our own call; the operation does not go on without it."""
    request = failing(launched(world))
    world.run_operation(request, until="Fence")
    world.broken = {call}
    with pytest.raises(ClientError, match="Rate exceeded"):
        world.step("operation", "Fence", request)
    world.broken.clear()
    assert world.step("operation", "Fence", request).status == "done"
    assert world.terminated == ["emr-dr-active-passive-a-g1"]


def test_an_end_is_written_down_before_it_is_requested(world: World) -> None:
    """EMR calls it ``USER_REQUEST``, and the monitor would take it for a person's."""
    request = failing(launched(world))
    world.run_operation(request, until="Fence")
    world.broken = {"terminate_job_flows"}
    with pytest.raises(ClientError, match="Rate exceeded"):
        world.step("operation", "Fence", request)
    assert world.incarnation(1).terminate_requested_at == world.clock.now


# The last look.


def at_fence(world: World, seen: Verdict | None) -> dict[str, Any]:
    """The request of a failover that is about to end generation 1, of which the probers see *seen* now."""
    request = failing(launched(world))
    assert world.run_operation(request, until="Fence") == "Fence"
    if seen is None:
        world.record.seen.pop("g000001")
    else:
        world.unhealthy.clear()
        world.see_evidence(1, seen)
    return request


def kept(world: World, request: dict[str, Any]) -> None:
    """Assert that generation 1 serves on, alone, as if nothing had happened."""
    assert world.terminated == []
    assert world.incarnation(1).terminate_requested_at is None
    assert world.operation("op2").outcome is Outcome.CANCELLED
    world.run_started_retirements()
    end = settled(world)
    assert (end["serving"], end["lease"]) == (1, None)
    assert end["states"] == {1: "serving", 2: "retired"}
    assert end["targets"] == {group: ["10.0.1.1"] for group in ("balanced", "rm-a", "nn-a", "slot-1")}
    assert end["stacks"] == end["clusters"] == ["emr-dr-active-passive-a-g1"]
    assert end["slots"] == {1: 1, 2: None, 3: None, 4: None}
    assert never_nobody_in_service(world)


def test_what_has_recovered_is_kept(world: World) -> None:
    """A14: its jobs live; the new incarnation goes, and nothing was changed for clients."""
    request = at_fence(world, Verdict.HEALTHY)
    assert world.run_operation(request) == "Cancelled"
    kept(world, request)


def test_a_person_is_told_that_it_was_kept(world: World) -> None:
    """What happened, what was done, what to do next."""
    request = at_fence(world, Verdict.HEALTHY)
    answer = world.step("operation", "Fence", request)
    assert (answer.status, answer.message) == ("cancelled", world.operation("op2").message)
    assert answer.message.startswith(
        "generation 1 is kept: right before its end it was healthy: livy: unhealthy for no"
    )
    notice = world.notices[-1]
    assert notice["subject"] == "emr-dr-active-passive: failover of a called off before anything was ended"
    assert "Generation 1 (j-1) of managed cluster a was unhealthy. When generation 2 was ready" in notice["message"]
    assert "Generation 1 serves on with its jobs. Generation 2 is being deleted." in notice["message"]
    assert "start a failover by hand" in notice["message"]


@pytest.mark.parametrize("seen", [None, Verdict.UNKNOWN])
def test_what_nobody_can_tell_is_waited_for_then_kept(world: World, seen: Verdict | None) -> None:
    """A14: unknown never leads to an action."""
    request = at_fence(world, seen)
    world.unhealthy.clear()
    answer = world.step("operation", "Fence", request)
    assert (answer.status, "cannot tell whether emr-dr-active-passive-a-g1 still fails" in answer.message) == (
        "wait",
        True,
    )
    world.clock.now += UNKNOWN_SECONDS
    assert world.step("operation", "Fence", request).status == "cancelled"
    assert "did not call the old one unhealthy any more (unknown: " in world.notices[-1]["message"]
    kept(world, request)


def test_what_turns_out_unhealthy_after_all_is_ended(world: World) -> None:
    """The probers were slow."""
    request = at_fence(world, None)
    assert world.step("operation", "Fence", request).status == "wait"
    world.see_evidence(1, Verdict.UNHEALTHY)
    assert world.step("operation", "Fence", request).status == "done"
    assert world.terminated == ["emr-dr-active-passive-a-g1"]


@pytest.mark.parametrize("age", [0, 600])
@pytest.mark.parametrize("seen", [Verdict.HEALTHY, None])
def test_what_emr_ends_anyway_is_replaced(world: World, seen: Verdict | None, age: int) -> None:
    """Its services may still answer."""
    request = at_fence(world, seen)
    world.cluster(1).protected = False
    world.cluster(1).ended_at = world.clock.now - age
    assert world.step("operation", "Fence", request).status == "done"
    assert world.incarnation(1).terminate_requested_at is not None


def test_what_emr_has_forgotten_is_replaced(world: World) -> None:
    """It ended long ago."""
    request = at_fence(world, None)
    world.clusters["another"] = world.clusters.pop("j-1")
    assert world.step("operation", "Fence", request).status == "done"


def test_what_has_no_cluster_is_replaced(world: World) -> None:
    """There is nothing to keep."""
    request = at_fence(world, None)
    world.record.items["incarnation", "g000001"].pop("cluster_id")
    assert world.step("operation", "Fence", request).status == "done"


@pytest.mark.parametrize("reason", ["manual", "drill"])
def test_what_a_person_wants_replaced_is_not_looked_at(world: World, reason: str) -> None:
    """However healthy it is."""
    request = launched(world).request("failover", "op2", reason=reason)
    assert world.run_operation(request, until="CutOver") == "CutOver"
    assert world.terminated == ["emr-dr-active-passive-a-g1"]


def test_there_is_no_way_back_from_the_request(world: World) -> None:
    """A14: the step died after it had asked for the end; what the old one looks like now does not matter."""
    request = at_fence(world, Verdict.UNHEALTHY)
    world.step("operation", "Fence", request)
    world.see_evidence(1, Verdict.HEALTHY)
    assert world.step("operation", "Fence", request).status == "done"
    assert world.run_operation(request) == "CutOverDone"


def test_what_works_ends_its_own_jobs_where_an_interrupted_switchover_is_finished(world: World) -> None:
    """A14: the new one takes jobs already, so that it takes over; the old one has recovered, and nobody ends it."""
    launched(world)
    planned = world.request("switchover", "op2", reason="manual")
    world.run_operation(planned, until="CutOver")
    world.step("operation", "CutOver", planned)
    ended(world, planned)
    request = failing(world, "op3")
    assert world.run_operation(request, until="Fence") == "Fence"
    world.unhealthy.clear()
    world.see_evidence(1, Verdict.HEALTHY)
    answer = world.step("operation", "Fence", request)
    assert (answer.status, f"{G1} ends its own first: healthy" in answer.message) == ("done", True)
    assert world.terminated == []
    assert world.run_operation(request) == "CutOverDone"
    assert retirement_of(world, 1)["planned"]
    assert "ends its jobs first and is retired then." in world.notices[-1]["message"]


def retirement_of(world: World, generation: int) -> dict[str, Any]:
    """The request of the retirement that was started."""
    requests = [
        json.loads(each["input"])["request"] for each in world.executions.values() if each.get("machine") == RETIREMENTS
    ]
    return next(each for each in requests if each["generation"] == generation)


# The point of no return.


def test_the_new_one_takes_jobs_from_the_moment_when_the_old_one_is_given_up(world: World) -> None:
    """A14: whoever is interrupted after that leaves somebody in service."""
    request = at_fence(world, Verdict.UNHEALTHY)
    world.broken = {"invoke", "terminate_job_flows"}
    with pytest.raises(ClientError):
        world.step("operation", "Fence", request)
    assert sorted(world.targets["balanced"]) == ["10.0.1.1", "10.0.2.2"]


@pytest.mark.parametrize("what", ["lease", "new one"])
def test_a_step_that_outlived_its_execution_ends_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """A14: a person stopped it while it looked; what was launched was given up, and the old one is all that is left."""
    request = at_fence(world, Verdict.UNHEALTHY)
    change = world.record.change_together

    def change_after_somebody_else(*wanted: Change) -> bool:
        if len(wanted) == 1:
            return change(*wanted)
        if what == "lease":
            world.record.items["managed-cluster", "a"].pop("lease")
        else:
            world.put({**world.incarnation(2).to_item(), "state": "abandoned"})
        return change(*wanted)

    monkeypatch.setattr(world.record, "change_together", change_after_somebody_else)
    answer = world.step("operation", "Fence", request)
    assert (answer.status, "the lease was lost, or" in answer.message) == ("failed", True)
    assert (world.terminated, world.incarnation(1).terminate_requested_at) == ([], None)
    assert list(world.targets["balanced"]) == ["10.0.1.1"]


def test_a_new_one_without_an_address_takes_nothing_over(world: World) -> None:
    request = at_fence(world, Verdict.UNHEALTHY)
    world.record.items["incarnation", "g000002"].pop("primary_address")
    with pytest.raises(InvariantError, match="nobody knows the address"):
        world.step("operation", "Fence", request)
    assert world.terminated == []


@pytest.mark.parametrize("call", ["describe_cluster", "set_termination_protection", "terminate_job_flows"])
def test_the_traffic_does_not_wait_for_an_emr_that_takes_no_calls(world: World, call: str) -> None:
    """A12: a permission may be missing for good; its retirement asks on, and people are told."""
    request = at_fence(world, Verdict.UNHEALTHY)
    world.broken = {call}
    with pytest.raises(ClientError):
        world.step("operation", "Fence", request)
    world.clock.now += EMR_SECONDS
    world.see_evidence(1, Verdict.UNHEALTHY)
    assert world.step("operation", "Fence", request).status == "done"
    assert world.notices[-1]["subject"] == f"emr-dr-active-passive: EMR refuses to end the cluster of {G1}"
    world.broken = set()
    assert world.run_operation(request) == "CutOverDone"
    world.run_started_retirements()
    assert world.terminated == [G1]


def test_what_nobody_can_tell_is_kept_though_emr_takes_no_calls(world: World) -> None:
    """A14: two unknowns make no reason."""
    request = at_fence(world, None)
    world.broken = {"describe_cluster"}
    with pytest.raises(ClientError):
        world.step("operation", "Fence", request)
    world.clock.now += UNKNOWN_SECONDS
    assert world.step("operation", "Fence", request).status == "cancelled"
    world.broken = set()
    kept(world, request)


@pytest.mark.parametrize("reason", ["manual", "drill"])
def test_what_a_person_wants_replaced_works_until_the_new_one_is_in_service(world: World, reason: str) -> None:
    """A14: it may be healthy: never nobody in service by an act of ours."""
    request = launched(world).request("failover", "op2", reason=reason)
    world.run_operation(request, until="Fence")
    for _ in range(2):
        assert world.step("operation", "Fence", request).status == "wait"
        assert (world.terminated, world.incarnation(1).terminate_requested_at) == ([], None)
    world.clock.now += 20
    assert world.step("operation", "Fence", request).status == "done"
    assert world.terminated == [G1]


def test_what_a_person_wants_replaced_is_kept_if_the_new_one_never_gets_into_service(world: World) -> None:
    request = launched(world).request("failover", "op2", reason="manual")
    world.run_operation(request, until="Fence")
    world.unhealthy.add("10.0.2.2")
    world.step("operation", "Fence", request)
    world.clock.now += IN_SERVICE_SECONDS
    answer = world.step("operation", "Fence", request)
    assert (answer.status, f"{G1} was not touched, and {G2} is given up" in answer.message) == ("failed", True)
    assert (world.terminated, list(world.targets["balanced"])) == ([], ["10.0.1.1"])
    assert world.incarnation(2).state is IncarnationState.ABANDONED


def test_an_isolated_incarnation_that_is_kept_gets_new_jobs_again(world: World) -> None:
    """A10: both halves serve again."""
    launched(world)
    second_half(world)
    request = failing(world)
    assert world.run_operation(request, until="Fence") == "Fence"
    assert "10.0.1.1" not in world.targets["balanced"]
    world.unhealthy.clear()
    world.see_evidence(1, Verdict.HEALTHY)
    assert world.step("operation", "Fence", request).status == "cancelled"
    assert sorted(world.targets["balanced"]) == ["10.0.1.1", "10.0.3.90"]
    assert world.incarnation(1).isolated_at is None
    assert "Generation 1 serves on with its jobs, and gets new ones again." in world.notices[-1]["message"]


@pytest.mark.parametrize("turn", list(Verdict))
@pytest.mark.parametrize("lost", range(1, 7))
def test_a_failover_that_is_called_off_may_die_at_any_point(world: World, lost: int, turn: Verdict) -> None:
    """A14: whatever the old one looks like when the step is called again, one of the two is kept, and one only."""
    request = at_fence(world, Verdict.HEALTHY)
    world.lose_call = world.calls + lost
    try:
        first = world.step("operation", "Fence", request).status
    except LostAnswerError:
        first = "died"
    world.see_evidence(1, turn)
    while (answer := world.step("operation", "Fence", request)).status == "wait":
        world.clock.now += 5
    if first == "cancelled" or world.incarnation(2).state is not IncarnationState.VERIFYING:
        assert answer.status == "cancelled"
        kept(world, request)
    else:
        assert (answer.status, turn) == ("done", Verdict.UNHEALTHY)
        assert world.incarnation(1).terminate_requested_at is not None


def test_a_failover_that_was_called_off_is_told_of_once(world: World) -> None:
    """A14: a repeated step changes nothing."""
    request = at_fence(world, Verdict.HEALTHY)
    first = world.step("operation", "Fence", request)
    before, told = settled(world), len(world.notices)
    assert world.step("operation", "Fence", request) == first
    assert (settled(world), len(world.notices)) == (before, told)
    started = [each["name"] for each in world.executions.values() if each.get("machine") == RETIREMENTS]
    assert started == ["a-retire-g2"]
