"""A deployment: one front door, its managed clusters, probers, monitor and controller.

What tells one strategy from another is data (:class:`Strategy`): no construct, function or state knows a strategy's
name.
"""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import CfnOutput, Environment, Stack
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from dr_core.config import FunctionConfig, ManagedClusterResources, Scripts, SlotResources, SubnetChoice
from dr_core.network import ExpectedNetwork
from emr_dr.airflow_connection import AirflowConnection
from emr_dr.alarms import Alarms
from emr_dr.controller import Controller
from emr_dr.front_door import Encryption, FrontDoor
from emr_dr.functions import encrypt_log
from emr_dr.incarnation_template import STATE_DIRECTORY
from emr_dr.managed_cluster import ManagedCluster
from emr_dr.monitor import Monitor
from emr_dr.own_checks import tag_stack
from emr_dr.permissions_boundary import limit_roles
from emr_dr.probers import Probers
from emr_dr.reconciler import Reconciler
from emr_dr.schedules import EveryMinute
from emr_dr.settings import Settings
from emr_dr.settings_file import REPOSITORY
from emr_dr.standby_keeper import StandbyKeeper
from emr_dr.tables import Tables
from emr_dr.tls_settings import authority
from stacks.incarnation import PublishedIncarnation
from stacks.platform import Platform
from stacks.strategy import Strategy


class Deployment(Stack):
    """The stack of one strategy.

    Attributes:
        deployment_name: ``<settings.name>-<strategy.name>``, first part of every name that the product makes.
        front_door: what clients talk to.
        managed_clusters: in the order of the strategy.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        strategy: Strategy,
        settings: Settings,
        platform: Platform,
    ) -> None:
        """Define the deployment.

        Args:
            scope: the app.
            construct_id: id, and so the stack's name.
            strategy: how many managed clusters and slots.
            settings: the settings.
            platform: what the deployment stands on.
        """
        super().__init__(
            scope,
            construct_id,
            env=Environment(region=settings.region),
            description=f"emr-dr: front door, managed clusters, monitor and controller ({strategy.name})",
        )
        limit_roles(self, settings)
        tag_stack(self)
        name = f"{settings.name}-{strategy.name}"
        self.deployment_name = name
        keeps_standby = strategy.standby and settings.standby == "warm"
        tables = Tables(self, "Tables")
        self.front_door = FrontDoor(
            self,
            "FrontDoor",
            vpc=platform.vpc,
            subnets=ec2.SubnetSelection(subnets=platform.service_subnets),
            primary_group=platform.additional_primary_group,
            access_log_bucket=platform.access_log_bucket,
            managed_clusters=strategy.managed_clusters,
            slots=strategy.slots,
            ports=settings.ports,
            livy_clients=[
                platform.livy_clients_group,
                *([platform.airflow_group] if platform.airflow_group is not None else []),
                *_peers(settings.front_door.livy_clients),
            ],
            web_interface_clients=_peers(settings.front_door.web_interface_clients),
            encryption=_encryption(settings, strategy),
        )
        self.front_door.let_out(platform.livy_clients_group, port=settings.ports.livy)
        schedules = EveryMinute(self, "Schedules")
        probers = Probers(
            self,
            "Probers",
            deployment=name,
            vpc=platform.vpc,
            subnets=platform.service_subnets,
            primary_group=platform.additional_primary_group,
            front_door=self.front_door,
            ports=settings.ports,
            record=tables.record,
            evidence=tables.evidence,
            schedules=schedules,
            log_retention=platform.log_retention,
            authority=authority(settings.tls, folder=REPOSITORY),
        )
        incarnation = PublishedIncarnation(self, "IncarnationTemplate", settings=settings, platform=platform)
        controller = Controller(
            self,
            "Controller",
            deployment=name,
            managed_clusters=strategy.managed_clusters,
            tables=tables,
            front_door=self.front_door,
            probers=probers,
            template_bucket=incarnation.template_bucket,
            service_role=platform.service_role,
            instance_role=platform.instance_role,
            alert_topic=platform.alert_topic,
            alert_key=platform.key,
            bake_alarms=settings.controller.bake_alarms,
            log_retention=platform.log_retention,
        )
        monitor = Monitor(
            self,
            "Monitor",
            deployment=name,
            tables=tables,
            schedules=schedules,
            log_retention=platform.log_retention,
        )
        reconciler = Reconciler(
            self,
            "Reconciler",
            deployment=name,
            managed_clusters=strategy.managed_clusters,
            tables=tables,
            front_door=self.front_door,
            probers=probers,
            schedules=schedules,
            alert_topic=platform.alert_topic,
            alert_key=platform.key,
            log_retention=platform.log_retention,
        )
        keepers = (
            [
                StandbyKeeper(
                    self,
                    "StandbyKeeper",
                    deployment=name,
                    tables=tables,
                    probers=probers,
                    schedules=schedules,
                    alert_topic=platform.alert_topic,
                    alert_key=platform.key,
                    log_retention=platform.log_retention,
                )
            ]
            if keeps_standby
            else []
        )
        config = self._function_config(
            settings=settings,
            host_name=settings.tls.host(strategy.name),
            standby=keeps_standby,
            platform=platform,
            tables=tables,
            probers=probers,
            controller=controller,
            incarnation=incarnation,
        )
        for function in (
            controller.failover,
            controller.managed_cluster,
            controller.execution_ended,
            controller.control,
            monitor.function,
            reconciler.function,
            *(keeper.function for keeper in keepers),
            *(prober.function for prober in probers.probers),
        ):
            function.configure(config)
            function.encrypt_log(platform.key)
        for log_group in controller.machines.log_groups:
            encrypt_log(log_group, platform.key)

        alarms = Alarms(
            self,
            "Alarms",
            deployment=name,
            managed_clusters=strategy.managed_clusters,
            alert_topic=platform.alert_topic,
        )
        alarms.watch_machines(controller.machines)
        alarms.watch_monitor(probers=len(probers.probers))
        alarms.watch_probers(len(probers.probers))
        if config.front_door_scheme == "https":
            alarms.watch_certificates()
        alarms.watch_restraints(launches_per_day=settings.policy.launches_per_day)
        alarms.watch_operations()
        alarms.watch_ids()
        if keeps_standby:
            alarms.watch_standby()
        alarms.watch_retirements()
        alarms.watch_reconciliation()
        alarms.watch_notices()
        alarms.watch_functions(execution_ended=controller.execution_ended, managed_cluster=controller.managed_cluster)
        alarms.watch_dead_letters(schedules=schedules.dead_letters, executions=controller.dead_letters)

        self.managed_clusters: Sequence[ManagedCluster] = self._managed_clusters(
            strategy.managed_clusters,
            settings=settings,
            network=platform.expected_network,
            incarnation=incarnation,
            controller=controller,
            needs=[tables, self.front_door, probers, monitor, reconciler, *keepers, schedules, incarnation],
        )
        if settings.mwaa.mode != "none":
            self._connect_airflow(strategy, settings=settings, platform=platform, config=config)
        self._outputs(config, controller=controller)

    def _connect_airflow(
        self, strategy: Strategy, *, settings: Settings, platform: Platform, config: FunctionConfig
    ) -> None:
        """The connection with which Airflow submits to this front door."""
        connection = AirflowConnection(
            self,
            "AirflowConnection",
            connection=settings.mwaa.connection(strategy.name),
            host=_client_host(config),
            port=config.front_door_port,
            scheme=config.front_door_scheme,
            timeout_seconds=settings.mwaa.connection_timeout_seconds,
            key=platform.key,
            reader_arn=platform.airflow_reader_arn,
            private_authority=settings.tls.authority_file is not None,
        )
        CfnOutput(
            self,
            "LivyConnection",
            value=connection.connection,
            description="id of Airflow's connection to this front door",
        )

    def _outputs(self, config: FunctionConfig, *, controller: Controller) -> None:
        """What whoever deploys, asks or is paged needs to know."""
        outputs = {
            "FrontDoorHost": (_client_host(config), "host of every client's connection, as of Airflow's livy_default"),
            "LivyUrl": (
                f"{config.front_door_scheme}://{_client_host(config)}:{config.front_door_port}",
                "Livy behind the front door",
            ),
            "ControlFunction": (
                controller.control.function.function_name,
                "invoked by a person who pauses, resumes or acknowledges automatic operations",
            ),
            "OperationStateMachine": (
                controller.machines.operation.state_machine_arn,
                "started by a person who wants a failover, a switchover or a repair "
                "(docs/operation-request.schema.json)",
            ),
            "RetirementStateMachine": (
                controller.machines.retirement.state_machine_arn,
                "ends old clusters; started by the product alone",
            ),
            "BalancedTargetGroup": (
                self.front_door.balanced.target_group_arn,
                "where new jobs go; a person who wonders whether the front door works asks for its health",
            ),
        }
        if config.front_door_name:
            outputs["FrontDoorAddress"] = (config.front_door_host, "what the name of the front door leads to")
        for name, (value, description) in outputs.items():
            CfnOutput(self, name, value=value, description=description)

    def _function_config(
        self,
        *,
        settings: Settings,
        host_name: str,
        standby: bool,
        platform: Platform,
        tables: Tables,
        probers: Probers,
        controller: Controller,
        incarnation: PublishedIncarnation,
    ) -> FunctionConfig:
        """What every function knows of the deployment."""
        door = self.front_door
        return FunctionConfig(
            deployment=self.deployment_name,
            record_table=tables.record.table_name,
            evidence_table=tables.evidence.table_name,
            managed_clusters=tuple(
                ManagedClusterResources(
                    name=each.managed_cluster,
                    resource_manager_target_group=each.resource_manager.target_group_arn,
                    name_node_target_group=each.name_node.target_group_arn,
                    standby=standby,
                )
                for each in door.web_interfaces
            ),
            subnets=_places(platform, preference=settings.cluster.availability_zone_preference),
            slots=tuple(
                SlotResources(
                    number=slot.number,
                    target_group=slot.target_group.target_group_arn,
                    id_rule=slot.id_rule.ref,
                    header_rule=slot.header_rule.ref,
                )
                for slot in door.slots
            ),
            balanced_target_group=door.balanced.target_group_arn,
            front_door_host=door.network_load_balancer.load_balancer_dns_name,
            load_balancer_host=door.load_balancer.load_balancer_dns_name,
            front_door_scheme=settings.tls.scheme,
            front_door_port=settings.ports.livy,
            front_door_name=host_name,
            cluster_domain=settings.tls.domain(settings.region),
            probers=probers.in_config,
            operation_state_machine=controller.machines.operation_arn,
            retirement_state_machine=controller.machines.retirement_arn,
            incarnation_role=controller.incarnation_role.role_arn,
            alert_topic=platform.alert_topic.topic_arn,
            ports=settings.ports,
            canary=settings.canary_job,
            scripts=Scripts(
                seed=incarnation.seed_script_uri,
                restart=incarnation.restart_script_uri,
                state_directory=STATE_DIRECTORY,
            ),
            policy=settings.policy,
        )

    def _managed_clusters(
        self,
        names: Sequence[str],
        *,
        settings: Settings,
        network: ExpectedNetwork,
        incarnation: PublishedIncarnation,
        controller: Controller,
        needs: Sequence[Construct],
    ) -> list[ManagedCluster]:
        """The managed clusters, each changed after the one before it: never two in a switchover at once."""
        made: list[ManagedCluster] = []
        for name in names:
            made.append(
                ManagedCluster(
                    self,
                    f"ManagedCluster{name.upper()}",
                    deployment=self.deployment_name,
                    name=name,
                    template_url=incarnation.template_url,
                    summary=incarnation.summary,
                    parameters=incarnation.parameters,
                    scaling=settings.scaling,
                    tags=settings.cluster.tags,
                    network=network,
                    controller=controller,
                    needs=[*needs, *made[-1:]],
                )
            )
        return made


def _client_host(config: FunctionConfig) -> str:
    """What clients call the front door: the name of its certificate, if it has one."""
    return config.front_door_name or config.front_door_host


def _encryption(settings: Settings, strategy: Strategy) -> Encryption | None:
    """What the front door speaks TLS with, if it does."""
    tls = settings.tls
    if tls.certificate_arn is None:
        return None
    return Encryption(
        certificate_arn=tls.certificate_arn,
        host_name=tls.host(strategy.name),
        hosted_zone_id=tls.hosted_zone_id,
    )


def _places(platform: Platform, *, preference: Sequence[str] | None) -> tuple[SubnetChoice, ...]:
    """The clusters' subnets, preferred AZs first."""
    places = [
        SubnetChoice(availability_zone=zone, subnet_id=subnet.subnet_id)
        for zone, subnet in zip(platform.availability_zones_in_use, platform.emr_subnets, strict=True)
    ]
    order = list(preference or ())
    return tuple(
        sorted(
            places,
            key=lambda place: order.index(place.availability_zone) if place.availability_zone in order else len(order),
        )
    )


def _peers(values: Sequence[str]) -> list[ec2.IPeer]:
    """CIDR blocks and security group ids as the settings name them."""
    return [ec2.Peer.security_group_id(value) if value.startswith("sg-") else ec2.Peer.ipv4(value) for value in values]
