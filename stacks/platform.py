"""The platform: what every strategy stands on, slow to change and kept when stacks go."""

from __future__ import annotations

from aws_cdk import Annotations, CfnOutput, Environment, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from dr_core import there_already
from dr_core.network import ExpectedNetwork, ExpectedSubnet, Use
from emr_dr import endpoints
from emr_dr.airflow_environment import AirflowEnvironment
from emr_dr.airflow_existing import ExistingAirflow
from emr_dr.cluster_warnings import warn_of_clusters
from emr_dr.emr_leftovers import EmrLeftovers
from emr_dr.emr_roles import EmrRoles
from emr_dr.emr_security import EmrSecurity
from emr_dr.existing_network import ExistingNetwork
from emr_dr.interface_endpoints import InterfaceEndpoints
from emr_dr.log_retention import log_retention
from emr_dr.network import Network
from emr_dr.network_warnings import warn_of_network
from emr_dr.own_checks import tag_stack
from emr_dr.permissions_boundary import limit_roles
from emr_dr.settings import Settings
from emr_dr.settings_file import REPOSITORY
from emr_dr.storage import EMR_LOG_PREFIX, Storage
from emr_dr.tls_settings import authority

NOBODY_IS_TOLD = (
    "alert_email is null, so that alarms and messages reach nobody: set it in emr-dr.yaml (or by -c "
    "set.alert_email=you@example.org), or subscribe a pager of your own to the output AlertTopic"
)
POLICY_OF_OWN_KEY = (
    "the policy of security.key is not ours to write: let CloudWatch Logs, CloudWatch alarms and this account's roles "
    "use the key as docs/security.md shows, else log groups cannot be made and alarms say nothing"
)


class Platform(Stack):
    """Network, key, buckets, EMR's roles and groups, and the topic for alerts.

    Attributes:
        vpc: VPC over two or three AZs.
        availability_zones_in_use: names of the AZs, in the order of the subnets below (tokens if the settings name
            none).
        emr_subnets: private subnets for clusters, one in each AZ.
        service_subnets: private subnets for load balancers and probers, one in each AZ.
        expected_network: what the VPC has to be like when clusters are launched in it.
        key: encrypts everything of the platform; strategies may use it too.
        log_bucket, artifact_bucket, access_log_bucket: see :class:`emr_dr.storage.Storage`.
        log_uri: where clusters put their logs.
        service_role, instance_role, instance_profile_name: see :class:`emr_dr.emr_roles.EmrRoles`.
        primary_group, core_group, service_access_group, additional_primary_group, security_configuration_name: see
            :class:`emr_dr.emr_security.EmrSecurity`.
        livy_clients_group: whoever carries it may use Livy at the front door.  It admits nobody and lets nobody out:
            each front door adds the way out to itself, and nothing else.
        airflow_group: group of an Airflow environment that is there already, which front doors admit; None else.  One
            that is made here carries livy_clients_group.
        airflow_reader_arn: role of an environment that is there already, which the connections have to let in; None
            else.
        alert_topic: where the product tells a person.
        log_retention: retention of every log group.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        """Define the platform.

        Args:
            scope: the app.
            construct_id: id, and so the stack's name.
            settings: the settings.
        """
        super().__init__(
            scope,
            construct_id,
            env=Environment(region=settings.region),
            description="emr-dr: network, key, buckets, EMR roles and groups",
        )
        limit_roles(self, settings)
        tag_stack(self)
        self.log_retention: logs.RetentionDays = log_retention(settings.log_retention_days)
        storage = Storage(
            self, "Storage", log_retention_days=settings.log_retention_days, key_arn=settings.security.key
        )
        self.key: kms.IKey = storage.key
        self.log_bucket: s3.Bucket = storage.log_bucket
        self.artifact_bucket: s3.Bucket = storage.artifact_bucket
        self.access_log_bucket: s3.Bucket = storage.access_log_bucket
        self.log_uri: str = f"s3://{storage.log_bucket.bucket_name}/{EMR_LOG_PREFIX}/"

        warn_of_clusters(self, settings)
        network = self._network(settings)
        self.vpc: ec2.IVpc = network.vpc
        self.availability_zones_in_use: list[str] = network.availability_zones
        self.emr_subnets: list[ec2.ISubnet] = network.emr_subnets
        self.service_subnets: list[ec2.ISubnet] = network.service_subnets
        self.expected_network = self._expected(settings)

        roles = EmrRoles(
            self,
            "Roles",
            key=storage.key,
            log_bucket=storage.log_bucket,
            artifact_bucket=storage.artifact_bucket,
            permissions=settings.permissions,
            certificates=settings.tls.emr_certificates,
            session_manager=settings.security.session_manager,
        )
        self.service_role: iam.Role = roles.service_role
        self.instance_role: iam.Role = roles.instance_role
        self.instance_profile_name: str = roles.instance_profile_name

        security = EmrSecurity(
            self, "Security", vpc=network.vpc, key=storage.key, certificates=settings.tls.emr_certificates
        )
        self.primary_group: ec2.SecurityGroup = security.primary_group
        self.core_group: ec2.SecurityGroup = security.core_group
        self.service_access_group: ec2.SecurityGroup = security.service_access_group
        self.additional_primary_group: ec2.SecurityGroup = security.additional_primary_group
        self.security_configuration_name: str = security.security_configuration_name

        self._endpoints = self._interface_endpoints(settings)
        leftovers = EmrLeftovers(
            self,
            "EmrLeftovers",
            name=settings.name,
            vpc=network.vpc,
            subnets=network.emr_subnets,
            subnets_stay=settings.network.existing is not None,
            security=security,
            key=storage.key,
            log_retention=self.log_retention,
        )

        self.livy_clients_group: ec2.SecurityGroup = ec2.SecurityGroup(
            self,
            "LivyClients",
            vpc=network.vpc,
            description="Whoever carries this group may use Livy at the front door",
            allow_all_outbound=False,
        )
        self.airflow_group: ec2.IPeer | None = None
        self.airflow_reader_arn: str | None = None
        self._airflow(settings)
        leftovers.outlive_rules(self)
        self.alert_topic: sns.Topic = sns.Topic(self, "Alerts", master_key=storage.key, enforce_ssl=True)
        self._let_alarms_tell()
        if settings.security.key is not None:
            Annotations.of(self).add_warning_v2("emr-dr:own-key", POLICY_OF_OWN_KEY)
            self._tell(there_already.OWN_KEY, settings.security.key)
        if settings.security.permissions_boundary is not None:
            self._tell(there_already.BOUNDARY, settings.security.permissions_boundary)
        if settings.alert_email is not None:
            self.alert_topic.add_subscription(subscriptions.EmailSubscription(settings.alert_email))
        else:
            Annotations.of(self).add_warning_v2("emr-dr:nobody-is-told", NOBODY_IS_TOLD)
        CfnOutput(
            self,
            "AlertTopic",
            value=self.alert_topic.topic_arn,
            description="alarms and messages go there; subscribe a pager to it",
        )
        CfnOutput(self, "LogUri", value=self.log_uri, description="each cluster's logs, below its id")

    def _tell(self, what: str, arn: str) -> None:
        """Say in the template's metadata what the settings say is there already."""
        options = self.template_options
        options.metadata = {**(options.metadata or {}), what: arn}

    def _network(self, settings: Settings) -> Network | ExistingNetwork:
        """The VPC, made or met."""
        warn_of_network(self, settings.network)
        if settings.network.existing is not None:
            return ExistingNetwork(
                self, "Network", existing=settings.network.existing, key=self.key, log_retention=self.log_retention
            )
        return Network(self, "Network", settings=settings, key=self.key, log_retention=self.log_retention)

    def _expected(self, settings: Settings) -> ExpectedNetwork:
        """What the custom resources have to find."""
        existing = settings.network.existing
        return ExpectedNetwork(
            vpc=self.vpc.vpc_id,
            way_out=settings.network.has_way_out,
            endpoints=existing.gateway_endpoints if existing is not None else (),
            subnets=tuple(
                ExpectedSubnet(id=subnet.subnet_id, zone=zone, use=use)
                for use, subnets in ((Use.EMR, self.emr_subnets), (Use.SERVICE, self.service_subnets))
                for zone, subnet in zip(self.availability_zones_in_use, subnets, strict=True)
            ),
        )

    def _interface_endpoints(self, settings: Settings) -> InterfaceEndpoints | None:
        """Doors to the services that nothing else leads to, and to those that the settings name; None for none.

        A VPC that is there already has them: settings without those that are needed are refused.
        """
        services = endpoints.to_make(
            settings.callers, has_way_out=settings.network.has_way_out, wanted=settings.network.interface_endpoints
        )
        if not services or settings.network.existing is not None:
            return None
        return InterfaceEndpoints(
            self,
            "Endpoints",
            vpc=self.vpc,
            subnets=self.service_subnets,
            services=services,
            callers=[self.primary_group, self.core_group],
        )

    def _airflow(self, settings: Settings) -> None:
        """Airflow, as the settings have it."""
        mwaa = settings.mwaa
        if mwaa.mode == "none":
            return
        trusted = authority(settings.tls, folder=REPOSITORY)
        if mwaa.mode == "create":
            AirflowEnvironment(
                self,
                "Airflow",
                name=settings.name,
                settings=mwaa,
                connections=mwaa.connections,
                vpc=self.vpc,
                subnets=self.service_subnets,
                clients_group=self.livy_clients_group,
                endpoints=self._endpoints,
                key=self.key,
                artifact_bucket=self.artifact_bucket,
                access_log_bucket=self.access_log_bucket,
                log_retention=self.log_retention,
                authority=trusted,
            )
        else:
            existing = ExistingAirflow(
                self,
                "Airflow",
                settings=mwaa,
                connections=mwaa.connections,
                livy_port=settings.ports.livy,
                key=self.key,
                artifact_bucket=self.artifact_bucket,
                authority=trusted,
            )
            self.airflow_reader_arn = existing.role_arn
            if existing.security_group_id is not None:
                self.airflow_group = ec2.Peer.security_group_id(existing.security_group_id)
        CfnOutput(
            self,
            "ArtifactBucket",
            value=self.artifact_bucket.bucket_name,
            description="what jobs are made of; sample DAGs look for spark-examples.jar there, below jars/",
        )

    def _let_alarms_tell(self) -> None:
        """Let alarms of this account publish to the encrypted topic; without these rights they say nothing.

        (SNS developer guide, "Enable compatibility between event sources from AWS services and encrypted topics"; a
        topic with a policy of its own loses the default one, which admits the account's alarms.)
        """
        service = iam.ServicePrincipal("cloudwatch.amazonaws.com")
        own_account = {"StringEquals": {"aws:SourceAccount": self.account}}
        self.alert_topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="Alarms",
                principals=[service],
                actions=["sns:Publish"],
                resources=[self.alert_topic.topic_arn],
                conditions=own_account,
            )
        )
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="Alarms",
                principals=[service],
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                resources=["*"],
                conditions=own_account,
            )
        )
