"""Who removes what EMR left, and how far its rights go (A12, B8).

What outlives what is asserted in tests/stacks/test_life_cycle.py.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emr_dr.emr_leftovers import RESOURCE_TYPE
from emr_leftovers.handler import LIMIT_SECONDS

from ..synthesis import only, resources, statements


@pytest.fixture(scope="module")
def platform(assembly: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((assembly / "Platform.template.json").read_text("utf-8"))
    return found


def of(platform: dict[str, Any], action: str) -> dict[str, Any]:
    (found,) = [
        each
        for each in statements(platform, role="EmrLeftoversFunctionRole")
        if action in (each["Action"] if isinstance(each["Action"], list) else [each["Action"]])
    ]
    return found


def test_rules_are_revoked_of_groups_that_are_named(platform: dict[str, Any]) -> None:
    named = json.dumps(of(platform, "ec2:RevokeSecurityGroupIngress")["Resource"])
    groups = only(platform, RESOURCE_TYPE)["Groups"]

    assert "*" not in named
    assert all(json.dumps(group) in named for group in groups)
    assert named.count("GetAtt") == len(groups) == 4


def test_interfaces_are_removed_in_subnets_of_clusters_with_emrs_tag_alone(platform: dict[str, Any]) -> None:
    conditions = of(platform, "ec2:DeleteNetworkInterface")["Condition"]
    subnets = only(platform, RESOURCE_TYPE)["Subnets"]

    assert conditions["StringEquals"] == {"aws:ResourceTag/for-use-with-amazon-emr-managed-policies": "true"}
    assert [each["Fn::Join"][1][-1] for each in conditions["ArnEquals"]["ec2:Subnet"]] == subnets
    assert all("EmrSubnet" in each["Ref"] for each in subnets)


def test_nothing_else_is_changed(platform: dict[str, Any]) -> None:
    found = {
        action
        for each in statements(platform, role="EmrLeftoversFunctionRole")
        for action in (each["Action"] if isinstance(each["Action"], list) else [each["Action"]])
        if action.startswith("ec2:") and not action.startswith("ec2:Describe")
    }

    assert found == {
        "ec2:DeleteNetworkInterface",
        "ec2:RevokeSecurityGroupEgress",
        "ec2:RevokeSecurityGroupIngress",
    }


def test_there_is_time_to_answer_after_the_longest_wait(platform: dict[str, Any]) -> None:
    """One look more and the answer fit in between the limits."""
    (function,) = [
        each
        for each in resources(platform, "AWS::Lambda::Function").values()
        if each["Handler"] == "emr_leftovers.handler.handler"
    ]

    assert LIMIT_SECONDS + 120 <= function["Timeout"] <= int(only(platform, RESOURCE_TYPE)["ServiceTimeout"])


def test_it_needs_no_network(platform: dict[str, Any]) -> None:
    """Outside of the VPC: routes and endpoints may go while it works."""
    (function,) = [
        each
        for each in resources(platform, "AWS::Lambda::Function").values()
        if each["Handler"] == "emr_leftovers.handler.handler"
    ]

    assert "VpcConfig" not in function
