"""The front door: one stable address, and behind it the routing that the controller changes.

A network load balancer keeps the name and the addresses that clients know and never changes at run time; its only
target is an application load balancer, which does: it routes ids to their owner (:mod:`emr_dr.slots`), answers 410 for
ids of nobody, and spreads the rest over the incarnations in service.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_elasticloadbalancingv2_targets as targets
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_s3 as s3
from constructs import Construct

from dr_core import routing
from dr_core.config import ServicePorts
from emr_dr.listener_rules import ListenerRule, fixed_response
from emr_dr.policy_checks import acknowledge
from emr_dr.service_target_groups import (
    LIVY_HEALTH_PATH,
    NAME_NODE_HEALTH_PATH,
    RESOURCE_MANAGER_HEALTH_PATH,
    ServiceTargetGroup,
)
from emr_dr.slots import SlotPool
from emr_dr.storage import LOAD_BALANCER_LOG_PREFIX

# Livy's web server (Jetty) closes a connection that was idle for 30 s.  A load balancer that keeps one longer sends a
# request into the closing connection now and then and answers 502.
IDLE_TIMEOUT_SECONDS = 25

# The web interfaces of each further managed cluster are this much higher: 8088 of the first, 18088 of the second.
_PORT_STEP = 10_000


# TLS 1.2 with forward secrecy and authenticated ciphers, and 1.3.  Not 1.3 alone: health checks of a network load
# balancer fail where a target speaks nothing older (its user guide, "Health checks").
_SSL_POLICY = elbv2.SslPolicy.TLS13_RES


@dataclass(frozen=True, kw_only=True)
class Encryption:
    """What the front door speaks TLS with.

    Attributes:
        certificate_arn: of Certificate Manager.
        host_name: what the certificate is for, and clients use.
        hosted_zone_id: of the zone that gets the alias; ``None`` if the name is made elsewhere.
    """

    certificate_arn: str
    host_name: str
    hosted_zone_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class WebInterfaces:
    """What belongs to one managed cluster alone.

    Attributes:
        managed_cluster: its name.
        resource_manager: group of its incarnation in service.
        name_node: likewise.
    """

    managed_cluster: str
    resource_manager: elbv2.IApplicationTargetGroup
    name_node: elbv2.IApplicationTargetGroup


class FrontDoor(Construct):
    """Both load balancers with their listeners, rules and groups.

    Attributes:
        network_load_balancer: the stable address.
        load_balancer: what routes behind it.
        livy_listener: of the load balancer that routes.
        balanced: group of every incarnation in service.
        slots: the pool of routing places.
        web_interfaces: one for each managed cluster, in their order.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        subnets: ec2.SubnetSelection,
        primary_group: ec2.ISecurityGroup,
        access_log_bucket: s3.IBucket,
        managed_clusters: Sequence[str],
        slots: int,
        ports: ServicePorts,
        livy_clients: Sequence[ec2.IPeer] = (),
        web_interface_clients: Sequence[ec2.IPeer] = (),
        encryption: Encryption | None = None,
    ) -> None:
        """Define the front door.

        Args:
            subnets: one in each AZ.
            primary_group: additional security group of every primary; it gets a rule for each port of a service.
            access_log_bucket: lets the load balancers' log service write below ``load-balancers/``.
            managed_clusters: names; each has listeners for its ResourceManager and NameNode.
            slots: how many incarnations can be routed to at once.
            livy_clients: who may use Livy.  Nobody by default.
            web_interface_clients: who may use ResourceManager and NameNode.  Nobody by default.
            encryption: what clients are answered with over TLS.  In the clear by default.
        """
        super().__init__(scope, construct_id)
        self._encryption = encryption
        self._service_protocol = elbv2.ApplicationProtocol(ports.scheme.upper())
        # Groups of another protocol are others, and so are the rules that lead to them.  For a deployment that runs
        # such a deploy fails before it comes here: Platform's export of the security configuration, which is replaced,
        # "cannot be updated as it is in use".  Whoever updates this stack alone is stopped here, as the priorities of
        # the new rules are taken; under the same ids CloudFormation would point those of live jobs to empty groups.
        secure = "Secure" if ports.scheme == "https" else ""
        self._vpc = vpc
        self._primary_group = primary_group
        self._network_group = ec2.SecurityGroup(
            self,
            "NetworkGroup",
            vpc=vpc,
            description="Network load balancer of the front door",
            allow_all_outbound=False,
        )
        self._routing_group = ec2.SecurityGroup(
            self,
            "RoutingGroup",
            vpc=vpc,
            description="Application load balancer behind the front door",
            allow_all_outbound=False,
        )
        # With its security group from the start: a network load balancer that is made without never gets one.
        self.network_load_balancer = elbv2.NetworkLoadBalancer(
            self,
            "NetworkLoadBalancer",
            vpc=vpc,
            vpc_subnets=subnets,
            internet_facing=False,
            cross_zone_enabled=True,
            security_groups=[self._network_group],
        )
        self.load_balancer = elbv2.ApplicationLoadBalancer(
            self,
            "LoadBalancer",
            vpc=vpc,
            vpc_subnets=subnets,
            internet_facing=False,
            idle_timeout=Duration.seconds(IDLE_TIMEOUT_SECONDS),
            drop_invalid_header_fields=True,
            security_group=self._routing_group,
        )
        # Not by log_access_logs(), which asks for a region to know the principal that may write: the bucket's policy
        # names the one that writes in every region.
        for name, value in (
            ("enabled", "true"),
            ("bucket", access_log_bucket.bucket_name),
            ("prefix", LOAD_BALANCER_LOG_PREFIX),
        ):
            self.load_balancer.set_attribute(f"access_logs.s3.{name}", value)
        acknowledge(
            self.network_load_balancer,
            {
                "AwsSolutions-ELB2": (
                    "a network load balancer writes access logs for TLS listeners only, and these are TCP; the "
                    "application load balancer behind it logs every request"
                )
            },
        )

        self.balanced = ServiceTargetGroup(
            self, f"{secure}Balanced", vpc=vpc, health_path=LIVY_HEALTH_PATH, protocol=self._service_protocol
        )
        self.livy_listener = self._listener(
            "Livy", port=ports.livy, service_port=ports.livy, group=self.balanced, clients=livy_clients
        )
        self.slots = SlotPool(
            self, f"{secure}Slots", vpc=vpc, listener=self.livy_listener, count=slots, protocol=self._service_protocol
        ).slots
        for number, conditions in enumerate(routing.gone_rules()):
            ListenerRule(
                self,
                f"GoneRule{number + 1}",
                listener=self.livy_listener,
                priority=routing.GONE_PRIORITY + number,
                conditions=conditions,
                action=fixed_response(status=routing.GONE_STATUS, body=routing.GONE_BODY),
            )
        self.web_interfaces = tuple(
            self._web_interfaces(name, position=position, ports=ports, clients=web_interface_clients)
            for position, name in enumerate(managed_clusters)
        )
        if encryption is not None and encryption.hosted_zone_id is not None:
            self._name(encryption.host_name, hosted_zone_id=encryption.hosted_zone_id)

    def _name(self, host_name: str, *, hosted_zone_id: str) -> None:
        """Give the network load balancer the name that clients know."""
        balancer = self.network_load_balancer
        route53.CfnRecordSet(
            self,
            "Alias",
            hosted_zone_id=hosted_zone_id,
            name=host_name,
            type="A",
            alias_target=route53.CfnRecordSet.AliasTargetProperty(
                dns_name=balancer.load_balancer_dns_name,
                hosted_zone_id=balancer.load_balancer_canonical_hosted_zone_id,
                # There is nowhere else to send clients to.
                evaluate_target_health=False,
            ),
        )

    def admit(self, group: ec2.ISecurityGroup, *, port: int) -> None:
        """Let members of *group* reach both load balancers on *port*, the one directly and the other by its name."""
        for door in (self._network_group, self._routing_group):
            door.connections.allow_from(group, ec2.Port.tcp(port))

    def let_out(self, group: ec2.ISecurityGroup, *, port: int) -> None:
        """Let members of *group*, which lets nobody out by itself, go to the stable address on *port*."""
        # Made here and not in the group's stack, which knows no deployment.
        ec2.CfnSecurityGroupEgress(
            self,
            f"Clients{port}",
            group_id=group.security_group_id,
            destination_security_group_id=self._network_group.security_group_id,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            description="Clients to the front door",
        )

    def _web_interfaces(
        self, managed_cluster: str, *, position: int, ports: ServicePorts, clients: Sequence[ec2.IPeer]
    ) -> WebInterfaces:
        suffix = managed_cluster.upper()
        resource_manager = ServiceTargetGroup(
            self,
            f"ResourceManager{suffix}",
            vpc=self._vpc,
            health_path=RESOURCE_MANAGER_HEALTH_PATH,
            protocol=self._service_protocol,
        )
        name_node = ServiceTargetGroup(
            self,
            f"NameNode{suffix}",
            vpc=self._vpc,
            health_path=NAME_NODE_HEALTH_PATH,
            protocol=self._service_protocol,
        )
        for name, service_port, group in (
            (f"ResourceManager{suffix}", ports.resource_manager, resource_manager),
            (f"NameNode{suffix}", ports.name_node, name_node),
        ):
            self._listener(
                name,
                port=service_port + position * _PORT_STEP,
                service_port=service_port,
                group=group,
                clients=clients,
            )
        return WebInterfaces(managed_cluster=managed_cluster, resource_manager=resource_manager, name_node=name_node)

    def _listener(
        self,
        name: str,
        *,
        port: int,
        service_port: int,
        group: elbv2.IApplicationTargetGroup,
        clients: Sequence[ec2.IPeer],
    ) -> elbv2.ApplicationListener:
        """One port of the front door, all the way to *group*, whose members answer on *service_port*."""
        encryption = self._encryption
        # The network load balancer passes bytes on: its target is a load balancer, to which it speaks TCP alone.
        listener = self.load_balancer.add_listener(
            f"{name}Listener",
            port=port,
            protocol=elbv2.ApplicationProtocol.HTTPS if encryption else elbv2.ApplicationProtocol.HTTP,
            certificates=[elbv2.ListenerCertificate.from_arn(encryption.certificate_arn)] if encryption else None,
            ssl_policy=_SSL_POLICY if encryption else None,
            open=False,
            default_target_groups=[group],
        )
        ListenerRule(
            self,
            f"{name}HealthRule",
            listener=listener,
            priority=routing.HEALTH_PRIORITY,
            conditions=routing.health_conditions(),
            action=fixed_response(status="200", body=routing.HEALTH_BODY),
        )
        self.network_load_balancer.add_listener(
            f"{name}Listener",
            port=port,
            protocol=elbv2.Protocol.TCP,
            default_target_groups=[
                elbv2.NetworkTargetGroup(
                    self,
                    f"{name}Door",
                    vpc=self._vpc,
                    port=port,
                    protocol=elbv2.Protocol.TCP,
                    target_type=elbv2.TargetType.ALB,
                    targets=[targets.AlbListenerTarget(listener)],
                    # The load balancer's own answer: its health is not the clusters', who come and go behind it.
                    health_check=elbv2.HealthCheck(
                        protocol=elbv2.Protocol.HTTPS if encryption else elbv2.Protocol.HTTP,
                        path=routing.HEALTH_PATH,
                        healthy_http_codes="200",
                        interval=Duration.seconds(10),
                        timeout=Duration.seconds(5),
                        healthy_threshold_count=2,
                        unhealthy_threshold_count=2,
                    ),
                )
            ],
        )
        for client in clients:
            self._network_group.add_ingress_rule(client, ec2.Port.tcp(port), f"Clients of {name}")
        # A group that allows no outbound traffic gets no rule for targets that are registered at run time.
        self._routing_group.connections.allow_from(self._network_group, ec2.Port.tcp(port), f"Front door to {name}")
        self._reach_primaries(name, port=service_port)
        return listener

    def _reach_primaries(self, name: str, *, port: int) -> None:
        """Open *port* of every primary for the load balancer; once only, as managed clusters share the ports."""
        identifier = f"Primaries{port}"
        if self.node.try_find_child(identifier) is not None:
            return
        self._routing_group.add_egress_rule(self._primary_group, ec2.Port.tcp(port), f"{name} on primaries")
        # Made here and not in the primaries' stack, which knows no deployment.
        ec2.CfnSecurityGroupIngress(
            self,
            identifier,
            group_id=self._primary_group.security_group_id,
            source_security_group_id=self._routing_group.security_group_id,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            description=f"Front door to {name}",
        )
