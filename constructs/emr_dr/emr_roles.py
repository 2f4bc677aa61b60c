"""The roles of EMR: the one that EMR acts with, and the one that the clusters' machines (and so all jobs) have."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Aws, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from emr_dr.findings import wildcard_arn
from emr_dr.policy_checks import acknowledge, wildcard_below, wildcard_resource
from emr_dr.settings import Permissions
from emr_dr.storage import EMR_LOG_PREFIX

_SERVICE_POLICY = "service-role/AmazonEMRServicePolicy_v2"
_CATALOGUE_READING = (
    "BatchGetPartition",
    "GetDatabase",
    "GetPartition",
    "GetPartitions",
    "GetTable",
    "GetTables",
    "GetTableVersions",
)
_CATALOGUE_WRITING = (
    "BatchCreatePartition",
    "BatchDeletePartition",
    "BatchUpdatePartition",
    "CreatePartition",
    "CreateTable",
    "DeletePartition",
    "DeleteTable",
    "UpdatePartition",
    "UpdateTable",
)
_SESSION_ACTIONS = ("CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel")
STARTS_WITH = ("default", "global_temp")
"""Databases of the Glue catalogue that Spark asks for when a session starts, whatever its jobs use."""


class EmrRoles(Construct):
    """Service role, instance role and instance profile.

    Attributes:
        service_role: EMR starts and stops machines with it.
        instance_role: the machines have it; every job can use it.
        instance_profile_name: name of the profile, the same as the role's: EMR refuses a pair whose names differ
            (EMR Management Guide, "Service role for cluster EC2 instances").
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        key: kms.IKey,
        log_bucket: s3.Bucket,
        artifact_bucket: s3.Bucket,
        permissions: Permissions,
        certificates: str | None = None,
        session_manager: bool = False,
    ) -> None:
        """Define the roles.

        Args:
            scope: parent.
            construct_id: id below the parent.
            key: encrypts disks, logs and artifacts.
            log_bucket: clusters write their logs there, below the prefix ``emr``.
            artifact_bucket: jobs read what they are made of.
            permissions: what else jobs may read and write.
            certificates: ``s3://`` address of the archive with which clusters encrypt in transit.
            session_manager: whether people whom IAM lets in may log in to machines by Session Manager.
        """
        super().__init__(scope, construct_id)
        self.instance_role = self._instance_role(key, log_bucket, artifact_bucket)
        if certificates is not None:
            # EMR's agent on each machine fetches the archive with this role (EMR Management Guide, "Providing
            # certificates for encrypting data in transit").
            archive = certificates.removeprefix("s3://")
            self.instance_role.add_to_policy(
                iam.PolicyStatement(
                    sid="Certificates", actions=["s3:GetObject"], resources=[f"arn:{Aws.PARTITION}:s3:::{archive}"]
                )
            )
        self._grant_data(permissions)
        if session_manager:
            self._grant_sessions()
        profile = iam.CfnInstanceProfile(
            self,
            "InstanceProfile",
            instance_profile_name=self.instance_role.role_name,
            roles=[self.instance_role.role_name],
        )
        self.instance_profile_name = profile.ref
        self.service_role = self._service_role(key)

    def _service_role(self, key: kms.IKey) -> iam.Role:
        role = iam.Role(
            self,
            "ServiceRole",
            description="EMR starts and stops the machines of clusters with it",
            # EMR acts for clusters of this account alone (the confused-deputy guard of the EMR Management Guide).
            assumed_by=iam.ServicePrincipal(
                "elasticmapreduce.amazonaws.com",
                conditions={
                    "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
                    "ArnLike": {
                        "aws:SourceArn": f"arn:{Aws.PARTITION}:elasticmapreduce:{Aws.REGION}:{Aws.ACCOUNT_ID}:*"
                    },
                },
            ),
            managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name(_SERVICE_POLICY)],
        )
        acknowledge(
            role,
            {
                f"AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/{_SERVICE_POLICY}]": (
                    "the policy that AWS maintains for this role: it reaches only subnets and groups with the tag "
                    "for-use-with-amazon-emr-managed-policies, and a copy would miss what a new EMR release needs"
                )
            },
        )
        # The managed policy passes the default role only.
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["iam:PassRole"],
                resources=[self.instance_role.role_arn],
                conditions={"StringLike": {"iam:PassedToService": "ec2.amazonaws.com*"}},
            )
        )
        # Encrypted disks: EMR must be a user of the key and make grants to EC2 (EMR Management Guide, "At-rest
        # encryption for local disks").
        role.add_to_policy(
            iam.PolicyStatement(
                actions=[
                    "kms:Decrypt",
                    "kms:DescribeKey",
                    "kms:Encrypt",
                    "kms:GenerateDataKey",
                    "kms:GenerateDataKeyWithoutPlaintext",
                    "kms:ReEncryptFrom",
                    "kms:ReEncryptTo",
                ],
                resources=[key.key_arn],
            )
        )
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["kms:CreateGrant"],
                resources=[key.key_arn],
                conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
            )
        )
        return role

    def _instance_role(self, key: kms.IKey, log_bucket: s3.Bucket, artifact_bucket: s3.Bucket) -> iam.Role:
        role = iam.Role(
            self,
            "InstanceRole",
            description="The machines of clusters, and so all jobs, have it",
            assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"),
        )
        statement = iam.PolicyStatement
        role.add_to_policy(
            statement(
                actions=["s3:PutObject", "s3:AbortMultipartUpload"],
                resources=[log_bucket.arn_for_objects(f"{EMR_LOG_PREFIX}/*")],
            )
        )
        role.add_to_policy(
            statement(
                actions=["s3:GetBucketLocation", "s3:ListBucket"],
                resources=[artifact_bucket.bucket_arn],
            )
        )
        role.add_to_policy(statement(actions=["s3:GetObject"], resources=[artifact_bucket.arn_for_objects("*")]))
        # EMR's own bucket of the region: script-runner.jar, which runs the steps.
        libraries = f"arn:{Aws.PARTITION}:s3:::{Aws.REGION}.elasticmapreduce"
        role.add_to_policy(statement(actions=["s3:ListBucket"], resources=[libraries]))
        role.add_to_policy(statement(actions=["s3:GetObject"], resources=[f"{libraries}/libs/*"]))
        role.add_to_policy(
            statement(actions=["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"], resources=[key.key_arn])
        )
        acknowledge(
            role,
            {
                wildcard_below(log_bucket, f"/{EMR_LOG_PREFIX}/*"): (
                    "log files have names that EMR makes; the role may add objects below this prefix and read none"
                ),
                wildcard_below(artifact_bucket, "/*"): (
                    "the bucket exists to give jobs what they are made of; the role reads it and cannot write there"
                ),
                wildcard_resource("arn:<AWS::Partition>:s3:::<AWS::Region>.elasticmapreduce/libs/*"): (
                    "read-only libraries that AWS publishes for EMR; the step runner loads others with each release"
                ),
            },
        )
        return role

    def _grant_data(self, permissions: Permissions) -> None:
        for uri, writes in [*((uri, False) for uri in permissions.read), *((uri, True) for uri in permissions.write)]:
            bucket, folder = bucket_and_folder(uri)
            bucket_arn = f"arn:{Aws.PARTITION}:s3:::{bucket}"
            below = f"{folder}/*" if folder else "*"
            objects = [f"{bucket_arn}/{below}"]
            if folder:
                # EMRFS marks a folder by an object of this name beside it.
                objects.append(f"{bucket_arn}/{folder}_$folder$")
                # Spark asks for a folder by its name without the slash first, and 403 would end the job.
                self._allow(["s3:GetObject"], [f"{bucket_arn}/{folder}"])
            actions = ["s3:GetObject"]
            if writes:
                actions += ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
            self._allow(actions, objects)
            self._allow(["s3:GetBucketLocation"], [bucket_arn])
            self.instance_role.add_to_policy(
                iam.PolicyStatement(
                    actions=["s3:ListBucket"],
                    resources=[bucket_arn],
                    conditions={"StringLike": {"s3:prefix": [below]}},
                )
            )
            acknowledge(
                self.instance_role,
                {
                    wildcard_resource(f"arn:<AWS::Partition>:s3:::{bucket}/{below}"): (
                        f"the settings let jobs use the data below {uri}; a table's files have names of their own"
                    )
                },
            )
        self._grant_catalogue(permissions)
        if permissions.keys:
            self._allow(["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"], permissions.keys)

    def _grant_sessions(self) -> None:
        """Let the agent on each machine register and carry sessions, and nothing else of Systems Manager.

        (Systems Manager user guide, "Add Session Manager permissions to an existing IAM role".)
        """
        machines = Stack.of(self).format_arn(service="ec2", resource="instance", resource_name="*")
        self._allow(["ssm:UpdateInstanceInformation"], [machines])
        self._allow([f"ssmmessages:{action}" for action in _SESSION_ACTIONS], ["*"])
        acknowledge(
            self.instance_role,
            {
                wildcard_arn(self, machines): (
                    "EMR gives machines their ids; a machine may only say that its agent is there, and Systems Manager "
                    "lets it say so of itself alone"
                ),
                wildcard_resource("*"): (
                    "the channels of a session are no resources that a policy can name; who may begin a session, and "
                    "on which machines, is said by the policy of that person"
                ),
            },
        )

    def _grant_catalogue(self, permissions: Permissions) -> None:
        """Let jobs use tables of the Glue catalogue.

        (Glue developer guide, "Specifying Glue resource ARNs": an action on a table asks for its database and the
        catalogue as well.)
        """
        if not permissions.uses_catalogue:
            return
        arn = Stack.of(self).format_arn
        catalogue = arn(service="glue", resource="catalog")
        # When a session with Hive's catalogue starts, Spark asks for the databases `default`, which it makes where
        # there is none, and `global_temp`, so that no view hides one, and Hive's client for functions (Spark's
        # SharedState); a refusal is the end of every query.
        default, views = (arn(service="glue", resource="database", resource_name=name) for name in STARTS_WITH)
        self._allow(["glue:GetDatabase"], [catalogue, default, views])
        self._allow(["glue:CreateDatabase"], [catalogue, default])
        functions = arn(service="glue", resource="userDefinedFunction", resource_name=f"{STARTS_WITH[0]}/*")
        self._allow(["glue:GetUserDefinedFunctions"], [catalogue, default, functions])
        acknowledge(
            self.instance_role,
            {
                wildcard_arn(self, functions): (
                    "Hive's client lists the functions of the database `default` when a session starts; they have "
                    "names of their own"
                )
            },
        )
        for databases, actions in (
            ([*permissions.read_databases, *permissions.write_databases], _CATALOGUE_READING),
            (permissions.write_databases, _CATALOGUE_WRITING),
        ):
            for name in databases:
                tables = arn(service="glue", resource="table", resource_name=f"{name}/*")
                database = arn(service="glue", resource="database", resource_name=name)
                functions = arn(service="glue", resource="userDefinedFunction", resource_name=f"{name}/*")
                self._allow([f"glue:{action}" for action in actions], [catalogue, database, tables])
                if actions is _CATALOGUE_READING:
                    self._allow(
                        ["glue:GetUserDefinedFunction", "glue:GetUserDefinedFunctions"],
                        [catalogue, database, functions],
                    )
                acknowledge(
                    self.instance_role,
                    {
                        wildcard_arn(self, each): (
                            f"the settings let jobs use the database {name}; its tables and functions have names of "
                            "their own"
                        )
                        for each in (tables, functions)
                    },
                )

    def _allow(self, actions: Sequence[str], resources: Sequence[str]) -> None:
        self.instance_role.add_to_policy(iam.PolicyStatement(actions=list(actions), resources=list(resources)))


def bucket_and_folder(uri: str) -> tuple[str, str]:
    """Bucket and folder of ``s3://bucket/folder/``, which is the same with and without the last slash.

    ``s3://lake/raw`` is the folder ``raw`` and not whatever begins so: ``raw-personal`` is another folder.
    """
    bucket, _, folder = uri.removeprefix("s3://").partition("/")
    return bucket, folder.rstrip("/")
