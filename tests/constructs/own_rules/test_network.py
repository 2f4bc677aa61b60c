"""Rules about who reaches what: an example that passes and those that fail (B8)."""

from __future__ import annotations

from typing import Any

import pytest

from .examples import found, of

INGRESS = "AWS::EC2::SecurityGroupIngress"


@pytest.mark.parametrize(
    "rule",
    [
        {"CidrIp": "10.0.0.0/8"},
        {"CidrIp": "192.168.1.0/24"},
        {"CidrIpv6": "fd00::/8"},
        {"SourceSecurityGroupId": "sg-1"},
        {"CidrIp": {"Fn::GetAtt": ["Vpc", "CidrBlock"]}},
    ],
)
def test_a_named_network_is_no_open_range(rule: dict[str, Any]) -> None:
    assert found("no-open-range", of(INGRESS, rule)) == []
    assert found("no-open-range", of("AWS::EC2::SecurityGroup", {"SecurityGroupIngress": [rule]})) == []


@pytest.mark.parametrize("key", ["CidrIp", "CidrIpv6"])
@pytest.mark.parametrize("wide", ["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/4", "::/0", "2000::/3"])
def test_an_open_range_is_found_wherever_it_stands(key: str, wide: str) -> None:
    rule = {key: wide, "IpProtocol": "tcp"}

    assert found("no-open-range", of(INGRESS, rule)) == [f"admits {wide}"]
    assert found("no-open-range", of("AWS::EC2::SecurityGroup", {"SecurityGroupIngress": [rule]})) == [f"admits {wide}"]


def test_outbound_rules_are_no_matter_of_it() -> None:
    outbound = {"SecurityGroupEgress": [{"CidrIp": "0.0.0.0/0", "IpProtocol": "-1"}]}

    assert found("no-open-range", of("AWS::EC2::SecurityGroup", outbound)) == []


@pytest.mark.parametrize(
    ("rule", "what"),
    [
        ({"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "SourceSecurityGroupId": "sg-1"}, "admits SSH (22)"),
        ({"IpProtocol": "tcp", "FromPort": 3000, "ToPort": 4000, "CidrIp": "10.0.0.0/16"}, "admits RDP (3389)"),
        ({"IpProtocol": "-1", "CidrIp": "10.0.0.0/16"}, "admits every protocol from 10.0.0.0/16"),
    ],
)
def test_nobody_logs_in_over_the_network(rule: dict[str, Any], what: str) -> None:
    assert found("no-remote-access", of(INGRESS, rule)) == [what]


@pytest.mark.parametrize(
    "rule",
    [
        {"IpProtocol": "tcp", "FromPort": 8998, "ToPort": 8998, "CidrIp": "10.0.0.0/16"},
        # As EMR asks for between the groups of a cluster.
        {"IpProtocol": "tcp", "FromPort": 0, "ToPort": 65535, "SourceSecurityGroupId": "sg-1"},
    ],
)
def test_other_ports_and_a_clusters_own_machines_are_admitted(rule: dict[str, Any]) -> None:
    assert found("no-remote-access", of(INGRESS, rule)) == []


def test_a_public_subnet_or_load_balancer_is_found() -> None:
    balancer = "AWS::ElasticLoadBalancingV2::LoadBalancer"

    assert found("nothing-public", of("AWS::EC2::Subnet", {"MapPublicIpOnLaunch": True})) == [
        "gives machines public addresses"
    ]
    assert found("nothing-public", of(balancer, {"Scheme": "internet-facing"})) == ["its scheme is internet-facing"]
    assert found("nothing-public", of(balancer, {})) == ["its scheme is internet-facing by default"]
    assert found("nothing-public", of(balancer, {"Scheme": "internal"})) == []
    assert found("nothing-public", of("AWS::EC2::Subnet", {"MapPublicIpOnLaunch": False})) == []
