"""What EC2 refuses to delete, the stand-in refuses too (A12)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .stack_world import StackWorld, stack_world

PARTS = ("event_bus",)


class Place:
    """Two groups and a subnet."""

    def __init__(self, world: StackWorld) -> None:
        self.ec2: Any = world.client("ec2")
        self.world = world
        self.vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.a, self.b = (
            self.ec2.create_security_group(GroupName=name, Description=name, VpcId=self.vpc)["GroupId"]
            for name in ("a", "b")
        )
        self.subnet = self.ec2.create_subnet(VpcId=self.vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]

    def refuses(self, call: str, **arguments: Any) -> str:
        """The code of the error; empty if it does it."""
        try:
            getattr(self.ec2, call)(**arguments)
        except ClientError as error:
            return str(error.response.get("Error", {}).get("Code"))
        return ""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with stack_world(tmp_path, parts=PARTS) as world:
        yield Place(world)


def rule(peer: str) -> list[dict[str, Any]]:
    return [{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "UserIdGroupPairs": [{"GroupId": peer}]}]


@pytest.mark.parametrize("direction", ["ingress", "egress"])
def test_a_group_that_anothers_rule_names_stays_until_that_is_revoked(place: Place, direction: str) -> None:
    getattr(place.ec2, f"authorize_security_group_{direction}")(GroupId=place.b, IpPermissions=rule(place.a))

    assert place.refuses("delete_security_group", GroupId=place.a) == "DependencyViolation"
    getattr(place.ec2, f"revoke_security_group_{direction}")(GroupId=place.b, IpPermissions=rule(place.a))
    assert place.refuses("delete_security_group", GroupId=place.a) == ""


def test_two_that_name_each_other_stay_both(place: Place) -> None:
    for one, other in ((place.a, place.b), (place.b, place.a)):
        place.ec2.authorize_security_group_ingress(GroupId=one, IpPermissions=rule(other))

    assert [place.refuses("delete_security_group", GroupId=each) for each in (place.a, place.b)] == [
        "DependencyViolation",
        "DependencyViolation",
    ]


def test_one_that_names_itself_goes(place: Place) -> None:
    place.ec2.authorize_security_group_ingress(GroupId=place.a, IpPermissions=rule(place.a))

    assert place.refuses("delete_security_group", GroupId=place.a) == ""


def test_group_and_subnet_of_an_interface_stay_until_it_is_gone(place: Place) -> None:
    made = place.ec2.create_network_interface(SubnetId=place.subnet, Groups=[place.a])["NetworkInterface"]

    assert place.refuses("delete_security_group", GroupId=place.a) == "DependencyViolation"
    assert place.refuses("delete_subnet", SubnetId=place.subnet) == "DependencyViolation"
    place.ec2.delete_network_interface(NetworkInterfaceId=made["NetworkInterfaceId"])
    assert place.refuses("delete_security_group", GroupId=place.a) == ""
    assert place.refuses("delete_subnet", SubnetId=place.subnet) == ""


def test_an_interface_in_use_is_not_deleted(place: Place) -> None:
    made = place.ec2.create_network_interface(SubnetId=place.subnet, Groups=[place.a])["NetworkInterface"]
    interface = made["NetworkInterfaceId"]
    from moto.ec2.models import ec2_backends

    ec2_backends["123456789012"]["us-east-1"].enis[interface].status = "in-use"

    assert place.refuses("delete_network_interface", NetworkInterfaceId=interface) == "InvalidParameterValue"
