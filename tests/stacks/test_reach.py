"""Who reaches whom over the network, by the security groups of the synthesized templates (A5, B8)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ..roles import Resolver, for_people, generic
from .test_permissions import Templates, read

# From, to, ports.  Between the groups of one cluster EMR asks for everything, and adds it where it is missing.
ADMITTED = {
    ("LivyClients", "FrontDoorNetworkGroup", "tcp 8998"),
    ("FrontDoorNetworkGroup", "FrontDoorRoutingGroup", "tcp 8998"),
    ("FrontDoorNetworkGroup", "FrontDoorRoutingGroup", "tcp 8088"),
    ("FrontDoorNetworkGroup", "FrontDoorRoutingGroup", "tcp 9870"),
    ("FrontDoorRoutingGroup", "SecurityAdditionalPrimary", "tcp 8998"),
    ("FrontDoorRoutingGroup", "SecurityAdditionalPrimary", "tcp 8088"),
    ("FrontDoorRoutingGroup", "SecurityAdditionalPrimary", "tcp 9870"),
    ("ProbersGroup", "FrontDoorNetworkGroup", "tcp 8998"),
    ("ProbersGroup", "FrontDoorRoutingGroup", "tcp 8998"),
    ("ProbersGroup", "SecurityAdditionalPrimary", "tcp 8998"),
    ("ProbersGroup", "SecurityAdditionalPrimary", "tcp 8088"),
    ("ProbersGroup", "SecurityAdditionalPrimary", "tcp 9870"),
    ("SecurityServiceAccess", "SecurityPrimary", "tcp 8443"),
    ("SecurityServiceAccess", "SecurityCore", "tcp 8443"),
    ("SecurityPrimary", "SecurityServiceAccess", "tcp 9443"),
    *(
        (one, other, ports)
        for one in ("SecurityPrimary", "SecurityCore")
        for other in ("SecurityPrimary", "SecurityCore")
        for ports in ("tcp 0-65535", "udp 0-65535", "icmp -1")
    ),
}


@pytest.fixture(scope="module")
def made(assembly: Path) -> Templates:
    found = read(assembly)
    return {name: found[name] for name in ("Platform", "ActivePassive")}


def ports(rule: dict[str, Any]) -> str:
    first, last = rule.get("FromPort"), rule.get("ToPort")
    return f"{rule['IpProtocol']} {first if first == last else f'{first}-{last}'}"


def name(resolve: Resolver, value: Any, stack: str) -> str:
    return generic(str(resolve(value, stack=stack))).strip("<>")


def admitted(made: Templates) -> set[tuple[str, str, str]]:
    """Every inbound rule: from whom, to whom, which ports."""
    resolve = for_people(made)
    found = set()
    for stack, template in made.items():
        for logical_id, resource in template["Resources"].items():
            body = resource.get("Properties", {})
            if resource["Type"] == "AWS::EC2::SecurityGroupIngress":
                rules, to = [body], body["GroupId"]
            elif resource["Type"] == "AWS::EC2::SecurityGroup":
                rules, to = body.get("SecurityGroupIngress", []), {"Ref": logical_id}
            else:
                continue
            for rule in rules:
                source = rule.get("SourceSecurityGroupId", rule.get("CidrIp", rule.get("CidrIpv6")))
                found.add((name(resolve, source, stack), name(resolve, to, stack), ports(rule)))
    return found


def test_nobody_is_admitted_but_those_on_the_list(made: Templates) -> None:
    assert admitted(made) == ADMITTED


def test_livy_is_reached_through_the_front_door_or_by_a_prober(made: Templates) -> None:
    """Whoever reaches Livy runs code with the role of the clusters' machines."""
    to_primaries = {who for who, whom, port in admitted(made) if whom == "SecurityAdditionalPrimary" and "8998" in port}

    assert to_primaries == {"FrontDoorRoutingGroup", "ProbersGroup"}


def outbound(made: Templates, group: str) -> set[tuple[str, str]]:
    """Where a group of the platform lets its members go: to whom, which ports; of whichever stack the rule is."""
    resolve, found = for_people(made), set()
    for stack, template in made.items():
        for logical_id, resource in template["Resources"].items():
            body = resource.get("Properties", {})
            rules = []
            if resource["Type"] == "AWS::EC2::SecurityGroup" and name(resolve, {"Ref": logical_id}, stack) == group:
                rules = body.get("SecurityGroupEgress", [])
            elif resource["Type"] == "AWS::EC2::SecurityGroupEgress" and name(resolve, body["GroupId"], stack) == group:
                rules = [body]
            for rule in rules:
                to = rule["CidrIp"] if "CidrIp" in rule else name(resolve, rule["DestinationSecurityGroupId"], stack)
                found.add((to, ports(rule)))
    return found


def test_the_clients_group_leads_to_livy_and_nowhere_else(made: Templates) -> None:
    """What the CDK writes for a group that lets nobody out leads to no address that there is."""
    nowhere = ("255.255.255.255/32", "icmp 252-86")

    assert outbound(made, "LivyClients") - {nowhere} == {("FrontDoorNetworkGroup", "tcp 8998")}


def test_clusters_go_out_to_anywhere_and_endpoints_let_everything_through(made: Templates) -> None:
    """What docs/security.md tells the owner: who wants data kept in has to close this."""
    kinds = made["Platform"]["Resources"].values()
    endpoints = [each["Properties"] for each in kinds if each["Type"] == "AWS::EC2::VPCEndpoint"]

    assert ("0.0.0.0/0", "-1 None") in outbound(made, "SecurityPrimary") & outbound(made, "SecurityCore")
    assert endpoints
    assert not [each for each in endpoints if "PolicyDocument" in each]


def test_no_address_is_admitted_anywhere(made: Templates) -> None:
    assert [each for each in admitted(made) if "/" in each[0]] == []
