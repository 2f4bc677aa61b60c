"""What EMR leaves in the platform's network, removed when the platform goes.

EMR adds rules between its groups that no template knows, and keeps an interface in the clusters' subnets: groups and
subnets then cannot be deleted.  A custom resource removes both.  It stands between the groups and the rules that the
template itself has: deleted after the latter, when what is left can only be EMR's, and before groups and subnets.
Where it goes and the stack stays, it removes nothing (:mod:`emr_leftovers.going`).
"""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import CustomResource, Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from emr_dr.emr_security import EmrSecurity
from emr_dr.findings import wildcard_arn
from emr_dr.functions import PythonFunction
from emr_dr.network import EMR_TAG
from emr_dr.policy_checks import acknowledge

RESOURCE_TYPE = "Custom::EmrLeftovers"

# An interface in use is waited for ten minutes; then there is time to look once more and to answer.
_FUNCTION_LIMIT = Duration.minutes(13)
_ANSWER_LIMIT = Duration.minutes(15)


class EmrLeftovers(Construct):
    """The custom resource and its function.

    Attributes:
        resource: deleted before groups and subnets of clusters, and after the rules that the template has.
        function: carries it out.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        vpc: ec2.IVpc,
        subnets: Sequence[ec2.ISubnet],
        subnets_stay: bool,
        security: EmrSecurity,
        key: kms.IKey,
        log_retention: logs.RetentionDays,
    ) -> None:
        """Define both.

        Args:
            name: first part of the function's name.
            vpc: where clusters run.
            subnets: those that hold clusters and nothing else.
            subnets_stay: whether they are of a VPC that is there already, and are not deleted.
            security: the groups; see :meth:`outlive_rules` for their rules.
            key: encrypts the function's log.
        """
        super().__init__(scope, construct_id)
        self._groups = [
            security.primary_group,
            security.core_group,
            security.service_access_group,
            security.additional_primary_group,
        ]
        self.function = PythonFunction(
            self,
            "Function",
            name=f"{name}-emr-leftovers",
            handler="emr_leftovers.handler.handler",
            description="Removes what EMR left in the network, when the platform goes",
            timeout=_FUNCTION_LIMIT,
            log_retention=log_retention,
        )
        self.function.encrypt_log(key)
        self._allow(self._groups, subnets)
        self.resource = CustomResource(
            self,
            "Resource",
            resource_type=RESOURCE_TYPE,
            service_token=self.function.arn,
            service_timeout=_ANSWER_LIMIT,
            properties={
                "Vpc": vpc.vpc_id,
                "Groups": [group.security_group_id for group in self._groups],
                "Subnets": [subnet.subnet_id for subnet in subnets],
                "SubnetsStay": "true" if subnets_stay else "false",
            },
        )
        self.resource.node.add_dependency(self.function)

    def outlive_rules(self, scope: Construct) -> None:
        """Have every rule in *scope* that names one of the groups go before the clean-up, whosever rule it is.

        A rule of another group of the template (endpoints admit clusters) would be somebody else's for the clean-up.
        Rules that come later are not seen: call it when *scope* is complete.
        """
        ids = {group.security_group_id for group in self._groups}
        for rule in scope.node.find_all():
            if isinstance(rule, ec2.CfnSecurityGroupIngress):
                named = {rule.group_id, rule.source_security_group_id}
            elif isinstance(rule, ec2.CfnSecurityGroupEgress):
                named = {rule.group_id, rule.destination_security_group_id}
            else:
                continue
            if named & ids:
                rule.node.add_dependency(self.resource)

    def _allow(self, groups: Sequence[ec2.SecurityGroup], subnets: Sequence[ec2.ISubnet]) -> None:
        stack = Stack.of(self)

        def arn(resource: str, name: str) -> str:
            return stack.format_arn(service="ec2", resource=resource, resource_name=name)

        interfaces = arn("network-interface", "*")
        self.function.allow(
            [
                # Looking knows no resources.
                iam.PolicyStatement(
                    actions=["ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups"], resources=["*"]
                ),
                # What the stack goes through: nothing is removed where it stays.
                iam.PolicyStatement(actions=["cloudformation:DescribeStacks"], resources=[stack.stack_id]),
                iam.PolicyStatement(
                    actions=["ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress"],
                    resources=[arn("security-group", group.security_group_id) for group in groups],
                ),
                iam.PolicyStatement(
                    actions=["ec2:DeleteNetworkInterface"],
                    resources=[interfaces],
                    conditions={
                        "ArnEquals": {"ec2:Subnet": [arn("subnet", subnet.subnet_id) for subnet in subnets]},
                        # EMR itself may make and delete only interfaces with this tag (AmazonEMRServicePolicy_v2).
                        "StringEquals": {f"aws:ResourceTag/{EMR_TAG}": "true"},
                    },
                ),
            ]
        )
        acknowledge(
            self.function.role,
            {
                "AwsSolutions-IAM5[Resource::*]": (
                    "DescribeNetworkInterfaces and DescribeSecurityGroups know no resources; neither changes anything"
                ),
                wildcard_arn(self, interfaces): (
                    "ids of interfaces are EC2's choice; the conditions admit those with EMR's tag in the subnets of "
                    "clusters only"
                ),
            },
        )
