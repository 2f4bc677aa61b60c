"""What keeps security groups and subnets of clusters from being deleted, and what of it is ours to remove.  Pure.

EMR adds rules between its groups where they are missing, at every launch, and keeps an interface in the subnet through
which its service reaches the machines (EMR Management Guide, "Working with Amazon EMR-managed security groups").  Two
groups whose rules name each other can neither of them be deleted, and no group or subnet that an interface is in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

AVAILABLE = "available"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What the platform made for clusters.

    Attributes:
        vpc: id of the VPC.
        groups: ids of the security groups that only clusters carry.
        subnets: ids of the subnets that only clusters are in.
        subnets_stay: whether they are of a VPC that is not the platform's, so that nothing has to leave them.
    """

    vpc: str
    groups: frozenset[str]
    subnets: frozenset[str]
    subnets_stay: bool = False

    @classmethod
    def from_properties(cls, properties: Mapping[str, Any]) -> Scope:
        """The scope that CloudFormation's *properties* name.

        Raises:
            ValueError: one is missing; names it.
        """
        try:
            scope = cls(
                vpc=str(properties["Vpc"]),
                groups=frozenset(map(str, properties["Groups"])),
                subnets=frozenset(map(str, properties["Subnets"])),
                # CloudFormation makes words of everything.
                subnets_stay=properties.get("SubnetsStay") == "true",
            )
        except (KeyError, TypeError) as error:
            raise ValueError(
                f"properties Vpc, Groups and Subnets have to say where clusters run, got {sorted(properties)}: "
                "deploy the stack that the app synthesized"
            ) from error
        if not scope.vpc or not scope.groups or not scope.subnets:
            raise ValueError(
                f"properties Vpc, Groups and Subnets must not be empty, got {dict(properties)}: "
                "deploy the stack that the app synthesized"
            )
        return scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule of a security group that names another group, or the group itself.

    Attributes:
        group: whose rule it is.
        peer: the group that it names.
        outbound: whether it is about what leaves the group.
        protocol: ``tcp``, ``udp``, ``icmp`` or ``-1`` for all.
        ports: first and last one; None where the protocol has none.
    """

    group: str
    peer: str
    outbound: bool
    protocol: str
    ports: tuple[int, int] | None

    def __str__(self) -> str:
        between = f"out of {self.group} to {self.peer}" if self.outbound else f"into {self.group} from {self.peer}"
        ports = "" if self.ports is None else f" {self.ports[0]}-{self.ports[1]}"
        return f"the rule {self.protocol}{ports} {between}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """A network interface.

    Attributes:
        id: ``eni-...``.
        status: ``available`` when nothing uses it.
        subnet: where it is.
        groups: those that it carries.
        description: what its maker wrote.
        user: the instance or the service that uses it; empty for nobody.
    """

    id: str
    status: str
    subnet: str
    groups: frozenset[str]
    description: str
    user: str

    def __str__(self) -> str:
        used = f"used by {self.user}" if self.user else self.status
        return f"the interface {self.id} in {self.subnet} ({', '.join(filter(None, (self.description, used)))})"


def rules_of(groups: Iterable[Mapping[str, Any]]) -> Iterator[Rule]:
    """The rules that name groups, of what DescribeSecurityGroups answers."""
    for group in groups:
        for key, outbound in (("IpPermissions", False), ("IpPermissionsEgress", True)):
            for permission in group.get(key, ()):
                first, last = permission.get("FromPort"), permission.get("ToPort")
                for pair in permission.get("UserIdGroupPairs", ()):
                    yield Rule(
                        group=str(group["GroupId"]),
                        peer=str(pair.get("GroupId", "")),
                        outbound=outbound,
                        protocol=str(permission["IpProtocol"]),
                        ports=None if first is None or last is None else (int(first), int(last)),
                    )


def interface_of(described: Mapping[str, Any]) -> Interface:
    """One of what DescribeNetworkInterfaces answers."""
    attachment = described.get("Attachment") or {}
    attached = str(attachment.get("InstanceId") or "")
    service = str(described.get("RequesterId") or "") if described.get("RequesterManaged") else ""
    return Interface(
        id=str(described["NetworkInterfaceId"]),
        status=str(described.get("Status", "")),
        subnet=str(described.get("SubnetId", "")),
        groups=frozenset(str(group["GroupId"]) for group in described.get("Groups", ())),
        description=str(described.get("Description") or ""),
        user=attached or service,
    )


def revocable(rules: Iterable[Rule], scope: Scope) -> list[Rule]:
    """The rules of our groups that name our groups: those that EMR added."""
    return [rule for rule in rules if rule.group in scope.groups and rule.peer in scope.groups]


def foreign(rules: Iterable[Rule], scope: Scope) -> list[Rule]:
    """The rules of other groups that name ours: somebody else's, who has to remove them."""
    return [rule for rule in rules if rule.group not in scope.groups and rule.peer in scope.groups]


def in_the_way(interfaces: Iterable[Interface], scope: Scope) -> list[Interface]:
    """The interfaces that keep a group or a subnet of ours from going."""
    going = frozenset[str]() if scope.subnets_stay else scope.subnets
    return [each for each in interfaces if each.subnet in going or each.groups & scope.groups]


def removable(interfaces: Collection[Interface], scope: Scope) -> list[Interface]:
    """Those that nothing uses any more, and that only a cluster can have had: in our subnets, with our groups."""
    return [
        each
        for each in interfaces
        if each.status == AVAILABLE and not each.user and each.subnet in scope.subnets and each.groups & scope.groups
    ]
