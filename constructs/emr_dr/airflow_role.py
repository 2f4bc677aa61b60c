"""The execution role of the MWAA environment: MWAA runs it, and every task has its rights."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import ArnFormat, Aws, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from emr_dr import airflow_options
from emr_dr.findings import wildcard_arn
from emr_dr.incarnation_role import DEPLOYMENT_TAG, cluster_arns
from emr_dr.policy_checks import acknowledge, wildcard_below

# The user guide's own list ("Amazon MWAA execution role", sample policy for a customer managed key).
_BUCKET_ACTIONS = ("s3:GetObject*", "s3:GetBucket*", "s3:List*")


class AirflowRole(Construct):
    """May do what MWAA needs, read the connections, and look at the product's clusters.

    Attributes:
        role: MWAA alone assumes it, for this environment alone.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        environment: str,
        bucket: s3.Bucket,
        key: kms.IKey,
        connections: Sequence[str],
        task_policies: Sequence[str] = (),
    ) -> None:
        """Define the role.

        Args:
            name: first part of the names of the product's deployments.
            environment: name of the environment.
            bucket: that it reads.
            key: encrypts the environment, the bucket and the connections.
            connections: ids of the connections that it may read.
            task_policies: ARNs of managed policies that the settings name: what tasks may do besides.
        """
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        environment_arn = stack.format_arn(service="airflow", resource="environment", resource_name=environment)
        self.role = iam.Role(
            self,
            "Resource",
            description=f"MWAA runs {environment} with it, and tasks have its rights",
            assumed_by=iam.CompositePrincipal(
                *(
                    # For this environment alone (user guide, "Cross-service confused deputy prevention").
                    iam.ServicePrincipal(
                        f"{service}.amazonaws.com",
                        conditions={
                            "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
                            "ArnLike": {"aws:SourceArn": environment_arn},
                        },
                    )
                    for service in ("airflow", "airflow-env")
                )
            ),
        )
        logs_arn = stack.format_arn(
            service="logs",
            resource="log-group",
            resource_name=f"airflow-{environment}-*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        queues_arn = f"arn:{Aws.PARTITION}:sqs:{Aws.REGION}:*:airflow-celery-*"
        for statement in (
            *self._of_mwaa(
                environment_arn=environment_arn, logs_arn=logs_arn, queues_arn=queues_arn, bucket=bucket, key=key
            ),
            *connection_statements(self, connections=connections, key=key),
            *_cluster_statements(self, name=name),
        ):
            self.role.add_to_policy(statement)
        for number, arn in enumerate(task_policies):
            self.role.add_managed_policy(iam.ManagedPolicy.from_managed_policy_arn(self, f"TaskPolicy{number}", arn))
        self._acknowledge(logs_arn=logs_arn, queues_arn=queues_arn, bucket=bucket, connections=connections)

    def _of_mwaa(
        self, *, environment_arn: str, logs_arn: str, queues_arn: str, bucket: s3.Bucket, key: kms.IKey
    ) -> list[iam.PolicyStatement]:
        """What MWAA needs of every environment."""
        statement = iam.PolicyStatement
        return [
            statement(sid="Metrics", actions=["airflow:PublishMetrics"], resources=[environment_arn]),
            statement(sid="NoOtherBucket", effect=iam.Effect.DENY, actions=["s3:ListAllMyBuckets"], resources=["*"]),
            statement(
                sid="Files", actions=list(_BUCKET_ACTIONS), resources=[bucket.bucket_arn, bucket.arn_for_objects("*")]
            ),
            statement(
                sid="Logs",
                actions=[
                    "logs:CreateLogGroup",
                    "logs:CreateLogStream",
                    "logs:GetLogEvents",
                    "logs:GetLogGroupFields",
                    "logs:GetLogRecord",
                    "logs:GetQueryResults",
                    "logs:PutLogEvents",
                ],
                resources=[logs_arn],
            ),
            # None of these three knows a resource.
            statement(
                sid="WithoutResource",
                actions=["cloudwatch:PutMetricData", "logs:DescribeLogGroups", "s3:GetAccountPublicAccessBlock"],
                resources=["*"],
            ),
            statement(
                sid="Queue",
                actions=[
                    "sqs:ChangeMessageVisibility",
                    "sqs:DeleteMessage",
                    "sqs:GetQueueAttributes",
                    "sqs:GetQueueUrl",
                    "sqs:ReceiveMessage",
                    "sqs:SendMessage",
                ],
                resources=[queues_arn],
            ),
            statement(
                sid="Key",
                actions=["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"],
                resources=[key.key_arn],
                conditions={
                    "StringEquals": {
                        "kms:ViaService": [f"{service}.{Aws.REGION}.amazonaws.com" for service in ("s3", "sqs")]
                    }
                },
            ),
        ]

    def _acknowledge(self, *, logs_arn: str, queues_arn: str, bucket: s3.Bucket, connections: Sequence[str]) -> None:
        own = "the bucket is the environment's own and holds nothing else"
        acknowledge(
            self.role,
            {
                "AwsSolutions-IAM5[Resource::*]": (
                    "PutMetricData, DescribeLogGroups, GetAccountPublicAccessBlock and ListClusters know no resource; "
                    "none of them reads or changes anything of value"
                ),
                wildcard_below(bucket, "/*"): f"MWAA reads DAGs, requirements and plugins there; {own}",
                **{
                    f"AwsSolutions-IAM5[Action::{action}]": (
                        f"MWAA's user guide names this pattern, as which of these calls MWAA makes is its own; {own}"
                    )
                    for action in _BUCKET_ACTIONS
                },
                "emr-dr::named-actions": (
                    f"MWAA's user guide names these patterns, as which of these calls MWAA makes is its own; {own}"
                ),
                wildcard_arn(self, logs_arn): (
                    "MWAA makes the environment's log groups, which begin with its name, and their streams"
                ),
                wildcard_arn(self, queues_arn): (
                    "the queue lies in an account of AWS that nobody knows before the environment is there, and begins "
                    "with these words; what is sent there is encrypted with the platform's key, which others cannot use"
                ),
                wildcard_arn(self, cluster_arns(self)): (
                    "ids of clusters are EMR's choice; the condition admits clusters of the product only"
                ),
                **{
                    wildcard_arn(self, arn): (
                        "Secrets Manager appends six characters of its own to a name; no other secret has that name"
                    )
                    for arn in secret_arns(self, connections)
                },
            },
        )


def secret_arns(scope: Construct, connections: Sequence[str]) -> list[str]:
    """What the ARNs of the secrets of *connections* match, wherever they are made."""
    return [
        Stack.of(scope).format_arn(
            service="secretsmanager",
            resource="secret",
            # Not a star, which would also match longer names.
            resource_name=f"{airflow_options.secret_name(each)}-??????",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        for each in sorted(connections)
    ]


def connection_statements(
    scope: Construct, *, connections: Sequence[str], key: kms.IKey
) -> tuple[iam.PolicyStatement, iam.PolicyStatement]:
    """What it takes to read the connections: the secrets, and their key for them alone."""
    arns = secret_arns(scope, connections)
    return (
        iam.PolicyStatement(
            sid="Connections",
            actions=["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
            resources=arns,
        ),
        iam.PolicyStatement(
            sid="ConnectionsKey",
            actions=["kms:Decrypt"],
            resources=[key.key_arn],
            conditions={
                "StringEquals": {"kms:ViaService": f"secretsmanager.{Aws.REGION}.amazonaws.com"},
                # Secrets Manager names the secret in the context of every encryption (its user guide, "Secret
                # encryption and decryption").
                "StringLike": {"kms:EncryptionContext:SecretARN": arns},
            },
        ),
    )


def _cluster_statements(scope: Construct, *, name: str) -> list[iam.PolicyStatement]:
    """What a task may do with EMR besides submitting jobs to Livy: look.

    Clusters are launched and ended by the controller alone, and a step that a task added would die with its cluster
    without anybody running it again.
    """
    return [
        iam.PolicyStatement(
            sid="LookAtClusters",
            actions=[
                "elasticmapreduce:DescribeCluster",
                "elasticmapreduce:DescribeStep",
                "elasticmapreduce:GetManagedScalingPolicy",
                "elasticmapreduce:ListInstanceFleets",
                "elasticmapreduce:ListInstanceGroups",
                "elasticmapreduce:ListInstances",
                "elasticmapreduce:ListSteps",
            ],
            resources=[cluster_arns(scope)],
            conditions={"StringLike": {f"aws:ResourceTag/{DEPLOYMENT_TAG}": f"{name}-*"}},
        ),
        iam.PolicyStatement(sid="ListClusters", actions=["elasticmapreduce:ListClusters"], resources=["*"]),
    ]
