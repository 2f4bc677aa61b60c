"""A11, A12: what follows a verdict: incidents, attempts, and what keeps operations back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from dr_core import metrics
from dr_core.config import Policy
from dr_core.controls import Controls, Turn
from dr_core.evidence import healthy
from dr_core.incidents import RELAUNCH_SECONDS, RETRY_SECONDS
from dr_core.record import IncarnationState, IncidentState, Lease, ManagedCluster, Operation, Outcome
from dr_core.requests import OperationRequest
from dr_core.standby import spec_digest
from dr_core.verdicts import Termination
from monitor.store import Overview

from .world import CONFIG, EXECUTION, INCARNATION, INCIDENT, NOW, World, emitted


def test_the_operation_is_in_the_record_before_it_starts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.dies()
    seen: list[Operation | None] = []
    start = world.cloud.start

    def look_first(state_machine: str, request: OperationRequest) -> str | None:
        seen.append(world.store.operation(request.operation))
        return start(state_machine, request)

    monkeypatch.setattr(world.cloud, "start", look_first)

    world.round()

    assert seen == [
        Operation(
            id=f"{INCIDENT}-1",
            request=world.cloud.started[0].to_json(),
            managed_cluster="a",
            started_at=NOW,
        )
    ]
    after = world.store.operation(f"{INCIDENT}-1")
    assert after is not None and after.execution == f"{EXECUTION}:{INCIDENT}-1"


def test_the_incident_is_in_the_record(world: World) -> None:
    world.dies()

    world.round()

    incident = world.incident()
    assert incident is not None
    assert (incident.incident, incident.state, incident.attempts) == (INCIDENT, IncidentState.OPEN, 1)
    assert (incident.since, incident.first_bad_at) == (NOW, NOW - 30)


def test_a_second_monitor_starts_nothing(world: World) -> None:
    """Schedules fire at least once: two monitors may look at the same time."""
    world.dies()
    world.round()

    world.round()

    assert len(world.started) == 1


def test_the_start_that_a_dead_monitor_owed_is_made(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A13: a monitor may die between any two steps."""
    world.dies()
    with monkeypatch.context() as patch:
        patch.setattr(world.store, "put_operation", _fail)
        assert not world.round()
    assert world.started == []

    world.round()

    assert world.started == [f"{INCIDENT}-1"]


def test_the_execution_that_a_dead_monitor_did_not_note_is_started_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.dies()
    with monkeypatch.context() as patch:
        patch.setattr(world.store, "set_execution", _fail)
        assert not world.round()

    world.round()

    assert world.started == [f"{INCIDENT}-1"] * 2


def test_a_monitor_that_lost_the_race_for_the_attempt_starts_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.dies()
    monkeypatch.setattr(world.store, "count_attempt", lambda *_: False)

    world.round()

    assert world.started == []


def test_a_monitor_that_lost_the_race_for_the_incident_waits_for_the_next_round(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.dies()
    monkeypatch.setattr(world.store, "open_incident", lambda _: False)

    world.round()

    assert world.started == []


def test_nothing_is_started_beside_another_operation(world: World) -> None:
    """At most one operation for a managed cluster."""
    lease = Lease(execution="arn:other", operation="a-upgrade", since=NOW)
    world.put(ManagedCluster(name="a", serving_generation=1, lease=lease))
    world.cloud.running.add("arn:other")
    world.dies()

    world.round()

    assert world.started == []
    incident = world.incident()
    assert incident is not None and incident.attempts == 0


def test_the_launch_of_a_standby_does_not_hinder(world: World) -> None:
    """A failover stops it when it claims the lease."""
    lease = Lease(execution="arn:other", operation="a-standby-20261121t031025", since=NOW)
    world.put(ManagedCluster(name="a", serving_generation=1, lease=lease))
    world.cloud.running.add("arn:other")
    world.dies()

    world.round()

    assert len(world.started) == 1


def test_a_lease_whose_holder_ended_does_not_hinder(world: World) -> None:
    lease = Lease(execution="arn:other", operation="a-upgrade", since=NOW)
    world.put(ManagedCluster(name="a", serving_generation=1, lease=lease))
    world.dies()

    world.round()

    assert len(world.started) == 1


def test_nothing_is_started_for_what_is_being_deleted(world: World) -> None:
    world.put(ManagedCluster(name="a", serving_generation=1, tombstone=True))
    world.dies()

    world.round()

    assert world.started == []


UPGRADE = Lease(execution="arn:other", operation="a-upgrade", since=NOW - 900)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            # The record was read while an operation held the lease; it had ended when its execution was asked for.
            ManagedCluster(name="a", serving_generation=1, lease=UPGRADE),
            ManagedCluster(name="a", serving_generation=2),
        ),
        (ManagedCluster(name="a", serving_generation=1, lease=UPGRADE), ManagedCluster(name="a", serving_generation=1)),
        (ManagedCluster(name="a", serving_generation=1), ManagedCluster(name="a", serving_generation=1, lease=UPGRADE)),
        (
            ManagedCluster(name="a", serving_generation=1),
            ManagedCluster(name="a", serving_generation=1, tombstone=True),
        ),
    ],
    ids=["its cut-over is through", "it ended", "it began", "it is being deleted"],
)
def test_what_was_judged_is_looked_at_again_right_before_something_is_started(
    world: World, monkeypatch: pytest.MonkeyPatch, before: ManagedCluster, after: ManagedCluster
) -> None:
    """A14: seconds pass within a round, and nothing is started, or counted, for what is there no more."""
    world.add_b()
    world.put(before)
    world.dies()
    overview = world.store.overview

    def a_moment_too_early(names: Sequence[str]) -> Overview:
        read = overview(names)
        world.put(after)
        return read

    with monkeypatch.context() as patch:
        patch.setattr(world.store, "overview", a_moment_too_early)
        assert world.round()

    assert world.started == []
    incident = world.incident()
    assert incident is not None and incident.attempts == 0
    assert world.store.turn() is None


def test_the_next_round_answers_what_is_there_then(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operation that ended did not mend it."""
    world.put(ManagedCluster(name="a", serving_generation=1, lease=UPGRADE))
    world.dies()
    overview = world.store.overview

    def a_moment_too_early(names: Sequence[str]) -> Overview:
        read = overview(names)
        world.put(ManagedCluster(name="a", serving_generation=1))
        return read

    with monkeypatch.context() as patch:
        patch.setattr(world.store, "overview", a_moment_too_early)
        world.round()
    world.now += 10
    world.dies()
    world.round()

    assert world.started == [f"{INCIDENT}-1"]


def test_a_failover_by_hand_of_what_a_person_ended_is_followed_by_no_automatic_one(world: World) -> None:
    """A11: whoever ends a cluster does not want another, and who asks for one gets one."""
    person = Termination(code="USER_REQUEST", message="Terminated by user request", ended_at=NOW - 600)
    world.cloud.ending = person
    lease = Lease(execution="arn:by-hand", operation="a-by-hand", since=NOW - 550)
    world.cloud.running.add(lease.execution)
    world.put(
        ManagedCluster(name="a", serving_generation=1, lease=lease), replace(INCARNATION, terminate_requested_at=NOW)
    )
    world.dies()

    world.round()
    incident = world.incident()

    # The failover dies after its fence; whoever asked for it is told so.
    world.cloud.running.clear()
    world.now += 10
    world.dies()
    world.round()

    assert incident is None
    assert world.started == []


@pytest.mark.parametrize(
    "restraint",
    [
        Controls(paused=True),
        ManagedCluster(name="a", serving_generation=1, automatic_failovers=(NOW - 60, NOW - 30)),
    ],
    ids=["paused", "blocked"],
)
def test_what_was_called_off_is_answered_anew_when_nothing_keeps_it_back(
    world: World, restraint: Controls | ManagedCluster
) -> None:
    """A12: the second look found a restraint that the monitor had read too early, and nobody has acted since."""
    world.dies()
    world.round()
    world.put(restraint)
    world.end(f"{INCIDENT}-1", Outcome.CANCELLED)

    for _ in range(3):
        world.now += 10
        world.dies()
        world.round()
    held = list(world.started)
    incident = world.incident()
    world.put(Controls(acknowledged_at=world.now))
    world.now += 10
    world.dies()
    world.round()

    assert held == [f"{INCIDENT}-1"]
    assert incident is not None
    assert (incident.state, incident.attempts) == (IncidentState.OPEN, 0)
    assert world.started == [f"{INCIDENT}-1", f"{incident.incident}-1"]


def test_an_attempt_whose_name_was_taken_is_followed_by_the_next_at_once(world: World) -> None:
    """A14: an execution of an earlier life of the deployment has the name, and costs no more than a round."""
    world.cloud.taken.add(f"{INCIDENT}-1")
    world.dies()
    world.round()
    taken = world.store.operation(f"{INCIDENT}-1")

    world.now += 10
    world.dies()
    world.round()

    assert taken is not None
    assert (taken.outcome, taken.message) == (Outcome.FAILED, "its name was taken by an execution of another request")
    assert taken.execution is None
    assert world.started == [f"{INCIDENT}-2"]


def test_a_name_that_was_taken_is_no_detection(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.cloud.taken.add(f"{INCIDENT}-1")
    world.dies()

    assert world.round()

    assert metrics.DETECT_SECONDS not in emitted(capsys)


@pytest.mark.parametrize("outcome", [Outcome.FAILED_OVER, Outcome.REPAIRED, Outcome.CANCELLED])
def test_an_answered_incident_is_closed(world: World, outcome: Outcome) -> None:
    world.dies()
    world.round()
    world.end(f"{INCIDENT}-1", outcome)

    world.round()

    incident = world.incident()
    assert incident is not None and incident.state is IncidentState.CLOSED


def test_an_operation_that_ends_between_two_looks_is_not_taken_for_a_failed_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The item is read before its execution is looked at."""
    world.dies()
    world.round()
    running = world.cloud.is_running

    def ends_now(execution: str, *, since: float | None) -> bool:
        world.end(f"{INCIDENT}-1", Outcome.FAILED_OVER)
        world.cloud.running.clear()
        return running(execution, since=since)

    monkeypatch.setattr(world.cloud, "is_running", ends_now)
    world.now += 120
    world.dies()
    world.round()

    incident = world.incident()
    assert incident is not None and incident.state is IncidentState.CLOSED
    assert world.started == [f"{INCIDENT}-1"]


def test_since_when_an_execution_is_known_is_told(world: World) -> None:
    """A14: Step Functions may not know yet what has just been started, which must not count as ended."""
    lease = Lease(execution="arn:other", operation="a-upgrade", since=NOW - 7)
    world.put(ManagedCluster(name="a", serving_generation=1, lease=lease))
    world.cloud.running.add("arn:other")
    world.dies()
    world.round()
    assert world.cloud.known_since == {"arn:other": NOW - 7}

    world.put(ManagedCluster(name="a", serving_generation=1))
    world.dies()
    world.round()
    world.now += 10
    world.dies()
    world.round()

    assert world.cloud.known_since[f"{EXECUTION}:{INCIDENT}-1"] == NOW


def test_a_failed_operation_is_followed_by_another(world: World) -> None:
    world.dies()
    world.round()
    world.end(f"{INCIDENT}-1", Outcome.FAILED)

    world.now += 120
    world.dies()
    world.round()

    assert world.started == [f"{INCIDENT}-1", f"{INCIDENT}-2"]


def test_an_operation_that_ended_without_a_word_is_followed_by_another(world: World) -> None:
    world.dies()
    world.round()
    world.cloud.running.clear()

    world.now += 120
    world.dies()
    world.round()

    assert world.started == [f"{INCIDENT}-1", f"{INCIDENT}-2"]


def test_a_person_is_paged_when_no_operation_helps(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    for attempt in (1, 2, 3):
        world.dies()
        world.round()
        world.end(f"{INCIDENT}-{attempt}", Outcome.FAILED)
        world.now += 120
    world.dies()

    world.round()

    assert len(world.started) == 3
    assert emitted(capsys)[metrics.ATTEMPTS_EXHAUSTED] == 1


def test_an_incident_that_passed_before_it_was_answered_is_closed(world: World) -> None:
    lease = Lease(execution="arn:other", operation="a-upgrade", since=NOW)
    world.put(ManagedCluster(name="a", serving_generation=1, lease=lease))
    world.cloud.running.add("arn:other")
    world.dies()
    world.round()

    world.now += 60
    world.looks(healthy("fine"))
    world.round()

    incident = world.incident()
    assert incident is not None and incident.state is IncidentState.CLOSED


def test_the_next_incident_has_a_name_of_its_own(world: World) -> None:
    world.dies()
    world.round()
    world.end(f"{INCIDENT}-1", Outcome.CANCELLED)
    world.round()

    world.now += 60
    world.dies()
    world.round()

    assert world.started == [f"{INCIDENT}-1", "a-20261121t031055-1"]


@pytest.mark.parametrize(("launched_at", "seconds"), [(None, RETRY_SECONDS), (1.0, RELAUNCH_SECONDS)])
def test_after_a_call_off_the_next_incident_waits_for_a_while(
    world: World, launched_at: float | None, seconds: int
) -> None:
    """A12: its name follows from the fault's time, so that only the incident itself can keep this in mind."""
    world.dies()
    world.round()
    operation = world.store.operation(f"{INCIDENT}-1")
    assert operation is not None
    world.put(replace(operation, outcome=Outcome.CANCELLED, entered={"Reassess": world.now}, launched_at=launched_at))
    began = world.now

    while len(world.started) == 1 and world.now < began + 2 * seconds:
        world.now += 10
        world.dies()
        world.round()

    assert len(world.started) == 2
    assert began + seconds <= world.now < began + seconds + 10


def test_detection_is_measured_from_the_first_bad_evidence(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.dies()

    world.round()

    values = emitted(capsys)
    assert values[metrics.DETECT_SECONDS] == 30
    assert (values[metrics.VERDICT_UNHEALTHY], values[metrics.VERDICT_UNKNOWN]) == (1, 0)


def test_a_paused_deployment_opens_incidents_and_starts_nothing(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """A12: a person's word stops automatic operations, and nobody forgets what is wrong meanwhile."""
    world.put(Controls(paused=True, paused_because="a game day", paused_by="ann"))
    world.dies()

    world.round()

    incident = world.incident()
    assert incident is not None and (incident.state, incident.attempts) == (IncidentState.OPEN, 0)
    assert world.started == []
    assert emitted(capsys)[metrics.FAILOVER_BLOCKED] == 0


def test_a_resumed_deployment_answers_what_is_still_wrong(world: World) -> None:
    world.put(Controls(paused=True))
    world.dies()
    world.round()

    world.put(Controls(paused=False))
    world.now += 10
    world.dies()
    world.round()

    assert world.started == [f"{INCIDENT}-1"]


def test_a_third_failover_waits_for_a_person(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.put(ManagedCluster(name="a", serving_generation=1, automatic_failovers=(NOW - 600, NOW - 60)))
    world.dies()

    world.round()

    assert world.started == []
    assert emitted(capsys)[metrics.FAILOVER_BLOCKED] == 1


def test_a_persons_word_lets_it_go_on(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.put(
        ManagedCluster(name="a", serving_generation=1, automatic_failovers=(NOW - 600, NOW - 60)),
        Controls(acknowledged_at=NOW - 1),
    )
    world.dies()

    world.round()

    assert world.started == [f"{INCIDENT}-1"]
    assert emitted(capsys)[metrics.FAILOVER_BLOCKED] == 0


def test_it_arms_itself_again_after_the_window(world: World) -> None:
    """A14: nothing disarms the recovery for ever."""
    world.put(ManagedCluster(name="a", serving_generation=1, automatic_failovers=(NOW - 600, NOW - 60)))
    world.dies()
    world.round()

    world.now += CONFIG.policy.block_window_seconds - 600
    world.dies()
    world.round()

    assert world.started == [f"{INCIDENT}-1"]


def test_failovers_of_another_managed_cluster_count(world: World) -> None:
    world.add_b()
    world.put(ManagedCluster(name="b", serving_generation=2, automatic_failovers=(NOW - 600, NOW - 60)))
    world.dies()

    world.round()

    assert world.started == []


def test_a_days_launches_wait_for_a_person(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """B7: a fault that eats clusters must not eat the budget."""
    for generation in range(11, 11 + Policy().launches_per_day):
        world.put(
            replace(INCARNATION, generation=generation, reason="unhealthy", created_at=NOW - 9000, primary_address=None)
        )
    world.dies()

    world.round()

    assert world.started == []
    assert emitted(capsys)[metrics.FAILOVER_BLOCKED] == 1


def test_the_budget_does_not_keep_back_what_takes_a_standby_but_what_follows_it(world: World) -> None:
    """A12, B7: the first attempt launches nothing; one that failed has shown that the standby was not taken."""
    spec = '{"parameters": {}}'
    world.put(ManagedCluster(name="a", serving_generation=1, spec=spec))
    world.put(
        replace(
            INCARNATION,
            generation=2,
            state=IncarnationState.STANDBY,
            availability_zone="us-east-1b",
            spec_digest=spec_digest(spec),
            canary_succeeded_at=NOW - 60,
        )
    )
    for generation in range(11, 11 + Policy().launches_per_day):
        world.put(
            replace(INCARNATION, generation=generation, reason="unhealthy", created_at=NOW - 9000, primary_address=None)
        )
    world.dies()
    world.round()

    world.end(f"{INCIDENT}-1", Outcome.FAILED)
    world.now += 300
    world.dies()
    world.round()

    assert world.started == [f"{INCIDENT}-1"]


def test_two_sick_managed_clusters_are_answered_one_after_the_other(world: World) -> None:
    """A11: at most one automatic replacement at a time."""
    world.add_b()
    both_die(world)

    world.round()
    world.now += 10
    both_die(world)
    world.round()

    assert world.started == [f"{INCIDENT}-1"]


def test_the_second_is_answered_when_the_first_came_to_its_end(world: World) -> None:
    world.add_b()
    both_die(world)
    world.round()
    world.end(f"{INCIDENT}-1", Outcome.FAILED_OVER)

    world.now += 10
    both_die(world)
    world.round()

    assert world.started == [f"{INCIDENT}-1", "b-20261121t030955-1"]


def test_a_turn_whose_operation_nobody_wrote_down_passes(world: World) -> None:
    """The monitor that took it died, and its managed cluster got well."""
    world.add_b()
    world.put(Turn(operation="a-0-1", managed_cluster="a", since=NOW - 110))
    world.dies("g000002")
    world.looks(healthy("fine"))
    world.round()
    assert world.started == []

    world.now += 10
    world.dies("g000002")
    world.round()

    assert world.started == ["b-20261121t030955-1"]


def test_a_monitor_that_lost_the_turn_starts_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another monitor took it for the other managed cluster in this very moment."""
    world.add_b()
    world.dies()
    seen = world.store.turn

    def seen_a_moment_ago() -> Turn | None:
        before = seen()
        world.put(Turn(operation="b-1-1", managed_cluster="b", since=NOW))
        return before

    monkeypatch.setattr(world.store, "turn", seen_a_moment_ago)

    world.round()

    assert world.started == []
    incident = world.incident()
    assert incident is not None and incident.attempts == 0


def test_the_start_that_the_holder_of_the_turn_owes_is_made(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.add_b()
    world.dies()
    with monkeypatch.context() as patch:
        patch.setattr(world.store, "count_attempt", _fail)
        assert not world.round()

    world.now += 10
    world.dies()
    world.round()

    assert world.started == [f"{INCIDENT}-1"]


def test_a_single_managed_cluster_takes_no_turn(world: World) -> None:
    """Its lease is enough, and each call adds to the time until the operation starts."""
    world.dies()

    world.round()

    assert world.started == [f"{INCIDENT}-1"]
    assert world.store.turn() is None


def both_die(world: World) -> None:
    world.dies()
    world.dies("g000002")


def _fail(*_: object) -> Any:
    raise RuntimeError("the monitor dies here")
