"""A11, A12: a round over all managed clusters of a deployment."""

from __future__ import annotations

from dataclasses import replace

import pytest
from botocore.exceptions import EndpointConnectionError

from dr_core import metrics
from dr_core.controls import Controls
from dr_core.evidence import Reading, Verdict, healthy, unhealthy, unknown
from dr_core.record import Incarnation, Incident, ManagedCluster
from dr_core.requests import Kind, OperationRequest, Reason
from dr_core.verdicts import Judgement
from monitor.reporting import Report

from .world import CONFIG, INCARNATION, INCIDENT, NOW, OTHER, World, emitted


def test_health_starts_nothing(world: World) -> None:
    world.looks(healthy("fine"))

    world.round()

    assert world.started == []
    assert world.incident() is None


def test_a_dead_primary_starts_a_failover(world: World) -> None:
    world.dies()

    world.round()

    assert world.cloud.started == [
        OperationRequest(
            operation=f"{INCIDENT}-1",
            kind=Kind.FAILOVER,
            reason=Reason.UNHEALTHY,
            managed_cluster="a",
            incident=INCIDENT,
        )
    ]


@pytest.mark.parametrize(
    "records",
    [
        [],
        [ManagedCluster(name="a")],
        [ManagedCluster(name="a", serving_generation=2)],
        [ManagedCluster(name="a", serving_generation=1), replace(INCARNATION, primary_address=None)],
    ],
)
def test_nothing_in_service_is_nothing_to_judge(
    world: World, records: list[ManagedCluster | Incarnation], capsys: pytest.CaptureFixture[str]
) -> None:
    world.record.delete_item(Key=ManagedCluster.key("a"))
    world.put(*records)
    world.dies()

    world.round()

    assert world.started == []
    assert metrics.VERDICT_UNKNOWN not in emitted(capsys)


def test_all_managed_clusters_are_judged_before_one_is_answered(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the cause is common shows only when all are judged."""
    world.add_b()
    world.dies()
    world.looks(healthy("fine"), incarnation="g000002")
    happened: list[str] = []
    start, judged = world.cloud.start, Report.judged

    def start_and_tell(state_machine: str, request: OperationRequest) -> str | None:
        happened.append("started")
        return start(state_machine, request)

    def judged_and_tell(report: Report, name: str, incarnation: str, judgement: Judgement) -> None:
        happened.append(name)
        judged(report, name, incarnation, judgement)

    monkeypatch.setattr(world.cloud, "start", start_and_tell)
    monkeypatch.setattr(Report, "judged", judged_and_tell)

    assert world.round()

    assert happened == ["a", "b", "started"]


def test_the_load_balancers_word_on_an_address_is_its_new_owners(world: World) -> None:
    """A2: it finds a healthy Livy there, and that is another managed cluster's."""
    world.add_b()
    world.put(replace(OTHER, primary_address=INCARNATION.primary_address))

    world.round()

    def told(incarnation: str) -> set[Verdict]:
        (evidence,) = world.store.evidence(incarnation, since=0)
        return {reading.verdict for reading in evidence.services.values()}

    assert (told("g000001"), told("g000002")) == ({Verdict.UNHEALTHY}, {Verdict.HEALTHY})


@pytest.mark.parametrize(
    ("rule", "other", "expected"),
    [
        ("all are sick, in different AZs", unhealthy("connection refused"), 1),
        ("one is well", healthy("fine"), 0),
        ("nobody can tell of one", unknown("could not ask"), 0),
    ],
)
def test_a_common_cause_pages(
    world: World, capsys: pytest.CaptureFixture[str], rule: str, other: Reading, expected: int
) -> None:
    world.add_b()
    world.dies()
    world.looks(other, incarnation="g000002")

    world.round()

    assert emitted(capsys)[metrics.COMMON_CAUSE] == expected, rule
    assert world.started == [f"{INCIDENT}-1"], "one replacement is tried all the same"


def test_a_sick_availability_zone_is_no_common_cause(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.add_b()
    world.put(replace(OTHER, availability_zone=INCARNATION.availability_zone))
    world.dies()
    world.dies("g000002")

    world.round()

    assert emitted(capsys)[metrics.COMMON_CAUSE] == 0


@pytest.mark.parametrize(("zone", "expected"), [(INCARNATION.availability_zone, 1), ("us-east-1c", 0)])
def test_two_managed_clusters_in_one_availability_zone_are_told_of(
    world: World, capsys: pytest.CaptureFixture[str], zone: str, expected: int
) -> None:
    """A2."""
    world.add_b()
    world.put(replace(OTHER, availability_zone=zone))

    world.round()

    assert emitted(capsys)[metrics.AVAILABILITY_ZONES_SHARED] == expected


def test_what_was_not_judged_is_no_common_cause(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world.add_b()
    world.put(replace(OTHER, availability_zone="us-east-1c", cluster_id=None))
    world.dies()
    world.dies("g000002")
    world.cloud.ending = RuntimeError("an answer that nobody expected")

    assert not world.round()

    assert emitted(capsys)[metrics.COMMON_CAUSE] == 0


@pytest.mark.parametrize("method", ["target_health", "termination"])
def test_an_error_at_one_managed_cluster_does_not_stop_the_other(
    world: World, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """A11."""
    world.add_b()
    world.put(replace(OTHER, cluster_id="j-b"))
    world.dies()
    world.dies("g000002")
    asked = getattr(world.cloud, method)

    def fails_for_a(*of: object) -> object:
        if "10.0.0.7" in of or "j-1" in of:
            raise RuntimeError("an answer that nobody expected")
        return asked(*of)

    monkeypatch.setattr(world.cloud, method, fails_for_a)

    assert not world.round()

    assert world.started == ["b-20261121t030955-1"]


def test_an_answer_that_fails_does_not_stop_the_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.add_b()
    world.dies()
    world.dies("g000002")
    opened = world.store.open_incident

    def fails_for_a(incident: Incident) -> bool:
        if incident.managed_cluster == "a":
            raise RuntimeError("throttled")
        return opened(incident)

    monkeypatch.setattr(world.store, "open_incident", fails_for_a)

    assert not world.round()

    assert world.started == ["b-20261121t030955-1"]


@pytest.mark.parametrize("method", ["overview", "incarnations"])
def test_whoever_cannot_read_the_record_does_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """A14: what was paused, launched or failed over is not known then."""
    world.dies()

    def fails(*_: object) -> None:
        raise EndpointConnectionError(endpoint_url="https://example.com")

    monkeypatch.setattr(world.store, method, fails)

    with pytest.raises(EndpointConnectionError):
        world.round()
    assert world.started == []


def test_a_verdict_outlives_the_process_that_saw_it_begin(world: World) -> None:
    """A11: a monitor runs for a minute and is started anew, maybe in another process: rounds are in the table.

    One prober and the load balancers are the vantage points, so that each of the three rounds needs a word that only
    an earlier monitor can have written down.
    """
    world.cloud.health = dict.fromkeys(("balanced", "rm", "nn"), unhealthy("target unhealthy"))
    started = []
    for _ in range(3):
        world.looks(unhealthy("connection refused"), zones="a")
        world.restarted(CONFIG).round()
        started.append(len(world.started))
        world.now += 10

    assert started == [0, 0, 1]


def test_a_restart_does_not_repeat_what_was_begun(world: World) -> None:
    world.dies()
    world.round()

    world.now += 10
    world.dies()
    world.restarted(CONFIG).round()

    assert world.started == [f"{INCIDENT}-1"]


@pytest.mark.parametrize(("zones", "heard"), [("abc", 3), ("b", 1), ("", 0)])
def test_the_probers_with_a_voice_are_measured(
    world: World, capsys: pytest.CaptureFixture[str], zones: str, heard: int
) -> None:
    """A11: one that is dead is missed when a zone fails, and must be noticed before."""
    world.looks(healthy("fine"), zones=zones)

    world.round()

    assert emitted(capsys)[metrics.PROBERS_HEARD] == heard


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_what_is_told_of_certificates_is_measured_and_not_acted_upon(
    world: World, capsys: pytest.CaptureFixture[str], scheme: str
) -> None:
    """B8, A14: all clusters have the same one; each thing is counted once, whoever tells it."""
    world.looks(healthy("fine"), certificates=("expired",))

    world.restarted(replace(CONFIG, front_door_scheme=scheme)).round()

    assert emitted(capsys).get(metrics.CERTIFICATE_PROBLEMS) == (1 if scheme == "https" else None)
    assert world.started == []


def test_an_alarm_on_certificates_ends(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.looks(healthy("fine"))

    world.restarted(replace(CONFIG, front_door_scheme="https")).round()

    assert emitted(capsys)[metrics.CERTIFICATE_PROBLEMS] == 0


def test_a_prober_is_counted_once_whatever_it_looks_at(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """A11: with two managed clusters the evidence of both says who looks."""
    world.add_b()
    world.looks(healthy("fine"), zones="ab")
    world.looks(healthy("fine"), zones="bc", incarnation="g000002")

    world.round()

    assert emitted(capsys)[metrics.PROBERS_HEARD] == 3


def test_nobody_is_missed_while_there_is_nothing_to_look_at(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """A11: probers write nothing then, and are well."""
    world.put(ManagedCluster(name="a"))

    world.round()

    assert metrics.PROBERS_HEARD not in emitted(capsys)


def test_the_deployment_is_measured_each_round(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Zeros too, so that an alarm that rang ends."""
    world.looks(healthy("fine"))

    world.round()

    values = emitted(capsys)
    assert {name: values[name] for name in (metrics.PAUSED, metrics.LAUNCHES_TODAY, metrics.COMMON_CAUSE)} == {
        metrics.PAUSED: 0,
        metrics.LAUNCHES_TODAY: 0,
        metrics.COMMON_CAUSE: 0,
    }


def test_a_pause_and_the_days_launches_are_measured(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.put(Controls(paused=True))
    world.put(replace(INCARNATION, reason="unhealthy", created_at=NOW - 60))
    world.put(replace(OTHER, reason="manual", created_at=NOW - 60))

    world.round()

    values = emitted(capsys)
    assert (values[metrics.PAUSED], values[metrics.LAUNCHES_TODAY]) == (1, 1)
