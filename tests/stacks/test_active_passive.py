"""The stack ``ActivePassive``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emr_dr.settings import Settings
from stacks.active_passive import ACTIVE_PASSIVE, ActivePassive
from stacks.platform import Platform

from ..synthesis import findings, new_app, resources


def test_strategy_is_one_managed_cluster_and_five_slots() -> None:
    """A10."""
    assert ACTIVE_PASSIVE.managed_clusters == ("a",)
    assert ACTIVE_PASSIVE.slots == 5


def test_outputs_name_what_clients_connect_to(active_passive: dict[str, Any]) -> None:
    """A1, A6."""
    outputs = active_passive["Outputs"]
    host = {"Fn::GetAtt": [next(iter(network_load_balancers(active_passive))), "DNSName"]}

    assert outputs["FrontDoorHost"]["Value"] == host
    assert outputs["LivyUrl"]["Value"] == {"Fn::Join": ["", ["http://", host, ":8998"]]}


def network_load_balancers(template: dict[str, Any]) -> list[str]:
    return [
        logical_id
        for logical_id, each in resources(template, "AWS::ElasticLoadBalancingV2::LoadBalancer").items()
        if each["Type"] == "network"
    ]


def test_stack_holds_no_cluster_itself(active_passive: dict[str, Any]) -> None:
    """CloudFormation would neither notice nor survive a cluster that is replaced behind its back."""
    assert resources(active_passive, "AWS::EMR::Cluster") == {}


def test_stack_is_taken_down_and_updated_without_exports(active_passive: dict[str, Any]) -> None:
    assert not any("Export" in output for output in active_passive["Outputs"].values())


@pytest.mark.parametrize(
    "values",
    [
        {},
        {
            "name": "other",
            "region": "eu-west-1",
            "network": {"availability_zones": ["eu-west-1a", "eu-west-1b", "eu-west-1c"], "nat_gateways": "none"},
            "cluster": {"availability_zone_preference": ["eu-west-1c", "eu-west-1a"]},
            "front_door": {"livy_port": 18998, "web_interface_clients": ["10.1.0.0/16", "sg-0123456789abcdef0"]},
        },
    ],
    ids=["default", "other"],
)
def test_policy_checks_find_nothing(tmp_path: Path, values: dict[str, Any]) -> None:
    app = new_app(tmp_path)
    settings = Settings.parse(values)
    ActivePassive(app, "ActivePassive", settings=settings, platform=Platform(app, "Platform", settings=settings))

    assert findings(app) == []
