"""A11: what the services' answers mean.  The answers are real ones (tests/lambda/samples)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from dr_core.evidence import Reading, Service, Verdict, healthy, unhealthy, unknown
from dr_core.readings import (
    LIVY_SESSIONS,
    NAME_NODE_STATE,
    NAME_NODE_STATUS,
    RESOURCE_MANAGER_INFO,
    RESOURCE_MANAGER_METRICS,
    Answer,
    Answered,
    NotAnswered,
    NotAsked,
    paths,
    read_services,
)

Sample = Callable[[str], Any]
SERVICE_OF = {path: service for service, service_paths in paths().items() for path in service_paths}


@pytest.fixture
def good(sample: Sample) -> dict[str, Answer]:
    names = {
        RESOURCE_MANAGER_INFO: "rm-cluster-info",
        RESOURCE_MANAGER_METRICS: "rm-cluster-metrics",
        NAME_NODE_STATUS: "nn-NameNodeStatus",
        NAME_NODE_STATE: "nn-FSNamesystemState",
        LIVY_SESSIONS: "livy-sessions-one",
    }
    return {path: Answered(status=200, body=json.dumps(sample(name))) for path, name in names.items()}


def with_body(good: dict[str, Answer], path: str, body: Any) -> Reading:
    text = body if isinstance(body, str) else json.dumps(body)
    return read_services({**good, path: Answered(status=200, body=text)})[SERVICE_OF[path]]


def test_what_is_read_of_each_service() -> None:
    assert paths() == {
        Service.LIVY: ("/sessions?size=1",),
        Service.RESOURCE_MANAGER: ("/ws/v1/cluster/info", "/ws/v1/cluster/metrics"),
        Service.NAME_NODE: (
            "/jmx?qry=Hadoop:service=NameNode,name=NameNodeStatus",
            "/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState",
        ),
    }


def test_services_that_work_are_healthy(good: dict[str, Answer]) -> None:
    assert read_services(good) == {
        Service.LIVY: healthy("sessions: 1"),
        Service.RESOURCE_MANAGER: healthy("state STARTED, active nodes: 1", active_nodes=1),
        Service.NAME_NODE: healthy("state active, file system operational"),
    }


def test_livy_without_sessions_is_healthy(good: dict[str, Answer], sample: Sample) -> None:
    assert with_body(good, LIVY_SESSIONS, sample("livy-sessions-empty")) == healthy("sessions: 0")


def test_a_resource_manager_that_is_not_started_is_unhealthy(good: dict[str, Answer], sample: Sample) -> None:
    body = sample("rm-cluster-info")
    body["clusterInfo"]["state"] = "STOPPED"

    assert with_body(good, RESOURCE_MANAGER_INFO, body) == unhealthy("state STOPPED, not STARTED")


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [(0, unhealthy("no active node")), (2, healthy("state STARTED, active nodes: 2", active_nodes=2))],
)
def test_a_resource_manager_without_nodes_is_unhealthy(
    good: dict[str, Answer], sample: Sample, nodes: int, expected: Reading
) -> None:
    """STARTED is not usable: the state stays STARTED when every node is lost."""
    body = sample("rm-cluster-metrics")
    body["clusterMetrics"]["activeNodes"] = nodes

    assert with_body(good, RESOURCE_MANAGER_METRICS, body) == expected


def test_a_standby_name_node_is_unhealthy(good: dict[str, Answer], sample: Sample) -> None:
    body = sample("nn-NameNodeStatus")
    body["beans"][0]["State"] = "standby"

    assert with_body(good, NAME_NODE_STATUS, body) == unhealthy("state standby, not active")


def test_a_name_node_in_safe_mode_is_unhealthy_though_it_calls_itself_active(
    good: dict[str, Answer], sample: Sample
) -> None:
    assert sample("nn-NameNodeStatus-safemode")["beans"][0]["State"] == "active"

    reading = with_body(good, NAME_NODE_STATE, sample("nn-FSNamesystemState-safemode"))

    assert reading == unhealthy("file system in state safeMode")


@pytest.mark.parametrize("path", SERVICE_OF)
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (NotAnswered(detail="connection refused"), unhealthy("connection refused")),
        (NotAsked(detail="could not ask: no descriptor"), unknown("could not ask: no descriptor")),
        (Answered(status=500, body="{}"), unhealthy("answered 500")),
        (Answered(status=503, body="starting"), unhealthy("answered 503")),
        (Answered(status=499, body="{}"), unknown("refused our request with 499")),
        (Answered(status=404, body="{}"), unknown("refused our request with 404")),
        (Answered(status=401, body="{}"), unknown("refused our request with 401")),
        (Answered(status=307, body=""), unknown("refused our request with 307")),
    ],
)
def test_only_the_services_own_failure_speaks_against_it(
    good: dict[str, Answer], path: str, answer: Answer, expected: Reading
) -> None:
    """A14: an error of our own call is unknown, and unknown never leads to an action."""
    assert read_services({**good, path: answer})[SERVICE_OF[path]] == expected


@pytest.mark.parametrize(
    ("path", "body", "odd"),
    [
        (LIVY_SESSIONS, "<html>", "Expecting value"),
        (LIVY_SESSIONS, [], "no total"),
        (LIVY_SESSIONS, {"sessions": []}, "no total"),
        (LIVY_SESSIONS, {"total": "3", "sessions": []}, "total is not a whole number"),
        (LIVY_SESSIONS, {"total": 3}, "no sessions"),
        (LIVY_SESSIONS, {"total": 3, "sessions": {}}, "sessions is not a list"),
        (RESOURCE_MANAGER_INFO, {}, "no clusterInfo"),
        (RESOURCE_MANAGER_INFO, {"clusterInfo": {}}, "no state"),
        (RESOURCE_MANAGER_INFO, {"clusterInfo": {"state": 1}}, "state is not a text"),
        (RESOURCE_MANAGER_METRICS, {}, "no clusterMetrics"),
        (RESOURCE_MANAGER_METRICS, {"clusterMetrics": {"activeNodes": None}}, "activeNodes is not a whole number"),
        (NAME_NODE_STATUS, {}, "no beans"),
        (NAME_NODE_STATUS, {"beans": []}, "no bean"),
        (NAME_NODE_STATUS, {"beans": {"State": "active"}}, "no bean"),
        (NAME_NODE_STATUS, {"beans": [{}]}, "no State"),
        (NAME_NODE_STATE, {"beans": ["x"]}, "no FSState"),
    ],
)
def test_a_200_that_is_not_what_the_service_says_is_unhealthy(
    good: dict[str, Answer], path: str, body: Any, odd: str
) -> None:
    reading = with_body(good, path, body)

    assert reading.verdict is Verdict.UNHEALTHY
    assert reading.detail.startswith(f"answered 200 with something else than expected: {odd}")


def test_of_several_readings_of_a_service_the_worst_counts(good: dict[str, Answer]) -> None:
    bad, lost = Answered(status=500, body=""), NotAsked(detail="could not ask")

    both = {**good, RESOURCE_MANAGER_INFO: lost, RESOURCE_MANAGER_METRICS: bad}

    assert read_services(both)[Service.RESOURCE_MANAGER] == unhealthy("answered 500")


def test_services_are_read_apart(good: dict[str, Answer]) -> None:
    readings = read_services({**good, LIVY_SESSIONS: NotAnswered(detail="connection refused")})

    assert [reading.verdict for reading in readings.values()] == [Verdict.UNHEALTHY, Verdict.HEALTHY, Verdict.HEALTHY]
