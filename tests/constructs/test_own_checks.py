"""Our own rules at synth, beside those of cdk-nag."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_sns as sns

from emr_dr.own_checks import acknowledged, tag_stack
from emr_dr.policy_checks import acknowledge, add_policy_checks

from ..synthesis import new_app, only, templates

UNTAGGED = "emr-dr::tagged"


def table(stack: Stack, name: str) -> dynamodb.Table:
    return dynamodb.Table(
        stack,
        name,
        partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=True
        ),
        removal_policy=RemovalPolicy.DESTROY,
    )


def told(app: App, folder: Path) -> set[tuple[str, str]]:
    """Rule and construct of what ends synth."""
    add_policy_checks(app)
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    report = json.loads((folder / "validation-report.json").read_text(encoding="utf-8"))
    return {
        (violation["ruleName"], construct["constructPath"])
        for plugin in report["pluginReports"]
        for violation in plugin["violations"]
        for construct in violation["violatingConstructs"]
    }


def test_a_finding_of_our_own_rules_ends_synth(tmp_path: Path) -> None:
    """B8."""
    app = new_app(tmp_path)
    table(Stack(app, "Stack"), "Table")

    assert told(app, tmp_path) == {("stateful-kept", "Stack/Table/Resource"), ("tagged", "Stack/Table/Resource")}


def test_an_acknowledged_finding_passes(tmp_path: Path) -> None:
    app = new_app(tmp_path)
    stack = Stack(app, "Stack")
    tag_stack(stack)
    acknowledge(table(stack, "Table"), {acknowledged("stateful-kept"): "a test"})
    add_policy_checks(app)

    app.synth()


@pytest.mark.parametrize("rule", ["stateful-kept", "AwsSolutions-SNS3"])
def test_one_acknowledged_finding_lets_no_other_pass(tmp_path: Path, rule: str) -> None:
    """A finding without a severity would let synth pass as soon as another one of its rules is acknowledged."""
    app = new_app(tmp_path)
    stack = Stack(app, "Stack")
    tag_stack(stack)
    if rule == "stateful-kept":
        acknowledge(table(stack, "One"), {acknowledged(rule): "a test"})
        table(stack, "Other")
    else:
        made = {"master_key": None}
        for name in ("One", "Other"):
            topic = sns.Topic(stack, name, **made)
            acknowledge(topic, {acknowledged("encrypted-at-rest"): "a test"})
            if name == "One":
                acknowledge(topic, {rule: "a test"})

    assert {path for _, path in told(app, tmp_path)} == {"Stack/Other/Resource"}


def test_a_rule_that_is_not_there_is_not_acknowledged() -> None:
    with pytest.raises(ValueError, match="there is no rule 'stateful'"):
        acknowledged("stateful")


def test_a_stack_is_tagged_with_its_own_name(tmp_path: Path) -> None:
    """B7."""
    app = new_app(tmp_path)
    stack = Stack(app, "Stack")
    tag_stack(stack)
    table(stack, "Table")

    tags: list[dict[str, Any]] = only(templates(app)["Stack"], "AWS::DynamoDB::Table")["Tags"]

    assert tags == [{"Key": "emr-dr:stack", "Value": "Stack"}]
