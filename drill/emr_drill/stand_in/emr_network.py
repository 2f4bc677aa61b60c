"""What EMR does to the network of its clusters: rules between its groups, and interfaces in the subnet.

EMR Management Guide, "Working with Amazon EMR-managed security groups": at every launch EMR adds the rules that its
groups lack, and its service reaches machines in a private subnet through an interface there with the group of service
access.  It removes no rule.  That the interfaces go when the cluster ends is an assumption (docs/assumptions.md); real
ones are known to stay at times.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from moto.ec2.models import ec2_backends

from emr_drill.stand_in.emr_records import subnets_of

if TYPE_CHECKING:
    from emr_drill.stand_in.emr_records import Cluster
    from emr_drill.stand_in.server import StandIn

SERVICE_TO_NODES, PRIMARY_TO_SERVICE = 8443, 9443
PROTOCOLS = (("tcp", 0, 65535), ("udp", 0, 65535), ("icmp", -1, -1))
USED, UNUSED = "in-use", "available"


class GroupRule(NamedTuple):
    """A rule of a group that names another one; ports as EC2 has them."""

    group: str
    outbound: bool
    protocol: str
    first: int
    last: int
    peer: str


def wanted_rules(*, primary: str, core: str, service: str | None) -> Iterator[GroupRule]:
    """The rules that EMR sees to between the groups of a cluster's machines and of its service, where it has one."""
    for group in (primary, core):
        for peer in (primary, core):
            for protocol, first, last in PROTOCOLS:
                yield GroupRule(group, False, protocol, first, last, peer)
        if service is not None:
            yield GroupRule(group, False, "tcp", SERVICE_TO_NODES, SERVICE_TO_NODES, service)
            yield GroupRule(service, True, "tcp", SERVICE_TO_NODES, SERVICE_TO_NODES, group)
    if service is not None:
        yield GroupRule(service, False, "tcp", PRIMARY_TO_SERVICE, PRIMARY_TO_SERVICE, primary)


class EmrNetwork:
    """The network of all clusters.  Thread-safe.

    Attributes:
        more_ports: TCP ports that EMR opens between all of its groups, both ways, besides the documented ones: as a
            later release may, and as release 5.30 did with 9443.
        leaves_interfaces: whether the interface of service access stays when a cluster ends, and nothing uses it.
    """

    def __init__(self, stand_in: StandIn) -> None:
        self._stand_in = stand_in
        self._lock = threading.Lock()
        self._interfaces: dict[str, list[tuple[str, bool]]] = {}  # cluster id to interface and whether of the service
        self.more_ports: tuple[int, ...] = ()
        self.leaves_interfaces = False

    @property
    def _ec2(self) -> Any:
        return ec2_backends[self._stand_in.account][self._stand_in.region]

    def prepare(self, cluster: Cluster) -> None:
        """Add the rules that a cluster's groups lack, and the interfaces of its primary and of EMR's service."""
        instances: Mapping[str, Any] = cluster.request["Instances"]
        primary, core = instances.get("EmrManagedMasterSecurityGroup"), instances.get("EmrManagedSlaveSecurityGroup")
        service = instances.get("ServiceAccessSecurityGroup")
        groups = [primary, core, *([service] if service else [])]
        if not all(each and self._ec2.get_security_group_from_id(each) for each in groups):
            return  # a launch of a test, with names of groups that nobody made
        with self._lock:
            self._add_missing(wanted_rules(primary=str(primary), core=str(core), service=service))
            self._add_missing(
                GroupRule(str(group), False, "tcp", port, port, str(peer))
                for port in self.more_ports
                for group in groups
                for peer in groups
            )
            additional = instances.get("AdditionalMasterSecurityGroups") or []
            made = [(self._interface(cluster, [primary, *additional], "primary node"), False)]
            if service:
                made.append((self._interface(cluster, [service], "EMR service access"), True))
            self._interfaces[cluster.id] = made

    def release(self, cluster: Cluster) -> None:
        """Take the interfaces of a cluster away that has ended."""
        with self._lock:
            for interface, of_service in self._interfaces.pop(cluster.id, []):
                known = self._ec2.enis.get(interface)
                if known is None:
                    continue
                known.status = UNUSED
                if not (of_service and self.leaves_interfaces):
                    self._ec2.delete_network_interface(interface)

    def _interface(self, cluster: Cluster, groups: list[Any], what: str) -> str:
        made = self._ec2.create_network_interface(
            subnets_of(cluster.request["Instances"])[0],
            [],
            group_ids=[str(group) for group in groups],
            description=f"{what} of {cluster.id}",
            tags=dict(cluster.tags),
        )
        made.status = USED
        return str(made.id)

    def _add_missing(self, rules: Iterator[GroupRule]) -> None:
        for rule in rules:
            group = self._ec2.get_security_group_from_id(rule.group)
            there = group.egress_rules if rule.outbound else group.ingress_rules
            if any(_says(each, rule) for each in there):
                continue
            add = (
                self._ec2.authorize_security_group_egress
                if rule.outbound
                else self._ec2.authorize_security_group_ingress
            )
            add(
                rule.group,
                rule.protocol,
                str(rule.first),
                str(rule.last),
                [],
                source_groups=[{"GroupId": rule.peer}],
            )


def _says(there: Any, rule: GroupRule) -> bool:
    return (there.ip_protocol, there.from_port, there.to_port, (there.source_group or {}).get("GroupId")) == (
        rule.protocol,
        rule.first,
        rule.last,
        rule.peer,
    )
