"""A primary whose three services give the real answers of healthy ones, and a front door."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from dr_core import readings, routing
from dr_core.config import Canary, FunctionConfig, Policy, ServicePorts

from ..http_server import CannedServer, canned_server
from ..tables import dynamodb, dynamodb_of_module

__all__ = ["dynamodb", "dynamodb_of_module"]


@dataclass(frozen=True)
class World:
    """What a prober sees: everything on 127.0.0.1."""

    livy: CannedServer
    resource_manager: CannedServer
    name_node: CannedServer
    front_door: CannedServer
    config: FunctionConfig
    address: str = "127.0.0.1"


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(max_workers=16) as executor:
        yield executor


@pytest.fixture
def world(sample: Callable[[str], Any]) -> Iterator[World]:
    with ExitStack() as stack:
        livy, resource_manager, name_node, front_door = (stack.enter_context(canned_server()) for _ in range(4))
        livy.answers["GET", readings.LIVY_SESSIONS] = (200, sample("livy-sessions-empty"))
        resource_manager.answers["GET", readings.RESOURCE_MANAGER_INFO] = (200, sample("rm-cluster-info"))
        resource_manager.answers["GET", readings.RESOURCE_MANAGER_METRICS] = (200, sample("rm-cluster-metrics"))
        name_node.answers["GET", readings.NAME_NODE_STATUS] = (200, sample("nn-NameNodeStatus"))
        name_node.answers["GET", readings.NAME_NODE_STATE] = (200, sample("nn-FSNamesystemState"))
        front_door.answers["GET", routing.HEALTH_PATH] = (200, routing.HEALTH_BODY)
        yield World(
            livy=livy,
            resource_manager=resource_manager,
            name_node=name_node,
            front_door=front_door,
            config=FunctionConfig(
                deployment="dep",
                record_table="record",
                evidence_table="evidence",
                managed_clusters=(),
                subnets=(),
                slots=(),
                balanced_target_group="balanced",
                front_door_host="127.0.0.1",
                load_balancer_host="127.0.0.1",
                front_door_port=front_door.port,
                ports=ServicePorts(livy=livy.port, resource_manager=resource_manager.port, name_node=name_node.port),
                canary=Canary(file="hdfs:///tmp/emr-dr/canary.py", arguments=("10",)),
                policy=Policy(),
            ),
        )
