"""Interface endpoints of the VPC that is made here: a door to each service that is called and nothing else leads to.

In a VPC that is there already none is made: its private DNS name would lead every machine of that VPC to it, and its
group would admit ours alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_ec2 as ec2
from constructs import Construct, IDependable

_HTTPS = 443


class InterfaceEndpoints(Construct):
    """One endpoint for each service, in every AZ, behind one security group.

    One for all who call: a private DNS name can be given once in a VPC, so that nobody could have an endpoint of its
    own beside that of others.

    Attributes:
        security_group: of all the endpoints.
        endpoints: one for each service.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        subnets: Sequence[ec2.ISubnet],
        services: Sequence[str],
        callers: Sequence[ec2.ISecurityGroup],
    ) -> None:
        """Define the endpoints.

        Args:
            subnets: one in each AZ, so that the loss of one takes no endpoint away.
            services: names as :data:`emr_dr.endpoints.INTERFACE` has them.
            callers: who may call; :meth:`admit` adds others.
        """
        super().__init__(scope, construct_id)
        self.security_group = ec2.SecurityGroup(
            self, "Group", vpc=vpc, description="Interface endpoints of the VPC", allow_all_outbound=False
        )
        for caller in callers:
            self.admit(caller)
        self.endpoints = [
            ec2.InterfaceVpcEndpoint(
                self,
                "".join(part.capitalize() for part in service.split(".")),
                vpc=vpc,
                service=ec2.InterfaceVpcEndpointAwsService(service),
                subnets=ec2.SubnetSelection(subnets=list(subnets)),
                security_groups=[self.security_group],
                open=False,
                private_dns_enabled=True,
            )
            for service in services
        ]

    def admit(self, caller: ec2.ISecurityGroup) -> None:
        """Let members of *caller* call the services."""
        self.security_group.connections.allow_from(caller, ec2.Port.tcp(_HTTPS), "Calls of AWS services")

    def way_of(self, caller: ec2.ISecurityGroup) -> list[IDependable]:
        """What has to be there before a *caller* that was admitted can call: the endpoints and its rule.

        No rules of other callers: what depends on them would hold up their deletion for as long as its own takes.
        """
        rules = [
            rule
            for rule in self.security_group.node.find_all()
            if isinstance(rule, ec2.CfnSecurityGroupIngress)
            and rule.source_security_group_id == caller.security_group_id
        ]
        return [*self.endpoints, *rules]
