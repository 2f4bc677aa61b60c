"""The reconciliation in a small AWS: what drifted, what was left behind, and what must be left alone."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from dr_core.controls import Controls
from dr_core.evidence import Verdict
from dr_core.left_behind import GRACE_SECONDS
from dr_core.record import IncarnationState, Incident, IncidentState, ManagedCluster, Operation, Slot
from dr_core.routing import id_conditions, unused_id_conditions
from failover import reconcile as module
from failover.reality import look, read_record
from failover.reconcile import LOOK_AGAIN_SECONDS, reconcile
from failover.told import TELL_AGAIN_SECONDS

from .parts import OPERATIONS, LostAnswerError
from .safety import retirements
from .scenarios import ended, failed_over, failing, launched, second_half, settled
from .world import World, rule_of

# A prober is asked for the newest id of what serves, and its canary is the first of a million.
ASKED = 1
WITH_WORK = {"Reconciled": [1.0], "Orphans": [0.0]}
EACH_MINUTE = {**WITH_WORK, "IdsUsed": [0.0001]}


def metrics(capsys: pytest.CaptureFixture[str]) -> dict[str, list[float]]:
    """The deployment's metrics that were written since the last look, by name."""
    found: dict[str, list[float]] = {}
    for line in capsys.readouterr().out.splitlines():
        data = json.loads(line) if line.startswith('{"_aws"') else {}
        for metric in data.get("_aws", {}).get("CloudWatchMetrics", []):
            for each in metric["Metrics"]:
                found.setdefault(each["Name"], []).extend(data[each["Name"]])
    return found


@pytest.fixture
def serving(world: World) -> World:
    """Generation 1 serves, its slot is 1, and nobody was told anything lately."""
    launched(world).notices.clear()
    return world


def address(world: World, generation: int = 1) -> str:
    return world.cluster(generation).address


def test_nothing_is_changed_where_all_is_in_order(serving: World, capsys: pytest.CaptureFixture[str]) -> None:
    """The heartbeat says that everything was looked at."""
    before, calls = settled(serving), serving.calls
    capsys.readouterr()
    reconcile(serving.deployment)
    assert (settled(serving), serving.calls, serving.notices) == (before, calls + ASKED, [])
    assert metrics(capsys) == EACH_MINUTE


DRIFT: dict[str, Callable[[World], None]] = {
    "a slot's target is gone": lambda world: world.targets["slot-1"].clear(),
    "the balanced group is empty": lambda world: world.targets["balanced"].clear(),
    "a web group is empty": lambda world: world.targets["rm-a"].clear(),
    "the id rule was reset": lambda world: world.rules.update({"id-1": unused_id_conditions(1)}),
    "the rule of a free slot leads somewhere": lambda world: world.rules.update({"id-3": id_conditions(1001)}),
    "a stranger is in a slot": lambda world: world.targets["slot-1"].update({"10.9.9.9": 1.0}),
    "a stranger is in a free slot": lambda world: world.targets.setdefault("slot-2", {}).update({"10.9.9.9": 1.0}),
}


@pytest.mark.parametrize("what", DRIFT)
def test_what_drifted_is_put_right(serving: World, what: str, capsys: pytest.CaptureFixture[str]) -> None:
    """B6: whatever a deploy or a person changed, clients reach what serves, and ids their owner."""
    before = settled(serving)
    DRIFT[what](serving)
    capsys.readouterr()
    reconcile(serving.deployment)
    assert {**settled(serving), "rules": None} == {**before, "rules": None}
    assert look(serving.deployment).reality.rules["id-1"] == id_conditions(1001)
    assert look(serving.deployment).reality.rules["id-3"] == unused_id_conditions(3)
    assert metrics(capsys) == {
        "DriftRepaired": [1.0],
        **{name: EACH_MINUTE[name] for name in ("Reconciled", "Orphans")},
    }
    (notice,) = serving.notices
    assert notice["subject"] == "emr-dr-active-passive: the front door was not as recorded"
    assert "Each was put right as the record says." in notice["message"]


def test_the_same_drift_is_told_of_once_an_hour(serving: World) -> None:
    """Somebody's script may undo it each minute."""
    for _ in range(3):
        serving.targets["rm-a"].clear()
        reconcile(serving.deployment)
        serving.clock.now += 60
    assert address(serving) in serving.targets["rm-a"]
    assert len(serving.notices) == 1
    serving.clock.now += TELL_AGAIN_SECONDS
    serving.targets["rm-a"].clear()
    reconcile(serving.deployment)
    assert len(serving.notices) == 2


def test_what_is_right_in_the_second_look_is_left_alone(serving: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The load balancer tells of a change later than the record does."""
    gone = dict(serving.targets["slot-1"])
    serving.targets["slot-1"].clear()
    monkeypatch.setattr(time, "sleep", lambda _: serving.targets["slot-1"].update(gone))
    calls = serving.calls
    reconcile(serving.deployment)
    assert serving.calls == calls + ASKED


def test_it_waits_between_its_looks(serving: World) -> None:
    """Two looks in the same moment would be one."""
    serving.targets["slot-1"].clear()
    before = serving.clock.now
    reconcile(serving.deployment)
    assert serving.clock.now == before + LOOK_AGAIN_SECONDS


def test_a_lease_that_was_taken_after_the_looks_stops_a_correction(
    serving: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A14: the record is read right before each correction."""
    serving.targets["slot-1"].clear()
    read = read_record

    def read_after_a_claim(deployment: Any) -> Any:
        serving.step("operation", "Claim", serving.request("switchover", "op2", reason="upgrade"))
        serving.executions[serving.execution(OPERATIONS, "op2")] = {"status": "RUNNING", "input": "{}"}
        return read(deployment)

    monkeypatch.setattr(module, "read_record", read_after_a_claim)
    reconcile(serving.deployment)
    assert serving.targets["slot-1"] == {}
    assert serving.notices == []


def test_nothing_is_corrected_while_an_operation_runs(serving: World) -> None:
    """Whoever works on the managed cluster leaves it in order."""
    serving.run_operation(serving.request("switchover", "op2", reason="upgrade"), until="Verify")
    serving.targets["slot-1"].clear()
    serving.rules["id-1"] = unused_id_conditions(1)
    before = settled(serving)
    reconcile(serving.deployment)
    assert settled(serving) == before


def test_nothing_is_corrected_while_nobody_says_whether_the_operation_runs(serving: World) -> None:
    """An unknown execution is no closed one."""
    request = serving.request("switchover", "op2", reason="upgrade")
    serving.run_operation(request, until="Verify")
    ended(serving, request)
    serving.targets["slot-1"].clear()
    serving.broken = {"describe_execution"}
    before = settled(serving)
    reconcile(serving.deployment)
    assert settled(serving) == before


@pytest.mark.parametrize("call", ["describe_target_health", "describe_rules", "get_paginator", "register_targets"])
def test_a_call_that_fails_leaves_the_heartbeat_out(
    serving: World, call: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """And nothing is changed on what was not seen."""
    serving.targets["slot-1"].clear()
    serving.broken = {call}
    capsys.readouterr()
    reconcile(serving.deployment)
    assert "Reconciled" not in metrics(capsys)
    assert (serving.targets["slot-1"] == {}) == (call in ("describe_target_health", "register_targets"))
    serving.broken = set()
    reconcile(serving.deployment)
    assert address(serving) in serving.targets["slot-1"]
    assert metrics(capsys)["Reconciled"] == [1.0]


OF_IDS = [
    "a slot's target is gone",
    "the id rule was reset",
    "the rule of a free slot leads somewhere",
    "a stranger is in a slot",
    "a stranger is in a free slot",
]


@pytest.mark.parametrize("what", OF_IDS)
def test_ids_are_led_to_their_owner_while_a_person_has_paused(
    serving: World, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A12: clients poll on, and a 410 makes them run live jobs again."""
    serving.put(Controls(paused=True).to_item())
    before = settled(serving)
    DRIFT[what](serving)
    capsys.readouterr()
    reconcile(serving.deployment)
    assert settled(serving)["targets"] == before["targets"]
    assert look(serving.deployment).reality.rules["id-1"] == id_conditions(1001)
    assert look(serving.deployment).reality.rules["id-3"] == unused_id_conditions(3)
    assert metrics(capsys)["DriftRepaired"] == [1.0]
    (notice,) = serving.notices
    assert "Each was put right as the record says." in notice["message"]


@pytest.mark.parametrize("what", sorted(set(DRIFT) - set(OF_IDS)))
def test_what_clients_do_not_poll_is_left_as_it_is_while_a_person_has_paused(
    serving: World, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The person works on it; what would be done is told, and the heartbeat beats."""
    serving.put(Controls(paused=True).to_item())
    DRIFT[what](serving)
    before = settled(serving)
    capsys.readouterr()
    reconcile(serving.deployment)
    assert settled(serving) == before
    assert metrics(capsys) == WITH_WORK
    (notice,) = serving.notices
    assert "automatic operations are paused" in notice["message"]
    serving.put(Controls(paused=False).to_item())
    reconcile(serving.deployment)
    assert settled(serving) != before


def test_of_several_things_the_way_of_ids_alone_is_put_right_while_a_person_has_paused(serving: World) -> None:
    """Each is told of with what was done about it."""
    serving.put(Controls(paused=True).to_item())
    serving.targets["slot-1"].clear()
    serving.targets["rm-a"].clear()
    reconcile(serving.deployment)
    assert address(serving) in serving.targets["slot-1"]
    assert serving.targets["rm-a"] == {}
    right, left = serving.notices
    assert "was no target of slot 1 of emr-dr-active-passive-a-g1." in right["message"]
    assert "was no target of the group of ResourceManagers, although emr-dr-active-passive-a-g1" in left["message"]


def test_nothing_that_was_left_behind_is_ended_while_a_person_has_paused(serving: World) -> None:
    """Neither a launch is given up, nor a retirement started."""
    request = serving.request("switchover", "op2", reason="upgrade")
    serving.run_operation(request, until="Verify")
    ended(serving, request)
    serving.put(Controls(paused=True).to_item())
    reconcile(serving.deployment)
    assert (serving.incarnation(2).state, retirements(serving)) == (IncarnationState.VERIFYING, [])
    serving.put({**serving.incarnation(2).to_item(), "state": "abandoned"})
    serving.clock.now += 600
    reconcile(serving.deployment)
    assert retirements(serving) == []
    assert all("automatic operations are paused" in each["message"] for each in serving.notices)


def isolated(world: World) -> None:
    """Generation 1 was isolated, and its operation was interrupted together with whoever tidies up; another serves."""
    world.targets["balanced"].clear()
    second_half(world)
    world.put({**world.incarnation(1).to_item(), "isolated_at": int(world.clock.now)})


def test_what_was_isolated_and_forgotten_is_given_back(serving: World, capsys: pytest.CaptureFixture[str]) -> None:
    """A10: it recovered, and nobody else would ever bring it back."""
    isolated(serving)
    reconcile(serving.deployment)
    assert address(serving) not in serving.targets["balanced"]  # its operation may do it yet
    serving.clock.now += GRACE_SECONDS
    serving.see_evidence(1, Verdict.HEALTHY)
    capsys.readouterr()
    reconcile(serving.deployment)
    assert address(serving) in serving.targets["balanced"]
    assert serving.incarnation(1).isolated_at is None
    assert "DriftRepaired" not in metrics(capsys)
    (notice,) = serving.notices
    assert notice["subject"] == "emr-dr-active-passive: something was left behind"
    assert "emr-dr-active-passive-a-g1 was kept from new jobs" in notice["message"]


@pytest.mark.parametrize("why", ["an incident is open", "paused"])
def test_what_is_isolated_for_a_reason_stays_out(serving: World, why: str) -> None:
    """A14: it is sick as far as anybody knows, or a person works on it."""
    isolated(serving)
    if why == "paused":
        serving.put(Controls(paused=True).to_item())
    else:
        incident = Incident(managed_cluster="a", incident="a-1", state=IncidentState.OPEN, since=1.0, first_bad_at=1.0)
        serving.put(incident.to_item())
    serving.clock.now += 3600
    reconcile(serving.deployment)
    assert address(serving) not in serving.targets["balanced"]
    assert serving.incarnation(1).isolated_at is not None


def open_incident(world: World) -> None:
    """The monitor has called generation 1 unhealthy for long."""
    incident = Incident(managed_cluster="a", incident="a-1", state=IncidentState.OPEN, since=1.0, first_bad_at=1.0)
    world.put(incident.to_item())


def test_what_is_isolated_is_given_back_when_the_other_half_dies(serving: World) -> None:
    """A14: a service that is half well is more than none, whatever was found of it."""
    isolated(serving)
    open_incident(serving)
    serving.unhealthy.add("10.0.3.90")
    reconcile(serving.deployment)
    assert address(serving) in serving.targets["balanced"]
    assert "though nobody else is healthy any more" in serving.notices[-1]["message"]


@pytest.mark.parametrize("verdict", [Verdict.UNHEALTHY, Verdict.HEALTHY, Verdict.UNKNOWN])
def test_what_is_sick_and_not_replaced_gets_no_new_jobs_while_another_serves(serving: World, verdict: Verdict) -> None:
    """A2: the block, the budget or three failures keep every operation back; every second job would fail."""
    second_half(serving)
    open_incident(serving)
    serving.clock.now += 600
    serving.see_evidence(1, verdict)
    reconcile(serving.deployment)
    assert (address(serving) in serving.targets["balanced"]) is (verdict is not Verdict.UNHEALTHY)
    assert (serving.incarnation(1).isolated_at is not None) is (verdict is Verdict.UNHEALTHY)


def test_what_is_sick_and_alone_keeps_its_jobs(serving: World) -> None:
    """A14: never zero by our own act."""
    open_incident(serving)
    serving.clock.now += 600
    serving.see_evidence(1, Verdict.UNHEALTHY)
    reconcile(serving.deployment)
    assert address(serving) in serving.targets["balanced"]


def test_the_successor_of_what_was_fenced_is_not_given_up(serving: World) -> None:
    """A14: the old Livy answers for a while after its end was requested; then nobody would serve."""
    request = serving.request("failover", "op2", reason="manual")
    serving.run_operation(request, until="CutOver")
    serving.deployment.front_door.put_in_service(managed_cluster="a", address=address(serving, 2))
    serving.put({**serving.incarnation(1).to_item(), "terminate_requested_at": int(serving.clock.now)})
    serving.cluster(1).ended_at = None
    ended(serving, request)
    serving.clock.now += 60
    serving.notices.clear()
    reconcile(serving.deployment)
    assert serving.incarnation(2).state is IncarnationState.VERIFYING
    assert address(serving, 2) in serving.targets["balanced"]
    assert serving.notices == []


def test_a_slot_of_what_is_retired_is_freed(serving: World) -> None:
    """A14: the next failover needs it."""
    serving.run_retirement(failed_over(serving))
    serving.put(Slot(number=1, generation=1).to_item())
    serving.rules["id-1"] = id_conditions(1001)
    reconcile(serving.deployment)
    assert settled(serving)["slots"][1] is None
    assert serving.rules["id-1"] == unused_id_conditions(1)


def test_a_launch_that_nobody_waits_for_is_given_up(serving: World) -> None:
    """B11: the function for executions that ended badly may have failed itself."""
    request = serving.request("switchover", "op2", reason="upgrade")
    serving.run_operation(request, until="Verify")
    ended(serving, request)
    reconcile(serving.deployment)
    assert serving.incarnation(2).state is IncarnationState.ABANDONED
    assert "something was left behind" in serving.notices[-1]["subject"]
    serving.run_started_retirements()
    assert settled(serving)["states"] == {1: "serving", 2: "retired"}


def test_an_interrupted_cut_over_beside_a_healthy_incarnation_is_undone(serving: World) -> None:
    """No operation comes that would finish it: two would serve for ever."""
    request = serving.request("switchover", "op2", reason="upgrade")
    serving.run_operation(request, until="CutOver")
    serving.step("operation", "CutOver", request)
    serving.clock.now += 30
    ended(serving, request)
    reconcile(serving.deployment)
    assert serving.incarnation(2).state is IncarnationState.ABANDONED
    assert list(serving.targets["balanced"]) == [address(serving)]


def test_a_launch_whose_operation_runs_is_left_alone(serving: World) -> None:
    """Even if its lease was lost."""
    serving.run_operation(serving.request("switchover", "op2", reason="upgrade"), until="Verify")
    serving.put(ManagedCluster(name="a", spec=serving.managed_cluster().spec, serving_generation=1).to_item())
    reconcile(serving.deployment)
    assert serving.incarnation(2).state is IncarnationState.VERIFYING


@pytest.mark.parametrize("changes", [{"execution": None}, {"outcome": "failed"}])
def test_an_operation_has_ended_when_its_record_says_so(serving: World, changes: dict[str, Any]) -> None:
    """One that never began has not."""
    request = serving.request("switchover", "op2", reason="upgrade")
    serving.run_operation(request, until="Verify")
    serving.put(ManagedCluster(name="a", spec=serving.managed_cluster().spec, serving_generation=1).to_item())
    item = {**serving.operation("op2").to_item(), **changes}
    serving.put({name: value for name, value in item.items() if value is not None})
    reconcile(serving.deployment)
    given_up = serving.incarnation(2).state is IncarnationState.ABANDONED
    assert given_up == ("outcome" in changes)


def test_a_launch_without_its_operation_is_left_alone(serving: World) -> None:
    """Nobody knows who waits for it."""
    serving.put({**serving.incarnation(1).to_item(), "state": "launching", "operation": "lost"})
    serving.put(ManagedCluster(name="a").to_item())
    reconcile(serving.deployment)
    assert serving.incarnation(1).state is IncarnationState.LAUNCHING


def test_a_retirement_that_was_stopped_is_started_again(serving: World) -> None:
    """B11: under its next name, and it goes on where it ended."""
    request = failed_over(serving)
    serving.run_retirement(request, until="CloseIds")
    ended(serving, request, status="ABORTED")
    serving.clock.now += 600
    reconcile(serving.deployment)
    reconcile(serving.deployment)
    assert retirements(serving) == ["a-retire-g1-2"]  # the stopped one has no machine in this world any more
    serving.run_started_retirements()
    assert settled(serving)["states"] == {1: "retired", 2: "serving"}


def test_a_retirement_that_runs_is_not_started_twice(serving: World) -> None:
    failed_over(serving)
    before = retirements(serving)
    serving.clock.now += 600
    reconcile(serving.deployment)
    assert retirements(serving) == before


def test_a_lease_of_a_closed_execution_stands_in_nobodys_way(serving: World) -> None:
    """Who tidies up after executions may have failed."""
    lease = {"execution": "arn:gone", "operation": "op0", "since": 1}
    serving.put({**serving.managed_cluster().to_item(), "lease": lease})
    serving.targets["slot-1"].clear()
    reconcile(serving.deployment)
    assert address(serving) in serving.targets["slot-1"]


def test_a_managed_cluster_that_was_never_created_needs_nothing(world: World) -> None:
    """The first run comes before the first launch."""
    world.record.items.clear()
    reconcile(world.deployment)
    assert (world.notices, world.calls) == ([], 0)


def test_a_run_that_was_interrupted_is_finished_by_the_next_one(serving: World) -> None:
    """A14: at every call that changes something."""
    for lost in range(1, 20):
        for what in DRIFT.values():
            what(serving)
        serving.lose_call = serving.calls + lost
        try:
            reconcile(serving.deployment)
            finished = True
        except LostAnswerError:
            finished = False
        serving.lose_call = None
        reconcile(serving.deployment)
        seen = look(serving.deployment)
        assert module._corrections(serving.deployment, seen) == []
        if finished:
            return
    raise AssertionError("it makes more calls than this test counts")


def test_two_runs_at_once_do_no_harm(serving: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A schedule may fire twice."""
    before = settled(serving)
    for what in DRIFT.values():
        what(serving)
    sleep = serving.clock.sleep

    def sleep_while_another_run_works(seconds: float) -> None:
        monkeypatch.setattr(time, "sleep", sleep)
        reconcile(serving.deployment)
        sleep(seconds)

    monkeypatch.setattr(time, "sleep", sleep_while_another_run_works)
    reconcile(serving.deployment)
    assert settled(serving)["targets"] == before["targets"]


def test_the_next_failover_works_as_ever(serving: World) -> None:
    """A11: corrections leave nothing behind that a step trips over."""
    for what in DRIFT.values():
        what(serving)
    reconcile(serving.deployment)
    assert serving.run_operation(failing(serving)) == "CutOverDone"
    reconcile(serving.deployment)
    assert rule_of(2) in json.dumps(serving.rules)


def test_the_entry_point_reconciles_its_deployment(serving: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "deployment_from_environment", lambda: serving.deployment)
    serving.targets["slot-1"].clear()
    module.handler({}, None)
    assert address(serving) in serving.targets["slot-1"]


def test_an_operation_that_was_forgotten_is_no_reason_to_give_up(
    serving: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may go between two looks at the record; nobody deletes items, but a person may."""
    request = serving.request("switchover", "op2", reason="upgrade")
    serving.run_operation(request, until="Verify")
    ended(serving, request)
    monkeypatch.setattr(serving.record, "operation", Forgetful(serving, after=2).operation)
    reconcile(serving.deployment)
    assert serving.incarnation(2).state is IncarnationState.VERIFYING


class Forgetful:
    """A record that knows no operation any more after some readings."""

    def __init__(self, world: World, *, after: int) -> None:
        self._read, self._left = world.record.operation, after

    def operation(self, operation: str) -> Operation | None:
        self._left -= 1
        return self._read(operation) if self._left >= 0 else None


def test_nobody_is_told_of_what_is_well_again(serving: World) -> None:
    """G3: the incident of a failover that a change superseded stays open for some rounds after its cut-over."""
    second_half(serving)
    began = serving.clock.now - 900
    incident = Incident(managed_cluster="a", incident="a-1", state=IncidentState.OPEN, since=began, first_bad_at=began)
    serving.put(incident.to_item())
    serving.see_evidence(1, Verdict.HEALTHY)
    before = len(serving.notices)
    reconcile(serving.deployment)
    assert (serving.incarnation(1).isolated_at, len(serving.notices)) == (None, before)
