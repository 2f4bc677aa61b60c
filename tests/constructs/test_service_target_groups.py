"""Groups whose members the controller registers."""

from __future__ import annotations

from typing import Any

from ..synthesis import resources


def test_groups_of_services_have_neither_name_nor_members(active_passive: dict[str, Any]) -> None:
    """A fixed name would collide when a change replaces a group; members are the controller's."""
    groups = [
        each
        for each in resources(active_passive, "AWS::ElasticLoadBalancingV2::TargetGroup").values()
        if each["TargetType"] == "ip"
    ]

    assert len(groups) == 1 + 2 + 5
    for group in groups:
        assert "Name" not in group
        assert "Targets" not in group


def test_calls_in_progress_have_time_to_end(active_passive: dict[str, Any]) -> None:
    for group in resources(active_passive, "AWS::ElasticLoadBalancingV2::TargetGroup").values():
        if group["TargetType"] == "ip":
            attributes = {each["Key"]: each["Value"] for each in group["TargetGroupAttributes"]}
            assert attributes["deregistration_delay.timeout_seconds"] == "30"


def test_members_that_fail_take_no_zone_out_of_dns(active_passive: dict[str, Any]) -> None:
    """A12: in the outage of a zone every group may be without a healthy member."""
    found = 0
    for group in resources(active_passive, "AWS::ElasticLoadBalancingV2::TargetGroup").values():
        if group["TargetType"] == "ip":
            attributes = {each["Key"]: each["Value"] for each in group["TargetGroupAttributes"]}
            for what in ("count", "percentage"):
                assert attributes[f"target_group_health.dns_failover.minimum_healthy_targets.{what}"] == "off"
            found += 1
    assert found == 8
