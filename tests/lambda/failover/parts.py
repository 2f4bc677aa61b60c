"""What a world is made of: its clock, its configuration, clusters and stacks."""

from __future__ import annotations

import json
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any

from dr_core.config import (
    Canary,
    FunctionConfig,
    ManagedClusterResources,
    ProberFunction,
    Scripts,
    SlotResources,
    SubnetChoice,
)

START = 1_800_000_000.0
DEPLOYMENT = "emr-dr-active-passive"
OPERATIONS = "arn:aws:states:us-east-1:123456789012:stateMachine:operation"
RETIREMENTS = "arn:aws:states:us-east-1:123456789012:stateMachine:retirement"
ZONES = ("us-east-1a", "us-east-1b", "us-east-1c")
SPEC = json.dumps(
    {
        "parameters": {"ServiceRole": "role"},
        "scaling": {"maximum_instances": 10, "maximum_instances_alone": 20, "minimum_instances": 2},
        "tags": {"cost-center": "analytics"},
        "template_url": "https://bucket/template.json",
    }
)

CONFIG = FunctionConfig(
    deployment=DEPLOYMENT,
    record_table="record",
    evidence_table="evidence",
    managed_clusters=(
        ManagedClusterResources(name="a", resource_manager_target_group="rm-a", name_node_target_group="nn-a"),
    ),
    subnets=tuple(SubnetChoice(availability_zone=zone, subnet_id=f"subnet-{zone}") for zone in ZONES),
    slots=tuple(
        SlotResources(
            number=number, target_group=f"slot-{number}", id_rule=f"id-{number}", header_rule=f"header-{number}"
        )
        for number in (1, 2, 3, 4)
    ),
    balanced_target_group="balanced",
    front_door_host="front.door",
    load_balancer_host="load.balancer",
    probers=tuple(ProberFunction(availability_zone=zone, function_name=f"prober-{zone}") for zone in ZONES),
    operation_state_machine=OPERATIONS,
    retirement_state_machine=RETIREMENTS,
    incarnation_role="arn:aws:iam::123456789012:role/incarnation",
    alert_topic="arn:aws:sns:us-east-1:123456789012:alerts",
    canary=Canary(file="hdfs:///tmp/emr-dr/canary.py"),
    scripts=Scripts(seed="s3://assets/seed.sh", restart="s3://assets/restart.sh", state_directory="/recovery"),
)


class AtOnce(Executor):
    """Carries out what it is given at once."""

    def submit(self, function: Any, /, *arguments: Any, **keywords: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments, **keywords))
        except Exception as error:  # noqa: BLE001 - it belongs to whoever asks for the result
            future.set_exception(error)
        return future


class LostAnswerError(Exception):
    """A call took effect, and its answer was lost; the process dies of it."""


class TooLongError(AssertionError):
    """A machine did not come to its end."""


@dataclass
class Clock:
    """Time that passes when a test says so."""

    now: float = START

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Step:
    """An EMR step: it completes after a while, unless it has another *end*."""

    step_id: str
    name: str
    arguments: list[str]
    created: float
    end: str = "COMPLETED"
    seconds: float = 40.0
    took_effect: bool = False
    cancelled: bool = False


NODES = 2  # of a cluster's YARN, as probers see them


@dataclass
class Cluster:
    """An EMR cluster: its state follows the clock until somebody ends it."""

    cluster_id: str
    name: str
    tags: dict[str, str]
    address: str
    started: float
    fails: str = ""
    protected: bool = False
    ended_at: float | None = None
    first_id: int = 0
    rm_reachable: bool = True
    lost_nodes: int | None = 0
    active_nodes: int | None = NODES
    rm_started: float | None = None  # with the cluster
    applications: list[str] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    sessions: list[int] = field(default_factory=list)
    stubborn: bool = False
    canary_state: str = "success"
    bad_seed: bool = False
    steps: list[Step] = field(default_factory=list)
    canaries: dict[str, int] = field(default_factory=dict)  # ids by name
    newest_id: int | None = None  # that of its last canary
    limits: dict[str, Any] | None = None  # of managed scaling, as EMR tells them
    fleets: bool = False  # of instance fleets, not of instance groups


@dataclass
class Stack:
    """A stack: its status follows its cluster."""

    stack_id: str
    name: str
    tags: dict[str, str]
    parameters: dict[str, str]
    cluster: Cluster | None
    created: float
    deleting: bool = False
    deletions: int = 0
    events: list[dict[str, str]] = field(default_factory=list)
