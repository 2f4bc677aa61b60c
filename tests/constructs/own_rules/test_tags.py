"""The rule about tags (B7)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cfnlint.schema.manager import ProviderSchemaManager  # type: ignore[import-untyped]

from emr_dr.own_rules.tags import DEPLOYMENT_TAG, STACK_TAG, TAGGED

from .examples import found, of

# Not tagged, and why.
WITHOUT = {
    "AWS::ElasticLoadBalancingV2::ListenerRule": "a changed tag updates the rule, and may set live conditions back",
    "AWS::ElasticLoadBalancingV2::Listener": "costs nothing by itself; the CDK has no tags for it",
    "AWS::EC2::SecurityGroupIngress": "costs nothing, and belongs to a group that is tagged",
    "AWS::IAM::InstanceProfile": "costs nothing; CloudFormation's type has no tags",
    "AWS::Lambda::EventInvokeConfig": "no thing of its own",
    "AWS::Scheduler::Schedule": "only its group can be tagged",
}


@pytest.mark.parametrize("kind", sorted(TAGGED))
def test_a_resource_without_a_tag_is_found(kind: str) -> None:
    assert found("tagged", of(kind, {})) == ["it has no tag emr-dr:stack"]
    for tag in (STACK_TAG, DEPLOYMENT_TAG):
        assert found("tagged", of(kind, {"Tags": [{"Key": tag, "Value": "x"}]})) == []
        assert found("tagged", of(kind, {"Tags": {tag: "x"}})) == []
    assert len(found("tagged", of(kind, {"Tags": [{"Key": "Name", "Value": "x"}]}))) == 1


def test_the_rule_knows_every_type_that_cloudformation_can_tag(
    assembly: Path, with_airflow: dict[str, dict[str, Any]], with_existing_airflow: dict[str, dict[str, Any]]
) -> None:
    """By CloudFormation's own schemas; a new type is either tagged or stands in the list above with a reason."""
    templates = [
        *(json.loads(file.read_text("utf-8")) for file in assembly.rglob("*.template.json")),
        *with_airflow.values(),
        *with_existing_airflow.values(),
    ]
    used = {str(resource["Type"]) for template in templates for resource in template["Resources"].values()}
    taggable = {kind for kind in used if not kind.startswith("Custom::") and can_be_tagged(kind)}

    assert taggable - TAGGED.keys() - WITHOUT.keys() == set()


def can_be_tagged(kind: str) -> bool:
    schema: Any = ProviderSchemaManager().get_resource_schema("us-east-1", kind).schema
    return "Tags" in schema.get("properties", {})
