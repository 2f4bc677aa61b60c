"""Rules about load balancers: an example that passes and those that fail (A4, A5)."""

from __future__ import annotations

from typing import Any

import pytest

from dr_core import routing
from emr_dr.own_rules.front_door import MOST_GROUPS, MOST_LISTENERS, MOST_RULES

from .examples import found, of

BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"


def paths(*expressions: str) -> dict[str, Any]:
    return of(
        RULE, {"Conditions": [{"Field": "path-pattern", "PathPatternConfig": {"RegexValues": list(expressions)}}]}
    )


@pytest.mark.parametrize(
    "conditions",
    [
        routing.health_conditions(),
        routing.id_conditions(1001),
        routing.header_conditions(1001),
        routing.unseeded_id_conditions(),
        *routing.gone_rules(),
    ],
)
def test_every_rule_that_the_product_writes_passes(conditions: routing.Conditions) -> None:
    """Those that the controller gives to ModifyRule later, too."""
    assert found("listener-rule", of(RULE, {"Conditions": conditions})) == []


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("^/batches/(?=1001)[0-9]+$", "'(?='"),
        ("^/(a)/\\1$", "'\\\\1'"),
        ("^/[0-9]++$", "'++'"),
        ("/batches/1001", "not held at both ends"),
        ("^/batches/1001", "not held at both ends"),
        ("^/(batches$", "is none"),
        ("^/" + "a" * 130 + "$", "characters in an expression"),
        ("^/*/*/*/*/*/*$", "wildcards"),
    ],
)
def test_an_expression_that_the_service_would_refuse_is_found(expression: str, words: str) -> None:
    """It would show at deploy time only, and neither CloudFormation nor cfn-lint knows it."""
    (what, *_) = found("listener-rule", paths(expression))

    assert words in what


def test_too_many_values_of_one_rule_are_found() -> None:
    assert "6 values" in found("listener-rule", paths(*(f"^/{number}$" for number in range(6))))[0]


def forward(groups: int) -> dict[str, Any]:
    return {"Type": "forward", "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": f"g{n}"} for n in range(groups)]}}


@pytest.mark.parametrize(("kind", "key"), [(LISTENER, "DefaultActions"), (RULE, "Actions")])
def test_an_action_forwards_to_five_groups_at_most(kind: str, key: str) -> None:
    assert found("listener-actions", of(kind, {key: [forward(5)]})) == []
    assert "6 groups" in found("listener-actions", of(kind, {key: [forward(6)]}))[0]


def sized(*, listeners: int = 1, rules: int = 0, groups: int = 1, same_priority: bool = False) -> list[str]:
    made = {f"L{n}": of(LISTENER, {"LoadBalancerArn": {"Ref": "Balancer"}}) for n in range(listeners)}
    made |= {
        f"Rule{n}": of(
            RULE,
            {
                "ListenerArn": {"Ref": "L0"},
                "Priority": 1 if same_priority else n + 1,
                "Actions": [{"TargetGroupArn": {"Ref": f"G{n % groups}"}}],
            },
        )
        for n in range(rules)
    }
    return found("load-balancer-size", Balancer=of(BALANCER, {}), **made)


def test_a_load_balancer_within_its_quotas_passes() -> None:
    assert sized(listeners=MOST_LISTENERS, rules=MOST_RULES, groups=MOST_GROUPS) == []


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ({"listeners": MOST_LISTENERS + 1}, "51 listeners"),
        ({"rules": MOST_RULES + 1, "groups": 3}, "101 rules"),
        ({"rules": MOST_GROUPS + 1, "groups": MOST_GROUPS + 1}, "101 target groups"),
        ({"rules": 2, "same_priority": True}, "2 rules of one listener have the priority 1"),
    ],
)
def test_a_load_balancer_beyond_its_quotas_is_found(made: dict[str, Any], words: str) -> None:
    assert [what for what in sized(**made) if words in what]


GOOD = {
    "idle_timeout.timeout_seconds": "25",
    "access_logs.s3.enabled": "true",
    "routing.http.drop_invalid_header_fields.enabled": "true",
}


def balancer(attributes: dict[str, str], **properties: Any) -> dict[str, Any]:
    given = [{"Key": key, "Value": value} for key, value in attributes.items()]
    return of(BALANCER, {"LoadBalancerAttributes": given, **properties})


def test_a_load_balancer_that_fits_livy_passes() -> None:
    assert found("load-balancer-connections", balancer(GOOD)) == []
    assert found("load-balancer-connections", balancer({}, Type="network")) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"idle_timeout.timeout_seconds": "30"}, "keeps idle connections for 30 s"),
        ({"access_logs.s3.enabled": "false"}, "no access logs"),
        ({"routing.http.drop_invalid_header_fields.enabled": "false"}, "invalid header fields"),
    ],
)
def test_a_load_balancer_that_does_not_fit_livy_is_found(change: dict[str, str], words: str) -> None:
    """A connection that Livy closes first is a 502 (A14)."""
    assert words in found("load-balancer-connections", balancer({**GOOD, **change}))[0]


def test_the_default_keeps_idle_connections_too_long() -> None:
    assert "for 60 s" in found("load-balancer-connections", balancer({}))[0]


def test_a_rule_with_tags_is_found() -> None:
    assert found("rules-without-tags", of(RULE, {"Tags": []})) == ["it has tags"]
    assert found("rules-without-tags", of(RULE, {})) == []
