"""Target groups of the services on a primary.

Members are addresses, which only the controller registers and deregisters: a group is made empty, and a deployment
never touches its members.
"""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

LIVY_HEALTH_PATH = "/version"
RESOURCE_MANAGER_HEALTH_PATH = "/ws/v1/cluster/info"
NAME_NODE_HEALTH_PATH = "/jmx?qry=Hadoop:service=NameNode,name=NameNodeStatus"

# A group must have a port, and a changed one replaces the group with its members.  Members are registered with the
# port that the settings name, so this one is never used and never changes.
_UNUSED_PORT = 8998


class ServiceTargetGroup(elbv2.ApplicationTargetGroup):
    """The group of one service, checked every 5 s: unhealthy after two checks that fail, healthy after two that pass.

    Without a name of its own, so that a change which replaces the group does not collide with the old one.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        health_path: str,
        protocol: elbv2.ApplicationProtocol = elbv2.ApplicationProtocol.HTTP,
    ) -> None:
        """Define the group.

        Args:
            health_path: answered with 200 by a service in order.
            protocol: what the members speak.  Another one replaces the group.
        """
        super().__init__(
            scope,
            construct_id,
            vpc=vpc,
            port=_UNUSED_PORT,
            protocol=protocol,
            target_type=elbv2.TargetType.IP,
            # Livy's calls are short; whoever is deregistered has no more than these to finish.
            deregistration_delay=Duration.seconds(30),
            health_check=elbv2.HealthCheck(
                protocol=elbv2.Protocol(protocol.value),
                path=health_path,
                healthy_http_codes="200",
                interval=Duration.seconds(5),
                timeout=Duration.seconds(3),
                healthy_threshold_count=2,
                unhealthy_threshold_count=2,
            ),
        )
        # Only the health of a node of the load balancer decides whether DNS names it.  By default too few healthy
        # members of one group take nodes out of DNS, and when that holds for every zone all nodes come back, those of
        # a dead zone included: exactly the minutes of a failover, when no group has a healthy member.
        for what in ("count", "percentage"):
            self.set_attribute(f"target_group_health.dns_failover.minimum_healthy_targets.{what}", "off")
