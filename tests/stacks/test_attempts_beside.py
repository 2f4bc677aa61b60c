"""What somebody could try who has taken over a role that stands beside the operations: whoever finishes one, keeps a
standby, writes flow logs, or runs Airflow (B8).

As in :mod:`tests.stacks.test_attempts`, an attempt is decided by the policies of the synthesized templates.
"""

from __future__ import annotations

from typing import Any

import pytest

from ..roles import ACCOUNT, role_statements
from .test_attempts import CLUSTER, EXECUTION_ENDED, HERE, OURS, STACK, attempt

STANDBY = "ActivePassive/StandbyKeeperStandbyRole"
FLOW_LOGS = "Platform/NetworkFlowLogWriter"
AIRFLOW = "Platform/AirflowRole"
FILES = "Platform/AirflowFilesFunctionRole"
ROLES = (EXECUTION_ENDED, STANDBY, FLOW_LOGS, AIRFLOW, FILES)

ROLE = f"arn:aws:iam::{ACCOUNT}:role/Admin"

# What none of them is for: to launch or end a cluster, to change rights, to read what belongs to others.
NEVER = (
    ("elasticmapreduce:RunJobFlow", "*"),
    ("elasticmapreduce:TerminateJobFlows", CLUSTER),
    ("elasticmapreduce:AddJobFlowSteps", CLUSTER),
    ("elasticmapreduce:SetTerminationProtection", CLUSTER),
    ("cloudformation:CreateStack", STACK),
    ("cloudformation:DeleteStack", STACK),
    ("elasticloadbalancing:ModifyRule", f"arn:aws:elasticloadbalancing:{HERE}:listener-rule/app/x/1/2/3"),
    ("iam:PassRole", ROLE),
    ("iam:PutRolePolicy", ROLE),
    ("sts:AssumeRole", ROLE),
    ("lambda:UpdateFunctionCode", f"arn:aws:lambda:{HERE}:function:emr-dr-active-passive-monitor"),
    ("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{HERE}:secret:airflow/connections/theirs-AbCdEf"),
    ("secretsmanager:PutSecretValue", f"arn:aws:secretsmanager:{HERE}:secret:airflow/connections/livy_default-AbCdEf"),
    ("s3:GetObject", "arn:aws:s3:::somebodys/file"),
    ("s3:PutObject", "arn:aws:s3:::somebodys/file"),
    ("dynamodb:DeleteTable", f"arn:aws:dynamodb:{HERE}:table/record"),
    ("logs:DeleteLogGroup", f"arn:aws:logs:{HERE}:log-group:flow"),
    ("kms:ScheduleKeyDeletion", f"arn:aws:kms:{HERE}:key/1"),
)
STARTS = ("states:StartExecution", f"arn:aws:states:{HERE}:stateMachine:emr-dr-active-passive-{{}}")


@pytest.fixture(scope="module")
def made(with_airflow: dict[str, dict[str, Any]], warm_standby: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Platform with Airflow, and active-passive with a warm standby."""
    return {"Platform": with_airflow["Platform"], "ActivePassive": warm_standby}


def allowed(made: dict[str, dict[str, Any]], role: str, action: str, resource: str) -> bool:
    """Whether the policies of *role* let it, on what has our own tag."""
    return attempt(made, role, action, resource, when=OURS).allowed


@pytest.mark.parametrize("role", ROLES)
def test_none_of_them_does_what_it_is_not_for(made: dict[str, dict[str, Any]], role: str) -> None:
    """On clusters and stacks with our own tag, too."""
    assert role_statements(made, role)
    assert [action for action, resource in NEVER if allowed(made, role, action, resource)] == []


@pytest.mark.parametrize(
    ("role", "machines"),
    [
        (EXECUTION_ENDED, ["retirement"]),
        (STANDBY, ["operation", "retirement"]),
        (FLOW_LOGS, []),
        (AIRFLOW, []),
        (FILES, []),
    ],
)
def test_operations_are_started_by_whoever_is_to_start_them(
    made: dict[str, dict[str, Any]], role: str, machines: list[str]
) -> None:
    """Airflow may not: its monitor DAG is given the right by a person, if at all."""
    action, machine = STARTS

    names = ("operation", "retirement", "other")
    assert [name for name in names if allowed(made, role, action, machine.format(name))] == machines


def test_airflow_reads_its_connections_and_no_other_secret(made: dict[str, dict[str, Any]]) -> None:
    """A7."""
    secrets = f"arn:aws:secretsmanager:{HERE}:secret:airflow/connections"
    read = "secretsmanager:GetSecretValue"

    assert allowed(made, AIRFLOW, read, f"{secrets}/livy_default-AbCdEf")
    for other in ("livy_default_2-AbCdEf", "aws_default-AbCdEf", "../variables/x-AbCdEf"):
        assert not allowed(made, AIRFLOW, read, f"{secrets}/{other}")


def test_airflow_lists_no_bucket(made: dict[str, dict[str, Any]]) -> None:
    """A7: MWAA's user guide wants it denied."""
    assert not allowed(made, AIRFLOW, "s3:ListAllMyBuckets", "*")
