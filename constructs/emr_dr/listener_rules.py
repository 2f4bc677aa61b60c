"""Rules of the application load balancer, checked against what one rule may hold.

The conditions are those of :mod:`dr_core.routing`, the very values that the controller gives to ModifyRule later.
CloudFormation uses the same names for them, so they go into the template as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from dr_core.routing import Conditions

# Elastic Load Balancing, "Quotas for your Application Load Balancers"; neither CloudFormation's schema nor cfn-lint
# knows them, and a template that breaks one fails only when it is deployed.
MAXIMUM_VALUES = 5
MAXIMUM_WILDCARDS = 5
MAXIMUM_EXPRESSION_LENGTH = 128
_WILDCARDS = "*?"


class RuleQuotaError(ValueError):
    """A rule holds more than Elastic Load Balancing accepts."""


def check_quotas(conditions: Conditions, *, rule: str) -> None:
    """Make sure that one rule may hold *conditions*.

    Args:
        conditions: in the shape of the API.
        rule: what to call the rule in an error.

    Raises:
        RuleQuotaError: too many values or wildcards, or too long an expression.
    """
    expressions = list(_values(conditions, "RegexValues"))
    values = [*expressions, *_values(conditions, "Values")]
    wildcards = sum(value.count(mark) for value in values for mark in _WILDCARDS)
    for what, got, allowed in (
        ("values", len(values), MAXIMUM_VALUES),
        ("wildcards", wildcards, MAXIMUM_WILDCARDS),
        ("characters in an expression", max(map(len, expressions), default=0), MAXIMUM_EXPRESSION_LENGTH),
    ):
        if got > allowed:
            raise RuleQuotaError(
                f"the rule {rule} has {got} {what}, at most {allowed} are allowed: split it into several rules"
            )


class ListenerRule(elbv2.CfnListenerRule):
    """One rule of a listener.  The L1, as the L2 knows no regular expressions."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        listener: elbv2.IApplicationListener,
        priority: int,
        conditions: Conditions,
        action: elbv2.CfnListenerRule.ActionProperty,
    ) -> None:
        """Define the rule.

        Args:
            priority: 1 to 50,000; the lowest that matches decides.
            conditions: in the shape of the API.

        Raises:
            RuleQuotaError: one rule cannot hold *conditions*.
        """
        super().__init__(
            scope,
            construct_id,
            listener_arn=listener.listener_arn,
            priority=priority,
            conditions=[],
            actions=[action],
        )
        check_quotas(conditions, rule=f"{self.node.path} (priority {priority})")
        self.add_property_override("Conditions", conditions)
        # Tags of the app, the stack or a part of it stay away: other tags are a change of the rule, and whether
        # CloudFormation then writes the conditions anew, those that the controller has set since, is not documented.
        self.add_property_deletion_override("Tags")


def fixed_response(*, status: str, body: str) -> elbv2.CfnListenerRule.ActionProperty:
    """Answer a JSON *body* with the HTTP *status*, without any target."""
    return elbv2.CfnListenerRule.ActionProperty(
        type="fixed-response",
        fixed_response_config=elbv2.CfnListenerRule.FixedResponseConfigProperty(
            status_code=status, content_type="application/json", message_body=body
        ),
    )


def forward_to(target_group: elbv2.IApplicationTargetGroup) -> elbv2.CfnListenerRule.ActionProperty:
    """Forward to *target_group*."""
    return elbv2.CfnListenerRule.ActionProperty(type="forward", target_group_arn=target_group.target_group_arn)


def _values(conditions: Sequence[Mapping[str, Any]], key: str) -> Iterator[str]:
    for condition in conditions:
        for name, body in condition.items():
            if name != "Field":
                yield from body.get(key, ())
