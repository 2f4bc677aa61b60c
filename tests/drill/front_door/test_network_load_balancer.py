"""What a client meets at the stable name (A1, A4)."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from emr_drill.clock import Clock
from emr_drill.front_door.health import HealthState
from emr_drill.front_door.model import (
    DEFAULT_RULE_PRIORITY,
    Forward,
    HealthCheck,
    Listener,
    LoadBalancer,
    Rule,
    Target,
    TargetGroup,
)
from emr_drill.front_door.network_load_balancer import NetworkLoadBalancerNode
from emr_drill.front_door.propagation import NodeView
from emr_drill.front_door.server import FrontDoorServer
from tests.drill.front_door.world import GONE, HOST, LIMIT, Verdicts, door, free_port

ALB = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/door/1"


@pytest.fixture
def server() -> Iterator[FrontDoorServer]:
    """The thread that nodes run on."""
    made = FrontDoorServer()
    yield made
    made.close()


@contextmanager
def stable(
    server: FrontDoorServer,
    nodes: list[tuple[str, str]],
    *targets: Target,
    verdicts: Verdicts | None = None,
    cross_zone: bool = True,
) -> Iterator[tuple[NetworkLoadBalancerNode, int]]:
    """A node in the AZ ``a`` in front of an application load balancer with *nodes*."""
    port = free_port()
    group = TargetGroup(arn="door", name="door", target_type="alb", targets=targets, health_check=HealthCheck())
    rule = Rule(arn="rule", priority=DEFAULT_RULE_PRIORITY, conditions=(), action=Forward(groups=(("door", 1),)))
    view = LoadBalancer(
        arn="network",
        name="network",
        kind="network",
        dns_name="network.example",
        zones=("a",),
        listeners=(Listener(arn="listener", port=port, rules=(rule,)),),
        groups=(group,),
        cross_zone=cross_zone,
    )
    node = NetworkLoadBalancerNode(
        address=HOST,
        zone="a",
        view=NodeView(view),
        health=verdicts or Verdicts(),
        clock=Clock.start(speed=100),
        nodes_of=lambda arn: nodes if arn == ALB else [],
    )
    server.listen(HOST, port, lambda reader, writer: node.serve(port, reader, writer))
    yield node, port


def test_request_gets_the_application_load_balancers_answer(server: FrontDoorServer) -> None:
    """End to end to a fixed response, several requests on one connection."""
    with (
        door(action=GONE, server=server) as front,
        stable(server, [("a", HOST)], Target(id=ALB, port=front.port)) as (_, port),
    ):
        connection = http.client.HTTPConnection(HOST, port, timeout=LIMIT)
        for _ in range(2):
            connection.request("GET", "/batches/7")
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (410, b'{"msg": "gone"}')
        connection.close()


def test_connection_ends_when_the_other_side_ends_it(server: FrontDoorServer) -> None:
    """Here the application load balancer, which closes idle connections."""
    with (
        door(action=GONE, server=server, idle_timeout_seconds=0.1) as front,
        stable(server, [("a", HOST)], Target(id=ALB, port=front.port)) as (_, port),
        socket.create_connection((HOST, port), timeout=LIMIT) as connection,
    ):
        assert connection.recv(1) == b""


def test_connection_without_target_is_closed(server: FrontDoorServer) -> None:
    """Nothing is registered."""
    with stable(server, []) as (_, port), socket.create_connection((HOST, port), timeout=LIMIT) as connection:
        assert connection.recv(1) == b""


def test_connection_to_a_dead_target_is_closed(server: FrontDoorServer) -> None:
    """Nobody answers behind it."""
    target = Target(id=ALB, port=free_port())
    with (
        stable(server, [("a", HOST)], target) as (_, port),
        socket.create_connection((HOST, port), timeout=LIMIT) as connection,
    ):
        assert connection.recv(1) == b""


def test_nodes_of_every_az_are_used(server: FrontDoorServer) -> None:
    """Cross-zone."""
    with stable(server, [("a", "127.0.0.1"), ("b", "127.0.0.2")], Target(id=ALB, port=1)) as (node, port):
        assert [target.id for target in node.answer(port).targets] == ["127.0.0.1", "127.0.0.2"]


def test_without_cross_zone_the_own_az_is_used(server: FrontDoorServer) -> None:
    """Only the node beside this one."""
    nodes = [("a", "127.0.0.1"), ("b", "127.0.0.2")]
    with stable(server, nodes, Target(id=ALB, port=1), cross_zone=False) as (node, port):
        assert [target.id for target in node.answer(port).targets] == ["127.0.0.1"]


def test_unhealthy_target_is_used_if_there_is_no_other(server: FrontDoorServer) -> None:
    """The network load balancer fails open."""
    target = Target(id=ALB, port=1)
    verdicts = Verdicts({target: HealthState.UNHEALTHY})
    with stable(server, [("a", "127.0.0.1")], target, verdicts=verdicts) as (node, port):
        assert node.answer(port).targets
