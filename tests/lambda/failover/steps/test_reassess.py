"""Reassess: the last look before anything is changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_core.evidence import Verdict
from dr_core.record import Incarnation, IncarnationState, Lease, ManagedCluster, Operation, Outcome
from dr_core.requests import Kind, OperationRequest, Reason

from ..fakes import client_error
from ..scenarios import launched, second_half, settled
from ..world import World

OLD, NEW = (json.dumps({"template_url": each}) for each in ("old", "new"))


def asked_by_the_monitor(world: World) -> dict[str, Any]:
    """The request of a failover that the monitor started, and that holds the lease."""
    request = launched(world).request("failover", "op2", reason="unhealthy")
    assert world.step("operation", "Claim", request).status == "done"
    return request


def test_what_is_still_unhealthy_is_replaced(world: World) -> None:
    """A11: the reason stands in the answer."""
    request = asked_by_the_monitor(world)
    world.see_evidence(1, Verdict.UNHEALTHY)
    answer = world.step("operation", "Reassess", request)
    assert answer.status == "done"
    assert answer.message.startswith("still unhealthy: ")


def test_what_the_monitor_saw_is_not_confirmed_by_itself(world: World) -> None:
    """A14: a second look at the same evidence would say the same, whatever it says."""
    launched(world).see_evidence(1, Verdict.UNHEALTHY)
    world.clock.now += 5
    request = world.request("failover", "op2", reason="unhealthy")
    world.step("operation", "Claim", request)
    assert world.step("operation", "Reassess", request).status == "wait"

    world.clock.now += 5
    world.see_evidence(1, Verdict.UNHEALTHY)
    assert world.step("operation", "Reassess", request).status == "done"


def test_the_probers_are_asked_when_their_rounds_have_not_shown_enough(world: World) -> None:
    """B6: a sick half gets new jobs until it is isolated."""
    launched(world).see_evidence(1, Verdict.UNHEALTHY)
    world.clock.now += 5
    request = world.request("failover", "op2", reason="unhealthy")
    world.step("operation", "Claim", request)
    world.unhealthy = {"10.0.1.1"}
    assert world.step("operation", "Reassess", request).message.startswith("still unhealthy: ")


def test_one_look_confirms_nothing_that_no_rounds_have_seen(world: World) -> None:
    """A14: also when it is asked for, it is one of K."""
    launched(world).record.seen.clear()
    request = world.request("failover", "op2", reason="unhealthy")
    world.step("operation", "Claim", request)
    world.unhealthy = {"10.0.1.1"}
    assert world.step("operation", "Reassess", request).status == "wait"


def test_what_is_healthy_again_is_kept(world: World) -> None:
    """A14: nothing is changed, the operation ends and its lease is free."""
    request = asked_by_the_monitor(world)
    before = settled(world)
    world.see_evidence(1, Verdict.HEALTHY)
    assert world.step("operation", "Reassess", request).status == "cancelled"
    assert world.operation("op2").outcome is Outcome.CANCELLED
    assert settled(world) == {**before, "lease": None}


def test_a_failover_is_called_off_once(world: World) -> None:
    """A14: a repeated step answers the same and tells nobody again."""
    request = asked_by_the_monitor(world)
    world.see_evidence(1, Verdict.HEALTHY)
    first = world.step("operation", "Reassess", request)
    told = len(world.notices)
    assert world.step("operation", "Reassess", request) == first
    assert len(world.notices) == told


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


def test_what_came_into_service_a_moment_ago_is_not_judged(world: World) -> None:
    """A14: evidence from before it served says nothing about its service."""
    request = asked_by_the_monitor(world)
    world.put({**world.incarnation(1).to_item(), "serving_from": world.clock.now - 5})
    world.see_evidence(1, Verdict.UNHEALTHY)
    answer = world.step("operation", "Reassess", request)
    assert (answer.status, "in service for 5 s" in answer.message) == ("wait", True)


@pytest.mark.parametrize(
    ("kind", "reason"), [("launch", "bootstrap"), ("switchover", "upgrade"), ("failover", "drill")]
)
def test_what_a_person_asked_for_is_not_questioned(world: World, kind: str, reason: str) -> None:
    """However healthy the incarnation is that it replaces."""
    request = launched(world).request(kind, "op2", reason=reason)
    world.step("operation", "Claim", request)
    world.see_evidence(1, Verdict.HEALTHY)
    assert world.step("operation", "Reassess", request).message == f"asked for: {kind}, {reason}"


@pytest.mark.parametrize(
    ("age", "verdict", "spec", "status"),
    [
        (100, Verdict.HEALTHY, NEW, "wait"),
        (300, Verdict.HEALTHY, NEW, "done"),
        (300, Verdict.UNHEALTHY, NEW, "failed"),
        (300, Verdict.UNHEALTHY, OLD, "done"),
    ],
)
def test_a_change_goes_on_when_the_managed_cluster_before_has_served_well_with_it(
    world: World, age: float, verdict: Verdict, spec: str, status: str
) -> None:
    """B13: a bad spec reaches one of two, and holds up nobody who goes back to another one."""
    request = launched(world).request("switchover", "op2", reason="upgrade")
    world.expect_answer("op2", request, spec=NEW)
    world.step("operation", "Claim", request)
    world.put(ManagedCluster(name="b", spec=spec).to_item())
    other = Incarnation(
        generation=7,
        managed_cluster="b",
        state=IncarnationState.SERVING,
        reason="upgrade",
        serving_from=world.clock.now - age,
    )
    world.put(other.to_item())
    world.see_evidence(7, verdict)
    assert world.step("operation", "Reassess", request).status == status


@pytest.mark.parametrize(
    ("later", "reason", "status"), [(1, "upgrade", "wait"), (-1, "upgrade", "done"), (1, "unhealthy", "done")]
)
def test_a_change_waits_while_another_managed_cluster_is_changed_by_a_newer_request(
    world: World, later: float, reason: str, status: str
) -> None:
    """B13: that is the way back of a deploy that was cancelled, and this change is about to be superseded.

    The newer one itself, and what is no deploy, waits for nobody.
    """
    request = launched(world).request("switchover", "op2", reason="upgrade")
    world.expect_answer("op2", request, spec=NEW)
    world.step("operation", "Claim", request)
    other = OperationRequest(
        operation="op-b", kind=Kind.SWITCHOVER, reason=Reason(reason), managed_cluster="b"
    ).to_json()
    asked_at = (world.operation("op2").started_at or 0) + later
    world.put(Operation(id="op-b", request=other, managed_cluster="b", started_at=asked_at).to_item())
    lease = Lease(execution="arn:b", operation="op-b", since=asked_at)
    world.put(ManagedCluster(name="b", spec=NEW, lease=lease).to_item())
    world.put(Incarnation(generation=7, managed_cluster="b", state=IncarnationState.SERVING).to_item())
    answer = world.step("operation", "Reassess", request)
    assert answer.status == status
    assert ("b is being changed by a newer request" in answer.message) is (status == "wait")


def test_what_is_sick_itself_does_not_wait_for_another_to_prove_itself(world: World) -> None:
    """A11: as long as the change holds the lease, no failover mends it."""
    request = launched(world).request("switchover", "op2", reason="upgrade")
    world.expect_answer("op2", request, spec=NEW)
    world.step("operation", "Claim", request)
    world.put(ManagedCluster(name="b", spec=NEW).to_item())
    other = Incarnation(
        generation=7,
        managed_cluster="b",
        state=IncarnationState.SERVING,
        reason="upgrade",
        serving_from=world.clock.now - 100,
    )
    world.put(other.to_item())
    world.see_evidence(7, Verdict.HEALTHY)
    world.see_evidence(1, Verdict.UNHEALTHY)
    assert world.step("operation", "Reassess", request).status == "done"


def test_a_failover_of_the_managed_cluster_before_holds_up_no_change(world: World) -> None:
    """B13: it was not changed."""
    request = launched(world).request("switchover", "op2", reason="upgrade")
    world.step("operation", "Claim", request)
    other = Incarnation(
        generation=7,
        managed_cluster="b",
        state=IncarnationState.SERVING,
        reason="unhealthy",
        serving_from=world.clock.now,
    )
    world.put(other.to_item())
    assert world.step("operation", "Reassess", request).status == "done"


def test_a_failover_that_was_taken_over_is_finished(world: World) -> None:
    """What an interrupted one put into service makes the old one look healthy or not; no matter."""
    request = asked_by_the_monitor(world)
    world.put({**world.operation("op2").to_item(), "generation": 2})
    world.see_evidence(1, Verdict.HEALTHY)
    assert world.step("operation", "Reassess", request).status == "done"


def test_an_incarnation_that_the_record_lost_is_replaced(world: World) -> None:
    """Nothing can be said of it, and nobody looks at it."""
    world.put({**world.managed_cluster().to_item(), "serving_generation": 7})
    request = world.request("failover", "op1", reason="unhealthy")
    world.step("operation", "Claim", request)
    assert world.step("operation", "Reassess", request).status == "done"


def test_a_tombstone_stops_an_operation_at_its_second_look(world: World) -> None:
    """The delete came after the claim."""
    request = world.request("launch", "op1")
    world.step("operation", "Claim", request)
    world.put({**world.managed_cluster().to_item(), "tombstone": True})
    assert world.step("operation", "Reassess", request).status == "failed"


def test_evidence_that_cannot_be_read_calls_nothing_off(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A14: an error of our own call is no verdict; the machine calls again."""
    request = asked_by_the_monitor(world)

    def refuse(**_: Any) -> Any:
        raise client_error("ThrottlingException", "Rate exceeded")

    monkeypatch.setattr(world.record, "evidence", refuse)
    with pytest.raises(ClientError, match="Rate exceeded"):
        world.step("operation", "Reassess", request)
    assert world.operation("op2").outcome is None
    assert world.managed_cluster().lease is not None


def paused(world: World, **more: str) -> None:
    """A person has paused automatic operations."""
    world.put({"kind": "deployment", "id": "controls", "paused": True, **more})


def test_a_pause_that_came_just_before_calls_a_failover_off(world: World) -> None:
    """A14: the monitor read the record a moment too early; a person is told what that means and what to do."""
    request = asked_by_the_monitor(world)
    before = settled(world)
    paused(world, paused_because="network maintenance")
    world.see_evidence(1, Verdict.UNHEALTHY)
    answer = world.step("operation", "Reassess", request)
    assert (answer.status, answer.message) == (
        "cancelled",
        "automatic operations are paused by a person (network maintenance) until somebody resumes them",
    )
    assert world.operation("op2").outcome is Outcome.CANCELLED
    assert settled(world) == {**before, "lease": None}
    notice = world.notices[-1]
    assert notice["subject"] == "emr-dr-active-passive: failover of a called off: paused"
    assert "(network maintenance)" in notice["message"]
    assert (
        'Mend it by hand, or invoke the function emr-dr-active-passive-control with {"action": "resume"}'
        in (notice["message"])
    )


def test_a_pause_need_not_say_why(world: World) -> None:
    request = asked_by_the_monitor(world)
    paused(world)
    assert world.step("operation", "Reassess", request).status == "cancelled"
    assert "paused by a person (no reason given)" in world.notices[-1]["message"]


def failed_over_twice(world: World) -> None:
    """The second time was a moment after the monitor had read the record."""
    times = (world.clock.now - 600, world.clock.now - 1)
    world.put({**world.managed_cluster().to_item(), "automatic_failovers": [Decimal(str(each)) for each in times]})


def launched_all_day(world: World) -> None:
    """Automatic operations launched as many clusters as a day has for them."""
    for generation in range(11, 11 + world.deployment.config.policy.launches_per_day):
        incarnation = Incarnation(
            generation=generation,
            managed_cluster="a",
            state=IncarnationState.RETIRED,
            reason="unhealthy",
            created_at=world.clock.now - 60,
        )
        world.put(incarnation.to_item())


@pytest.mark.parametrize(
    ("restrain", "restraint", "reason", "to_do"),
    [
        (
            failed_over_twice,
            "blocked",
            "2 automatic failovers within 7200 s: the next waits until a person acknowledges them",
            "Find out what the failovers so far did not mend, or invoke the function emr-dr-active-passive-control "
            'with {"action": "acknowledge"}: a failover starts by itself then.',
        ),
        (
            launched_all_day,
            "launch budget",
            "automatic operations launched 8 clusters in 24 hours, 8 are allowed",
            "start a failover by hand: the budget does not hold that up.",
        ),
    ],
)
def test_what_keeps_operations_back_by_now_calls_a_failover_off(
    world: World, restrain: Callable[[World], None], restraint: str, reason: str, to_do: str
) -> None:
    """A12: the monitor judges by what it read at the start of its round; the block and the budget hold nevertheless."""
    request = asked_by_the_monitor(world)
    restrain(world)
    before = settled(world)
    world.see_evidence(1, Verdict.UNHEALTHY)

    answer = world.step("operation", "Reassess", request)

    assert (answer.status, answer.message.startswith(reason)) == ("cancelled", True)
    assert world.operation("op2").outcome is Outcome.CANCELLED
    assert settled(world) == {**before, "lease": None}
    notice = world.notices[-1]
    assert notice["subject"] == f"emr-dr-active-passive: failover of a called off: {restraint}"
    assert reason in notice["message"]
    assert to_do in notice["message"]


def test_what_kept_operations_back_yesterday_does_not(world: World) -> None:
    request = asked_by_the_monitor(world)
    failed_over_twice(world)
    launched_all_day(world)
    world.clock.now += 86_400
    world.see_evidence(1, Verdict.UNHEALTHY)
    assert world.step("operation", "Reassess", request).status == "done"


@pytest.mark.parametrize("restrain", [failed_over_twice, launched_all_day])
def test_neither_holds_up_what_a_person_asks_for(world: World, restrain: Callable[[World], None]) -> None:
    request = launched(world).request("failover", "op2", reason="manual")
    world.step("operation", "Claim", request)
    restrain(world)
    assert world.step("operation", "Reassess", request).status == "done"


def test_after_a_resume_failovers_go_on(world: World) -> None:
    request = asked_by_the_monitor(world)
    world.put({"kind": "deployment", "id": "controls", "paused": False, "paused_because": "maintenance"})
    world.see_evidence(1, Verdict.UNHEALTHY)
    assert world.step("operation", "Reassess", request).status == "done"


@pytest.mark.parametrize(("kind", "reason"), [("failover", "drill"), ("switchover", "upgrade"), ("repair", "manual")])
def test_a_pause_does_not_hold_up_what_a_person_asks_for(world: World, kind: str, reason: str) -> None:
    """It is meant for what starts by itself."""
    request = launched(world).request(kind, "op2", reason=reason)
    world.step("operation", "Claim", request)
    paused(world)
    assert world.step("operation", "Reassess", request).status == "done"


def test_a_pause_does_not_hold_up_the_end_of_an_interrupted_failover(world: World) -> None:
    """The old incarnation is dead already: only its successor can serve."""
    request = asked_by_the_monitor(world)
    world.put({**world.operation("op2").to_item(), "generation": 2})
    paused(world)
    assert world.step("operation", "Reassess", request).status == "done"


@pytest.mark.parametrize("why", ["paused", "nobody can tell"])
def test_what_is_isolated_and_not_known_to_be_well_stays_out_while_another_one_serves(world: World, why: str) -> None:
    """A2: an earlier attempt has isolated it; every second new job would be lost there until somebody resumes."""
    request = asked_by_the_monitor(world)
    second_half(world)
    world.put({**world.incarnation(1).to_item(), "isolated_at": 5})
    del world.targets["balanced"]["10.0.1.1"]
    world.see_evidence(1, Verdict.UNKNOWN if why == "nobody can tell" else Verdict.UNHEALTHY)
    if why == "paused":
        paused(world)

    answer = world.step("operation", "Reassess", request)
    for _ in range(20):
        if answer.status != "wait":
            break
        world.clock.now += 10
        world.see_evidence(1, Verdict.UNKNOWN)
        answer = world.step("operation", "Reassess", request)

    assert answer.status == "cancelled"
    assert world.incarnation(1).isolated_at is not None
    assert "10.0.1.1" not in world.targets["balanced"]


def test_what_an_interrupted_operation_has_isolated_is_given_back(world: World) -> None:
    """A10: it is healthy again, and nobody else would do it."""
    request = asked_by_the_monitor(world)
    world.targets["balanced"].pop("10.0.1.1")
    world.put({**world.incarnation(1).to_item(), "isolated_at": 5})
    world.see_evidence(1, Verdict.HEALTHY)
    assert world.step("operation", "Reassess", request).status == "cancelled"
    assert list(world.targets["balanced"]) == ["10.0.1.1"]
    assert world.incarnation(1).isolated_at is None


def test_what_was_mended_a_moment_ago_is_not_judged_by_what_was_before(world: World) -> None:
    """A11: the looks at the Livy that hung say nothing about the one that runs."""
    request = asked_by_the_monitor(world)
    world.put({**world.incarnation(1).to_item(), "repaired_at": world.clock.now - 5})
    world.see_evidence(1, Verdict.UNHEALTHY)
    assert world.step("operation", "Reassess", request).status == "wait"


def baking(world: World, *, served: float) -> tuple[dict[str, Any], Callable[[], Any]]:
    """An upgrade of ``a`` while ``b`` serves with the same for *served* seconds; and how it is asked to go on."""
    launched(world)
    second = replace(second_half(world), serving_from=world.clock.now - served, reason=Reason.UPGRADE)
    world.put(second.to_item())
    world.put(ManagedCluster(name="b", spec=NEW, serving_generation=90).to_item())
    policy = replace(world.deployment.config.policy, bake_alarms=("etl",))
    world.deployment = replace(world.deployment, config=replace(world.deployment.config, policy=policy))
    world.alarms["etl"] = "OK"
    request = world.request("switchover", "op2", reason="upgrade")
    world.expect_answer("op2", request, spec=NEW)

    def ask() -> Any:
        world.see_evidence(1, Verdict.HEALTHY)
        world.see_evidence(90, Verdict.HEALTHY)
        return world.step("operation", "Reassess", request)

    assert world.step("operation", "Claim", request).status == "done"
    return request, ask


def test_a_change_goes_on_when_the_other_one_serves_well_and_no_alarm_is_on(world: World) -> None:
    """B13."""
    _, ask = baking(world, served=300)

    assert ask().status == "done"


def test_an_alarm_stops_a_change_that_the_probers_call_well(world: World) -> None:
    """B13: a Spark default may end every real job and not the canary."""
    _, ask = baking(world, served=20)
    world.alarms["etl"] = "ALARM"
    answer = ask()

    assert answer.status == "failed"
    assert answer.message == "the alarm etl of controller.bake_alarms is on: why etl"


def test_an_alarm_that_nobody_can_read_stops_a_change_in_the_end(world: World) -> None:
    """B13: not knowing is no proof; and it has its time."""
    _, ask = baking(world, served=600)
    world.broken.add("describe_alarms")
    assert ask().status == "wait"
    world.clock.now += 300
    answer = ask()

    assert answer.status == "failed"
    assert "etl" in answer.message and "Rate exceeded" in answer.message
