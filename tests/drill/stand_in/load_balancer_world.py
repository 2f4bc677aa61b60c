"""A stand-in with nothing but load balancers, and the front door's shape in CloudFormation and API calls."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, MutableSequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import boto3
from moto import mock_aws

from dr_core import routing
from emr_drill.addresses import Addresses
from emr_drill.clock import Clock
from emr_drill.stand_in import load_balancers
from emr_drill.stand_in.load_balancers import LoadBalancers
from emr_drill.timing import Timing
from tests.drill.front_door.world import LIMIT

REGION = "us-east-1"
BLOCK = 98


class FakeStandIn:
    """What load balancers need of a stand-in."""

    load_balancers: LoadBalancers
    clients: ClassVar[dict[str, Any]] = {}

    def __init__(self, workdir: Path, *, speed: float) -> None:
        self.clock = Clock.start(speed=speed)
        self.timing = Timing(seed=1)
        self.addresses = Addresses(block=BLOCK)
        self.workdir = workdir
        self.region = REGION
        self.journal: MutableSequence[dict[str, Any]] = []

    def client(self, service: str) -> Any:
        """A boto3 client, made once: making one takes longer than most tests."""
        if service not in self.clients:
            session = boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
            self.clients[service] = session.client(service)  # type: ignore[call-overload]
        return self.clients[service]

    def settle(self) -> None:
        """Wait until every node knows every change."""
        self.clock.sleep(max(0.0, self.load_balancers.settled_at() - self.clock.now()) + 0.01)


@contextmanager
def stand_in(workdir: Path, *, speed: float = 1000) -> Iterator[FakeStandIn]:
    """A running one; at its speed all delays of the timing table pass in a blink."""
    with mock_aws():
        fake = FakeStandIn(workdir, speed=speed)
        load_balancers.install(fake)
        try:
            yield fake
        finally:
            fake.load_balancers.close()


def template(port: int, certificate: str = "") -> dict[str, Any]:
    """The front door in small: both load balancers, slot 1, and its rules, on *port*, over TLS with a *certificate*."""
    scheme = "HTTPS" if certificate else "HTTP"
    shown = {"Certificates": [{"CertificateArn": certificate}]} if certificate else {}

    def group(**properties: Any) -> dict[str, Any]:
        return {
            "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
            "Properties": {
                "VpcId": {"Ref": "Vpc"},
                "Port": port,
                "Protocol": "HTTP",
                "TargetType": "ip",
                "HealthCheckPath": "/healthy",
                "HealthCheckIntervalSeconds": 5,
                "HealthCheckTimeoutSeconds": 3,
                "HealthyThresholdCount": 2,
                "UnhealthyThresholdCount": 2,
                "Matcher": {"HttpCode": "200"},
                "TargetGroupAttributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": "30"}],
                **properties,
            },
        }

    def rule(priority: int, conditions: list[dict[str, Any]], action: dict[str, Any]) -> dict[str, Any]:
        return {
            "Type": "AWS::ElasticLoadBalancingV2::ListenerRule",
            "Properties": {
                "ListenerArn": {"Ref": "Listener"},
                "Priority": priority,
                "Conditions": conditions,
                "Actions": [action],
            },
        }

    def fixed(status: str, body: str) -> dict[str, Any]:
        config = {"StatusCode": status, "ContentType": "application/json", "MessageBody": body}
        return {"Type": "fixed-response", "FixedResponseConfig": config}

    def balancer(kind: str, attributes: dict[str, str]) -> dict[str, Any]:
        return {
            "Type": "AWS::ElasticLoadBalancingV2::LoadBalancer",
            "Properties": {
                "Type": kind,
                "Scheme": "internal",
                "Subnets": [{"Ref": "SubnetA"}, {"Ref": "SubnetB"}],
                "SecurityGroups": [{"Ref": "Group"}],
                "LoadBalancerAttributes": [{"Key": key, "Value": value} for key, value in attributes.items()],
            },
        }

    def subnet(letter: str, number: int) -> dict[str, Any]:
        return {
            "Type": "AWS::EC2::Subnet",
            "Properties": {
                "VpcId": {"Ref": "Vpc"},
                "CidrBlock": f"10.0.{number}.0/24",
                "AvailabilityZone": f"{REGION}{letter}",
            },
        }

    def forward(name: str) -> dict[str, Any]:
        return {"Type": "forward", "TargetGroupArn": {"Ref": name}}

    return {
        "Resources": {
            "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
            "SubnetA": subnet("a", 1),
            "SubnetB": subnet("b", 2),
            "Group": {
                "Type": "AWS::EC2::SecurityGroup",
                "Properties": {"GroupDescription": "front door", "VpcId": {"Ref": "Vpc"}},
            },
            "Door": balancer("network", {"load_balancing.cross_zone.enabled": "true"}),
            "Router": balancer("application", {"idle_timeout.timeout_seconds": "25"}),
            "Balanced": group(),
            "Slot": group(),
            "Doorway": group(
                TargetType="alb",
                Protocol="TCP",
                HealthCheckProtocol=scheme,
                HealthCheckPath=routing.HEALTH_PATH,
                Targets=[{"Id": {"Ref": "Router"}, "Port": port}],
            )
            | {"DependsOn": ["Listener"]},
            "Listener": {
                "Type": "AWS::ElasticLoadBalancingV2::Listener",
                "Properties": {
                    "LoadBalancerArn": {"Ref": "Router"},
                    "Port": port,
                    "Protocol": scheme,
                    **shown,
                    "DefaultActions": [forward("Balanced")],
                },
            },
            "DoorListener": {
                "Type": "AWS::ElasticLoadBalancingV2::Listener",
                "Properties": {
                    "LoadBalancerArn": {"Ref": "Door"},
                    "Port": port,
                    "Protocol": "TCP",
                    "DefaultActions": [forward("Doorway")],
                },
            },
            "Health": rule(1, routing.health_conditions(), fixed("200", routing.HEALTH_BODY)),
            "IdRule": rule(101, routing.unused_id_conditions(1), forward("Slot")),
            "HeaderRule": rule(201, routing.unused_header_conditions(1), forward("Slot")),
            "Gone": rule(900, routing.gone_rules()[0], fixed("410", routing.GONE_BODY)),
        },
        "Outputs": {
            "RouterName": {"Value": {"Fn::GetAtt": ["Router", "DNSName"]}},
            "DoorName": {"Value": {"Fn::GetAtt": ["Door", "DNSName"]}},
            "DoorArn": {"Value": {"Ref": "Door"}},
            "DoorFullName": {"Value": {"Fn::GetAtt": ["Door", "LoadBalancerFullName"]}},
            "DoorZone": {"Value": {"Fn::GetAtt": ["Door", "CanonicalHostedZoneID"]}},
            "RouterArn": {"Value": {"Fn::GetAtt": ["Router", "LoadBalancerArn"]}},
            "Balanced": {"Value": {"Fn::GetAtt": ["Balanced", "TargetGroupArn"]}},
            "BalancedFullName": {"Value": {"Fn::GetAtt": ["Balanced", "TargetGroupFullName"]}},
            "Slot": {"Value": {"Ref": "Slot"}},
            "Doorway": {"Value": {"Ref": "Doorway"}},
            "Listener": {"Value": {"Fn::GetAtt": ["Listener", "ListenerArn"]}},
            "IdRule": {"Value": {"Fn::GetAtt": ["IdRule", "RuleArn"]}},
        },
    }


def deploy(fake: FakeStandIn, port: int, certificate: str = "") -> dict[str, str]:
    """The stack's outputs."""
    formation = fake.client("cloudformation")
    formation.create_stack(StackName="front-door", TemplateBody=json.dumps(template(port, certificate)))
    stack = formation.describe_stacks(StackName="front-door")["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def ask(address: str, port: int, path: str) -> tuple[int, str]:
    """Status and text that *address* answers."""
    connection = http.client.HTTPConnection(address, port, timeout=LIMIT)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def states(fake: FakeStandIn, group: str, **arguments: Any) -> dict[str, str]:
    """Target's id to its state."""
    answer = fake.client("elbv2").describe_target_health(TargetGroupArn=group, **arguments)
    return {entry["Target"]["Id"]: entry["TargetHealth"]["State"] for entry in answer["TargetHealthDescriptions"]}
