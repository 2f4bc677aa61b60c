"""The policy checks that every app runs at synth, cdk-nag's AWS Solutions rules and our own, and how a finding is
acknowledged.

A finding that is not acknowledged ends synth.  An acknowledgement stands next to the construct it concerns and says
why what the rule asks for is not right there.
"""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Acknowledgment, App, CfnResource, Stack, Token, Validations
from cdk_nag import AwsSolutionsChecks
from constructs import IConstruct

from emr_dr.own_checks import OwnChecks


def add_policy_checks(app: App) -> None:
    """Check every stack of *app* when it is synthesized.

    cdk-nag 3 is a validation plugin, no longer an aspect (https://github.com/cdklabs/cdk-nag, "Migrating to v3").
    """
    Validations.of(app).add_plugins(AwsSolutionsChecks(app, verbose=True), OwnChecks())


def acknowledge(scope: IConstruct, findings: Mapping[str, str]) -> None:
    """Accept findings on *scope* and everything below it.

    Args:
        scope: the construct that the findings concern.
        findings: reasons by rule: ``AwsSolutions-S1``, or ``AwsSolutions-IAM5[Resource::*]`` where a rule has several
            findings, or ``emr-dr::stateful-kept`` of our own (:func:`emr_dr.own_checks.acknowledged`).
    """
    for rule, reason in findings.items():
        Validations.of(scope).acknowledge(Acknowledgment(id=rule, reason=reason))


def wildcard_resource(resource: str) -> str:
    """The id of the finding that a policy names *resource*, as an ARN with a wildcard.

    Args:
        resource: the ARN without tokens, such as ``arn:<AWS::Partition>:s3:::lake/raw/*``.
    """
    return f"AwsSolutions-IAM5[Resource::{resource}]"


def wildcard_below(resource: IConstruct, suffix: str) -> str:
    """The id of the finding that a policy names everything below an attribute ``Arn`` of *resource*.

    Args:
        resource: the L2 or L1 construct whose ARN the policy extends.
        suffix: what follows the ARN, such as ``/emr/*``.
    """
    element = resource if isinstance(resource, CfnResource) else resource.node.default_child
    if not isinstance(element, CfnResource):
        raise TypeError(f"{resource.node.path} has no CloudFormation resource of its own to acknowledge a finding on")
    logical_id = str(Stack.of(element).resolve(Stack.of(element).get_logical_id(element)))
    if Token.is_unresolved(logical_id):
        raise TypeError(f"the logical id of {resource.node.path} is not known yet")
    return wildcard_resource(f"<{logical_id}.Arn>{suffix}")
