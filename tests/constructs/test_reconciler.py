"""The reconciliation's function, and what it may not do."""

from __future__ import annotations

from typing import Any

import pytest

from failover.reconcile import LOOK_AGAIN_SECONDS

from ..synthesis import resources, statements

ROLE = "ReconcilerReconcileRole"
READS = ("Describe", "List", "Get", "Query", "BatchGet", "ConditionCheck")


def actions(found: list[dict[str, Any]]) -> set[str]:
    return {
        action for each in found for action in ([each["Action"]] if isinstance(each["Action"], str) else each["Action"])
    }


@pytest.fixture
def reconciler(active_passive: dict[str, Any]) -> dict[str, Any]:
    found = resources(active_passive, "AWS::Lambda::Function").values()
    return next(each for each in found if each["FunctionName"] == "emr-dr-active-passive-reconcile")


def test_it_runs_beside_what_it_watches(reconciler: dict[str, Any]) -> None:
    """B6: outside the VPC, and less than the minute until its next run."""
    assert "VpcConfig" not in reconciler
    assert 3 * LOOK_AGAIN_SECONDS < reconciler["Timeout"] < 60
    assert reconciler["Handler"] == "failover.reconcile.handler"


def test_it_changes_the_front_door_and_limits_starts_retirements_asks_probers_and_nothing_else(
    active_passive: dict[str, Any],
) -> None:
    """A14: it can neither launch nor end a cluster, nor start or stop an operation."""
    changing = {
        action
        for action in actions(statements(active_passive, role=ROLE))
        if not action.partition(":")[2].startswith(READS)
    }

    assert changing == {
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "elasticloadbalancing:DeregisterTargets",
        "elasticloadbalancing:ModifyRule",
        "elasticloadbalancing:RegisterTargets",
        "elasticmapreduce:AddTags",
        "elasticmapreduce:PutManagedScalingPolicy",
        "elasticmapreduce:RemoveTags",
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "lambda:InvokeFunction",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "sns:Publish",
        "sqs:SendMessage",
        "states:StartExecution",
    }


def test_it_asks_probers_only(active_passive: dict[str, Any]) -> None:
    (found,) = [each for each in statements(active_passive, role=ROLE) if "lambda:InvokeFunction" in actions([each])]

    assert all("emr-dr-active-passive-prober-" in str(each) for each in found["Resource"])


def test_it_starts_retirements_only(active_passive: dict[str, Any]) -> None:
    (found,) = [each for each in statements(active_passive, role=ROLE) if "states:StartExecution" in actions([each])]

    assert str(found["Resource"]).endswith(":stateMachine:emr-dr-active-passive-retirement']]}")


def test_it_looks_at_clusters_of_the_deployment_only(active_passive: dict[str, Any]) -> None:
    (found,) = [
        each for each in statements(active_passive, role=ROLE) if "elasticmapreduce:DescribeCluster" in actions([each])
    ]

    assert found["Condition"] == {"StringEquals": {"aws:ResourceTag/emr-dr:deployment": "emr-dr-active-passive"}}


def test_what_it_may_do_to_anything_is_to_list(active_passive: dict[str, Any]) -> None:
    everywhere = [each for each in statements(active_passive, role=ROLE) if each["Resource"] == "*"]

    assert actions(everywhere) == {
        "cloudformation:ListStacks",
        "ec2:DescribeInstances",
        "ec2:DescribeInternetGateways",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
        "elasticloadbalancing:DescribeRules",
        "elasticloadbalancing:DescribeTargetHealth",
        "elasticmapreduce:ListClusters",
    }


def test_a_run_that_failed_is_kept_and_not_repeated(active_passive: dict[str, Any]) -> None:
    """The next minute's run looks at a newer world; the queue has an alarm."""
    (found,) = [
        each
        for each in resources(active_passive, "AWS::Lambda::EventInvokeConfig").values()
        if "ReconcilerReconcile" in str(each["FunctionName"])
    ]

    assert (found["MaximumRetryAttempts"], found["MaximumEventAgeInSeconds"]) == (0, 60)


def test_what_it_could_not_handle_is_kept(reconciler: dict[str, Any]) -> None:
    assert "SchedulesDeadLetters" in str(reconciler["DeadLetterConfig"]["TargetArn"])
