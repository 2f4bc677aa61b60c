"""Rules about what is kept: an example that passes and those that fail (B8, B9)."""

from __future__ import annotations

from typing import Any

import pytest

from .examples import found, of

KEPT = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}


def test_a_log_group_says_how_long_it_keeps_events() -> None:
    assert found("log-retention", of("AWS::Logs::LogGroup", {"RetentionInDays": 30})) == []
    assert found("log-retention", of("AWS::Logs::LogGroup", {})) == ["it keeps events for ever"]


def test_a_function_has_a_log_group_of_its_own() -> None:
    own = {"LoggingConfig": {"LogGroup": {"Ref": "Log"}}}

    assert found("log-retention", of("AWS::Lambda::Function", own)) == []
    assert found("log-retention", of("AWS::Lambda::Function", {})) == [
        "Lambda makes its log group, without a retention"
    ]


@pytest.mark.parametrize("kind", ["AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::KMS::Key"])
def test_what_has_state_outlives_its_stack(kind: str) -> None:
    assert found("stateful-kept", of(kind, {}, **KEPT)) == []
    assert found("stateful-kept", of(kind, {}, **{**KEPT, "DeletionPolicy": "RetainExceptOnCreate"})) == []
    assert found("stateful-kept", of(kind, {}, **{**KEPT, "DeletionPolicy": "Delete"})) == [
        "its DeletionPolicy is Delete"
    ]
    assert len(found("stateful-kept", of(kind, {}))) == 2


def test_what_was_overwritten_can_be_had_back() -> None:
    recovery = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}
    versions = {"VersioningConfiguration": {"Status": "Enabled"}}

    assert found("recoverable", of("AWS::DynamoDB::Table", recovery), of("AWS::S3::Bucket", versions)) == []
    assert found("recoverable", of("AWS::DynamoDB::Table", {}), of("AWS::S3::Bucket", {})) == [
        "it has no point-in-time recovery",
        "it keeps no versions",
    ]


@pytest.mark.parametrize(
    ("kind", "good"),
    [
        (
            "AWS::S3::Bucket",
            {"BucketEncryption": {"ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {}}]}},
        ),
        ("AWS::Logs::LogGroup", {"KmsKeyId": "key"}),
        ("AWS::SNS::Topic", {"KmsMasterKeyId": "key"}),
        ("AWS::SQS::Queue", {"SqsManagedSseEnabled": True}),
        ("AWS::SQS::Queue", {"KmsMasterKeyId": "key"}),
        ("AWS::KMS::Key", {"EnableKeyRotation": True}),
    ],
)
def test_what_lies_somewhere_is_encrypted(kind: str, good: dict[str, Any]) -> None:
    assert found("encrypted-at-rest", of(kind, good)) == []
    assert len(found("encrypted-at-rest", of(kind, {}))) == 1
