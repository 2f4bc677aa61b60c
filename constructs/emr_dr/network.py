"""The network of the platform: one VPC over two or three AZs."""

from __future__ import annotations

from aws_cdk import Aws, Fn, RemovalPolicy, Tags
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from dr_core.network import EMR_TAG as EMR_TAG  # those who tag import it from here
from emr_dr.settings import Settings


class Network(Construct):
    """A VPC with subnets for clusters and for services, and public ones for NAT gateways alone.

    Attributes:
        vpc: the VPC.
        availability_zones: the names of its AZs, tokens if the settings name none.
        emr_subnets: private subnets for clusters and nothing else, one in each AZ, in that order: a fault that is
            injected into a cluster's subnet then hits no load balancer and no prober.
        service_subnets: private subnets for load balancers and probers, one in each AZ, in that order.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        key: kms.IKey,
        log_retention: logs.RetentionDays,
    ) -> None:
        """Define the network.

        Args:
            scope: parent.
            construct_id: id below the parent.
            settings: range, AZs and NAT gateways are taken from ``network``.
            key: encrypts the flow logs.
            log_retention: how long flow logs are kept.
        """
        super().__init__(scope, construct_id)
        network = settings.network
        # The stack knows only two AZs of an unknown region, and names none of them; the VPC gets all of them from here.
        self.availability_zones: list[str] = (
            list(network.zones)
            if network.zones is not None
            else [Fn.select(number, Fn.get_azs()) for number in range(network.zone_count)]
        )
        has_nat = network.has_way_out
        private = ec2.SubnetType.PRIVATE_WITH_EGRESS if has_nat else ec2.SubnetType.PRIVATE_ISOLATED
        prefix = int(network.vpc_cidr.partition("/")[2])
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(network.vpc_cidr),
            availability_zones=self.availability_zones,
            nat_gateways={"per-az": network.zone_count, "one": 1, "none": 0}[network.nat_gateways],
            subnet_configuration=[
                # /20 of a /16: room for 4,000 nodes in each AZ, and for more kinds of subnets later.
                ec2.SubnetConfiguration(name="Emr", subnet_type=private, cidr_mask=prefix + 4),
                # An application load balancer asks for a /27 at least.
                ec2.SubnetConfiguration(name="Service", subnet_type=private, cidr_mask=min(prefix + 8, 26)),
                # Reserved even without NAT gateways, so that adding them later moves no other subnet.
                ec2.SubnetConfiguration(
                    name="Nat",
                    subnet_type=ec2.SubnetType.PUBLIC,
                    cidr_mask=28,
                    map_public_ip_on_launch=False,
                    reserved=not has_nat,
                ),
            ],
            # Emptying the default security group takes a function with rights on every group; nothing uses it.
            restrict_default_security_group=False,
        )
        self.emr_subnets = self._subnets("Emr")
        self.service_subnets = self._subnets("Service")
        for subnet in self.emr_subnets:
            Tags.of(subnet).add(EMR_TAG, "true")
        # Logs, scripts and data to S3, evidence and record to DynamoDB: neither needs a NAT gateway.
        self.vpc.add_gateway_endpoint("S3", service=ec2.GatewayVpcEndpointAwsService.S3)
        self.vpc.add_gateway_endpoint("DynamoDb", service=ec2.GatewayVpcEndpointAwsService.DYNAMODB)
        self.vpc.add_flow_log("FlowLog", destination=flow_log_destination(self, key=key, log_retention=log_retention))

    def _subnets(self, name: str) -> list[ec2.ISubnet]:
        return list(self.vpc.select_subnets(subnet_group_name=name).subnets)


def flow_log_destination(
    scope: Construct, *, key: kms.IKey, log_retention: logs.RetentionDays
) -> ec2.FlowLogDestination:
    """Where flow logs of a VPC are written: a log group that outlives its stack, and the role of who writes there."""
    flow_logs = logs.LogGroup(
        scope,
        "FlowLogs",
        encryption_key=key,
        retention=log_retention,
        # Not of a network whose first deploy failed: nothing ran in it.
        removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    )
    # EC2 writes flow logs of this account alone with it (the confused-deputy guard of the VPC user guide).
    writer = iam.Role(
        scope,
        "FlowLogWriter",
        description="EC2 writes the flow logs of the VPC with it",
        assumed_by=iam.ServicePrincipal(
            "vpc-flow-logs.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
        ),
    )
    return ec2.FlowLogDestination.to_cloud_watch_logs(flow_logs, writer)
