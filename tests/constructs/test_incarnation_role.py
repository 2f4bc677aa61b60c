"""The role of incarnation stacks."""

from __future__ import annotations

from typing import Any

from ..synthesis import resources, statements

ROLE = "ControllerIncarnationRole"


def by_sid(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["Sid"]: each for each in statements(template, role=ROLE)}


def test_cloudformation_alone_assumes_it(active_passive: dict[str, Any]) -> None:
    role = next(
        each for logical_id, each in resources(active_passive, "AWS::IAM::Role").items() if logical_id.startswith(ROLE)
    )

    principals = [each["Principal"] for each in role["AssumeRolePolicyDocument"]["Statement"]]
    assert principals == [{"Service": "cloudformation.amazonaws.com"}]


def test_it_launches_clusters_with_the_tag_of_the_deployment_only(active_passive: dict[str, Any]) -> None:
    launch = by_sid(active_passive)["Launch"]

    assert launch["Action"] == "elasticmapreduce:RunJobFlow"
    assert launch["Condition"] == {"StringEquals": {"aws:RequestTag/emr-dr:deployment": "emr-dr-active-passive"}}


def test_it_ends_clusters_with_the_tag_of_the_deployment_only(active_passive: dict[str, Any]) -> None:
    clusters = by_sid(active_passive)["Clusters"]

    assert "elasticmapreduce:TerminateJobFlows" in clusters["Action"]
    assert clusters["Condition"] == {"StringEquals": {"aws:ResourceTag/emr-dr:deployment": "emr-dr-active-passive"}}


def test_it_passes_the_roles_of_emr_and_no_others(active_passive: dict[str, Any]) -> None:
    """A14: no default roles."""
    found = by_sid(active_passive)
    passed = [each for each in found.values() if each["Action"] == "iam:PassRole"]

    assert passed == [found["PassServiceRole"], found["PassInstanceRole"]]
    assert "ServiceRole" in found["PassServiceRole"]["Resource"]["Fn::ImportValue"]
    assert "InstanceRole" in found["PassInstanceRole"]["Resource"]["Fn::ImportValue"]
