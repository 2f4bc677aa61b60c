"""EC2 refuses to delete what is in use: a group that another group's rule names, a group or subnet with interfaces.

moto 5.2.5 deletes all of these, so that a clean-up which is missing would never be missed.
https://docs.aws.amazon.com/vpc/latest/userguide/deleting-security-groups.html: a group goes when no interface carries
it and no rule of another group refers to it (its own may).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from moto.ec2.exceptions import DependencyViolationError, EC2ClientError
from moto.ec2.models.elastic_network_interfaces import NetworkInterfaceBackend
from moto.ec2.models.security_groups import SecurityGroupBackend
from moto.ec2.models.subnets import SubnetBackend

from emr_drill.stand_in.patching import original, replace, restore

if TYPE_CHECKING:
    from emr_drill.stand_in.server import StandIn

REPLACED = (
    (SecurityGroupBackend, "_delete_security_group"),
    (SubnetBackend, "delete_subnet"),
    (NetworkInterfaceBackend, "delete_network_interface"),
)


class InterfaceInUse(EC2ClientError):
    """An interface that something uses shall be deleted."""


def install(stand_in: StandIn) -> None:
    """Have moto's EC2 refuse such deletions."""

    def delete_group(self: Any, vpc_id: str | None, group_id: str) -> None:
        if any(True for _ in _users(self, group_id)):
            raise DependencyViolationError(f"resource {group_id} has a dependent object")
        original(SecurityGroupBackend, "_delete_security_group")(self, vpc_id, group_id)

    def delete_subnet(self: Any, subnet_id: str) -> Any:
        if any(each.subnet.id == subnet_id for each in list(self.enis.values())):
            raise DependencyViolationError(f"The subnet '{subnet_id}' has dependencies and cannot be deleted.")
        return original(SubnetBackend, "delete_subnet")(self, subnet_id)

    def delete_interface(self: Any, eni_id: str) -> None:
        known = self.enis.get(eni_id)
        if known is not None and known.status != "available":
            raise InterfaceInUse("InvalidParameterValue", f"Network interface '{eni_id}' is currently in use.")
        original(NetworkInterfaceBackend, "delete_network_interface")(self, eni_id)

    replace(SecurityGroupBackend, "_delete_security_group", delete_group)
    replace(SubnetBackend, "delete_subnet", delete_subnet)
    replace(NetworkInterfaceBackend, "delete_network_interface", delete_interface)


def uninstall() -> None:
    """Give moto its own EC2 back."""
    for owner, name in REPLACED:
        restore(owner, name)


def _users(backend: Any, group_id: str) -> Iterator[str]:
    for groups in list(backend.groups.values()):
        for group in list(groups.values()):
            for rule in [*group.ingress_rules, *group.egress_rules]:
                if group.id != group_id and (rule.source_group or {}).get("GroupId") == group_id:
                    yield rule.id
    for interface in list(backend.enis.values()):
        if group_id in {group.id for group in interface.group_set}:
            yield interface.id
