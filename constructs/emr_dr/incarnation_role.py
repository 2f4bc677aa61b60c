"""The role that CloudFormation makes and deletes incarnation stacks with."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from emr_dr.findings import wildcard_arn
from emr_dr.policy_checks import acknowledge

DEPLOYMENT_TAG = "emr-dr:deployment"

# What CloudFormation does with an AWS::EMR::Cluster besides launching it: follow it, change what can be changed in
# place, end it.
_CLUSTER_ACTIONS: Sequence[str] = (
    "elasticmapreduce:AddJobFlowSteps",
    "elasticmapreduce:DescribeCluster",
    "elasticmapreduce:DescribeStep",
    "elasticmapreduce:GetAutoTerminationPolicy",
    "elasticmapreduce:GetManagedScalingPolicy",
    "elasticmapreduce:ListBootstrapActions",
    "elasticmapreduce:ListInstanceFleets",
    "elasticmapreduce:ListInstanceGroups",
    "elasticmapreduce:ListInstances",
    "elasticmapreduce:ListSteps",
    "elasticmapreduce:PutManagedScalingPolicy",
    "elasticmapreduce:SetTerminationProtection",
    "elasticmapreduce:SetUnhealthyNodeReplacement",
    "elasticmapreduce:SetVisibleToAllUsers",
    "elasticmapreduce:TerminateJobFlows",
)


class IncarnationRole(Construct):
    """May launch clusters that carry the deployment's tag, and end those.

    Attributes:
        role: CloudFormation alone assumes it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        deployment: str,
        service_role: iam.IRole,
        instance_role: iam.IRole,
    ) -> None:
        """Define the role.

        Args:
            service_role: EMR's, passed to it.
            instance_role: of the clusters' machines, passed to EC2.
        """
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        clusters = cluster_arns(self)
        requested = {"StringEquals": {f"aws:RequestTag/{DEPLOYMENT_TAG}": deployment}}
        self.role = iam.Role(
            self,
            "Resource",
            assumed_by=iam.ServicePrincipal("cloudformation.amazonaws.com"),
            description=f"CloudFormation launches and ends clusters of {deployment} with it",
        )
        for statement in (
            iam.PolicyStatement(
                sid="Launch", actions=["elasticmapreduce:RunJobFlow"], resources=["*"], conditions=requested
            ),
            # Tags of a launch are checked as this action on the new cluster.
            iam.PolicyStatement(
                sid="Tag", actions=["elasticmapreduce:AddTags"], resources=[clusters], conditions=requested
            ),
            iam.PolicyStatement(
                sid="Clusters",
                actions=list(_CLUSTER_ACTIONS),
                resources=[clusters],
                conditions={"StringEquals": {f"aws:ResourceTag/{DEPLOYMENT_TAG}": deployment}},
            ),
            iam.PolicyStatement(
                sid="PassServiceRole",
                actions=["iam:PassRole"],
                resources=[service_role.role_arn],
                conditions={"StringEquals": {"iam:PassedToService": "elasticmapreduce.amazonaws.com"}},
            ),
            iam.PolicyStatement(
                sid="PassInstanceRole",
                actions=["iam:PassRole"],
                resources=[instance_role.role_arn],
                conditions={"StringLike": {"iam:PassedToService": "ec2.amazonaws.com*"}},
            ),
            # EMR makes this role for itself in an account that has none (EMR Management Guide, "Using the
            # service-linked role for cleanup").
            iam.PolicyStatement(
                sid="ServiceLinkedRole",
                actions=["iam:CreateServiceLinkedRole"],
                resources=[
                    stack.format_arn(
                        service="iam",
                        region="",
                        resource="role/aws-service-role/elasticmapreduce.amazonaws.com",
                        resource_name="AWSServiceRoleForEMRCleanup",
                    )
                ],
                conditions={"StringEquals": {"iam:AWSServiceName": "elasticmapreduce.amazonaws.com"}},
            ),
        ):
            self.role.add_to_policy(statement)
        acknowledge(
            self.role,
            {
                "AwsSolutions-IAM5[Resource::*]": (
                    "RunJobFlow knows no resource, as the cluster does not exist yet; the condition demands the "
                    "deployment's tag"
                ),
                wildcard_arn(self, clusters): (
                    "ids of clusters are EMR's choice; the condition admits clusters with the deployment's tag only"
                ),
            },
        )


def cluster_arns(scope: Construct) -> str:
    """What the ARNs of EMR clusters match."""
    return Stack.of(scope).format_arn(service="elasticmapreduce", resource="cluster", resource_name="*")
