"""A11, A12: a monitor's rounds over a record and evidence in tables, with AWS's answers made up."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from aws_lambda_powertools import Logger
from botocore.exceptions import EndpointConnectionError

from dr_core import metrics
from dr_core.config import Canary, FunctionConfig, ManagedClusterResources
from dr_core.evidence import LOAD_BALANCER, Evidence, Reading, Service, healthy, unhealthy, unknown
from dr_core.record import (
    Incarnation,
    IncarnationState,
    IncidentState,
    Lease,
    ManagedCluster,
    Operation,
    Outcome,
)
from dr_core.requests import Kind, OperationRequest, Reason
from dr_core.verdicts import Termination
from monitor.reporting import Report
from monitor.store import Store
from monitor.watch import Watch

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import DynamoDBServiceResource

NOW = 1_795_230_625.0
RESOURCES = ManagedClusterResources(name="a", resource_manager_target_group="rm", name_node_target_group="nn")
CONFIG = FunctionConfig(
    deployment="dep",
    record_table="record",
    evidence_table="evidence",
    managed_clusters=(RESOURCES,),
    subnets=(),
    slots=(),
    balanced_target_group="balanced",
    front_door_host="nlb.example.com",
    load_balancer_host="alb.example.com",
    operation_state_machine="arn:aws:states:us-east-1:123456789012:stateMachine:dep-operation",
    canary=Canary(file="x"),
)
EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:dep-operation"
INCARNATION = Incarnation(
    generation=1,
    managed_cluster="a",
    state=IncarnationState.SERVING,
    primary_address="10.0.0.7",
    cluster_id="j-1",
    serving_from=NOW - 1000,
)
INCIDENT = "a-20261121t030955"  # 30 s before now


@dataclass
class FakeCloud:
    """AWS's answers."""

    health: dict[str, Reading] = field(default_factory=dict)
    ending: Termination | Exception | None = None
    running: set[str] = field(default_factory=set)
    started: list[OperationRequest] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def target_health(self, target_group: str, address: str) -> Reading:
        self.asked.append((target_group, address))
        return self.health.get(target_group, healthy("target healthy"))

    def termination(self, cluster_id: str) -> Termination | None:
        if isinstance(self.ending, Exception):
            raise self.ending
        return self.ending

    def is_running(self, execution: str) -> bool:
        return execution in self.running

    def start(self, state_machine: str, request: OperationRequest) -> str:
        self.started.append(request)
        execution = f"{state_machine.replace(':stateMachine:', ':execution:')}:{request.operation}"
        self.running.add(execution)
        return execution


class World:
    """A monitor and what it sees; time stands still unless a test moves it."""

    def __init__(self, dynamodb: DynamoDBServiceResource, pool: ThreadPoolExecutor) -> None:
        self.now = NOW
        self.record = dynamodb.Table("record")
        self.store = Store(dynamodb=dynamodb, record_table="record", evidence_table="evidence", round_seconds=10)
        self.cloud = FakeCloud()
        self.watch = Watch(
            config=CONFIG,
            store=self.store,
            cloud=self.cloud,  # type: ignore[arg-type]
            pool=pool,
            report=Report(deployment="dep", logger=Logger(service="test")),
        )
        self.put(ManagedCluster(name="a", serving_generation=1), INCARNATION)

    def put(self, *records: ManagedCluster | Incarnation | Operation) -> None:
        for record in records:
            self.record.put_item(Item=record.to_item())

    def looks(self, reading: Reading, *, rounds: int = 4, zones: str = "abc") -> None:
        """Evidence of the last rounds, by the probers of *zones*."""
        for zone in zones:
            for age in range(rounds):
                self.store.write_evidence(
                    Evidence(
                        incarnation="g000001",
                        observer=f"prober:{zone}",
                        observed_at=self.now - 10 * age,
                        services=dict.fromkeys(Service, reading),
                        front_door=True,
                    )
                )

    def dies(self) -> None:
        self.looks(unhealthy("connection refused"))

    def round(self) -> None:
        self.watch.round(RESOURCES)


@pytest.fixture
def world(dynamodb: DynamoDBServiceResource, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with ThreadPoolExecutor(max_workers=4) as pool:
        made = World(dynamodb, pool)
        monkeypatch.setattr(time, "time", lambda: made.now)
        yield made


def emitted(capsys: pytest.CaptureFixture[str]) -> dict[str, float]:
    """The last value of each metric."""
    values: dict[str, float] = {}
    for line in capsys.readouterr().out.splitlines():
        data = json.loads(line)
        for directive in data.get("_aws", {}).get("CloudWatchMetrics", []):
            for metric in directive["Metrics"]:
                values[metric["Name"]] = data[metric["Name"]][-1]
    return values


def test_health_starts_nothing(world: World) -> None:
    world.looks(healthy("fine"))

    world.round()

    assert world.cloud.started == []
    assert world.store.incident("a") is None


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


def test_the_operation_is_in_the_record_before_it_starts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.dies()
    seen: list[Operation | None] = []
    start = world.cloud.start

    def look_first(state_machine: str, request: OperationRequest) -> str:
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

    incident = world.store.incident("a")
    assert incident is not None
    assert (incident.incident, incident.state, incident.attempts) == (INCIDENT, IncidentState.OPEN, 1)
    assert (incident.since, incident.first_bad_at) == (NOW, NOW - 30)


def test_a_second_monitor_starts_nothing(world: World) -> None:
    """Schedules fire at least once: two monitors may look at the same time."""
    world.dies()
    world.round()

    world.round()

    assert len(world.cloud.started) == 1


def test_the_start_that_a_dead_monitor_owed_is_made(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A13: a monitor may die between any two steps."""
    world.dies()
    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(world.store, "put_operation", _fail)
        world.round()
    assert world.cloud.started == []

    world.round()

    assert [request.operation for request in world.cloud.started] == [f"{INCIDENT}-1"]


def test_the_execution_that_a_dead_monitor_did_not_note_is_started_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.dies()
    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(world.store, "set_execution", _fail)
        world.round()

    world.round()

    assert [request.operation for request in world.cloud.started] == [f"{INCIDENT}-1"] * 2


def test_a_monitor_that_lost_the_race_for_the_attempt_starts_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.dies()
    monkeypatch.setattr(world.store, "count_attempt", lambda *_: False)

    world.round()

    assert world.cloud.started == []


def test_a_monitor_that_lost_the_race_for_the_incident_waits_for_the_next_round(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.dies()
    monkeypatch.setattr(world.store, "open_incident", lambda _: False)

    world.round()

    assert world.cloud.started == []


def test_nothing_is_started_beside_another_operation(world: World) -> None:
    """At most one operation for a managed cluster."""
    lease = Lease(execution="arn:other", operation="a-upgrade", since=NOW)
    world.put(ManagedCluster(name="a", serving_generation=1, lease=lease))
    world.cloud.running.add("arn:other")
    world.dies()

    world.round()

    assert world.cloud.started == []
    incident = world.store.incident("a")
    assert incident is not None and incident.attempts == 0


def test_a_lease_whose_holder_ended_does_not_hinder(world: World) -> None:
    lease = Lease(execution="arn:other", operation="a-upgrade", since=NOW)
    world.put(ManagedCluster(name="a", serving_generation=1, lease=lease))
    world.dies()

    world.round()

    assert len(world.cloud.started) == 1


def test_nothing_is_started_for_what_is_being_deleted(world: World) -> None:
    world.put(ManagedCluster(name="a", serving_generation=1, tombstone=True))
    world.dies()

    world.round()

    assert world.cloud.started == []


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

    assert world.cloud.started == []
    assert metrics.VERDICT_UNKNOWN not in emitted(capsys)


def test_what_a_person_ended_is_not_replaced(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.dies()
    world.cloud.ending = Termination(code="USER_REQUEST", message="Terminated by user request")

    world.round()

    assert world.cloud.started == []
    assert emitted(capsys)[metrics.TERMINATED_BY_A_PERSON] == 1


def test_what_failed_by_itself_is_replaced(world: World) -> None:
    world.dies()
    world.cloud.ending = Termination(code="INSTANCE_FAILURE", message="lost")

    world.round()

    assert len(world.cloud.started) == 1


def test_an_end_that_the_controller_asked_for_is_not_a_persons(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.put(replace(INCARNATION, terminate_requested_at=NOW - 5))
    world.dies()
    world.cloud.ending = Termination(code="USER_REQUEST", message="Terminated by user request")

    world.round()

    assert metrics.TERMINATED_BY_A_PERSON not in emitted(capsys)


def test_nothing_is_done_while_emr_does_not_say_whether_a_person_ended_it(world: World) -> None:
    """A14: an error of our own call never leads to an action."""
    world.dies()
    world.cloud.ending = EndpointConnectionError(endpoint_url="https://example.com")

    world.round()

    assert world.cloud.started == []


def test_an_incarnation_whose_cluster_is_not_known_is_judged_by_evidence_alone(world: World) -> None:
    world.put(replace(INCARNATION, cluster_id=None))
    world.cloud.ending = EndpointConnectionError(endpoint_url="https://example.com")
    world.dies()

    world.round()

    assert len(world.cloud.started) == 1


def test_the_load_balancer_is_a_vantage_point_beside_one_prober(world: World) -> None:
    """Two of the three probers are lost with their zones."""
    for _ in range(3):
        world.looks(unhealthy("connection refused"), zones="a")
        world.cloud.health = dict.fromkeys(("balanced", "rm", "nn"), unhealthy("target unhealthy"))
        world.round()
        world.now += 10

    assert len(world.cloud.started) == 1


def test_each_service_has_its_target_group(world: World) -> None:
    world.cloud.health = {"rm": unhealthy("target unhealthy"), "nn": unknown("target draining")}

    world.round()

    (evidence,) = world.store.evidence("g000001", since=0)
    assert evidence.observer == LOAD_BALANCER
    assert evidence.services == {
        Service.LIVY: healthy("target healthy"),
        Service.RESOURCE_MANAGER: unhealthy("target unhealthy"),
        Service.NAME_NODE: unknown("target draining"),
    }
    assert set(world.cloud.asked) == {("balanced", "10.0.0.7"), ("rm", "10.0.0.7"), ("nn", "10.0.0.7")}


def test_a_young_incarnation_is_not_judged(world: World) -> None:
    world.put(replace(INCARNATION, serving_from=NOW - 20))
    world.dies()

    world.round()

    assert world.cloud.started == []


def test_what_was_seen_before_a_repair_does_not_count(world: World) -> None:
    """A11: the restart of Livy answered it; another operation would launch a cluster for a fault that is mended."""
    world.put(replace(INCARNATION, repaired_at=NOW - 20))
    world.dies()

    world.round()

    assert world.cloud.started == []


@pytest.mark.parametrize("outcome", [Outcome.FAILED_OVER, Outcome.REPAIRED, Outcome.CANCELLED])
def test_an_answered_incident_is_closed(world: World, outcome: Outcome) -> None:
    world.dies()
    world.round()
    _end(world, f"{INCIDENT}-1", outcome)

    world.round()

    incident = world.store.incident("a")
    assert incident is not None and incident.state is IncidentState.CLOSED


def test_a_failed_operation_is_followed_by_another(world: World) -> None:
    world.dies()
    world.round()
    _end(world, f"{INCIDENT}-1", Outcome.FAILED)

    world.now += 120
    world.dies()
    world.round()

    assert [request.operation for request in world.cloud.started] == [f"{INCIDENT}-1", f"{INCIDENT}-2"]


def test_an_operation_that_ended_without_a_word_is_followed_by_another(world: World) -> None:
    world.dies()
    world.round()
    world.cloud.running.clear()

    world.now += 120
    world.dies()
    world.round()

    assert [request.operation for request in world.cloud.started] == [f"{INCIDENT}-1", f"{INCIDENT}-2"]


def test_a_person_is_paged_when_no_operation_helps(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    for attempt in (1, 2, 3):
        world.dies()
        world.round()
        _end(world, f"{INCIDENT}-{attempt}", Outcome.FAILED)
        world.now += 120
    world.dies()

    world.round()

    assert len(world.cloud.started) == 3
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

    incident = world.store.incident("a")
    assert incident is not None and incident.state is IncidentState.CLOSED


def test_the_next_incident_has_a_name_of_its_own(world: World) -> None:
    world.dies()
    world.round()
    _end(world, f"{INCIDENT}-1", Outcome.CANCELLED)
    world.round()

    world.now += 60
    world.dies()
    world.round()

    assert [request.operation for request in world.cloud.started] == [f"{INCIDENT}-1", "a-20261121t031055-1"]


def test_detection_is_measured_from_the_first_bad_evidence(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.dies()

    world.round()

    values = emitted(capsys)
    assert values[metrics.DETECT_SECONDS] == 30
    assert (values[metrics.VERDICT_UNHEALTHY], values[metrics.VERDICT_UNKNOWN]) == (1, 0)


def _fail(*_: object) -> Any:
    raise RuntimeError("the monitor dies here")


def _end(world: World, operation: str, outcome: Outcome) -> None:
    found = world.store.operation(operation)
    assert found is not None
    world.put(replace(found, outcome=outcome))
