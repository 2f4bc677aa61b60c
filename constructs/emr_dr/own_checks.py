"""Our own rules in the place where cdk-nag's stand: a validation plugin, whose findings end synth.

A finding is acknowledged as one of cdk-nag is (:func:`emr_dr.policy_checks.acknowledge`), by ``emr-dr::<name>``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import jsii
from aws_cdk import (
    IPolicyValidationPlugin,
    PolicyValidationPluginReport,
    PolicyViolatingResource,
    PolicyViolation,
    Stack,
    Tags,
)

from emr_dr.own_rules.catalogue import RULES
from emr_dr.own_rules.model import Finding, findings
from emr_dr.own_rules.tags import STACK_TAG

if TYPE_CHECKING:
    from aws_cdk import IPolicyValidationContext

PLUGIN = "emr-dr"


def acknowledged(rule: str) -> str:
    """The id by which a finding of *rule* is acknowledged."""
    if rule not in {each.name for each in RULES}:
        raise ValueError(f"there is no rule {rule!r}, there are: {', '.join(each.name for each in RULES)}")
    return f"{PLUGIN}::{rule}"


def tag_stack(stack: Stack) -> None:
    """Tag everything below *stack* that can be tagged with the stack's name.

    The construct's id and no setting: a tag that settings could change would be a change of the routing places, too.
    Listener rules have no tags (:mod:`emr_dr.listener_rules`).
    """
    Tags.of(stack).add(STACK_TAG, stack.node.id)


@jsii.implements(IPolicyValidationPlugin)
class OwnChecks:
    """The plugin."""

    @property
    def name(self) -> str:
        """First part of the ids of findings."""
        return PLUGIN

    @property
    def version(self) -> str:
        """Of the rules; nobody asks for another one."""
        return "1.0.0"

    @property
    def rule_ids(self) -> list[str]:
        """Every rule."""
        return [rule.name for rule in RULES]

    def validate(self, context: IPolicyValidationContext) -> PolicyValidationPluginReport:
        """What the rules find in the templates that were written."""
        found = [
            (path, finding)
            for path in context.template_paths
            for finding in findings(json.loads(Path(path).read_text(encoding="utf-8")), RULES)
        ]
        return PolicyValidationPluginReport(
            success=not found, violations=[_violation(path, finding) for path, finding in found]
        )


def _violation(path: str, finding: Finding) -> PolicyViolation:
    rule = finding.rule
    return PolicyViolation(
        rule_name=rule.name,
        description=f"{rule.asks}. Here: {finding.what}.",
        fix=rule.remedy,
        # Said, and not left to the default: where some findings are acknowledged, only those of a severity end synth.
        severity="error",
        violating_resources=[
            PolicyViolatingResource(resource_logical_id=finding.logical_id, template_path=path, locations=[])
        ],
    )
