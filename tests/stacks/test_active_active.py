"""The stack ``ActiveActive``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from emr_dr.settings import Settings
from stacks.active_active import ACTIVE_ACTIVE, ActiveActive
from stacks.platform import Platform

from ..synthesis import findings, new_app, resources


def managed_clusters(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = resources(template, "Custom::EmrManagedCluster").values()
    return {each["Name"]: each for each in found}


def test_strategy_is_two_managed_clusters_and_seven_slots() -> None:
    """B13: both may move twice while what they had still ends its jobs."""
    assert ACTIVE_ACTIVE.managed_clusters == ("a", "b")
    assert ACTIVE_ACTIVE.slots == 7


def test_both_are_made_from_one_template(active_active: dict[str, Any]) -> None:
    """A2: identical by construction; nothing but the name differs."""
    found = managed_clusters(active_active)

    assert found.keys() == {"a", "b"}
    assert {**found["a"], "Name": ""} == {**found["b"], "Name": ""}


def test_stack_holds_no_cluster_itself(active_active: dict[str, Any]) -> None:
    assert resources(active_active, "AWS::EMR::Cluster") == {}


def test_one_front_door_serves_both(active_active: dict[str, Any]) -> None:
    """A1, A2: clients know one address."""
    balancers = resources(active_active, "AWS::ElasticLoadBalancingV2::LoadBalancer").values()

    assert sorted(each["Type"] for each in balancers) == ["application", "network"]
    assert {each["Port"] for each in resources(active_active, "AWS::ElasticLoadBalancingV2::Listener").values()} == {
        *(8998, 8088, 9870),
        *(18088, 19870),
    }


def test_a_person_is_told_while_both_serve_in_one_zone(active_active: dict[str, Any]) -> None:
    """A2."""
    assert any("AvailabilityZonesShared" in name for name in resources(active_active, "AWS::CloudWatch::Alarm"))


def test_policy_checks_find_nothing(tmp_path: Path) -> None:
    app = new_app(tmp_path)
    settings = Settings()
    ActiveActive(app, "ActiveActive", settings=settings, platform=Platform(app, "Platform", settings=settings))

    assert findings(app) == []
