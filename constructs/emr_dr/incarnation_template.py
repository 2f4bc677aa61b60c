"""What an incarnation is: exactly one EMR cluster, and the parameters that the controller fills in."""

from __future__ import annotations

from typing import Any

from aws_cdk import Aws, CfnOutput, CfnParameter, CfnTag, Fn
from aws_cdk import aws_emr as emr
from constructs import Construct

from emr_dr.incarnation_instances import DRIVERS_ON_CORE_NODES, compute_limits, least, limit_parameters, machines
from emr_dr.network import EMR_TAG
from emr_dr.policy_checks import acknowledge
from emr_dr.settings import CANARY_FILE, Settings

STATE_DIRECTORY = "/var/lib/livy/emr-dr/recovery"
"""Livy's recovery store on the primary.

A local directory: HDFS would tie Livy's start to the NameNode, and Livy's documentation rules out S3.
"""

STATIC_PARAMETERS: dict[str, tuple[str, str]] = {
    "ServiceRole": ("role that EMR starts machines with", r"^.+$"),
    "InstanceProfile": ("name of the machines' instance profile", r"^.+$"),
    "PrimarySecurityGroup": ("EMR-managed group of the primary", r"^sg-[0-9a-f]+$"),
    "CoreSecurityGroup": ("EMR-managed group of core and task nodes", r"^sg-[0-9a-f]+$"),
    "ServiceAccessSecurityGroup": ("group of EMR's service access", r"^sg-[0-9a-f]+$"),
    "AdditionalPrimarySecurityGroup": ("group that admits load balancers and probers", r"^sg-[0-9a-f]+$"),
    "SecurityConfiguration": ("name of the security configuration", r"^.+$"),
    "LogUri": ("where the cluster puts its logs", r"^s3://.+$"),
    "LogKey": ("ARN of the KMS key that encrypts those logs", r"^arn:[a-z-]+:kms:.+$"),
    "SeedScriptUri": ("script that seeds Livy's ids", r"^s3://.+\.sh$"),
    "CanaryScriptUri": ("script that installs the canary job", r"^s3://.+\.sh$"),
}
"""Parameters that are the same for every incarnation of a deployment: description and pattern."""

DYNAMIC_PARAMETERS: dict[str, tuple[str, str]] = {
    "Deployment": ("name of the deployment", r"^[a-z][a-z0-9-]*$"),
    "ManagedCluster": ("name of the managed cluster", r"^[a-z][a-z0-9-]*$"),
    "Generation": ("number of the incarnation within the deployment", r"^[1-9][0-9]*$"),
    "FirstId": ("first Livy id of the incarnation's range", r"^[12][0-9]{3}000000$"),
    "SubnetId": ("where the cluster runs", r"^subnet-[0-9a-f]+$"),
    "Operation": ("the operation that launches it", r"^[A-Za-z0-9._-]+$"),
}
"""Parameters that the controller gives each incarnation: description and pattern."""


class IncarnationCluster(Construct):
    """Parameters, the cluster with the logical id ``Cluster``, and the output ``ClusterId``.

    Attributes:
        cluster: the cluster.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        """Define the cluster.

        Args:
            scope: the incarnation stack.
            construct_id: id below it.
            settings: release, machines, whether they are in groups or fleets, Spark defaults and ports are literal in
                the template.  Limits and tags are not: they change on a running cluster, and another text would be
                another incarnation.
        """
        super().__init__(scope, construct_id)
        parameters = {name: self._parameter(name, *about) for name, about in STATIC_PARAMETERS.items()}
        parameters |= {name: self._parameter(name, *about) for name, about in DYNAMIC_PARAMETERS.items()}
        cluster = settings.cluster
        numbers = {name: self._number(name, about) for name, about in limit_parameters(cluster).items()}
        self.cluster = emr.CfnCluster(
            self,
            "Cluster",
            name=Fn.sub("${Deployment}-${ManagedCluster}-g${Generation}"),
            release_label=cluster.release_label,
            applications=[
                emr.CfnCluster.ApplicationProperty(name=application) for application in ("Hadoop", "Spark", "Livy")
            ],
            service_role=parameters["ServiceRole"],
            job_flow_role=parameters["InstanceProfile"],
            security_configuration=parameters["SecurityConfiguration"],
            log_uri=parameters["LogUri"],
            # Without it EMR asks S3 for AES-256 by name, whatever the bucket encrypts with by default (botocore, emr,
            # RunJobFlow, LogEncryptionKmsKeyId).
            log_encryption_kms_key_id=parameters["LogKey"],
            visible_to_all_users=True,
            # Finish the tasks on a node before scaling takes it away.
            scale_down_behavior="TERMINATE_AT_TASK_COMPLETION",
            instances=emr.CfnCluster.JobFlowInstancesConfigProperty(
                **machines(cluster, subnet=parameters["SubnetId"], numbers=numbers),
                emr_managed_master_security_group=parameters["PrimarySecurityGroup"],
                emr_managed_slave_security_group=parameters["CoreSecurityGroup"],
                service_access_security_group=parameters["ServiceAccessSecurityGroup"],
                additional_master_security_groups=[parameters["AdditionalPrimarySecurityGroup"]],
                keep_job_flow_alive_when_no_steps=True,
                # The controller protects an incarnation once it is in service: a launch that failed can then be
                # deleted without lifting anything.
                termination_protected=False,
                unhealthy_node_replacement=True,
            ),
            managed_scaling_policy=emr.CfnCluster.ManagedScalingPolicyProperty(
                compute_limits=compute_limits(cluster, numbers)
            ),
            configurations=[
                emr.CfnCluster.ConfigurationProperty(classification=name, configuration_properties=properties)
                for name, properties in classifications(settings).items()
            ],
            steps=[
                _script_step(
                    "seed-livy", parameters["SeedScriptUri"], arguments=[parameters["FirstId"], STATE_DIRECTORY]
                ),
                _script_step("install-canary", parameters["CanaryScriptUri"], arguments=[CANARY_FILE]),
            ],
            tags=[
                CfnTag(key=key, value=value)
                for key, value in {
                    # Machines get the cluster's tags, and without this one the service role may not start them.
                    EMR_TAG: "true",
                    "emr-dr:deployment": parameters["Deployment"],
                    "emr-dr:managed-cluster": parameters["ManagedCluster"],
                    "emr-dr:generation": parameters["Generation"],
                    "emr-dr:operation": parameters["Operation"],
                }.items()
            ],
        )
        self.cluster.override_logical_id("Cluster")
        CfnOutput(self, "ClusterId", value=self.cluster.ref).override_logical_id("ClusterId")
        self._acknowledge(encrypted=settings.tls.emr_certificates is not None)

    def _parameter(self, name: str, description: str, pattern: str) -> str:
        parameter = CfnParameter(self, name, description=description, allowed_pattern=pattern)
        parameter.override_logical_id(name)
        return parameter.value_as_string

    def _number(self, name: str, description: str) -> float:
        parameter = CfnParameter(
            self, name, type="Number", description=description, min_value=least(name), max_value=1000
        )
        parameter.override_logical_id(name)
        return parameter.value_as_number

    def _acknowledge(self, *, encrypted: bool) -> None:
        acknowledge(
            self.cluster,
            {
                "AwsSolutions-EMR4": (
                    "disks are encrypted with the platform's key by the security configuration of the Platform stack; "
                    "the rule looks for one in this template only, and above the key EncryptionConfiguration where EMR "
                    "does not read it (a test asserts the document that EMR gets)"
                ),
                "AwsSolutions-EMR5": (
                    "encryption in transit is switched on by the security configuration of the Platform stack; the "
                    "rule looks for one in this template only, and above the key EncryptionConfiguration where EMR "
                    "does not read it"
                    if encrypted
                    else "tls.emr_certificates gives no certificates, which only the owner has; without them nodes "
                    "talk inside private subnets, and only load balancers and probers are admitted from outside the "
                    "cluster's own groups"
                ),
                "AwsSolutions-EMR6": (
                    "nobody logs in by SSH: no key pair exists and port 22 is closed; work on a primary is done by EMR "
                    "steps or, with security.session_manager, by Session Manager, which IAM authorizes and CloudTrail "
                    "records"
                ),
            },
        )


def classifications(settings: Settings) -> dict[str, dict[str, str]]:
    """The configuration of the cluster's services, by EMR's classification."""
    ports = settings.ports
    found = {
        "livy-conf": {
            # Batches and ids outlive a restart of Livy, and the seed step can set where ids start.
            "livy.server.recovery.mode": "recovery",
            "livy.server.recovery.state-store": "filesystem",
            "livy.server.recovery.state-store.url": f"file://{STATE_DIRECTORY}",
            # Livy answers 404 for a batch that it has forgotten, and clients cannot tell that from a lost one.
            "livy.server.session.state-retain.sec": f"{settings.cluster.finished_batch_retention_hours * 3600}s",
            # How long a batch may show `recovering` after a restart, a state that Airflow's enumeration lacks.
            "livy.server.yarn.poll-interval": "500ms",
            "livy.server.port": str(ports.livy),
            # A driver that runs beside Livy would die with its restart; what EMR writes by default is not documented
            # for every release.
            "livy.spark.master": "yarn",
            "livy.spark.deploy-mode": "cluster",
        },
        "yarn-site": {
            # REST submission runs code as any user that the request names.
            "yarn.webapp.enable-rest-app-submissions": "false",
        },
        "hdfs-site": {
            # WebHDFS believes the user name in a request and cannot be switched off since Hadoop 2.8 (HDFS-8349): no
            # name matches this pattern, so that nobody can claim to be a user, and writing takes a header as well.
            "dfs.webhdfs.user.provider.user.pattern": "^$",
            "dfs.webhdfs.rest-csrf.enabled": "true",
        },
        "spark-defaults": dict(settings.cluster.spark_defaults),
    }
    fleets = settings.cluster.fleets
    if fleets is not None and fleets.task is not None:
        found["yarn-site"] |= DRIVERS_ON_CORE_NODES
    if settings.permissions.uses_catalogue:
        # EMR Release Guide, "Use the AWS Glue Data Catalog as the metastore for Spark SQL".
        found["spark-hive-site"] = {
            "hive.metastore.client.factory.class": (
                "com.amazonaws.glue.catalog.metastore.AWSGlueDataCatalogHiveClientFactory"
            )
        }
    if ports.scheme == "https":
        # EMR gives Hadoop's web interfaces the keystore; that they speak nothing else, and where, is said here, so that
        # no release's default decides it (Hadoop, core-default.xml, yarn-default.xml and hdfs-default.xml).
        found["yarn-site"]["yarn.http.policy"] = "HTTPS_ONLY"
        found["yarn-site"]["yarn.resourcemanager.webapp.https.address"] = (
            f"${{yarn.resourcemanager.hostname}}:{ports.resource_manager}"
        )
        found["hdfs-site"]["dfs.http.policy"] = "HTTPS_ONLY"
        found["hdfs-site"]["dfs.namenode.https-address"] = f"0.0.0.0:{ports.name_node}"
        return {name: properties for name, properties in found.items() if properties}
    defaults = type(ports)()
    if ports.resource_manager != defaults.resource_manager:
        found["yarn-site"]["yarn.resourcemanager.webapp.address"] = (
            f"${{yarn.resourcemanager.hostname}}:{ports.resource_manager}"
        )
    if ports.name_node != defaults.name_node:
        found["hdfs-site"]["dfs.namenode.http-address"] = f"0.0.0.0:{ports.name_node}"
    return {name: properties for name, properties in found.items() if properties}


def _script_step(name: str, script_uri: str, *, arguments: list[Any]) -> emr.CfnCluster.StepConfigProperty:
    """A step that runs a script on the primary; whether it did its work, Verify finds out."""
    return emr.CfnCluster.StepConfigProperty(
        name=name,
        action_on_failure="CONTINUE",
        hadoop_jar_step=emr.CfnCluster.HadoopJarStepConfigProperty(
            jar=f"s3://{Aws.REGION}.elasticmapreduce/libs/script-runner/script-runner.jar",
            args=[script_uri, *arguments],
        ),
    )
