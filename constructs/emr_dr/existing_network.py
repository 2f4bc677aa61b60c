"""The network of the platform in a VPC that is there already: gateway endpoints that it lacks, flow logs, no more.

Synth asks AWS nothing, so that templates depend on the settings alone.  Whether the VPC is what the settings say is
checked by the custom resource of each managed cluster (:mod:`failover.network_check`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aws_cdk import Annotations, Aws, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from dr_core import there_already
from emr_dr import endpoints
from emr_dr.network import flow_log_destination
from emr_dr.network_settings import ExistingVpc


class ExistingNetwork(Construct):
    """A VPC that is there already, with what :class:`emr_dr.network.Network` would have.

    Attributes:
        vpc: the VPC.
        availability_zones: the names of its AZs, in the order of the settings.
        emr_subnets: private subnets for clusters and nothing else, one in each AZ, in that order.
        service_subnets: private subnets for load balancers and probers, likewise.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        existing: ExistingVpc,
        key: kms.IKey,
        log_retention: logs.RetentionDays,
    ) -> None:
        """Define what is added to the VPC.

        Args:
            scope: parent.
            construct_id: id below the parent.
            existing: the VPC, as the settings know it.
            key: encrypts the flow logs.
            log_retention: how long flow logs are kept.
        """
        super().__init__(scope, construct_id)
        zones = existing.availability_zones
        self.availability_zones: list[str] = [zone.name for zone in zones]
        self.vpc = ec2.Vpc.from_vpc_attributes(
            self, "Vpc", vpc_id=existing.vpc_id, availability_zones=self.availability_zones
        )
        self.emr_subnets = self._subnets("Emr", [zone.emr_subnet for zone in zones])
        self.service_subnets = self._subnets("Service", [zone.service_subnet for zone in zones])
        for service, name in zip(endpoints.GATEWAY, ("S3", "DynamoDb"), strict=True):
            if service not in existing.endpoints:
                ec2.CfnVPCEndpoint(
                    self,
                    name,
                    vpc_id=existing.vpc_id,
                    vpc_endpoint_type="Gateway",
                    service_name=f"com.amazonaws.{Aws.REGION}.{service}",
                    route_table_ids=list(existing.route_tables),
                )
        if existing.flow_logs:
            ec2.FlowLog(
                self,
                "FlowLog",
                resource_type=ec2.FlowLogResourceType.from_vpc(self.vpc),
                destination=flow_log_destination(self, key=key, log_retention=log_retention),
            )
        options = Stack.of(self).template_options
        options.metadata = {**(options.metadata or {}), there_already.NETWORK: _plain(existing)}

    def _subnets(self, name: str, ids: Sequence[str]) -> list[ec2.ISubnet]:
        found: list[ec2.ISubnet] = []
        for number, (subnet_id, zone) in enumerate(zip(ids, self.availability_zones, strict=True), start=1):
            subnet = ec2.Subnet.from_subnet_attributes(
                self, f"{name}Subnet{number}", subnet_id=subnet_id, availability_zone=zone
            )
            # Nothing here asks a subnet for its route table: the settings name those that get endpoints.
            Annotations.of(subnet).acknowledge_warning("@aws-cdk/aws-ec2:noSubnetRouteTableId")
            found.append(subnet)
        return found


def _plain(existing: ExistingVpc) -> dict[str, Any]:
    return existing.model_dump(mode="json")
