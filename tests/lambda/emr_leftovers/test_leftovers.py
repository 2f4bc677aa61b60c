"""What is ours to remove, what is in the way, and what a person reads about it (A12, B8)."""

from __future__ import annotations

from typing import Any

import pytest

from emr_leftovers.leftovers import (
    Interface,
    Rule,
    Scope,
    foreign,
    in_the_way,
    interface_of,
    removable,
    revocable,
    rules_of,
)

SCOPE = Scope(vpc="vpc-1", groups=frozenset({"sg-a", "sg-b"}), subnets=frozenset({"subnet-1"}))


def rule(group: str, peer: str, *, outbound: bool = False) -> Rule:
    return Rule(group=group, peer=peer, outbound=outbound, protocol="tcp", ports=(1, 2))


def interface(**values: Any) -> Interface:
    standard: dict[str, Any] = {
        "id": "eni-1",
        "status": "available",
        "subnet": "subnet-1",
        "groups": frozenset({"sg-a"}),
        "description": "service access",
        "user": "",
    }
    return Interface(**standard | values)


def test_rules_between_our_groups_are_ours_and_no_others() -> None:
    between = [rule("sg-a", "sg-b"), rule("sg-b", "sg-a", outbound=True), rule("sg-a", "sg-a")]
    out, into = rule("sg-a", "sg-theirs"), rule("sg-theirs", "sg-a")
    everything = [*between, out, into, rule("sg-theirs", "sg-theirs")]

    assert revocable(everything, SCOPE) == between
    # A rule of ours that names their group keeps theirs from going, not ours.
    assert foreign(everything, SCOPE) == [into]


def test_rules_are_read_with_direction_protocol_and_ports() -> None:
    group = {
        "GroupId": "sg-a",
        "IpPermissions": [
            {
                "IpProtocol": "tcp",
                "FromPort": 1,
                "ToPort": 2,
                "UserIdGroupPairs": [{"GroupId": "sg-a"}, {"GroupId": "sg-b"}],
                "IpRanges": [{"CidrIp": "10.0.0.0/8"}],
            }
        ],
        "IpPermissionsEgress": [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": "sg-b"}]}],
    }

    assert list(rules_of([group])) == [
        rule("sg-a", "sg-a"),
        rule("sg-a", "sg-b"),
        Rule(group="sg-a", peer="sg-b", outbound=True, protocol="-1", ports=None),
    ]


def test_an_interface_in_our_subnet_or_with_our_group_is_in_the_way() -> None:
    here, carries = interface(groups=frozenset()), interface(subnet="subnet-2")
    elsewhere = interface(subnet="subnet-2", groups=frozenset({"sg-theirs"}))

    assert in_the_way([here, carries, elsewhere], SCOPE) == [here, carries]


def test_what_else_is_in_subnets_that_stay_is_not_in_the_way() -> None:
    """A VPC that was there before: its subnets are not deleted, the groups are."""
    staying = Scope.from_properties(
        {"Vpc": "vpc-1", "Groups": ["sg-a"], "Subnets": ["subnet-1"], "SubnetsStay": "true"}
    )
    here, carries = interface(groups=frozenset()), interface(subnet="subnet-2")

    assert in_the_way([here, carries], staying) == [carries]


@pytest.mark.parametrize(
    "theirs",
    [
        {"subnet": "subnet-2"},
        {"groups": frozenset({"sg-theirs"})},
        {"status": "in-use"},
        {"user": "i-1"},
        {"user": "amazon-elb"},
    ],
)
def test_only_an_unused_interface_in_our_subnet_with_our_group_is_removed(theirs: dict[str, Any]) -> None:
    assert removable([interface(), interface(**theirs)], SCOPE) == [interface()]


def test_an_interface_is_read_with_who_uses_it() -> None:
    described = {
        "NetworkInterfaceId": "eni-1",
        "Status": "in-use",
        "SubnetId": "subnet-1",
        "Groups": [{"GroupId": "sg-a"}],
        "Description": "service access",
    }

    assert interface_of(described).user == ""
    assert interface_of({**described, "Attachment": {"InstanceId": "i-1"}}).user == "i-1"
    assert interface_of({**described, "RequesterManaged": True, "RequesterId": "amazon-elb"}).user == "amazon-elb"
    # Who made it is not who uses it.
    assert interface_of({**described, "RequesterManaged": False, "RequesterId": "AROA"}).user == ""


def test_what_is_in_the_way_reads_well() -> None:
    assert str(rule("sg-a", "sg-b")) == "the rule tcp 1-2 into sg-a from sg-b"
    assert str(rule("sg-a", "sg-b", outbound=True)) == "the rule tcp 1-2 out of sg-a to sg-b"
    assert str(interface(user="i-1")) == "the interface eni-1 in subnet-1 (service access, used by i-1)"
    assert str(interface(status="in-use", description="")) == "the interface eni-1 in subnet-1 (in-use)"


@pytest.mark.parametrize("missing", ["Vpc", "Groups", "Subnets"])
def test_properties_that_are_missing_or_empty_are_refused(missing: str) -> None:
    """With no groups or subnets nothing would be found in the way, and with no VPC everything."""
    properties = {"Vpc": "vpc-1", "Groups": ["sg-a"], "Subnets": ["subnet-1"]}

    for wrong in ({key: value for key, value in properties.items() if key != missing}, {**properties, missing: ""}):
        with pytest.raises(ValueError, match="Vpc, Groups and Subnets"):
            Scope.from_properties(wrong)
