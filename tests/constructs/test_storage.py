"""Key and buckets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Stack

from emr_dr.storage import Storage

from ..synthesis import new_app, only, resources, templates


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    app = new_app(tmp_path_factory.mktemp("storage"))
    Storage(Stack(app, "Stack"), "Storage", log_retention_days=30)
    return templates(app)["Stack"]


def bucket(template: dict[str, Any], name: str) -> dict[str, Any]:
    return next(
        found for key, found in resources(template, "AWS::S3::Bucket").items() if key.startswith(f"Storage{name}")
    )


def test_the_key_is_rotated(template: dict[str, Any]) -> None:
    """B8: encryption at rest."""
    assert only(template, "AWS::KMS::Key")["EnableKeyRotation"] is True


def test_key_and_buckets_outlive_the_stack(template: dict[str, Any]) -> None:
    """B9: logs outlive what wrote them, but no deploy that was rolled back when it made them leaves any behind."""
    kinds = ("AWS::KMS::Key", "AWS::S3::Bucket")
    kept = [resource for resource in template["Resources"].values() if resource["Type"] in kinds]

    assert {(resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) for resource in kept} == {
        ("RetainExceptOnCreate", "Retain")
    }


def test_no_bucket_is_public(template: dict[str, Any]) -> None:
    """B8: no permissive storage."""
    blocks = [each["PublicAccessBlockConfiguration"] for each in resources(template, "AWS::S3::Bucket").values()]

    assert len(blocks) == 3
    assert all(set(block.values()) == {True} and len(block) == 4 for block in blocks)


def test_every_bucket_refuses_plain_http(template: dict[str, Any]) -> None:
    """B8: encryption in transit."""
    policies = resources(template, "AWS::S3::BucketPolicy").values()
    refusals = [
        statement
        for policy in policies
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny" and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
    ]

    assert len(refusals) == 3


@pytest.mark.parametrize("name", ["Logs", "Artifacts"])
def test_data_is_encrypted_with_the_key(template: dict[str, Any], name: str) -> None:
    rule = bucket(template, name)["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]

    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert rule["BucketKeyEnabled"] is True


@pytest.mark.parametrize("name", ["Logs", "Artifacts"])
def test_accesses_to_data_are_logged(template: dict[str, Any], name: str) -> None:
    """B8: audit logs."""
    assert bucket(template, name)["LoggingConfiguration"]["LogFilePrefix"] == f"buckets/{name.lower()}/"


def test_access_logs_use_the_one_encryption_that_s3_can_deliver_with(template: dict[str, Any]) -> None:
    rule = bucket(template, "AccessLogs")["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]

    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}


@pytest.mark.parametrize(("name", "days"), [("Logs", 30), ("AccessLogs", 30), ("Artifacts", None)])
def test_logs_expire_and_artifacts_stay(template: dict[str, Any], name: str, days: int | None) -> None:
    assert bucket(template, name)["LifecycleConfiguration"]["Rules"][0].get("ExpirationInDays") == days


def test_load_balancers_of_this_account_may_deliver_logs(template: dict[str, Any]) -> None:
    statement = next(
        statement
        for policy in resources(template, "AWS::S3::BucketPolicy").values()
        for statement in policy["PolicyDocument"]["Statement"]
        if statement.get("Sid") == "LoadBalancerLogs"
    )

    assert statement["Action"] == "s3:PutObject"
    assert "AWS::AccountId" in str(statement["Condition"]["ArnLike"]["aws:SourceArn"])


def test_cloudwatch_uses_the_key_for_log_groups_of_this_account_alone(template: dict[str, Any]) -> None:
    statement = next(
        statement
        for statement in only(template, "AWS::KMS::Key")["KeyPolicy"]["Statement"]
        if statement.get("Sid") == "LogGroups"
    )

    assert "AWS::AccountId" in str(statement["Condition"]["ArnLike"])


OWN_KEY = "arn:aws:kms:us-east-1:111122223333:key/01234567-89ab-cdef-0123-456789abcdef"


def test_a_key_of_the_owner_takes_the_place_of_ours(tmp_path: Path) -> None:
    """B8: buckets name it, and its policy is left to who owns it."""
    app = new_app(tmp_path)
    Storage(Stack(app, "Stack"), "Storage", log_retention_days=30, key_arn=OWN_KEY)
    template = templates(app)["Stack"]

    assert resources(template, "AWS::KMS::Key") == {}
    for name in ("Logs", "Artifacts"):
        rule = bucket(template, name)["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]
        assert rule["ServerSideEncryptionByDefault"] == {"KMSMasterKeyID": OWN_KEY, "SSEAlgorithm": "aws:kms"}
