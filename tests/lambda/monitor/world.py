"""A monitor over a record and evidence in tables, with AWS's answers made up."""

from __future__ import annotations

import json
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
from aws_lambda_powertools import Logger

from dr_core.config import Canary, FunctionConfig, ManagedClusterResources, SlotResources
from dr_core.controls import Controls, Turn
from dr_core.evidence import Evidence, Reading, Service, healthy, unhealthy
from dr_core.record import Incarnation, IncarnationState, Incident, ManagedCluster, Operation, Outcome
from dr_core.requests import OperationRequest
from dr_core.verdicts import Termination
from monitor.reporting import Report
from monitor.store import Store
from monitor.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_dynamodb.service_resource import DynamoDBServiceResource

NOW = 1_795_230_625.0
RESOURCES = ManagedClusterResources(name="a", resource_manager_target_group="rm", name_node_target_group="nn")
CONFIG = FunctionConfig(
    deployment="dep",
    record_table="record",
    evidence_table="evidence",
    managed_clusters=(RESOURCES,),
    subnets=(),
    slots=tuple(
        SlotResources(number=number, target_group=f"slot-{number}", id_rule="", header_rule="") for number in (1, 2)
    ),
    balanced_target_group="balanced",
    front_door_host="nlb.example.com",
    load_balancer_host="alb.example.com",
    operation_state_machine="arn:aws:states:us-east-1:123456789012:stateMachine:dep-operation",
    canary=Canary(file="x"),
)
TWO = replace(
    CONFIG,
    managed_clusters=(
        RESOURCES,
        ManagedClusterResources(name="b", resource_manager_target_group="rm-b", name_node_target_group="nn-b"),
    ),
)
EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:dep-operation"
INCARNATION = Incarnation(
    generation=1,
    managed_cluster="a",
    state=IncarnationState.SERVING,
    availability_zone="us-east-1a",
    primary_address="10.0.0.7",
    cluster_id="j-1",
    serving_from=NOW - 1000,
)
OTHER = replace(
    INCARNATION,
    generation=2,
    managed_cluster="b",
    availability_zone="us-east-1b",
    primary_address="10.0.1.7",
    cluster_id="j-2",
)
INCIDENT = "a-20261121t030955"  # 30 s before now


@dataclass
class FakeCloud:
    """AWS's answers."""

    health: dict[str, Reading] = field(default_factory=dict)
    ending: Termination | Exception | None = None
    running: set[str] = field(default_factory=set)
    known_since: dict[str, float | None] = field(default_factory=dict)
    started: list[OperationRequest] = field(default_factory=list)
    asked: list[tuple[tuple[str, ...], str]] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)

    def target_health(self, target_groups: Sequence[str], address: str) -> Reading:
        self.asked.append((tuple(target_groups), address))
        return self.health.get(target_groups[0], healthy("target healthy"))

    def termination(self, cluster_id: str) -> Termination | None:
        if isinstance(self.ending, Exception):
            raise self.ending
        return self.ending

    def is_running(self, execution: str, *, since: float | None) -> bool:
        self.known_since[execution] = since
        return execution in self.running

    def start(self, state_machine: str, request: OperationRequest) -> str | None:
        if request.operation in self.taken:
            return None
        self.started.append(request)
        execution = f"{state_machine.replace(':stateMachine:', ':execution:')}:{request.operation}"
        self.running.add(execution)
        return execution


class World:
    """A monitor and what it sees; time stands still unless a test moves it."""

    def __init__(self, dynamodb: DynamoDBServiceResource, pool: Executor) -> None:
        self.now = NOW
        self.record = dynamodb.Table("record")
        self.store = Store(dynamodb=dynamodb, record_table="record", evidence_table="evidence", round_seconds=10)
        self.cloud = FakeCloud()
        self.pool = pool
        self.watch = self.restarted(CONFIG)
        self.put(ManagedCluster(name="a", serving_generation=1), INCARNATION)

    def restarted(self, config: FunctionConfig) -> Watch:
        """A monitor in a process of its own, which knows nothing but what the tables hold."""
        return Watch(
            config=config,
            store=self.store,
            cloud=self.cloud,  # type: ignore[arg-type]
            pool=self.pool,
            report=Report(deployment="dep", logger=Logger(service="test")),
        )

    def add_b(self) -> None:
        """A second managed cluster in another AZ."""
        self.watch = self.restarted(TWO)
        self.put(ManagedCluster(name="b", serving_generation=2), OTHER)

    def put(self, *records: ManagedCluster | Incarnation | Operation | Incident | Controls | Turn) -> None:
        for record in records:
            self.record.put_item(Item=record.to_item())

    def looks(
        self,
        reading: Reading,
        *,
        rounds: int = 4,
        zones: str = "abc",
        incarnation: str = "g000001",
        certificates: tuple[str, ...] = (),
    ) -> None:
        """Evidence of the last rounds, by the probers of *zones*."""
        for zone in zones:
            for age in range(rounds):
                self.store.write_evidence(
                    Evidence(
                        incarnation=incarnation,
                        observer=f"prober:{zone}",
                        observed_at=self.now - 10 * age,
                        services=dict.fromkeys(Service, reading),
                        front_door=True,
                        certificates=certificates,
                    )
                )

    def dies(self, incarnation: str = "g000001") -> None:
        self.looks(unhealthy("connection refused"), incarnation=incarnation)

    def round(self) -> bool:
        return self.watch.round().complete

    def incident(self, managed_cluster: str = "a") -> Incident | None:
        """The latest incident of a managed cluster."""
        return self.store.overview([managed_cluster]).incidents.get(managed_cluster)

    def end(self, operation: str, outcome: Outcome) -> None:
        """An operation comes to its end."""
        found = self.store.operation(operation)
        assert found is not None
        self.put(replace(found, outcome=outcome))

    @property
    def started(self) -> list[str]:
        """The operations that were started."""
        return [request.operation for request in self.cloud.started]


def emitted(capsys: pytest.CaptureFixture[str]) -> dict[str, float]:
    """The last value of each metric."""
    values: dict[str, float] = {}
    for line in capsys.readouterr().out.splitlines():
        data = json.loads(line)
        for directive in data.get("_aws", {}).get("CloudWatchMetrics", []):
            for metric in directive["Metrics"]:
                values[metric["Name"]] = data[metric["Name"]][-1]
    return values
