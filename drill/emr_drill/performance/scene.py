"""What functions are measured against: tables, load balancers and clusters of moto, and services that answer at once.

So a round's time is that of the function, of the SDK and of this machine; a network and AWS are not in it.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

from dr_core.config import (
    ENVIRONMENT_VARIABLE,
    Canary,
    FunctionConfig,
    ManagedClusterResources,
    ServicePorts,
    SlotResources,
)
from dr_core.id_ranges import prefix_of
from dr_core.readings import (
    LIVY_SESSIONS,
    NAME_NODE_STATE,
    NAME_NODE_STATUS,
    RESOURCE_MANAGER_INFO,
    RESOURCE_MANAGER_METRICS,
)
from dr_core.record import Incarnation, IncarnationState, ManagedCluster

REGION = "us-east-1"
SESSIONS = ", ".join(f'{{"id": {number}, "state": "idle", "log": []}}' for number in range(50))
ANSWERS = {
    LIVY_SESSIONS: f'{{"from": 0, "total": 50, "sessions": [{SESSIONS}]}}',
    RESOURCE_MANAGER_INFO: '{"clusterInfo": {"state": "STARTED"}}',
    RESOURCE_MANAGER_METRICS: '{"clusterMetrics": {"activeNodes": 3}}',
    NAME_NODE_STATUS: '{"beans": [{"State": "active"}]}',
    NAME_NODE_STATE: '{"beans": [{"FSState": "Operational"}]}',
}
# Loopback addresses, which nobody has to be given: 127.35 is of no drill.
PRIMARIES = "127.35.0.{number}"


class _Service(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = ANSWERS.get(self.path, "ok").encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024


@dataclass(frozen=True, slots=True)
class Scene:
    """Where the functions look.

    Attributes:
        environment: variables of a function's process.
        endpoint: of AWS.
    """

    environment: dict[str, str]
    endpoint: str

    def evidence(self) -> list[tuple[str, str]]:
        """Incarnation and observer of everything that was seen."""
        client: Any = boto3.Session("test", "test", region_name=REGION).client("dynamodb", endpoint_url=self.endpoint)
        items = client.scan(TableName="evidence")["Items"]
        return [(item["incarnation"]["S"], item.get("observer", {}).get("S", "")) for item in items]


@contextmanager
def scene(incarnations: int) -> Iterator[Scene]:
    """A deployment of so many incarnations, of which two serve and the others linger."""
    for name in ("werkzeug", "moto"):
        logging.getLogger(name).setLevel(logging.ERROR)
    aws = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    aws.start()
    servers = [_Server(("", 0), _Service) for _ in range(4)]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        host, port = aws.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        config = _deployment(endpoint, [server.server_port for server in servers], incarnations=incarnations)
        yield Scene(
            endpoint=endpoint,
            environment={
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_DEFAULT_REGION": REGION,
                "AWS_ENDPOINT_URL": endpoint,
                "EMR_DR_AVAILABILITY_ZONE": f"{REGION}a",
                "POWERTOOLS_SERVICE_NAME": "bench",
                "POWERTOOLS_METRICS_NAMESPACE": "Bench",
                ENVIRONMENT_VARIABLE: config,
            },
        )
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
        aws.stop()


def _deployment(endpoint: str, ports: list[int], *, incarnations: int) -> str:
    """Make tables, groups and clusters; the functions' configuration."""
    session = boto3.Session("test", "test", region_name=REGION)

    def client(service: Any) -> Any:
        make: Any = session.client
        return make(service, endpoint_url=endpoint)

    tables: Any = session.resource("dynamodb", endpoint_url=endpoint)
    record = _table(tables, "record", "kind", "id")
    _table(tables, "evidence", "incarnation", "observed")
    clusters = [_cluster(client("emr"), name) for name in ("a", "b")]
    groups = _target_groups(client("elbv2"), client("ec2"), 5)
    for number in range(1, incarnations + 1):
        serves = number <= len(clusters)
        item = Incarnation(
            generation=number,
            managed_cluster="ab"[number % 2 - 1],
            state=IncarnationState.SERVING if serves else IncarnationState.RETIRING,
            stack_name=f"bench-{number}",
            id_prefix=prefix_of(number),
            primary_address=PRIMARIES.format(number=number),
            cluster_id=clusters[number - 1] if serves else None,
            serving_from=1.0,
        ).to_item()
        record.put_item(Item=item)
    for number, name in ((1, "a"), (2, "b")):
        record.put_item(Item=ManagedCluster(name=name, serving_generation=number).to_item())
    config = FunctionConfig(
        deployment="bench",
        record_table="record",
        evidence_table="evidence",
        managed_clusters=(
            ManagedClusterResources(
                name="a", resource_manager_target_group=groups[0], name_node_target_group=groups[1]
            ),
            ManagedClusterResources(
                name="b", resource_manager_target_group=groups[2], name_node_target_group=groups[3]
            ),
        ),
        subnets=(),
        slots=tuple(
            SlotResources(number=number, target_group=groups[4], id_rule="", header_rule="") for number in range(1, 6)
        ),
        balanced_target_group=groups[4],
        front_door_host="127.0.0.1",
        load_balancer_host="127.0.0.1",
        front_door_port=ports[3],
        operation_state_machine=f"arn:aws:states:{REGION}:123456789012:stateMachine:bench-operation",
        ports=replace(ServicePorts(), livy=ports[0], resource_manager=ports[1], name_node=ports[2]),
        canary=Canary(file="canary"),
    )
    return json.dumps(config.to_dict())


def _table(tables: Any, name: str, partition: str, sort: str) -> Any:
    return tables.create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": partition, "KeyType": "HASH"},
            {"AttributeName": sort, "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in (partition, sort)],
        BillingMode="PAY_PER_REQUEST",
    )


def _cluster(client: Any, name: str) -> str:
    made = client.run_job_flow(
        Name=name,
        Instances={
            "InstanceCount": 1,
            "MasterInstanceType": "m5.xlarge",
            "KeepJobFlowAliveWhenNoSteps": True,
        },
        JobFlowRole="r",
        ServiceRole="r",
    )
    return str(made["JobFlowId"])


def _target_groups(client: Any, ec2: Any, count: int) -> list[str]:
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    return [
        str(
            client.create_target_group(Name=f"bench-{number}", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip")[
                "TargetGroups"
            ][0]["TargetGroupArn"]
        )
        for number in range(count)
    ]
