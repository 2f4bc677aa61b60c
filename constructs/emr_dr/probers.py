"""One prober in each AZ: looks at the services of every live incarnation from its own subnet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aws_cdk import Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from dr_core.config import ProberFunction, ServicePorts
from emr_dr import record_kinds
from emr_dr.front_door import FrontDoor
from emr_dr.functions import Placement, PythonFunction
from emr_dr.schedules import EVENT_AGE, EveryMinute


@dataclass(frozen=True, kw_only=True)
class Prober:
    """The prober of one AZ.

    Attributes:
        availability_zone: its name.
        function: the function, in the one subnet of that AZ.
    """

    availability_zone: str
    function: PythonFunction


class Probers(Construct):
    """The probers of a deployment.

    Attributes:
        probers: in the order of the subnets.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        deployment: str,
        vpc: ec2.IVpc,
        subnets: Sequence[ec2.ISubnet],
        primary_group: ec2.ISecurityGroup,
        front_door: FrontDoor,
        ports: ServicePorts,
        record: dynamodb.ITable,
        evidence: dynamodb.ITable,
        schedules: EveryMinute,
        log_retention: logs.RetentionDays,
        authority: Path | None = None,
    ) -> None:
        """Define the probers.

        Args:
            subnets: one in each AZ; a route to DynamoDB is all they need besides the VPC itself.
            primary_group: additional security group of every primary; it gets a rule for each port of a service.
            authority: PEM file of the authorities whose certificates they trust.  The public ones by default.
        """
        super().__init__(scope, construct_id)
        group = ec2.SecurityGroup(
            self, "Group", vpc=vpc, description="Probers: look at services of primaries", allow_all_outbound=False
        )
        # DynamoDB behind its gateway endpoint has public addresses; the prefix list that names them has another id in
        # each region.
        group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "DynamoDB through its gateway endpoint")
        front_door.admit(group, port=ports.livy)
        for name, port in (
            ("Livy", ports.livy),
            ("ResourceManager", ports.resource_manager),
            ("NameNode", ports.name_node),
        ):
            group.add_egress_rule(primary_group, ec2.Port.tcp(port), f"{name} on primaries")
            ec2.CfnSecurityGroupIngress(
                self,
                f"Primaries{port}",
                group_id=primary_group.security_group_id,
                source_security_group_id=group.security_group_id,
                ip_protocol="tcp",
                from_port=port,
                to_port=port,
                description=f"Probers to {name}",
            )
        self.probers = tuple(
            Prober(
                availability_zone=subnet.availability_zone,
                function=PythonFunction(
                    self,
                    f"Prober{number}",
                    name=f"{deployment}-prober-{number}",
                    handler="prober.handler.handler",
                    description=f"Looks at the services of live incarnations from AZ {number} of the VPC",
                    # Rounds until the next run has begun, at the latest, and the last round's readings.
                    timeout=Duration.seconds(180),
                    # The next minute's run looks at a newer world.
                    asynchronous_retries=0,
                    asynchronous_event_age=EVENT_AGE,
                    dead_letters=schedules.dead_letters,
                    log_retention=log_retention,
                    placement=Placement(vpc=vpc, subnet=subnet, security_group=group),
                    environment={"EMR_DR_AVAILABILITY_ZONE": subnet.availability_zone},
                    authority=authority,
                ),
            )
            for number, subnet in enumerate(subnets, start=1)
        )
        for prober in self.probers:
            prober.function.allow(
                [
                    record_kinds.on_items(record, ["Query"], kinds=record_kinds.PROBER.reads),
                    # It reads nothing there but whether a younger run of it has begun.
                    iam.PolicyStatement(
                        actions=["dynamodb:GetItem", "dynamodb:PutItem"], resources=[evidence.table_arn]
                    ),
                ]
            )
            schedules.start(prober.function)

    @property
    def in_config(self) -> tuple[ProberFunction, ...]:
        """The probers as the functions' configuration names them."""
        return tuple(
            ProberFunction(availability_zone=prober.availability_zone, function_name=prober.function.name)
            for prober in self.probers
        )
