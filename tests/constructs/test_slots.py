"""The pool of slots."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Stack, Tags
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from dr_core import routing
from emr_dr.settings import Settings
from emr_dr.slots import SlotPool
from stacks.active_passive import ActivePassive
from stacks.platform import Platform

from ..synthesis import new_app, resources, templates
from .fleets import WITH_TASK

# Every setting that may be changed at all, with another value than its default.
OTHER_SETTINGS: dict[str, Any] = {
    "name": "other",
    "region": "eu-west-1",
    "network": {
        "vpc_cidr": "10.30.0.0/16",
        "availability_zones": ["eu-west-1a", "eu-west-1b", "eu-west-1c"],
        "nat_gateways": "one",
        "interface_endpoints": ["logs"],
    },
    "cluster": {
        "release_label": "emr-7.12.0",
        "primary_instance_type": "m6g.xlarge",
        "core_instance_type": "m6g.2xlarge",
        "minimum_instances": 3,
        "maximum_instances": 30,
        "maximum_instances_alone": 40,
        "availability_zone_preference": ["eu-west-1b"],
        "spark_defaults": {"spark.speculation": "true"},
        "tags": {"team": "data"},
        "finished_batch_retention_hours": 48,
    },
    "canary": {"file": "s3://jobs/canary.jar", "class_name": "Canary", "arguments": ["1"], "limit_seconds": 200},
    "monitor": {
        "round_seconds": 20,
        "rounds": 5,
        "bad_rounds": 4,
        "vantage_points": 3,
        "read_limit_seconds": 4,
        "failovers_before_block": 3,
        "block_window_seconds": 3600,
        "launches_per_day": 5,
    },
    "controller": {
        "launch_limit_seconds": 900,
        "total_launch_limit_seconds": 1800,
        "fence_limit_seconds": 120,
        "repair_limit_seconds": 300,
        "drain_limit_seconds": 7200,
        "linger_seconds": 1200,
        "orphan_seconds": 1800,
        "bake_seconds": 120,
        "bake_alarms": ["etl-failed"],
        "share_availability_zone": False,
    },
    "front_door": {
        "livy_port": 18998,
        "resource_manager_port": 18088,
        "name_node_port": 19870,
        "livy_clients": ["10.1.0.0/16"],
        "web_interface_clients": ["sg-0123456789abcdef0"],
    },
    "permissions": {
        "read": ["s3://lake/raw/"],
        "write": ["s3://lake/out/"],
        "keys": ["arn:aws:kms:eu-west-1:123456789012:key/1234"],
        "read_databases": ["raw"],
        "write_databases": ["curated"],
    },
    "security": {
        "session_manager": True,
        "permissions_boundary": "arn:aws:iam::123456789012:policy/boundary",
        "key": "arn:aws:kms:eu-west-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef",
    },
    "tls": {
        "certificate_arn": "arn:aws:acm:eu-west-1:123456789012:certificate/01234567-89ab-cdef-0123-456789abcdef",
        "host_name": "livy.example.com",
        "hosted_zone_id": "Z0123456789ABCDEFGHIJ",
        "hosted_zone_name": "example.com",
        "authority_file": "tests/authority.pem",
    },
    "mwaa": {
        "mode": "create",
        "airflow_version": "2.11.0",
        "livy_provider_version": "4.4.0",
        "livy_default": "active-active",
        "connection_timeout_seconds": 20,
        "environment_class": "mw1.medium",
        "minimum_workers": 2,
        "maximum_workers": 6,
        "schedulers": 3,
        "web_server_clients": ["10.1.0.0/16"],
        "worker_replacement": "forced",
        "task_policies": ["arn:aws:iam::123456789012:policy/tables"],
        "logs": {
            "dag_processing": "INFO",
            "scheduler": "none",
            "task": "ERROR",
            "web_server": "INFO",
            "worker": "INFO",
        },
    },
    "standby": "warm",
    "log_retention_days": 30,
    "alert_email": "on-call@example.com",
}
# What cannot be set together with the values above.
OTHER_AIRFLOWS: tuple[dict[str, Any], ...] = (
    {"mode": "create", "web_server_access": "public"},
    {
        "mode": "existing",
        "environment_name": "theirs",
        "execution_role_arn": "arn:aws:iam::123456789012:role/theirs",
        "security_group_id": "sg-0123456789abcdef0",
    },
)
OTHER_MACHINES: dict[str, Any] = {
    key: value
    for key, value in OTHER_SETTINGS["cluster"].items()
    if not key.endswith(("_type", "_instances", "_alone"))
}
OF_FLEETS: dict[str, Any] = {**OTHER_SETTINGS, "cluster": {**OTHER_MACHINES, "fleets": WITH_TASK}}
# What Livy speaks, and the VPC, are what the slots' groups are made for: docs/tls.md and docs/network.md say so.
BEFORE_THE_FIRST_DEPLOY = {"tls.emr_certificates", "tls.cluster_domain", "network.existing"}
EVERY_OTHER_SETTINGS = (OTHER_SETTINGS, OF_FLEETS, *({**OTHER_SETTINGS, "mwaa": each} for each in OTHER_AIRFLOWS))


def routing_places(template: dict[str, Any]) -> dict[str, Any]:
    """Groups and rules of the slots as the template has them, whatever they refer to included."""
    return {
        logical_id: resource for logical_id, resource in template["Resources"].items() if "FrontDoorSlots" in logical_id
    }


def test_other_settings_change_every_setting() -> None:
    """Else the test below could miss the one that matters."""
    default = Settings().model_dump()

    def same(left: dict[str, Any], right: dict[str, Any], path: str = "") -> list[str]:
        found = []
        for key, value in left.items():
            if isinstance(value, dict) and value:
                found += same(value, right[key], f"{path}{key}.")
            elif value == right[key]:
                found.append(f"{path}{key}")
        return found

    unchanged = [set(same(default, Settings.parse(other).model_dump())) for other in EVERY_OTHER_SETTINGS]
    assert set.intersection(*unchanged) == BEFORE_THE_FIRST_DEPLOY


@pytest.mark.parametrize("values", EVERY_OTHER_SETTINGS)
def test_no_setting_changes_a_slot(
    active_passive: dict[str, Any], wheels: Path, tmp_path: Path, values: dict[str, Any]
) -> None:
    """A deploy that wrote a live rule anew would answer 410 for live jobs."""
    settings = Settings.parse(values)
    app = new_app(tmp_path)
    ActivePassive(app, "ActivePassive", settings=settings, platform=Platform(app, "Platform", settings=settings))
    other = templates(app)["ActivePassive"]

    assert len(routing_places(active_passive)) == 3 * 5
    assert json.dumps(routing_places(other), sort_keys=True) == json.dumps(
        routing_places(active_passive), sort_keys=True
    )


def test_tags_leave_the_rules_alone(active_passive: dict[str, Any], tmp_path: Path) -> None:
    """Whether CloudFormation writes the conditions of a rule anew when its tags change is not documented."""
    app = new_app(tmp_path)
    settings = Settings()
    stack = ActivePassive(
        app, "ActivePassive", settings=settings, platform=Platform(app, "Platform", settings=settings)
    )
    Tags.of(app).add("team", "data")
    Tags.of(stack.front_door).add("part", "front-door")
    assembly = app.synth()
    tagged = assembly.get_stack_by_name("ActivePassive")

    def rules(template: dict[str, Any]) -> dict[str, Any]:
        return {name: each for name, each in routing_places(template).items() if "Rule" in name}

    assert len(rules(active_passive)) == 10
    assert "data" in str(tagged.template)
    assert rules(tagged.template) == rules(active_passive)
    # They would reach every resource that can be tagged, whatever the template says.
    assert tagged.tags == {}


def test_every_slot_starts_free(active_passive: dict[str, Any]) -> None:
    rules = {
        rule["Priority"]: rule["Conditions"]
        for logical_id, rule in resources(active_passive, "AWS::ElasticLoadBalancingV2::ListenerRule").items()
        if "Slots" in logical_id
    }

    assert rules == {
        priority: conditions
        for number in range(1, 6)
        for priority, conditions in (
            (routing.id_rule_priority(number), routing.unused_id_conditions(number)),
            (routing.header_rule_priority(number), routing.unused_header_conditions(number)),
        )
    }


def test_both_rules_of_a_slot_lead_to_its_group(active_passive: dict[str, Any]) -> None:
    rules = resources(active_passive, "AWS::ElasticLoadBalancingV2::ListenerRule")

    for number in range(1, 6):
        leads_to = {
            rule["Actions"][0]["TargetGroupArn"]["Ref"]
            for logical_id, rule in rules.items()
            if logical_id.startswith((f"FrontDoorSlotsIdRule{number}", f"FrontDoorSlotsHeaderRule{number}"))
        }
        assert len(leads_to) == 1
        assert next(iter(leads_to)).startswith(f"FrontDoorSlotsGroup{number}")


def test_one_slot_more_changes_no_other(tmp_path: Path) -> None:
    """A1: the deploy that adds it would else set live rules back to unused."""

    def made(count: int) -> dict[str, Any]:
        app = new_app(tmp_path / str(count))
        stack = Stack(app, "Stack")
        vpc = ec2.Vpc(stack, "Vpc")
        listener = elbv2.ApplicationLoadBalancer(stack, "LoadBalancer", vpc=vpc).add_listener(
            "Listener", port=80, open=False, default_action=elbv2.ListenerAction.fixed_response(200)
        )
        SlotPool(stack, "Slots", vpc=vpc, listener=listener, count=count)
        found = app.synth().get_stack_by_name("Stack").template["Resources"]
        return {name: each for name, each in found.items() if name.startswith("Slots")}

    four, five = made(4), made(5)

    assert (len(four), len(five)) == (3 * 4, 3 * 5)
    assert {name: five.get(name) for name in four} == four


@pytest.mark.parametrize("count", [0, 100])
def test_pool_that_cannot_be_numbered_is_refused(count: int, tmp_path: Path) -> None:
    stack = Stack(new_app(tmp_path), "Stack")
    vpc = ec2.Vpc(stack, "Vpc")
    listener = elbv2.ApplicationLoadBalancer(stack, "LoadBalancer", vpc=vpc).add_listener(
        "Listener", port=80, open=False, default_action=elbv2.ListenerAction.fixed_response(200)
    )

    with pytest.raises(ValueError, match=f"1 to 99 slots, got {count}"):
        SlotPool(stack, "Slots", vpc=vpc, listener=listener, count=count)
