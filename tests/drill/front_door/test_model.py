"""Snapshots of load balancers: what is looked up in them, and that they never change."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace

import pytest

from emr_drill.front_door.model import (
    DEFAULT_RULE_PRIORITY,
    FixedResponse,
    Forward,
    HealthCheck,
    Listener,
    LoadBalancer,
    Rule,
    Target,
    TargetGroup,
)

TARGET = Target(id="10.0.1.5", port=8998)
GROUP = TargetGroup(arn="group", name="balanced", target_type="ip", targets=(TARGET,), health_check=HealthCheck())
GONE = Rule(arn="gone", priority=900, conditions=(), action=FixedResponse(status=410))
DEFAULT = Rule(arn="default", priority=DEFAULT_RULE_PRIORITY, conditions=(), action=Forward(groups=(("group", 1),)))
LIVY = Listener(arn="livy", port=8998, rules=(GONE, DEFAULT))
BALANCER = LoadBalancer(
    arn="balancer",
    name="router",
    kind="application",
    dns_name="router.example",
    zones=("us-east-1a",),
    listeners=(LIVY, Listener(arn="name-node", port=9870, rules=(DEFAULT,))),
    groups=(GROUP,),
)


def test_target_is_told_by_address_and_port() -> None:
    assert str(TARGET) == "10.0.1.5:8998"


@pytest.mark.parametrize(("rule", "label"), [(GONE, "900"), (DEFAULT, "default")])
def test_priority_is_told_as_the_api_shows_it(rule: Rule, label: str) -> None:
    assert rule.label == label


def test_default_rule_comes_after_every_priority_that_aws_allows() -> None:
    assert DEFAULT_RULE_PRIORITY > 50_000


def test_listener_is_found_by_port() -> None:
    assert [BALANCER.listener(port) for port in (8998, 8088)] == [LIVY, None]


def test_group_is_found_by_its_arn() -> None:
    assert [BALANCER.group(arn) for arn in ("group", "other")] == [GROUP, None]


def test_two_readings_of_one_configuration_are_equal() -> None:
    """A node takes an unequal one for a change, which spreads for seconds."""
    assert replace(BALANCER) == BALANCER
    assert replace(BALANCER, idle_timeout_seconds=61) != BALANCER


def test_targets_can_be_looked_up() -> None:
    """Pools of connections and verdicts are kept by target."""
    assert {TARGET: 1}[Target(id="10.0.1.5", port=8998)] == 1


@pytest.mark.parametrize("value", [TARGET, GROUP, GROUP.health_check, GONE, GONE.action, LIVY, BALANCER])
def test_snapshot_never_changes(value: object) -> None:
    """Nodes read it while the control plane makes the next one."""
    name = next(iter(fields(value))).name  # type: ignore[arg-type]
    with pytest.raises(FrozenInstanceError):
        setattr(value, name, None)
