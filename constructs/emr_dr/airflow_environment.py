"""Airflow as an MWAA environment of the platform: everything that it needs and nothing more."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from aws_cdk import CfnOutput
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_mwaa as mwaa
from aws_cdk import aws_s3 as s3
from constructs import Construct

from emr_dr import airflow_options, airflow_packages
from emr_dr.airflow_files import DAGS_PREFIX, AirflowFiles
from emr_dr.airflow_role import AirflowRole
from emr_dr.interface_endpoints import InterfaceEndpoints
from emr_dr.mwaa_settings import AirflowLogs, Mwaa

# MWAA takes exactly two, in different AZs, for good.
_SUBNETS = 2

_HTTPS = 443

_ACCESS = {"private": "PRIVATE_ONLY", "public": "PUBLIC_ONLY"}


class AirflowEnvironment(Construct):
    """The environment with its bucket, role and security group.

    Attributes:
        environment: the environment.
        name: its name.
        files: what lies in its bucket.
        role: its execution role; every task has its rights.
        security_group: all of Airflow's machines carry it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        settings: Mwaa,
        connections: Sequence[str],
        vpc: ec2.IVpc,
        subnets: Sequence[ec2.ISubnet],
        clients_group: ec2.ISecurityGroup,
        endpoints: InterfaceEndpoints | None,
        key: kms.IKey,
        artifact_bucket: s3.IBucket,
        access_log_bucket: s3.IBucket,
        log_retention: logs.RetentionDays,
        authority: Path | None = None,
    ) -> None:
        """Define the environment.

        Args:
            name: first part of every name.
            settings: class, workers, release, ...
            connections: ids of the connections that it looks up among the secrets, and may read.
            subnets: private ones, one in each AZ; the first two are taken.
            clients_group: whoever carries it may use Livy; all of Airflow's machines carry it, too.  So no front door
                names a group that goes with the environment, and the environment can go without them.
            endpoints: doors to the services that it calls; ``None`` if it has another way to them.
            key: encrypts the environment and its bucket.
            artifact_bucket: what jobs are made of; DAGs learn its name.
            access_log_bucket: gets the access log of the environment's bucket.
            log_retention: of the logs that are ours; those of Airflow are MWAA's.
            authority: PEM file of what tasks trust over TLS.  The public authorities by default.
        """
        super().__init__(scope, construct_id)
        self.name = f"{name}-airflow"
        self.files = AirflowFiles(
            self,
            "Files",
            name=name,
            key=key,
            access_log_bucket=access_log_bucket,
            log_retention=log_retention,
        )
        access = AirflowRole(
            self,
            "Role",
            name=name,
            environment=self.name,
            bucket=self.files.bucket,
            key=key,
            connections=connections,
            task_policies=settings.task_policies,
        )
        self.role: iam.Role = access.role
        chosen = list(subnets[:_SUBNETS])
        self.security_group = self._security_group(vpc, settings)
        if endpoints is not None:
            endpoints.admit(self.security_group)
        doors = [] if endpoints is None else endpoints.way_of(self.security_group)
        with tempfile.TemporaryDirectory() as folder:
            packages = airflow_packages.prepare(settings.livy_provider, Path(folder), authority=authority)
            requirements = self.files.requirements(packages.requirements)
            plugins = self.files.plugins(packages.plugins)
        dags = [self.files.dag(file) for file in airflow_packages.dag_files()]
        self.environment = mwaa.CfnEnvironment(
            self,
            "Resource",
            name=self.name,
            airflow_version=settings.airflow_version,
            airflow_configuration_options=airflow_options.checked(
                {
                    **airflow_options.configuration_options(connections),
                    airflow_options.ARTIFACT_BUCKET_OPTION: artifact_bucket.bucket_name,
                }
            ),
            environment_class=settings.environment_class,
            min_workers=settings.minimum_workers,
            max_workers=settings.maximum_workers,
            schedulers=settings.schedulers,
            execution_role_arn=self.role.role_arn,
            kms_key=key.key_arn,
            source_bucket_arn=self.files.bucket.bucket_arn,
            dag_s3_path=DAGS_PREFIX,
            requirements_s3_path=requirements.key,
            requirements_s3_object_version=requirements.version_id,
            plugins_s3_path=plugins.key,
            plugins_s3_object_version=plugins.version_id,
            network_configuration=mwaa.CfnEnvironment.NetworkConfigurationProperty(
                subnet_ids=[subnet.subnet_id for subnet in chosen],
                security_group_ids=[self.security_group.security_group_id, clients_group.security_group_id],
            ),
            webserver_access_mode=_ACCESS[settings.web_server_access],
            worker_replacement_strategy=settings.worker_replacement.upper(),
            logging_configuration=_logging(settings.logs),
        )
        # An environment that is made before its role may read, its bucket is private or its way to the services is
        # there fails, and one that failed cannot be changed any more.
        self.environment.node.add_dependency(
            access, self.files.bucket, self.security_group, *dags, *doors, *(subnet for subnet in chosen)
        )
        CfnOutput(
            self,
            "WebServer",
            value=f"https://{self.environment.attr_webserver_url}",
            description="Airflow's web interface",
        ).override_logical_id("AirflowWebServer")
        CfnOutput(
            self,
            "Bucket",
            value=self.files.bucket.bucket_name,
            description=f"Airflow reads your DAG files there, below {DAGS_PREFIX}/",
        ).override_logical_id("AirflowBucket")
        CfnOutput(
            self,
            "ExecutionRole",
            value=self.role.role_arn,
            description="Every task has its rights: name policies for more of them in mwaa.task_policies",
        ).override_logical_id("AirflowRole")

    def _security_group(self, vpc: ec2.IVpc, settings: Mwaa) -> ec2.SecurityGroup:
        """Airflow's machines and its endpoints speak to each other, and to nobody else unless the settings say so."""
        group = ec2.SecurityGroup(self, "Group", vpc=vpc, description="Airflow: workers, schedulers and web servers")
        group.add_ingress_rule(group, ec2.Port.all_traffic(), "Airflow among itself")
        for client in settings.web_server_clients:
            peer = ec2.Peer.security_group_id(client) if client.startswith("sg-") else ec2.Peer.ipv4(client)
            group.add_ingress_rule(peer, ec2.Port.tcp(_HTTPS), "Clients of the web interface")
        return group


def _logging(logs: AirflowLogs) -> mwaa.CfnEnvironment.LoggingConfigurationProperty:
    def module(level: str) -> mwaa.CfnEnvironment.ModuleLoggingConfigurationProperty:
        enabled = level != "none"
        return mwaa.CfnEnvironment.ModuleLoggingConfigurationProperty(
            enabled=enabled, log_level=level if enabled else "CRITICAL"
        )

    return mwaa.CfnEnvironment.LoggingConfigurationProperty(
        dag_processing_logs=module(logs.dag_processing),
        scheduler_logs=module(logs.scheduler),
        task_logs=module(logs.task),
        webserver_logs=module(logs.web_server),
        worker_logs=module(logs.worker),
    )
