"""What tells a person: executions that ended badly, and a monitor that does not watch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from dr_core import metrics
from emr_dr.functions import PythonFunction
from emr_dr.state_machines import StateMachines


class Alarms(Construct):
    """The alarms of a deployment; each of them tells the alert topic when it begins and when it ends."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        deployment: str,
        alert_topic: sns.ITopic,
    ) -> None:
        """Define no alarm yet.

        Args:
            deployment: dimension of our own metrics.
            alert_topic: where people are told.
        """
        super().__init__(scope, construct_id)
        self._deployment = deployment
        self._action = actions.SnsAction(alert_topic)

    def watch_machines(self, machines: StateMachines) -> None:
        """Alarm when an operation or a retirement fails or times out."""
        for name, machine in (("Operation", machines.operation), ("Retirement", machines.retirement)):
            self._ended_badly(name, "Failed", machine)
            self._ended_badly(name, "TimedOut", machine)

    def watch_monitor(self, managed_clusters: Sequence[str]) -> None:
        """Alarm when the monitor has finished no round for three minutes, and when it asks for a person."""
        self._alarm(
            "MonitorSilent",
            metric=self._metric(metrics.MONITOR_HEARTBEAT),
            comparison=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            periods=3,
            description="The monitor watches nothing: no failover would start. See the log of its function.",
            # A monitor that is gone writes no metric at all.
            missing=cloudwatch.TreatMissingData.BREACHING,
        )
        self._of_managed_clusters(
            managed_clusters,
            {
                metrics.ATTEMPTS_EXHAUSTED: "no operation could mend it, and no further one starts by itself",
                metrics.TERMINATED_BY_A_PERSON: "its cluster was ended by a person, so nothing replaces it",
            },
        )

    def watch_retirements(self, managed_clusters: Sequence[str]) -> None:
        """Alarm when an old incarnation does not come to its end in time."""
        self._of_managed_clusters(
            managed_clusters,
            {
                metrics.FENCE_OVERDUE: (
                    "applications of an old incarnation are not known to be dead, and its ids answer 410 nevertheless: "
                    "a job that is submitted again may run twice"
                ),
                metrics.RETIREMENT_OVERDUE: "the stack of an old incarnation is still there and costs money",
            },
        )

    def watch_dead_letters(self, name: str, queue: sqs.IQueue) -> None:
        """Alarm when something lies in a dead-letter queue."""
        self._alarm(
            f"{name}DeadLetters",
            metric=queue.metric_approximate_number_of_messages_visible(
                period=Duration.minutes(1), statistic=cloudwatch.Stats.MAXIMUM
            ),
            description="A call that had to be made was given up; the message in the queue says which.",
        )

    def watch_functions(self, functions: Sequence[PythonFunction]) -> None:
        """Alarm when one of *functions* raises: those that somebody relies on without waiting for their answer."""
        for function in functions:
            self._alarm(
                f"{function.node.id}Errors",
                metric=function.function.metric_errors(period=Duration.minutes(1), statistic=cloudwatch.Stats.SUM),
                description=f"The function {function.name} raised an error: its log says which.",
            )

    def _of_managed_clusters(self, managed_clusters: Sequence[str], meanings: Mapping[str, str]) -> None:
        """An alarm for each managed cluster on each metric that is written when it happens."""
        for name in managed_clusters:
            for metric, meaning in meanings.items():
                self._alarm(
                    f"{metric}{name.upper()}",
                    metric=self._metric(metric, managed_cluster=name),
                    description=f"Managed cluster {name} of {self._deployment}: {meaning}.",
                )

    def _metric(self, name: str, *, managed_cluster: str | None = None) -> cloudwatch.Metric:
        dimensions = {metrics.DEPLOYMENT_DIMENSION: self._deployment}
        if managed_cluster is not None:
            dimensions[metrics.MANAGED_CLUSTER_DIMENSION] = managed_cluster
        return cloudwatch.Metric(
            namespace=metrics.NAMESPACE,
            metric_name=name,
            dimensions_map=dimensions,
            statistic=cloudwatch.Stats.SUM,
            period=Duration.minutes(1),
        )

    def _ended_badly(self, name: str, how: str, machine: sfn.IStateMachine) -> None:
        self._alarm(
            f"{name}{how}",
            metric=machine.metric(f"Executions{how}", period=Duration.minutes(1), statistic=cloudwatch.Stats.SUM),
            description=f"An execution of the {name.lower()} machine ended as {how}: its history says at which step.",
        )

    def _alarm(
        self,
        construct_id: str,
        *,
        metric: cloudwatch.IMetric,
        description: str,
        comparison: cloudwatch.ComparisonOperator = (cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD),
        periods: int = 1,
        missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING,
    ) -> None:
        """An alarm at the threshold 1."""
        alarm = cloudwatch.Alarm(
            self,
            construct_id,
            metric=metric,
            threshold=1,
            evaluation_periods=periods,
            comparison_operator=comparison,
            treat_missing_data=missing,
            alarm_description=description,
        )
        alarm.add_alarm_action(self._action)
        alarm.add_ok_action(self._action)
