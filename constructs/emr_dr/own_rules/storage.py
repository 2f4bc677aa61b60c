"""What is kept, for how long, and under which key."""

from __future__ import annotations

from collections.abc import Iterable

from emr_dr.own_rules.model import Resource, Rule

LOG_GROUP, FUNCTION = "AWS::Logs::LogGroup", "AWS::Lambda::Function"
BUCKET, TABLE, KEY = "AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::KMS::Key"
TOPIC, QUEUE = "AWS::SNS::Topic", "AWS::SQS::Queue"
KEEPING = frozenset({"Retain", "RetainExceptOnCreate"})


def _retention(resource: Resource) -> Iterable[str]:
    if resource.kind == LOG_GROUP and not resource.properties.get("RetentionInDays"):
        yield "it keeps events for ever"
    if resource.kind == FUNCTION and not resource.properties.get("LoggingConfig", {}).get("LogGroup"):
        yield "Lambda makes its log group, without a retention"


def _kept(resource: Resource) -> Iterable[str]:
    for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
        if resource.body.get(policy) not in KEEPING:
            yield f"its {policy} is {resource.body.get(policy, 'Delete by default')}"


def _recovery(resource: Resource) -> Iterable[str]:
    if resource.kind == TABLE:
        asked = resource.properties.get("PointInTimeRecoverySpecification", {})
        if asked.get("PointInTimeRecoveryEnabled") is not True:
            yield "it has no point-in-time recovery"
    elif resource.properties.get("VersioningConfiguration", {}).get("Status") != "Enabled":
        yield "it keeps no versions"


def _encrypted(resource: Resource) -> Iterable[str]:
    found = resource.properties
    if resource.kind == BUCKET:
        rules = found.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [])
        if not any("ServerSideEncryptionByDefault" in rule for rule in rules):
            yield "it does not say how it is encrypted"
    elif resource.kind == LOG_GROUP and not found.get("KmsKeyId"):
        yield "its events lie under a key of CloudWatch Logs"
    elif resource.kind == TOPIC and not found.get("KmsMasterKeyId"):
        yield "its messages lie unencrypted"
    elif resource.kind == QUEUE and not (found.get("KmsMasterKeyId") or found.get("SqsManagedSseEnabled") is True):
        yield "it does not say how it is encrypted"
    elif resource.kind == KEY and found.get("EnableKeyRotation") is not True:
        yield "it is never rotated"


RULES = (
    Rule(
        name="log-retention",
        asks="Every log group says how long it keeps events, and every function has one of its own",
        remedy="set RetentionInDays; give the function a log group",
        kinds=frozenset({LOG_GROUP, FUNCTION}),
        look=_retention,
    ),
    Rule(
        name="stateful-kept",
        asks="Buckets, tables and keys outlive their stack and what replaces them",
        remedy="set DeletionPolicy and UpdateReplacePolicy to Retain (or RetainExceptOnCreate)",
        kinds=frozenset({BUCKET, TABLE, KEY}),
        look=_kept,
    ),
    Rule(
        name="recoverable",
        asks="What was overwritten can be had back: buckets have versions, tables point-in-time recovery",
        remedy="enable versioning, PointInTimeRecoveryEnabled",
        kinds=frozenset({BUCKET, TABLE}),
        look=_recovery,
    ),
    Rule(
        name="encrypted-at-rest",
        asks="Buckets, log groups, topics and queues say how they are encrypted; keys are rotated",
        remedy="set BucketEncryption, KmsKeyId, KmsMasterKeyId, SqsManagedSseEnabled, EnableKeyRotation",
        kinds=frozenset({BUCKET, LOG_GROUP, TOPIC, QUEUE, KEY}),
        look=_encrypted,
    ),
)
