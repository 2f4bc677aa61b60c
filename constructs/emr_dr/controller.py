"""The controller: the functions and machines that carry out operations and retirements."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as events_targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from emr_dr import controller_permissions as permissions
from emr_dr import record_kinds
from emr_dr.findings import wildcard_arn
from emr_dr.front_door import FrontDoor
from emr_dr.functions import PythonFunction
from emr_dr.incarnation_role import IncarnationRole, cluster_arns
from emr_dr.policy_checks import acknowledge
from emr_dr.probers import Probers
from emr_dr.state_machines import StateMachines, executions_arn
from emr_dr.tables import Tables

# The longest that CloudFormation waits for a custom resource; an operation ends before.
ANSWER_LIMIT = Duration.hours(1)

# The end of an execution that its machine could not answer for.
ENDED_BADLY = ("FAILED", "TIMED_OUT", "ABORTED")


class Controller(Construct):
    """Functions, machines and roles of a deployment's controller.

    Attributes:
        failover: carries out the steps of both machines.
        managed_cluster: answers for the custom resource.
        execution_ended: answers where a machine could not.
        control: a person pauses, resumes and acknowledges by it, and asks how things stand.
        machines: operation and retirement.
        incarnation_role: CloudFormation makes incarnation stacks with it.
        dead_letters: ends of executions that could not be handled.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        deployment: str,
        managed_clusters: Sequence[str],
        tables: Tables,
        front_door: FrontDoor,
        probers: Probers,
        template_bucket: str,
        service_role: iam.IRole,
        instance_role: iam.IRole,
        alert_topic: sns.ITopic,
        alert_key: kms.IKey,
        bake_alarms: Sequence[str],
        log_retention: logs.RetentionDays,
    ) -> None:
        """Define the controller.

        Args:
            managed_clusters: names.
            template_bucket: name of the bucket that the incarnation template is published in.
            service_role: EMR's.
            instance_role: of the clusters' machines.
            alert_topic: where people are told, encrypted with *alert_key*.
            bake_alarms: names of the alarms that a change waits for.
        """
        super().__init__(scope, construct_id)
        operation, retirement = f"{deployment}-operation", f"{deployment}-retirement"
        self.incarnation_role = IncarnationRole(
            self, "IncarnationRole", deployment=deployment, service_role=service_role, instance_role=instance_role
        ).role
        self.failover = PythonFunction(
            self,
            "Failover",
            name=f"{deployment}-failover",
            handler="failover.handler.handler",
            description="Carries out one step of an operation or a retirement",
            # A step may ask every prober in turn, and each of them waits for services that may hang.
            timeout=Duration.seconds(180),
            log_retention=log_retention,
        )
        self.failover.allow(
            [
                *permissions.record_access(tables.record, record_kinds.FAILOVER, transactions=True),
                *permissions.evidence_reading(tables.evidence),
                *permissions.incarnation_stacks(
                    self,
                    deployment=deployment,
                    managed_clusters=managed_clusters,
                    incarnation_role=self.incarnation_role,
                    template_bucket=template_bucket,
                ),
                *permissions.clusters(
                    self,
                    deployment=deployment,
                    actions=(
                        "AddJobFlowSteps",
                        "CancelSteps",
                        "DescribeCluster",
                        "DescribeStep",
                        "ListInstances",
                        "ListSteps",
                        "SetTerminationProtection",
                        "TerminateJobFlows",
                    ),
                ),
                *permissions.routing_changes(front_door),
                *permissions.prober_calls(probers),
                *permissions.machine_access(
                    self,
                    starts=[retirement],
                    describes=[operation, retirement],
                    # The launch of a standby gives way to every other operation; one may run still when the settings
                    # want none any more.
                    stops=[operation],
                ),
                *permissions.alarm_reading(self, bake_alarms),
                *permissions.notices(alert_topic, alert_key),
            ]
        )
        self.managed_cluster = PythonFunction(
            self,
            "ManagedCluster",
            name=f"{deployment}-managed-cluster",
            handler="failover.custom_resource.handler",
            description="Answers CloudFormation for the managed clusters",
            timeout=Duration.seconds(120),
            # A request that Lambda could not hand over until then is one that nobody waits for any more.
            asynchronous_event_age=ANSWER_LIMIT,
            log_retention=log_retention,
        )
        self.managed_cluster.allow(
            [
                *permissions.record_access(tables.record, record_kinds.MANAGED_CLUSTER, puts=False, transactions=True),
                *permissions.service_changes(front_door),
                *permissions.network_reading(),
                *permissions.scaling_changes(self, deployment=deployment),
                *permissions.machine_access(
                    self,
                    starts=[operation, retirement],
                    describes=[operation, retirement],
                    lists=[operation],
                    stops=[operation],
                ),
            ]
        )
        self.dead_letters = sqs.Queue(
            self,
            "DeadLetters",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        self.execution_ended = PythonFunction(
            self,
            "ExecutionEnded",
            name=f"{deployment}-execution-ended",
            handler="failover.execution_ended.handler",
            description="Finishes what an execution that failed, timed out or was stopped left open",
            timeout=Duration.seconds(120),
            # EventBridge's own queue takes what it could not hand over; what the function raises comes after that.
            dead_letters=self.dead_letters,
            log_retention=log_retention,
        )
        self.execution_ended.allow(
            [
                *permissions.record_access(tables.record, record_kinds.EXECUTION_ENDED),
                *permissions.evidence_reading(tables.evidence),
                *permissions.service_changes(front_door),
                *permissions.machine_access(self, starts=[retirement], describes=[retirement]),
                *permissions.notices(alert_topic, alert_key),
            ]
        )
        self.control = PythonFunction(
            self,
            "Control",
            name=f"{deployment}-control",
            handler="failover.control.handler",
            description="Pauses, resumes and acknowledges automatic operations, and says how things stand",
            # Services that do not answer must not keep the rest of the picture back; whoever asks from a shell waits
            # for a minute, and would ask again then.
            timeout=Duration.seconds(55),
            log_retention=log_retention,
        )
        # What a person decides stands in the record; nothing else is changed by it. The rest is for the picture.
        self.control.allow(
            [
                *permissions.record_access(tables.record, record_kinds.CONTROL, puts=False),
                *permissions.evidence_reading(tables.evidence),
                *permissions.clusters(self, deployment=deployment, actions=("DescribeCluster",)),
                *permissions.machine_access(self, describes=[operation]),
            ]
        )
        self.machines = StateMachines(
            self, "Machines", deployment=deployment, failover=self.failover, log_retention=log_retention
        )
        self._watch_executions()
        self._acknowledge(deployment=deployment, managed_clusters=managed_clusters, template_bucket=template_bucket)

    def _watch_executions(self) -> None:
        """Call :attr:`execution_ended` for every execution that ended badly."""
        acknowledge(
            self.dead_letters,
            {"AwsSolutions-SQS3": "it is a dead-letter queue itself, the rule's and its function's; nothing reads it"},
        )
        events.Rule(
            self,
            "ExecutionEndedRule",
            description="Executions that failed, timed out or were stopped",
            event_pattern=events.EventPattern(
                source=["aws.states"],
                detail_type=["Step Functions Execution Status Change"],
                detail={
                    "status": list(ENDED_BADLY),
                    "stateMachineArn": [self.machines.operation_arn, self.machines.retirement_arn],
                },
            ),
            targets=[
                events_targets.LambdaFunction(
                    self.execution_ended.function,
                    dead_letter_queue=self.dead_letters,
                    # CloudFormation gives up after an hour; an answer later than this helps nobody.
                    max_event_age=Duration.hours(1),
                    retry_attempts=20,
                )
            ],
        )

    def _acknowledge(self, *, deployment: str, managed_clusters: Sequence[str], template_bucket: str) -> None:
        executions = {
            wildcard_arn(self, executions_arn(self, f"{deployment}-{machine}")): (
                "executions of this one machine; their names are made when they start"
            )
            for machine in ("operation", "retirement")
        }
        readings = {
            "AwsSolutions-IAM5[Resource::*]": (
                "reading actions that know no resources: ListStacks, DescribeTargetHealth, what Elastic Load Balancing "
                "asks of EC2 for whoever registers an address, and the look at the network; none changes anything"
            )
        }
        stacks = {
            wildcard_arn(self, arn): "stacks of this managed cluster, one for each generation, with a random id each"
            for arn in permissions.stack_arns(self, deployment=deployment, managed_clusters=managed_clusters)
        }
        clusters = {
            wildcard_arn(self, cluster_arns(self)): (
                "ids of clusters are EMR's choice; the condition admits clusters with the deployment's tag only"
            )
        }
        of_operations = wildcard_arn(self, executions_arn(self, f"{deployment}-operation"))
        acknowledge(self.control.role, {of_operations: executions[of_operations], **clusters})
        acknowledge(self.managed_cluster.role, {**executions, **readings, **clusters})
        acknowledge(self.execution_ended.role, {**executions, **readings})
        acknowledge(
            self.failover.role,
            {
                **executions,
                **readings,
                **stacks,
                **clusters,
                wildcard_arn(self, permissions.template_arns(self, template_bucket)): (
                    "published templates; names are hashes of their content, and older ones stay launchable"
                ),
            },
        )
