"""The policy checks and their acknowledgements."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from emr_dr.own_checks import acknowledged
from emr_dr.policy_checks import acknowledge, add_policy_checks, wildcard_below

from ..synthesis import findings, new_app


def test_a_finding_ends_synth(tmp_path: Path) -> None:
    """B8: synth refuses a topic that anybody may publish to in the clear."""
    app = new_app(tmp_path)
    sns.Topic(Stack(app, "Stack"), "Topic")
    add_policy_checks(app)

    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    report = json.loads((tmp_path / "validation-report.json").read_text(encoding="utf-8"))
    rules = {violation["ruleName"] for plugin in report["pluginReports"] for violation in plugin["violations"]}
    assert {rule for rule in rules if "SNS3" in rule}


def test_an_acknowledged_finding_passes(tmp_path: Path) -> None:
    app = new_app(tmp_path)
    topic = sns.Topic(Stack(app, "Stack"), "Topic")
    acknowledge(
        topic,
        {"AwsSolutions-SNS3": "a test", **{acknowledged(rule): "a test" for rule in ("encrypted-at-rest", "tagged")}},
    )
    add_policy_checks(app)

    app.synth()


def test_an_acknowledgement_holds_for_its_construct_alone(tmp_path: Path) -> None:
    app = new_app(tmp_path)
    stack = Stack(app, "Stack")
    acknowledge(sns.Topic(stack, "One"), {"AwsSolutions-SNS3": "a test"})
    sns.Topic(stack, "Other")

    assert findings(app) == ["AwsSolutions-SNS3 Stack/Other/Resource"]


def test_a_wildcard_below_a_resource_is_acknowledged_by_the_resource(tmp_path: Path) -> None:
    app = new_app(tmp_path)
    stack = Stack(app, "Stack")
    bucket = s3.Bucket(stack, "Bucket", enforce_ssl=True)
    acknowledge(bucket, {"AwsSolutions-S1": "a test"})
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
    role.add_to_policy(iam.PolicyStatement(actions=["s3:GetObject"], resources=[bucket.arn_for_objects("logs/*")]))
    assert len(findings(app)) == 1

    acknowledge(role, {wildcard_below(bucket, "/logs/*"): "a test"})

    assert findings(app) == []


def test_a_construct_without_a_resource_has_no_wildcard(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="has no CloudFormation resource of its own"):
        wildcard_below(Stack(new_app(tmp_path), "Stack"), "/*")
