"""The bucket that Airflow reads, and what lies in it: each file is a resource that tells the version of its object.

Not by the CDK's BucketDeployment: it gives no version of an object, and its function may write and delete everywhere in
the bucket and read everything that was ever published.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from aws_cdk import Aws, CustomResource, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from emr_dr.functions import PythonFunction
from emr_dr.policy_checks import acknowledge, wildcard_below

RESOURCE_TYPE = "Custom::AirflowFile"

DAGS_PREFIX = "dags"
REQUIREMENTS_PREFIX = "requirements"
PLUGINS_PREFIX = "plugins"

# A copy within S3 takes seconds; what takes longer than the function may is not coming.
_FUNCTION_LIMIT = Duration.minutes(1)
_ANSWER_LIMIT = Duration.minutes(10)

# Long enough for whoever pinned a version that was replaced by hand.
_REPLACED_VERSIONS_DAYS = 90


class AirflowFile(Construct):
    """One file in the bucket.

    Attributes:
        key: its name there.
        version_id: the version of the object (a token); changes when the file's content does.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, bucket: s3.IBucket, key: str, source: s3_assets.Asset, token: str
    ) -> None:
        """Define the file.

        Args:
            source: what is copied.
            token: ARN of the function that copies.
        """
        super().__init__(scope, construct_id)
        self.resource = CustomResource(
            self,
            "Resource",
            resource_type=RESOURCE_TYPE,
            service_token=token,
            service_timeout=_ANSWER_LIMIT,
            properties={
                "Bucket": bucket.bucket_name,
                "Key": key,
                "SourceBucket": source.s3_bucket_name,
                "SourceKey": source.s3_object_key,
            },
        )
        self.key = key
        self.version_id: str = self.resource.get_att_string("VersionId")


class AirflowFiles(Construct):
    """The bucket and the function that fills it.

    Attributes:
        bucket: private, versioned, encrypted; outlives the stack.
        function: copies what was published into the bucket.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        key: kms.IKey,
        access_log_bucket: s3.IBucket,
        log_retention: logs.RetentionDays,
    ) -> None:
        """Define bucket and function.

        Args:
            name: first part of the function's name.
            key: encrypts the bucket, as it does the environment: MWAA asks for one key for both.
            access_log_bucket: gets a line for each access to the bucket.
            log_retention: of the function's log.
        """
        super().__init__(scope, construct_id)
        self._key = key
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            versioned=True,
            server_access_logs_bucket=access_log_bucket,
            server_access_logs_prefix="buckets/airflow/",
            lifecycle_rules=[
                s3.LifecycleRule(
                    abort_incomplete_multipart_upload_after=Duration.days(7),
                    noncurrent_version_expiration=Duration.days(_REPLACED_VERSIONS_DAYS),
                )
            ],
            removal_policy=RemovalPolicy.RETAIN,
        )
        self.function = PythonFunction(
            self,
            "Function",
            name=f"{name}-airflow-files",
            handler="airflow_files.handler.handler",
            description="Puts DAGs, requirements and plugins into the bucket that Airflow reads",
            timeout=_FUNCTION_LIMIT,
            log_retention=log_retention,
        )
        self._allow()

    def dag(self, file: Path) -> AirflowFile:
        """A DAG file; Airflow finds another content by itself, so nothing is pinned to its version."""
        return self._file(f"Dag{_identifier(file.stem)}", f"{DAGS_PREFIX}/{file.name}", file)

    def requirements(self, file: Path) -> AirflowFile:
        """The requirements, under a name that says their content."""
        return self._file("Requirements", f"{REQUIREMENTS_PREFIX}/{_digest(file)}.txt", file)

    def plugins(self, file: Path) -> AirflowFile:
        """The zip file of the plugins, likewise."""
        return self._file("Plugins", f"{PLUGINS_PREFIX}/{_digest(file)}.zip", file)

    def _file(self, identifier: str, key: str, file: Path) -> AirflowFile:
        """A file in the bucket.

        What the environment is pinned to has a name of its own for each content: nobody replaces such an object, so its
        version never expires while an environment uses it, and the old one goes only when the environment has changed.
        """
        source = s3_assets.Asset(self, f"{identifier}Source", path=str(file))
        self.function.allow(
            [
                iam.PolicyStatement(
                    actions=["s3:GetObject"],
                    resources=[f"arn:{Aws.PARTITION}:s3:::{source.s3_bucket_name}/{source.s3_object_key}"],
                )
            ]
        )
        made = AirflowFile(
            self,
            identifier,
            bucket=self.bucket,
            key=key,
            source=source,
            token=self.function.function.function_arn,
        )
        # Not before the function may do it, and the bucket refuses what is not encrypted on its way.
        made.node.add_dependency(self.function, self.bucket)
        return made

    def _allow(self) -> None:
        places = [f"{prefix}/*" for prefix in (DAGS_PREFIX, REQUIREMENTS_PREFIX, PLUGINS_PREFIX)]
        via_s3 = {"StringEquals": {"kms:ViaService": f"s3.{Stack.of(self).region}.amazonaws.com"}}
        self.function.allow(
            [
                iam.PolicyStatement(
                    actions=["s3:PutObject", "s3:GetObject", "s3:DeleteObject"],
                    resources=[self.bucket.arn_for_objects(place) for place in places],
                ),
                # A file that is not there is a 404 to whoever may list, and else a 403.
                iam.PolicyStatement(actions=["s3:ListBucket"], resources=[self.bucket.bucket_arn]),
                iam.PolicyStatement(
                    actions=["kms:Decrypt", "kms:GenerateDataKey"], resources=[self._key.key_arn], conditions=via_s3
                ),
            ]
        )
        acknowledge(
            self.function.role,
            {
                wildcard_below(self.bucket, f"/{place}"): (
                    "files come and go with the repository's; the function removes a file that an earlier deploy made, "
                    "whose name this template does not know any more"
                )
                for place in places
            },
        )


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:32]


def _identifier(name: str) -> str:
    """A file's name as part of a construct's id: another file never gets the id of one that was there before."""
    return "".join(part.capitalize() for part in re.split(r"[^0-9A-Za-z]+", name))
