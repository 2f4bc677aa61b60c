"""A11: what the monitor tells people, as alarms and logs read it."""

from __future__ import annotations

import io
import json
import time
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from dr_core import metrics
from dr_core.controls import Controls
from dr_core.evidence import Verdict
from dr_core.incidents import Action, Response
from dr_core.record import Incident, IncidentState
from dr_core.restraints import DeploymentView, Restraint
from dr_core.verdicts import Judgement
from monitor.reporting import Report

INCIDENT = Incident(managed_cluster="a", incident="a-1", state=IncidentState.OPEN, since=1.0, first_bad_at=1.0)


@pytest.fixture
def log() -> io.StringIO:
    """What the monitor's logger writes."""
    return io.StringIO()


@pytest.fixture
def report(log: io.StringIO, request: pytest.FixtureRequest) -> Report:
    """Its logger has a name of its own: Powertools keeps the stream of the first one of a name."""
    return Report(deployment="dep", logger=Logger(service=request.node.nodeid, stream=log))


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def emitted(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    """What was written for each metric, by its name."""
    found: dict[str, dict[str, Any]] = {}
    for line in capsys.readouterr().out.splitlines():
        data = json.loads(line)
        (directive,) = data["_aws"]["CloudWatchMetrics"]
        (metric,) = directive["Metrics"]
        assert directive["Namespace"] == metrics.NAMESPACE
        found[metric["Name"]] = {
            "values": data[metric["Name"]],
            "unit": metric["Unit"],
            **{dimension: data[dimension] for dimension in directive["Dimensions"][0]},
        }
    return found


def test_the_heartbeat_is_the_deployments(report: Report, capsys: pytest.CaptureFixture[str]) -> None:
    """Of no managed cluster: its alarm watches the monitor."""
    report.heartbeat()
    assert emitted(capsys) == {metrics.MONITOR_HEARTBEAT: {"values": [1], "unit": "Count", "service": "dep"}}


@pytest.mark.parametrize(
    ("verdict", "counts"), [(Verdict.HEALTHY, (0, 0)), (Verdict.UNHEALTHY, (1, 0)), (Verdict.UNKNOWN, (0, 1))]
)
def test_a_verdict_is_counted_by_managed_cluster(
    report: Report, capsys: pytest.CaptureFixture[str], verdict: Verdict, counts: tuple[int, int]
) -> None:
    """A zero is written too, so that a graph shows that somebody looked."""
    report.judged("a", "g000001", Judgement(verdict=verdict, reason="r"))
    assert emitted(capsys) == {
        name: {"values": [count], "unit": "Count", "service": "dep", "managed_cluster": "a"}
        for name, count in zip((metrics.VERDICT_UNHEALTHY, metrics.VERDICT_UNKNOWN), counts, strict=True)
    }


@pytest.mark.parametrize(
    ("verdict", "level"), [(Verdict.HEALTHY, "INFO"), (Verdict.UNHEALTHY, "WARNING"), (Verdict.UNKNOWN, "WARNING")]
)
def test_a_verdict_is_one_line_of_the_log(report: Report, log: io.StringIO, verdict: Verdict, level: str) -> None:
    """With what it rests on; one that is not healthy stands out."""
    report.judged("a", "g000001", Judgement(verdict=verdict, reason="r", actionable=True))
    (line,) = lines(log)
    assert (line["message"], line["level"], line["verdict"]) == ("verdict", level, str(verdict))
    assert (line["managed_cluster"], line["incarnation"], line["reason"]) == ("a", "g000001", "r")
    assert line["actionable"] is True


def test_an_end_by_a_person_is_counted(report: Report, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing replaces it, so that somebody has to know."""
    report.judged("a", "g000001", Judgement(verdict=Verdict.UNHEALTHY, reason="r", terminated_by_a_person=True))
    found = emitted(capsys)[metrics.TERMINATED_BY_A_PERSON]
    assert (found["values"], found["managed_cluster"]) == ([1], "a")


def test_no_other_end_is_counted_as_a_persons(report: Report, capsys: pytest.CaptureFixture[str]) -> None:
    """Its alarm would ring for every failure."""
    report.judged("a", "g000001", Judgement(verdict=Verdict.UNHEALTHY, reason="r"))
    assert metrics.TERMINATED_BY_A_PERSON not in emitted(capsys)


def test_a_response_is_one_line_of_the_log(report: Report, log: io.StringIO) -> None:
    """Which incident, which attempt, and why."""
    report.responded("a", Response(action=Action.START, reason="r", attempt=2), INCIDENT)
    (line,) = lines(log)
    assert (line["message"], line["level"]) == ("start an operation", "WARNING")
    assert (line["managed_cluster"], line["incident"], line["attempt"], line["reason"]) == ("a", "a-1", 2, "r")


@pytest.mark.parametrize("action", Action)
def test_only_what_needs_a_person_is_counted(
    report: Report, capsys: pytest.CaptureFixture[str], action: Action
) -> None:
    """The alarm of exhausted attempts rings when no further one starts."""
    report.responded("a", Response(action=action, reason="r"), INCIDENT)
    assert (metrics.ATTEMPTS_EXHAUSTED in emitted(capsys)) == (action is Action.GIVE_UP)


def test_detection_is_measured_in_seconds(report: Report, capsys: pytest.CaptureFixture[str]) -> None:
    """The first phase of a recovery."""
    report.detected("a", 42.5)
    assert emitted(capsys) == {
        metrics.DETECT_SECONDS: {"values": [42.5], "unit": "Seconds", "service": "dep", "managed_cluster": "a"}
    }


@pytest.mark.parametrize("observers", [(), ("prober:a", "prober:b")])
def test_the_probers_with_a_voice_are_counted(
    report: Report, capsys: pytest.CaptureFixture[str], observers: tuple[str, ...]
) -> None:
    """Of no managed cluster: each of them looks at all."""
    report.probers_heard(observers)
    assert emitted(capsys) == {metrics.PROBERS_HEARD: {"values": [len(observers)], "unit": "Count", "service": "dep"}}


def test_nothing_in_service_is_no_verdict(report: Report, log: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    """It is being made or deleted: nothing to count."""
    report.nothing_in_service("a")
    assert [(line["message"], line["managed_cluster"]) for line in lines(log)] == [("nothing in service", "a")]
    assert emitted(capsys) == {}


@pytest.mark.parametrize(
    ("restraint", "blocked"),
    [
        (None, 0),
        (Restraint.PAUSED, 0),
        (Restraint.BLOCKED, 1),
        (Restraint.BUDGET, 1),
        (Restraint.TURN, 0),
    ],
)
def test_a_failover_that_waits_for_a_person_is_counted(
    report: Report, capsys: pytest.CaptureFixture[str], restraint: Restraint | None, blocked: int
) -> None:
    """A zero is written too, so that the alarm ends when the failover may start."""
    report.kept_back("a", Response(action=Action.NOTHING, reason="r", restraint=restraint))
    assert emitted(capsys) == {
        metrics.FAILOVER_BLOCKED: {"values": [blocked], "unit": "Count", "service": "dep", "managed_cluster": "a"}
    }


def test_what_keeps_an_operation_back_is_in_the_log(report: Report, log: io.StringIO) -> None:
    report.kept_back("a", Response(action=Action.NOTHING, reason="r", restraint=Restraint.TURN))
    (line,) = lines(log)
    assert (line["message"], line["level"]) == ("an operation is kept back", "WARNING")
    assert (line["managed_cluster"], line["restraint"], line["reason"]) == ("a", "turn", "r")


def test_what_is_not_started_after_all_is_in_the_log(report: Report, log: io.StringIO) -> None:
    """Each is told by a line of its own: why, or which name was taken."""
    report.overtaken("a", reason="generation 1 was judged, and 2 is in service now")
    report.name_taken("a", "a-1-1")
    first, second = lines(log)
    assert (first["message"], first["level"]) == ("an operation is not started", "WARNING")
    assert (first["managed_cluster"], first["reason"]) == ("a", "generation 1 was judged, and 2 is in service now")
    assert (second["message"], second["level"]) == (
        "an execution of another request has the name of this operation",
        "ERROR",
    )
    assert (second["managed_cluster"], second["operation"]) == ("a", "a-1-1")


def test_nothing_that_is_kept_back_is_no_line(report: Report, log: io.StringIO) -> None:
    report.kept_back("a", Response(action=Action.NOTHING, reason="r"))
    assert lines(log) == []


@pytest.mark.parametrize("common", [False, True])
def test_the_deployments_metrics(
    report: Report, log: io.StringIO, capsys: pytest.CaptureFixture[str], common: bool
) -> None:
    now = time.time()
    view = DeploymentView(controls=Controls(paused=True), automatic_launches=(now - 90_000, now - 60, now - 30))

    report.deployment_seen(view, common_cause=common, shared_zones={})

    counts = {
        metrics.AVAILABILITY_ZONES_SHARED: 0,
        metrics.PAUSED: 1,
        metrics.LAUNCHES_TODAY: 2,
        metrics.COMMON_CAUSE: int(common),
    }
    assert emitted(capsys) == {
        name: {"values": [count], "unit": "Count", "service": "dep"} for name, count in counts.items()
    }
    assert len(lines(log)) == int(common)


def test_a_shared_availability_zone_is_counted_and_named(
    report: Report, log: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    """A2."""
    report.deployment_seen(DeploymentView(), common_cause=False, shared_zones={"us-east-1c": ["a", "b"]})

    assert emitted(capsys)[metrics.AVAILABILITY_ZONES_SHARED]["values"] == [1]
    (line,) = lines(log)
    assert (line["availability_zone"], line["managed_clusters"]) == ("us-east-1c", ["a", "b"])
