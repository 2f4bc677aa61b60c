"""What the execution role may do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from emr_dr.settings import Settings
from stacks.platform import Platform

from ..synthesis import new_app, resources, statements, templates

Templates = dict[str, dict[str, Any]]

# What the role may do, by the statement that says so (user guide of MWAA, "Amazon MWAA execution role"; A7).
ALLOWED = {
    "Metrics": {"airflow:PublishMetrics"},
    "Files": {"s3:GetObject*", "s3:GetBucket*", "s3:List*"},
    "Logs": {
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:GetLogEvents",
        "logs:GetLogGroupFields",
        "logs:GetLogRecord",
        "logs:GetQueryResults",
        "logs:PutLogEvents",
    },
    "WithoutResource": {"cloudwatch:PutMetricData", "logs:DescribeLogGroups", "s3:GetAccountPublicAccessBlock"},
    "Queue": {
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:GetQueueUrl",
        "sqs:ReceiveMessage",
        "sqs:SendMessage",
    },
    "Key": {"kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"},
    "Connections": {"secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"},
    "ConnectionsKey": {"kms:Decrypt"},
    "LookAtClusters": {
        "elasticmapreduce:DescribeCluster",
        "elasticmapreduce:DescribeStep",
        "elasticmapreduce:GetManagedScalingPolicy",
        "elasticmapreduce:ListInstanceFleets",
        "elasticmapreduce:ListInstanceGroups",
        "elasticmapreduce:ListInstances",
        "elasticmapreduce:ListSteps",
    },
    "ListClusters": {"elasticmapreduce:ListClusters"},
}


def of(templates: Templates, sid: str) -> dict[str, Any]:
    (found,) = (each for each in statements(templates["Platform"], role="AirflowRole") if each["Sid"] == sid)
    return found


def actions(statement: dict[str, Any]) -> set[str]:
    found = statement["Action"]
    return {found} if isinstance(found, str) else set(found)


def test_the_role_may_do_exactly_what_airflow_and_jobs_need(with_airflow: Templates) -> None:
    """A7, B8: a right more fails this test."""
    found = statements(with_airflow["Platform"], role="AirflowRole")

    assert {each["Sid"]: actions(each) for each in found if each["Effect"] == "Allow"} == ALLOWED


def test_only_three_statements_name_every_resource_and_none_of_their_actions_knows_one(with_airflow: Templates) -> None:
    found = statements(with_airflow["Platform"], role="AirflowRole")

    assert {each["Sid"] for each in found if each["Resource"] == "*"} == {
        "NoOtherBucket",
        "WithoutResource",
        "ListClusters",
    }


def test_buckets_of_the_account_are_not_listed(with_airflow: Templates) -> None:
    denied = of(with_airflow, "NoOtherBucket")

    assert (denied["Effect"], denied["Action"]) == ("Deny", "s3:ListAllMyBuckets")


def test_mwaa_assumes_it_for_this_environment_alone(with_airflow: Templates) -> None:
    """B8: no confused deputy."""
    (role,) = (
        each
        for name, each in resources(with_airflow["Platform"], "AWS::IAM::Role").items()
        if name.startswith("AirflowRole")
    )

    trust = role["AssumeRolePolicyDocument"]["Statement"]
    services = [service for each in trust for service in each["Principal"]["Service"]]
    assert sorted(services) == ["airflow-env.amazonaws.com", "airflow.amazonaws.com"]
    for each in trust:
        assert each["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
        assert ":environment/emr-dr-airflow" in json.dumps(each["Condition"]["ArnLike"]["aws:SourceArn"])


def test_it_reads_the_secrets_of_its_connections_and_no_other(with_airflow: Templates) -> None:
    """A6, B8."""
    names = [
        json.dumps(each).split(":secret:")[1].split('"')[0] for each in of(with_airflow, "Connections")["Resource"]
    ]

    assert names == ["airflow/connections/livy_active_active-??????", "airflow/connections/livy_default-??????"]


def test_the_key_opens_these_secrets_by_way_of_secrets_manager_alone(with_airflow: Templates) -> None:
    condition = of(with_airflow, "ConnectionsKey")["Condition"]

    assert "secretsmanager." in json.dumps(condition["StringEquals"]["kms:ViaService"])
    assert condition["StringLike"]["kms:EncryptionContext:SecretARN"] == of(with_airflow, "Connections")["Resource"]


def test_it_uses_the_key_by_way_of_queue_and_bucket_alone(with_airflow: Templates) -> None:
    via = json.dumps(of(with_airflow, "Key")["Condition"]["StringEquals"]["kms:ViaService"])

    assert '"s3."' in via and '"sqs."' in via


def test_tasks_look_at_clusters_of_the_product_and_change_none(with_airflow: Templates) -> None:
    """A7: jobs go through the front door; clusters are the controller's."""
    assert of(with_airflow, "LookAtClusters")["Condition"] == {
        "StringLike": {"aws:ResourceTag/emr-dr:deployment": "emr-dr-*"}
    }


def test_it_writes_the_logs_of_this_environment(with_airflow: Templates) -> None:
    assert ":log-group:airflow-emr-dr-airflow-*" in json.dumps(of(with_airflow, "Logs")["Resource"])


def test_tasks_get_the_policies_that_the_settings_name_and_no_other(wheels: Path, tmp_path: Path) -> None:
    """A7: what a task needs besides jobs is its owner's to say."""
    policy = "arn:aws:iam::123456789012:policy/team/tables"
    app = new_app(tmp_path)
    Platform(app, "Platform", settings=Settings.parse({"mwaa": {"mode": "create", "task_policies": [policy]}}))
    roles = resources(templates(app)["Platform"], "AWS::IAM::Role")

    assert {name: each["ManagedPolicyArns"] for name, each in roles.items() if policy in str(each)} == {
        name: [policy] for name in roles if name.startswith("AirflowRole")
    }
