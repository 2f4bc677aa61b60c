"""CutOver: the new one in before the old one out, and both in the record at once."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_core.evidence import Service, Verdict
from dr_core.record import IncarnationState, Outcome
from dr_core.requests import OperationRequest
from failover.errors import InvariantError
from failover.record_store import Change
from failover.steps.cut_over import finish_cut_over

from ..parts import RETIREMENTS
from ..scenarios import failing, hanging, launched, settled
from ..world import World


def routed(world: World) -> dict[str, Any]:
    """The request of a switchover whose incarnation is proved, and which CloudFormation waits for."""
    request = launched(world).request("switchover", "op2", reason="upgrade")
    world.expect_answer("op2", request)
    world.run_operation(request, until="CutOver")
    return request


def healthy_in_service(world: World) -> dict[str, Any]:
    """The same, its incarnation healthy in the balanced group beside the old one."""
    request = routed(world)
    assert world.step("operation", "CutOver", request).status == "wait"
    world.clock.now += 20
    return request


def retirements(world: World) -> list[str]:
    return [each["name"] for each in world.executions.values() if each.get("machine") == RETIREMENTS]


def test_the_old_one_stays_until_the_new_one_is_healthy(world: World) -> None:
    """A14: never deregister before healthy; a registered target is not a healthy one."""
    answer = world.step("operation", "CutOver", routed(world))
    assert (answer.status, answer.message) == (
        "wait",
        "the load balancer calls generation 2 not registered in the balanced group",
    )
    assert list(world.targets["balanced"]) == ["10.0.1.1", "10.0.1.2"]
    assert world.deregistered == []


def test_a_second_call_waits_for_the_same_registration(world: World) -> None:
    """A14: a repeated step changes nothing."""
    request = routed(world)
    world.step("operation", "CutOver", request)
    targets, calls = json.dumps(world.targets), world.calls
    assert world.step("operation", "CutOver", request).message.endswith("generation 2 initial in the balanced group")
    assert (json.dumps(world.targets), world.calls) == (targets, calls)


def test_the_new_one_replaces_the_old_one_in_every_group(world: World) -> None:
    """A12: once the load balancer calls it healthy."""
    answer = world.step("operation", "CutOver", healthy_in_service(world))
    assert (answer.status, answer.message) == ("done", "generation 2 (j-2) serves in us-east-1a")
    assert {group: list(world.targets[group]) for group in ("balanced", "rm-a", "nn-a")} == {
        "balanced": ["10.0.1.2"],
        "rm-a": ["10.0.1.2"],
        "nn-a": ["10.0.1.2"],
    }


def test_all_of_it_is_recorded(world: World) -> None:
    """What serves, what goes, how it ended, and that the lease is free."""
    world.step("operation", "CutOver", healthy_in_service(world))
    assert world.managed_cluster().serving_generation == 2
    assert world.managed_cluster().lease is None
    assert (world.incarnation(2).state, world.incarnation(2).serving_from) == (
        IncarnationState.SERVING,
        world.clock.now,
    )
    assert (world.incarnation(1).state, world.incarnation(1).serving_to) == (
        IncarnationState.RETIRING,
        world.clock.now,
    )
    assert world.operation("op2").outcome is Outcome.SWITCHED_OVER


@pytest.mark.parametrize(
    ("kind", "reason", "left"),
    [
        ("failover", "unhealthy", "failover"),
        ("switchover", "evacuation", "evacuation"),
        ("switchover", "manual", None),
    ],
)
def test_whether_its_zone_comes_last_from_now_on_is_recorded(
    world: World, kind: str, reason: str, left: str | None
) -> None:
    """B13: the next launch, of whichever managed cluster, goes elsewhere."""
    launched(world)
    request = failing(world) if reason == "unhealthy" else world.request(kind, "op2", reason=reason)
    assert world.run_operation(request) == "CutOverDone"
    assert world.incarnation(1).left_by == left


def test_the_new_cluster_is_protected(world: World) -> None:
    """Nobody ends by mistake what serves."""
    request = healthy_in_service(world)
    assert not world.cluster(2).protected
    world.step("operation", "CutOver", request)
    assert world.cluster(2).protected


def test_the_old_one_is_handed_to_its_retirement(world: World) -> None:
    """And CloudFormation has its answer."""
    world.step("operation", "CutOver", healthy_in_service(world))
    assert retirements(world) == ["a-retire-g1"]
    assert [each["succeeded"] for each in world.answers] == [True]


def test_a_third_call_changes_nothing(world: World) -> None:
    """A14: its answer to the machine was lost."""
    request = healthy_in_service(world)
    world.step("operation", "CutOver", request)
    before, told = settled(world), len(world.notices)
    world.clock.now += 5
    assert world.step("operation", "CutOver", request).status == "done"
    assert (settled(world), len(world.notices), len(world.answers)) == (before, told, 1)
    assert retirements(world) == ["a-retire-g1"]


def test_a_target_that_still_leaves_is_registered_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that an earlier incarnation had may be draining."""
    request = routed(world)
    monkeypatch.setattr(world, "health", lambda _: {"10.0.1.1": "healthy", "10.0.1.2": "draining"})
    assert world.step("operation", "CutOver", request).status == "wait"
    assert "10.0.1.2" in world.targets["balanced"]


def test_the_old_one_stays_when_the_new_one_never_becomes_healthy(world: World) -> None:
    """A14: the limit ends the operation, not the service."""
    request = routed(world)
    world.unhealthy.add("10.0.1.2")
    world.step("operation", "CutOver", request)
    world.clock.now += 599
    assert world.step("operation", "CutOver", request).status == "wait"
    world.clock.now += 1
    answer = world.step("operation", "CutOver", request)
    assert answer.status == "failed"
    assert answer.message.endswith("after 600 s in the balanced group; what was in it was left in it")
    assert "10.0.1.1" in world.targets["balanced"]
    assert world.managed_cluster().serving_generation == 1


def test_an_address_that_was_used_again_is_not_taken_out(world: World) -> None:
    """The new primary may have the old one's address."""
    request = healthy_in_service(world)
    world.put({**world.incarnation(1).to_item(), "primary_address": "10.0.1.2"})
    world.step("operation", "CutOver", request)
    assert "10.0.1.2" in world.targets["balanced"]


def test_other_managed_clusters_stay_in_service(world: World) -> None:
    """Nobody takes out what is not replaced."""
    request = healthy_in_service(world)
    other = {**world.incarnation(1).to_item(), "generation": 50, "id": "g000050", "managed_cluster": "b"}
    world.put({**other, "primary_address": "10.0.3.50"})
    world.step("operation", "CutOver", request)
    assert world.incarnation(50).state is IncarnationState.SERVING
    assert "10.0.3.50" not in [address for _, address, _ in world.deregistered]


def test_cut_over_without_a_launch_is_refused(world: World) -> None:
    """A machine that skips a state is wrong."""
    request = world.request("launch", "op1")
    world.step("operation", "Claim", request)
    with pytest.raises(InvariantError, match="nothing to cut over to"):
        world.step("operation", "CutOver", request)


def test_a_cut_over_that_lost_its_lease_records_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A14: at most one operation writes what serves; this one was stopped while it was at work."""
    request = healthy_in_service(world)
    change = world.record.change_together

    def change_after_somebody_else(*wanted: Change) -> bool:
        world.put({**world.managed_cluster().to_item(), "lease": {"execution": "x", "operation": "y", "since": 1}})
        return change(*wanted)

    monkeypatch.setattr(world.record, "change_together", change_after_somebody_else)
    with pytest.raises(InvariantError, match="lost the lease of a during the cut-over"):
        world.step("operation", "CutOver", request)
    assert world.managed_cluster().serving_generation == 1
    assert world.operation("op2").outcome is None
    assert world.incarnation(1).state is IncarnationState.SERVING
    assert "10.0.1.1" in world.targets["balanced"]


@pytest.mark.parametrize("gone", ["given up", "closed"])
def test_a_cut_over_that_somebody_tidied_up_after_records_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    """A14: its execution was stopped while it was at work; what serves stays where it is."""
    request = healthy_in_service(world)
    change = world.record.change_together

    def change_after_somebody_else(*wanted: Change) -> bool:
        if gone == "given up":
            world.put({**world.incarnation(2).to_item(), "state": "abandoned"})
        else:
            world.put({**world.operation("op2").to_item(), "outcome": "failed"})
        return change(*wanted)

    monkeypatch.setattr(world.record, "change_together", change_after_somebody_else)
    with pytest.raises(InvariantError, match="generation 2 was given up"):
        world.step("operation", "CutOver", request)
    assert world.managed_cluster().serving_generation == 1
    assert world.incarnation(2).state is not IncarnationState.SERVING
    assert "10.0.1.1" in world.targets["balanced"]


def test_cloudformation_is_answered_though_the_load_balancer_takes_no_calls(world: World) -> None:
    """A13: nothing takes the record back, and a deploy that is not answered would take back what serves."""
    request = healthy_in_service(world)
    world.broken = {"deregister_targets"}

    with pytest.raises(ClientError):
        world.step("operation", "CutOver", request)

    assert [each["succeeded"] for each in world.answers] == [True]


@pytest.mark.parametrize(
    ("service", "planned"), [(Service.RESOURCE_MANAGER, False), (Service.LIVY, True), (Service.NAME_NODE, True)]
)
def test_nobody_waits_for_jobs_that_cannot_end(world: World, service: Service, planned: bool) -> None:
    """A14: with Livy up and YARN dead the drain would wait for hours before a client is told; a 410 tells it now."""
    request = healthy_in_service(world)
    world.see_evidence(1, Verdict.UNHEALTHY, services=(service,))
    assert world.step("operation", "CutOver", request).status == "done"
    (retirement,) = [each for each in world.executions.values() if each.get("machine") == RETIREMENTS]
    assert json.loads(retirement["input"])["request"]["planned"] is planned
    assert ("its ResourceManager is dead" in world.notices[-1]["message"]) is not planned


def test_evidence_that_cannot_be_read_shortens_no_drain(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A14: an error of our own call says nothing."""
    request = healthy_in_service(world)

    def fail(*_: object, **__: object) -> None:
        raise ClientError({"Error": {"Code": "ThrottlingException"}}, "Query")

    monkeypatch.setattr("failover.steps.cut_over.verdict_on", fail)
    assert world.step("operation", "CutOver", request).status == "done"
    (retirement,) = [each for each in world.executions.values() if each.get("machine") == RETIREMENTS]
    assert json.loads(retirement["input"])["request"]["planned"] is True


def test_what_drains_already_goes_on_draining(world: World) -> None:
    """A14: its jobs were promised their time by an earlier switchover."""
    launched(world)
    world.run_operation(world.request("switchover", "op2", reason="manual"))
    world.executions.clear()  # a person stopped its retirement
    request = failing(world, "op3")
    assert world.run_operation(request) == "CutOverDone"
    finish_cut_over(world.deployment, world.operation("op3"), OperationRequest.from_dict(request))
    planned = {
        json.loads(each["input"])["request"]["generation"]: json.loads(each["input"])["request"]["planned"]
        for each in world.executions.values()
        if each.get("machine") == RETIREMENTS
    }
    assert planned == {1: True, 2: False}


@pytest.mark.parametrize("call", ["describe_target_health"])
def test_an_error_before_the_record_leaves_the_old_one_on_record(world: World, call: str) -> None:
    """A14: an error of our own call; the machine calls again and ends in the same place."""
    request = healthy_in_service(world)
    world.broken = {call}
    with pytest.raises(ClientError, match="Rate exceeded"):
        world.step("operation", "CutOver", request)
    assert world.managed_cluster().serving_generation == 1
    assert world.operation("op2").outcome is None
    world.broken.clear()
    assert world.step("operation", "CutOver", request).status == "done"
    assert world.managed_cluster().serving_generation == 2


def test_nobody_leaves_while_the_load_balancer_cannot_be_asked(world: World) -> None:
    """A14: no answer is not ``healthy``."""
    request = healthy_in_service(world)
    world.broken = {"describe_target_health"}
    with pytest.raises(ClientError, match="Rate exceeded"):
        world.step("operation", "CutOver", request)
    assert world.deregistered == []


@pytest.mark.parametrize("call", ["deregister_targets", "start_execution", "send"])
def test_what_follows_the_record_is_done_by_the_next_call(world: World, call: str) -> None:
    """A14: neither the retirement nor CloudFormation's answer is lost."""
    request = healthy_in_service(world)
    world.broken = {call}
    with pytest.raises(ClientError, match="Rate exceeded"):
        world.step("operation", "CutOver", request)
    assert world.managed_cluster().serving_generation == 2
    world.broken.clear()
    assert world.step("operation", "CutOver", request).status == "done"
    assert list(world.targets["balanced"]) == ["10.0.1.2"]
    assert retirements(world) == ["a-retire-g1"]
    assert [each["succeeded"] for each in world.answers] == [True]
    assert world.cluster(2).protected


def test_people_are_told_that_emr_did_not_protect_what_serves(world: World) -> None:
    """A14: a permission may be missing; nothing depends on it."""
    request = healthy_in_service(world)
    world.broken = {"set_termination_protection"}
    assert world.step("operation", "CutOver", request).status == "done"
    assert not world.cluster(2).protected
    notice = world.notices[-1]
    assert notice["subject"].endswith("emr-dr-active-passive-a-g2 is not protected against termination")
    assert "modify-cluster-attributes --cluster-id j-2 --termination-protected" in notice["message"]


def test_a_cut_over_may_be_finished_again(world: World) -> None:
    """By the function for ended executions, whatever had been done."""
    request = healthy_in_service(world)
    world.step("operation", "CutOver", request)
    before = settled(world)
    finish_cut_over(world.deployment, world.operation("op2"), OperationRequest.from_dict(request))
    assert (settled(world), retirements(world), len(world.answers)) == (before, ["a-retire-g1"], 1)


def test_people_are_told_of_a_failover_once(world: World) -> None:
    """One message in plain words: what happened, what was done, what to do next."""
    launched(world).notices.clear()
    world.run_operation(failing(world), twice=True)
    (notice,) = world.notices
    assert notice["subject"] == "emr-dr-active-passive: a failed over"
    assert "What happened: Generation 1 (j-1) of managed cluster a failed.\n" in notice["message"]
    assert "Generation 1 (j-1) is being ended." in notice["message"]
    assert "Generation 2 (j-2) in us-east-1b has taken over" in notice["message"]


def test_the_phases_of_a_recovery_are_measured(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """By the times at which the states were entered; detection is the monitor's to measure."""
    request = failing(launched(world))
    capsys.readouterr()
    world.run_operation(request)
    written = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    names = {name for each in written for name in each if name.endswith("Seconds")}
    assert names == {"DecideSeconds", "LaunchSeconds", "VerifySeconds", "CutOverSeconds"}
    assert {each["managed_cluster"] for each in written} == {"a"}


def test_an_automatic_failover_is_counted(world: World) -> None:
    """A14: after two of them within two hours the next one waits for a person."""
    request = failing(launched(world))
    earlier = [float(number) for number in range(10)]
    world.put(replace(world.managed_cluster(), automatic_failovers=tuple(earlier)).to_item())
    assert world.run_operation(request, twice=True) == "CutOverDone"
    assert world.managed_cluster().automatic_failovers == (*earlier[1:], world.clock.now)


@pytest.mark.parametrize(("kind", "reason"), [("failover", "drill"), ("failover", "manual"), ("switchover", "upgrade")])
def test_what_a_person_asks_for_is_not_counted(world: World, kind: str, reason: str) -> None:
    """Planned operations never block."""
    assert launched(world).run_operation(world.request(kind, "op2", reason=reason)) == "CutOverDone"
    assert world.managed_cluster().automatic_failovers == ()


@pytest.mark.parametrize(
    ("kind", "reason", "words", "ending"),
    [
        ("failover", "drill", "A failover of managed cluster a was asked for (drill: quarterly).", "is being ended."),
        (
            "switchover",
            "evacuation",
            "A switchover of managed cluster a was asked for (evacuation: quarterly).",
            "ends its jobs first and is retired then.",
        ),
    ],
)
def test_people_are_told_what_a_person_asked_for(world: World, kind: str, reason: str, words: str, ending: str) -> None:
    """Nothing has failed, and nobody has to find out why."""
    request = launched(world).request(kind, "op2", reason=reason, because="quarterly")
    assert world.run_operation(request) == "CutOverDone"
    message = [each["message"] for each in world.notices if "has taken over" in each["message"]][-1]
    assert f"What happened: {words}\n" in message
    assert f"Generation 1 (j-1) {ending}\n" in message
    assert "Find out" not in message


def test_people_are_told_that_a_repair_was_tried(world: World) -> None:
    """Whoever looks for the cause should know."""
    world.restart_helps = False
    assert world.run_operation(hanging(launched(world))) == "CutOverDone"
    message = [each["message"] for each in world.notices if "has taken over" in each["message"]][-1]
    assert "of managed cluster a failed. A restart of Livy in place did not help.\n" in message
