"""Quotas of listener rules, and rules as they stand in a template."""

from __future__ import annotations

from pathlib import Path

import pytest
from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from dr_core import routing
from dr_core.routing import Conditions
from emr_dr.listener_rules import ListenerRule, RuleQuotaError, check_quotas, fixed_response

from ..synthesis import new_app


def paths(*expressions: str) -> Conditions:
    return [{"Field": "path-pattern", "PathPatternConfig": {"RegexValues": list(expressions)}}]


@pytest.mark.parametrize(
    "conditions",
    [
        routing.health_conditions(),
        routing.id_conditions(2146),
        routing.header_conditions(2146),
        routing.unused_id_conditions(99),
        routing.unused_header_conditions(99),
        *routing.gone_rules(),
    ],
)
def test_every_rule_of_the_front_door_is_within_the_quotas(conditions: Conditions) -> None:
    check_quotas(conditions, rule="rule")


def test_expression_may_have_128_characters() -> None:
    check_quotas(paths("^" + "a" * 127), rule="rule")


def test_longer_expression_is_refused() -> None:
    with pytest.raises(RuleQuotaError, match="the rule Id has 129 characters in an expression, at most 128"):
        check_quotas(paths("^" + "a" * 128), rule="Id")


def test_rule_may_have_five_values_over_all_its_conditions() -> None:
    check_quotas([*paths("1", "2", "3"), *routing.header_conditions(1001)], rule="rule")


def test_sixth_value_is_refused() -> None:
    with pytest.raises(RuleQuotaError, match="6 values, at most 5 are allowed: split it"):
        check_quotas([*paths("1", "2", "3", "4"), *routing.header_conditions(1001)], rule="rule")


def test_sixth_wildcard_is_refused() -> None:
    with pytest.raises(RuleQuotaError, match="6 wildcards, at most 5"):
        check_quotas(paths("a*b*c*", "d?e?f?"), rule="rule")


def listener(folder: Path) -> elbv2.ApplicationListener:
    stack = Stack(new_app(folder), "Stack")
    vpc = ec2.Vpc(stack, "Vpc")
    load_balancer = elbv2.ApplicationLoadBalancer(stack, "LoadBalancer", vpc=vpc)
    return load_balancer.add_listener(
        "Listener", port=80, open=False, default_action=elbv2.ListenerAction.fixed_response(200)
    )


def test_rule_beyond_a_quota_ends_synth_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(RuleQuotaError, match=r"Stack/LoadBalancer/Listener/TooMuch \(priority 7\)"):
        ListenerRule(
            listener(tmp_path),
            "TooMuch",
            listener=listener(tmp_path),
            priority=7,
            conditions=paths("x" * 200),
            action=fixed_response(status="410", body="{}"),
        )
