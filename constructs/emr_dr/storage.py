"""The platform's key and buckets; all of them outlive the stack.

Only the rollback of the very deploy that makes them takes them away: nothing was written yet, and each attempt would
leave a key that costs money and buckets that nobody knows.
"""

from __future__ import annotations

from typing import cast

from aws_cdk import ArnFormat, Aws, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from emr_dr.policy_checks import acknowledge

EMR_LOG_PREFIX = "emr"
"""Where clusters put their logs in the log bucket."""

LOAD_BALANCER_LOG_PREFIX = "load-balancers"
"""Where application load balancers put their logs in the access-log bucket."""


class Storage(Construct):
    """One KMS key and three buckets.

    Attributes:
        key: encrypts logs, artifacts, topics and the clusters' disks; rotated each year.
        log_bucket: logs of the clusters, below :data:`EMR_LOG_PREFIX`.
        artifact_bucket: what jobs are made of (jars, Python files); versioned.
        access_log_bucket: who read the other two, and the load balancers' logs (below
            :data:`LOAD_BALANCER_LOG_PREFIX`).
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, log_retention_days: int, key_arn: str | None = None
    ) -> None:
        """Define key and buckets.

        Args:
            scope: parent.
            construct_id: id below the parent.
            log_retention_days: after so many days logs expire.
            key_arn: of a key that somebody else made, and whose policy is theirs to write.  By default one is made.
        """
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        self.key: kms.IKey = self._key() if key_arn is None else kms.Key.from_key_arn(self, "OwnKey", key_arn)
        expiry = Duration.days(log_retention_days)
        self.access_log_bucket = self._bucket("AccessLogs", encryption=s3.BucketEncryption.S3_MANAGED, expiry=expiry)
        acknowledge(
            self.access_log_bucket,
            {"AwsSolutions-S1": "this bucket is where access logs go; logging its own accesses into itself never ends"},
        )
        # The principal that writes load balancer logs in every region
        # (docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html).
        self.access_log_bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid="LoadBalancerLogs",
                principals=[iam.ServicePrincipal("logdelivery.elasticloadbalancing.amazonaws.com")],
                actions=["s3:PutObject"],
                resources=[
                    self.access_log_bucket.arn_for_objects(f"{LOAD_BALANCER_LOG_PREFIX}/AWSLogs/{Aws.ACCOUNT_ID}/*")
                ],
                conditions={
                    "ArnLike": {
                        "aws:SourceArn": stack.format_arn(
                            service="elasticloadbalancing", resource="loadbalancer", resource_name="*"
                        )
                    }
                },
            )
        )
        self.log_bucket = self._bucket("Logs", encryption=s3.BucketEncryption.KMS, expiry=expiry)
        self.artifact_bucket = self._bucket("Artifacts", encryption=s3.BucketEncryption.KMS, expiry=None)

    def _key(self) -> kms.IKey:
        stack = Stack.of(self)
        key = kms.Key(
            self,
            "Key",
            description=f"emr-dr {stack.stack_name}: logs, artifacts, topics and disks of clusters",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )
        # CloudWatch Logs uses the key for log groups of this account and region alone
        # (docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html).
        key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="LogGroups",
                principals=[iam.ServicePrincipal(f"logs.{Aws.REGION}.amazonaws.com")],
                actions=["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
                resources=["*"],
                conditions={
                    "ArnLike": {
                        "kms:EncryptionContext:aws:logs:arn": stack.format_arn(
                            service="logs",
                            resource="log-group",
                            resource_name="*",
                            arn_format=ArnFormat.COLON_RESOURCE_NAME,
                        )
                    }
                },
            )
        )
        return cast("kms.IKey", key)  # the same to mypy; pyright compares names of parameters

    def _bucket(self, name: str, *, encryption: s3.BucketEncryption, expiry: Duration | None) -> s3.Bucket:
        """A private bucket; without *expiry* its objects stay and only replaced versions go."""
        # S3 delivers access logs only into a bucket that it encrypts with keys of its own.
        managed = encryption is s3.BucketEncryption.S3_MANAGED
        return s3.Bucket(
            self,
            name,
            encryption=encryption,
            encryption_key=None if managed else self.key,
            bucket_key_enabled=None if managed else True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            versioned=True,
            server_access_logs_bucket=None if managed else self.access_log_bucket,
            server_access_logs_prefix=None if managed else f"buckets/{name.lower()}/",
            lifecycle_rules=[
                s3.LifecycleRule(
                    abort_incomplete_multipart_upload_after=Duration.days(7),
                    expiration=expiry,
                    noncurrent_version_expiration=Duration.days(30),
                )
            ],
            removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )
