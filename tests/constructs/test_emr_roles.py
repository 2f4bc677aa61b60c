"""EMR's roles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Stack

from emr_dr.emr_roles import EmrRoles, bucket_and_folder
from emr_dr.settings import Permissions
from emr_dr.storage import Storage

from ..synthesis import findings, new_app, only, resources, statements, templates

PERMISSIONS = Permissions(
    read=("s3://lake/raw/",),
    write=("s3://lake/curated/",),
    keys=("arn:aws:kms:us-east-1:111122223333:key/0a1b",),
    read_databases=("raw",),
    write_databases=("curated",),
)


def made(folder: Path, permissions: Permissions | None = None, *, session_manager: bool = False) -> dict[str, Any]:
    """The template of a stack with the roles, of which policy checks find nothing."""
    app = new_app(folder)
    stack = Stack(app, "Stack")
    storage = Storage(stack, "Storage", log_retention_days=30)
    EmrRoles(
        stack,
        "Roles",
        key=storage.key,
        log_bucket=storage.log_bucket,
        artifact_bucket=storage.artifact_bucket,
        permissions=permissions or Permissions(),
        session_manager=session_manager,
    )
    assert findings(app) == [], "what has to be about everything says why"
    return templates(app)["Stack"]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return made(tmp_path_factory.mktemp("roles"), PERMISSIONS)


def actions_on(template: dict[str, Any], resource: str) -> set[str]:
    """What jobs may do with resources whose ARN contains *resource*."""
    found: set[str] = set()
    for statement in statements(template, role="RolesInstanceRole"):
        if resource in str(statement["Resource"]):
            actions = statement["Action"]
            found |= {actions} if isinstance(actions, str) else set(actions)
    return found


def role(template: dict[str, Any], name: str) -> dict[str, Any]:
    return next(found for key, found in resources(template, "AWS::IAM::Role").items() if key.startswith(f"Roles{name}"))


def test_profile_and_role_have_the_same_name(template: dict[str, Any]) -> None:
    """EMR calls a pair whose names differ an invalid instance profile."""
    profile = only(template, "AWS::IAM::InstanceProfile")

    assert [profile["InstanceProfileName"]] == profile["Roles"]


def test_only_emr_for_this_account_takes_the_service_role(template: dict[str, Any]) -> None:
    """B8: least privilege."""
    (statement,) = role(template, "ServiceRole")["AssumeRolePolicyDocument"]["Statement"]

    assert statement["Principal"] == {"Service": "elasticmapreduce.amazonaws.com"}
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    parts = statement["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Join"][1]
    assert [part if isinstance(part, str) else part["Ref"] for part in parts] == [
        "arn:",
        "AWS::Partition",
        ":elasticmapreduce:",
        "AWS::Region",
        ":",
        "AWS::AccountId",
        ":*",
    ]


def test_emr_passes_our_instance_role_and_no_other(template: dict[str, Any]) -> None:
    """A14: no default roles."""
    passing = [each for each in statements(template, role="RolesServiceRole") if each["Action"] == "iam:PassRole"]

    assert len(passing) == 1
    assert passing[0]["Resource"]["Fn::GetAtt"][0].startswith("RolesInstanceRole")
    assert passing[0]["Condition"] == {"StringLike": {"iam:PassedToService": "ec2.amazonaws.com*"}}


def test_emr_makes_grants_on_the_key_for_aws_services_alone(template: dict[str, Any]) -> None:
    """Encrypted disks need grants; nobody else shall get one."""
    grants = [each for each in statements(template, role="RolesServiceRole") if each["Action"] == "kms:CreateGrant"]

    assert [each["Condition"] for each in grants] == [{"Bool": {"kms:GrantIsForAWSResource": "true"}}]


def test_no_statement_is_about_everything(template: dict[str, Any]) -> None:
    """B8: every statement names resources."""
    everything = [
        statement
        for policy in resources(template, "AWS::IAM::Policy").values()
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Resource"] == "*" or statement["Action"] == "*"
    ]

    assert everything == []


def test_jobs_add_logs_and_cannot_read_or_delete_them(template: dict[str, Any]) -> None:
    assert actions_on(template, "StorageLogs") == {"s3:PutObject", "s3:AbortMultipartUpload"}


def test_jobs_read_artifacts_and_cannot_change_them(template: dict[str, Any]) -> None:
    assert actions_on(template, "StorageArtifacts") == {"s3:GetObject", "s3:GetBucketLocation", "s3:ListBucket"}


def test_jobs_read_what_the_settings_say(template: dict[str, Any]) -> None:
    assert actions_on(template, "lake/raw/*") == {"s3:GetObject"}


def test_jobs_write_what_the_settings_say(template: dict[str, Any]) -> None:
    assert {"s3:GetObject", "s3:PutObject", "s3:DeleteObject"} < actions_on(template, "lake/curated/*")


def test_jobs_list_only_the_prefixes_of_the_settings(template: dict[str, Any]) -> None:
    listing = [
        statement
        for statement in statements(template, role="RolesInstanceRole")
        if statement["Action"] == "s3:ListBucket" and "lake" in str(statement["Resource"])
    ]

    assert [statement["Condition"] for statement in listing] == [
        {"StringLike": {"s3:prefix": ["raw/*"]}},
        {"StringLike": {"s3:prefix": ["curated/*"]}},
    ]


@pytest.mark.parametrize("uri", ["s3://lake/raw", "s3://lake/raw/"])
def test_a_prefix_is_a_folder_with_and_without_the_last_slash(uri: str) -> None:
    """B8: else s3://lake/raw would open s3://lake/raw-personal, too."""
    assert bucket_and_folder(uri) == ("lake", "raw")


def test_a_whole_bucket_is_no_folder() -> None:
    assert bucket_and_folder("s3://lake/") == ("lake", "")


def test_jobs_find_the_folder_itself(template: dict[str, Any]) -> None:
    """Spark asks for s3://lake/raw by that name first, and would end the job at 403."""
    reads = [
        str(statement["Resource"])
        for statement in statements(template, role="RolesInstanceRole")
        if statement["Action"] == "s3:GetObject"
    ]

    assert [each for each in reads if "lake/raw'" in each]
    assert [each for each in reads if "lake/raw_$folder$" in each]
    assert not [each for each in reads if "lake/raw*" in each]


def test_nobody_logs_in_where_settings_do_not_say_so(template: dict[str, Any]) -> None:
    """B8."""
    assert "ssm" not in str(statements(template, role="RolesInstanceRole"))


def test_sessions_take_the_place_of_ssh_keys(tmp_path: Path) -> None:
    """B8: the agent registers and carries sessions; it reads no parameters and runs no commands."""
    template = made(tmp_path, session_manager=True)
    of_sessions = [
        statement for statement in statements(template, role="RolesInstanceRole") if "ssm" in str(statement["Action"])
    ]

    assert [statement["Action"] for statement in of_sessions] == [
        "ssm:UpdateInstanceInformation",
        [
            f"ssmmessages:{action}"
            for action in ("CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel")
        ],
    ]


def test_jobs_use_the_keys_of_the_settings(template: dict[str, Any]) -> None:
    assert actions_on(template, "key/0a1b") == {"kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"}


def test_jobs_use_the_databases_of_the_settings(template: dict[str, Any]) -> None:
    """B14: tables of the Glue catalogue, and nobody else's."""
    reads, writes = actions_on(template, ":table/raw/*"), actions_on(template, ":table/curated/*")

    assert {"glue:GetTable", "glue:GetPartitions"} <= reads
    assert not {action for action in reads if not action.startswith(("glue:Get", "glue:BatchGet"))}
    assert {"glue:UpdateTable", "glue:BatchCreatePartition"} <= writes
    assert actions_on(template, ":database/default") == {
        "glue:GetDatabase",
        "glue:CreateDatabase",
        "glue:GetUserDefinedFunctions",
    }
    assert actions_on(template, ":database/global_temp") == {"glue:GetDatabase"}
    assert not actions_on(template, ":table/*")


def test_without_databases_jobs_use_no_catalogue(tmp_path: Path) -> None:
    assert "glue:" not in str(statements(made(tmp_path), role="RolesInstanceRole"))
