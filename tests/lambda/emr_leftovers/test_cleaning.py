"""The clean-up against EC2 of moto: what it removes, waits for, leaves and says (A12, B8)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.ec2.models import ec2_backends

from emr_leftovers.cleaning import PAUSE_SECONDS, StillInUseError, clean
from emr_leftovers.leftovers import Scope

LIMIT = 600.0


class Place:
    """A VPC with two groups of clusters, one of somebody else, a subnet of clusters and one beside it."""

    def __init__(self) -> None:
        self.ec2: Any = boto3.client("ec2", region_name="us-east-1")
        self.vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.a, self.b, self.theirs = (
            self.ec2.create_security_group(GroupName=name, Description=name, VpcId=self.vpc)["GroupId"]
            for name in ("a", "b", "theirs")
        )
        self.subnet, self.beside = (
            self.ec2.create_subnet(VpcId=self.vpc, CidrBlock=block)["Subnet"]["SubnetId"]
            for block in ("10.0.0.0/24", "10.0.1.0/24")
        )
        self.scope = Scope(vpc=self.vpc, groups=frozenset({self.a, self.b}), subnets=frozenset({self.subnet}))

    def rule(self, group: str, peer: str, *, outbound: bool = False) -> None:
        permission: Any = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "UserIdGroupPairs": [{"GroupId": peer}]}
        add = self.ec2.authorize_security_group_egress if outbound else self.ec2.authorize_security_group_ingress
        add(GroupId=group, IpPermissions=[permission])

    def rules(self) -> set[tuple[str, str]]:
        found = self.ec2.describe_security_group_rules()["SecurityGroupRules"]
        return {
            (each["GroupId"], each["ReferencedGroupInfo"]["GroupId"]) for each in found if "ReferencedGroupInfo" in each
        }

    def interface(self, subnet: str, group: str, *, used: bool = False) -> str:
        made = self.ec2.create_network_interface(SubnetId=subnet, Groups=[group])["NetworkInterface"]
        interface = str(made["NetworkInterfaceId"])
        if used:
            self.use(interface)
        return interface

    def use(self, interface: str, *, status: str = "in-use") -> None:
        ec2_backends["123456789012"]["us-east-1"].enis[interface].status = status

    def interfaces(self) -> set[str]:
        return {each["NetworkInterfaceId"] for each in self.ec2.describe_network_interfaces()["NetworkInterfaces"]}


@pytest.fixture
def place() -> Iterator[Place]:
    with mock_aws():
        yield Place()


class Waiting:
    """Time that passes only where somebody waits."""

    def __init__(self) -> None:
        self.slept = 0.0
        self.then: dict[int, Callable[[], None]] = {}
        self.times = 0

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.times += 1
        if (act := self.then.pop(self.times, None)) is not None:
            act()


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Waiting:
    found = Waiting()
    monkeypatch.setattr(time, "sleep", found.sleep)
    monkeypatch.setattr(time, "monotonic", lambda: found.slept)
    return found


def test_rules_that_name_each_other_and_an_unused_interface_are_removed(place: Place, waiting: Waiting) -> None:
    for group, peer in ((place.a, place.b), (place.b, place.a), (place.a, place.a)):
        place.rule(group, peer)
    place.rule(place.a, place.b, outbound=True)
    place.rule(place.a, place.theirs)
    place.interface(place.subnet, place.a)
    other = place.interface(place.beside, place.theirs)

    assert clean(place.ec2, place.scope, limit_seconds=LIMIT) == ("4 rules and 1 interfaces that EMR left were removed")
    assert place.rules() == {(place.a, place.theirs)}
    assert place.interfaces() == {other}
    assert waiting.slept == PAUSE_SECONDS, "what was removed is looked for once more"


def test_where_nothing_is_left_nothing_is_waited_for(place: Place, waiting: Waiting) -> None:
    assert "0 rules and 0 interfaces" in clean(place.ec2, place.scope, limit_seconds=LIMIT)
    assert waiting.slept == 0


def test_an_interface_in_use_is_waited_for_and_removed_when_it_is_free(place: Place, waiting: Waiting) -> None:
    interface = place.interface(place.subnet, place.b, used=True)
    waiting.then[3] = lambda: place.use(interface, status="available")

    assert "1 interfaces" in clean(place.ec2, place.scope, limit_seconds=LIMIT)
    assert place.interfaces() == set()
    assert waiting.times == 4


def test_one_that_stays_in_use_is_named_after_the_limit_and_not_touched(place: Place, waiting: Waiting) -> None:
    interface = place.interface(place.subnet, place.b, used=True)

    with pytest.raises(StillInUseError, match=f"interface {interface} in {place.subnet}") as told:
        clean(place.ec2, place.scope, limit_seconds=LIMIT)

    assert "end the cluster or whatever else uses these interfaces" in str(told.value)
    assert place.interfaces() == {interface}
    assert LIMIT <= waiting.slept <= LIMIT + PAUSE_SECONDS


def test_an_unused_one_beside_our_subnets_is_not_ours_to_remove(place: Place, waiting: Waiting) -> None:
    interface = place.interface(place.beside, place.a)

    with pytest.raises(StillInUseError, match=interface):
        clean(place.ec2, place.scope, limit_seconds=LIMIT)

    assert place.interfaces() == {interface}


def test_an_interface_that_our_right_does_not_admit_is_named_and_the_rest_is_removed(
    place: Place, waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lacks EMR's tag."""
    interface = place.interface(place.subnet, place.a)
    place.rule(place.a, place.b)

    def refuses(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": "UnauthorizedOperation", "Message": "no"}}, "DeleteNetworkInterface")

    monkeypatch.setattr(place.ec2, "delete_network_interface", refuses)
    with pytest.raises(StillInUseError, match=f"interface {interface} in {place.subnet}") as told:
        clean(place.ec2, place.scope, limit_seconds=LIMIT)

    assert "or remove them, then delete the stack again" in str(told.value)
    assert place.rules() == set()


def test_what_was_not_removed_is_not_counted(place: Place, waiting: Waiting, monkeypatch: pytest.MonkeyPatch) -> None:
    place.interface(place.subnet, place.a)
    real = place.ec2.delete_network_interface
    codes = ["UnauthorizedOperation", "InvalidParameterValue"]

    def refuses_at_first(**arguments: Any) -> Any:
        if codes:
            raise ClientError({"Error": {"Code": codes.pop(), "Message": "no"}}, "DeleteNetworkInterface")
        return real(**arguments)

    monkeypatch.setattr(place.ec2, "delete_network_interface", refuses_at_first)

    assert "1 interfaces" in clean(place.ec2, place.scope, limit_seconds=LIMIT)


def test_a_rule_of_somebody_else_is_waited_for(place: Place, waiting: Waiting) -> None:
    """One of another group of the template may be on its way out."""
    place.rule(place.theirs, place.a)
    permission = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "UserIdGroupPairs": [{"GroupId": place.a}]}
    waiting.then[3] = lambda: place.ec2.revoke_security_group_ingress(GroupId=place.theirs, IpPermissions=[permission])

    assert "0 rules" in clean(place.ec2, place.scope, limit_seconds=LIMIT)
    assert waiting.times == 3


def test_one_that_stays_is_named_with_all_else_after_the_limit_and_not_touched(place: Place, waiting: Waiting) -> None:
    place.rule(place.theirs, place.a)
    place.rule(place.a, place.b)
    interface = place.interface(place.subnet, place.b, used=True)

    with pytest.raises(StillInUseError, match=f"the rule tcp 1-2 into {place.theirs} from {place.a}; ") as told:
        clean(place.ec2, place.scope, limit_seconds=LIMIT)

    assert f"the interface {interface}" in str(told.value)
    assert "remove these rules; end the cluster or whatever else uses these interfaces" in str(told.value)
    assert place.rules() == {(place.theirs, place.a)}
    assert LIMIT <= waiting.slept <= LIMIT + PAUSE_SECONDS


def test_a_rule_that_comes_back_again_and_again_is_named(
    place: Place, waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """EMR adds it again as long as somebody launches clusters with these groups."""
    place.rule(place.a, place.b)
    monkeypatch.setattr(place.ec2, "revoke_security_group_ingress", lambda **_: None)

    with pytest.raises(StillInUseError, match=f"the rule tcp 1-2 into {place.a} from {place.b}") as told:
        clean(place.ec2, place.scope, limit_seconds=LIMIT)

    assert "came back: end the cluster for which EMR adds them" in str(told.value)


@pytest.mark.parametrize(
    ("code", "raised"),
    [("InvalidPermission.NotFound", False), ("UnauthorizedOperation", True)],
)
def test_who_was_faster_is_no_error_and_a_missing_right_is_one(
    place: Place, waiting: Waiting, monkeypatch: pytest.MonkeyPatch, code: str, raised: bool
) -> None:
    place.rule(place.a, place.b)
    real = place.ec2.revoke_security_group_ingress

    def refuses(**arguments: Any) -> Any:
        if not raised:
            real(**arguments)
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "RevokeSecurityGroupIngress")

    monkeypatch.setattr(place.ec2, "revoke_security_group_ingress", refuses)
    if raised:
        with pytest.raises(ClientError):
            clean(place.ec2, place.scope, limit_seconds=LIMIT)
    else:
        clean(place.ec2, place.scope, limit_seconds=LIMIT)
        assert place.rules() == set()
