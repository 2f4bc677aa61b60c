"""Who reaches what: open ranges, remote access, public addresses.

About what comes in.  What goes out is open where it has to be, of clusters and Airflow, which take AWS services and
packages from addresses that differ by region and day (docs/security.md): a rule would be acknowledged by each of them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from typing import Any

from emr_dr.own_rules.model import Resource, Rule

GROUP, INGRESS = "AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress"
# A network of one owner is no larger than 10.0.0.0/8 (RFC 1918), or fd00::/8 (RFC 4193).
WIDEST = 8
# Ports by which people log in.
REMOTE_ACCESS = {22: "SSH", 3389: "RDP"}


def _rules(resource: Resource) -> list[Any]:
    """The inbound rules of a resource."""
    if resource.kind == INGRESS:
        return [resource.properties]
    return list(resource.properties.get("SecurityGroupIngress", []))


def _ranges(rule: Any) -> Iterator[str]:
    for key in ("CidrIp", "CidrIpv6"):
        if isinstance(rule.get(key), str):
            yield rule[key]


def _open(resource: Resource) -> Iterable[str]:
    for rule in _rules(resource):
        for text in _ranges(rule):
            if ipaddress.ip_network(text, strict=False).prefixlen < WIDEST:
                yield f"admits {text}"


def _remote_access(resource: Resource) -> Iterable[str]:
    for rule in _rules(resource):
        everything = str(rule.get("IpProtocol")) == "-1"
        first, last = rule.get("FromPort"), rule.get("ToPort")
        if everything and any(_ranges(rule)):
            yield f"admits every protocol from {', '.join(_ranges(rule))}"
        elif isinstance(first, int) and isinstance(last, int):
            # Between the groups of one cluster everything is open: EMR asks for that, and adds it where it is missing.
            for port, name in REMOTE_ACCESS.items():
                if first <= port <= last and (any(_ranges(rule)) or last - first < 65_535):
                    yield f"admits {name} ({port})"


def _public(resource: Resource) -> Iterable[str]:
    if resource.kind == "AWS::EC2::Subnet":
        if resource.properties.get("MapPublicIpOnLaunch") is True:
            yield "gives machines public addresses"
    elif resource.properties.get("Scheme") != "internal":
        yield f"its scheme is {resource.properties.get('Scheme', 'internet-facing by default')}"


RULES = (
    Rule(
        name="no-open-range",
        asks=f"No security group admits a range wider than /{WIDEST}, which is more than any private network",
        remedy="name the security groups or the networks of clients (front_door in emr-dr.yaml)",
        kinds=frozenset({GROUP, INGRESS}),
        look=_open,
    ),
    Rule(
        name="no-remote-access",
        asks="Nobody logs in over the network: work on a machine is an EMR step, which IAM authorizes",
        remedy="take the rule away",
        kinds=frozenset({GROUP, INGRESS}),
        look=_remote_access,
    ),
    Rule(
        name="nothing-public",
        asks="Subnets give no public addresses, and load balancers are internal",
        remedy="set MapPublicIpOnLaunch to false, Scheme to internal",
        kinds=frozenset({"AWS::EC2::Subnet", "AWS::ElasticLoadBalancingV2::LoadBalancer"}),
        look=_public,
    ),
)
