"""What tells a person: executions that ended badly, what waits for a word, and watchers that do not watch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from dr_core import metrics
from emr_dr.alarm_texts import Commands, Text, Texts
from emr_dr.functions import PythonFunction
from emr_dr.state_machines import StateMachines, machine_arn

# Of both machines: the end of an execution, and its words.
_WAYS = {"Failed": "failed", "TimedOut": "ran out of time", "Aborted": "was stopped"}

# For how long nobody may be able to tell how a managed cluster is.
UNKNOWN_MINUTES = 10
# For how long one may be unhealthy: longer than an operation may take that launches its successor.
UNHEALTHY_MINUTES = 60
# For how long a prober may be missing: a deploy replaces its function, and an AZ may have a bad moment.
PROBER_MISSING_MINUTES = 15
# For how long no standby may be verified: twice as long as its launch takes, and then some.
STANDBY_MISSING_MINUTES = 30
# From how much of a range of ids on: a cluster that has used so much in months leaves weeks for a switchover.
IDS_USED_PERCENT = 80

_LESS = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
_AT_LEAST = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
# Of a metric that is written each round, 0 or more: whether it was so at any time of the minute, or all the time.
_AT_ANY_TIME = cloudwatch.Stats.MAXIMUM
_ALL_THE_TIME = cloudwatch.Stats.MINIMUM


class Alarms(Construct):
    """The alarms of a deployment; each of them tells the alert topic when it begins and when it ends."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        deployment: str,
        managed_clusters: Sequence[str],
        alert_topic: sns.ITopic,
    ) -> None:
        """Define no alarm yet.

        Args:
            deployment: dimension of our own metrics, first part of the names of functions and machines.
            managed_clusters: their names.
            alert_topic: where people are told.
        """
        super().__init__(scope, construct_id)
        self._deployment = deployment
        self._managed_clusters = managed_clusters
        self._action = actions.SnsAction(alert_topic)
        self._texts = Texts(
            commands=Commands(deployment=deployment, operation_machine=machine_arn(self, f"{deployment}-operation")),
            managed_clusters=managed_clusters,
        )

    def watch_machines(self, machines: StateMachines) -> None:
        """Alarm when an operation fails, times out or is stopped, and when a retirement fails or is stopped.

        A retirement has no time limit, as an AZ may be away for days (docs/decisions/0006-waits.md):
        ``RetirementOverdue`` tells of one that does not get on.
        """
        for way, words in _WAYS.items():
            for name, machine, text in (
                ("Operation", machines.operation, self._texts.operation_ended(words, stopped=way == "Aborted")),
                (
                    "Retirement",
                    machines.retirement,
                    self._texts.retirement_ended(words, by_a_person=way == "Aborted"),
                ),
            ):
                if way == "TimedOut" and machine is machines.retirement:
                    continue
                metric = machine.metric(f"Executions{way}", period=Duration.minutes(1), statistic=cloudwatch.Stats.SUM)
                self._alarm(f"{name}{way}", metric=metric, text=text)

    def watch_monitor(self, *, probers: int) -> None:
        """Alarm when the monitor has finished no round for three minutes, and when it asks for a person.

        Args:
            probers: how many of them it hears.
        """
        self._alarm(
            "MonitorSilent",
            metric=self._metric(metrics.MONITOR_HEARTBEAT),
            comparison=_LESS,
            periods=3,
            text=self._texts.monitor_silent(),
            # A monitor that is gone writes no metric at all.
            missing=cloudwatch.TreatMissingData.BREACHING,
        )
        self._of_managed_clusters(
            {
                metrics.ATTEMPTS_EXHAUSTED: self._texts.attempts_exhausted,
                metrics.TERMINATED_BY_A_PERSON: self._texts.terminated_by_a_person,
            }
        )
        for name in self._managed_clusters:
            self._alarm(
                f"{metrics.VERDICT_UNKNOWN}{name.upper()}",
                metric=self._metric(metrics.VERDICT_UNKNOWN, managed_cluster=name, statistic=_ALL_THE_TIME),
                periods=UNKNOWN_MINUTES,
                text=self._texts.verdict_unknown(name, probers=probers, minutes=UNKNOWN_MINUTES),
            )
            self._alarm(
                f"{metrics.VERDICT_UNHEALTHY}{name.upper()}",
                metric=self._metric(metrics.VERDICT_UNHEALTHY, managed_cluster=name, statistic=_ALL_THE_TIME),
                periods=UNHEALTHY_MINUTES,
                text=self._texts.verdict_unhealthy(name, minutes=UNHEALTHY_MINUTES),
            )

    def watch_probers(self, probers: int) -> None:
        """Alarm when one of so many *probers* has had no voice for a while.

        Nothing is alarmed while nobody counts them: another alarm watches the monitor.
        """
        self._alarm(
            "ProberMissing",
            metric=self._metric(metrics.PROBERS_HEARD, statistic=_AT_ANY_TIME),
            threshold=probers,
            comparison=_LESS,
            periods=PROBER_MISSING_MINUTES,
            text=self._texts.prober_missing(probers=probers, minutes=PROBER_MISSING_MINUTES),
        )

    def watch_certificates(self) -> None:
        """Alarm while a certificate is not trusted, or will not be for long.

        Nothing else happens then: no verdict looks at certificates.
        """
        self._alarm(
            metrics.CERTIFICATE_PROBLEMS,
            metric=self._metric(metrics.CERTIFICATE_PROBLEMS, statistic=_AT_ANY_TIME),
            text=self._texts.certificate_problem(),
        )

    def watch_restraints(self, *, launches_per_day: int) -> None:
        """Alarm while automatic operations are kept back, or something keeps being wrong.

        Args:
            launches_per_day: the budget of the policy.
        """
        self._of_managed_clusters(
            {metrics.FAILOVER_BLOCKED: self._texts.failover_blocked},
            statistic=_AT_ANY_TIME,
        )
        self._alarm(
            metrics.PAUSED,
            metric=self._metric(metrics.PAUSED, statistic=_AT_ANY_TIME),
            text=self._texts.paused(),
        )
        # One managed cluster alone has no cause in common with another.
        if len(self._managed_clusters) > 1:
            self._alarm(
                metrics.COMMON_CAUSE,
                metric=self._metric(metrics.COMMON_CAUSE, statistic=_AT_ANY_TIME),
                text=self._texts.common_cause(),
            )
            self._alarm(
                metrics.AVAILABILITY_ZONES_SHARED,
                metric=self._metric(metrics.AVAILABILITY_ZONES_SHARED, statistic=_AT_ANY_TIME),
                text=self._texts.availability_zone_shared(),
            )
        self._alarm(
            metrics.LAUNCHES_TODAY,
            metric=self._metric(metrics.LAUNCHES_TODAY, statistic=_AT_ANY_TIME),
            threshold=launches_per_day,
            text=self._texts.launches_today(launches_per_day),
        )

    def watch_operations(self) -> None:
        """Alarm when an incarnation serves although something about it is not as it should be."""
        self._of_managed_clusters({metrics.SERVING_UNSEEDED: self._texts.serving_unseeded})

    def watch_ids(self) -> None:
        """Alarm when a range of ids is about to be used up.

        What is not known changes nothing: a Livy that does not tell for a minute has as many ids as before.
        """
        for name in self._managed_clusters:
            self._alarm(
                f"IdsRunningOut{name.upper()}",
                metric=self._metric(metrics.IDS_USED, managed_cluster=name, statistic=_AT_ANY_TIME),
                threshold=IDS_USED_PERCENT,
                text=self._texts.ids_running_out(name, percent=IDS_USED_PERCENT),
                missing=cloudwatch.TreatMissingData.IGNORE,
            )

    def watch_standby(self) -> None:
        """Alarm when a failover would have had to launch for a while, as no standby is verified."""
        for name in self._managed_clusters:
            self._alarm(
                f"{metrics.STANDBY_MISSING}{name.upper()}",
                # Nobody counts either while what keeps standbys is silent.
                metric=self._metric(metrics.STANDBY_MISSING, managed_cluster=name, statistic=_ALL_THE_TIME),
                periods=STANDBY_MISSING_MINUTES,
                text=self._texts.standby_missing(name, minutes=STANDBY_MISSING_MINUTES),
                missing=cloudwatch.TreatMissingData.BREACHING,
            )

    def watch_retirements(self) -> None:
        """Alarm when an old incarnation does not come to its end in time."""
        self._of_managed_clusters(
            {
                metrics.FENCE_OVERDUE: self._texts.fence_overdue,
                metrics.RETIREMENT_OVERDUE: self._texts.retirement_overdue,
                metrics.DRAIN_OVERDUE: self._texts.drain_overdue,
            }
        )

    def watch_reconciliation(self) -> None:
        """Alarm when nobody compares record and reality, and on what no record knows."""
        self._alarm(
            "ReconciliationSilent",
            metric=self._metric(metrics.RECONCILED),
            comparison=_LESS,
            periods=5,
            text=self._texts.reconciliation_silent(),
            missing=cloudwatch.TreatMissingData.BREACHING,
        )
        self._alarm(
            metrics.ORPHANS,
            metric=self._metric(metrics.ORPHANS, statistic=_AT_ANY_TIME),
            text=self._texts.orphans(),
        )

    def watch_notices(self) -> None:
        """Alarm when people were not told."""
        self._alarm(
            metrics.NOTICES_REFUSED,
            metric=self._metric(metrics.NOTICES_REFUSED),
            text=self._texts.notices_refused(),
        )

    def watch_functions(self, *, execution_ended: PythonFunction, managed_cluster: PythonFunction) -> None:
        """Alarm when a function raises that somebody relies on without waiting for its answer."""
        for function, text in (
            (execution_ended, self._texts.execution_ended_errors()),
            (managed_cluster, self._texts.managed_cluster_errors()),
        ):
            self._alarm(
                f"{function.node.id}Errors",
                metric=function.function.metric_errors(period=Duration.minutes(1), statistic=cloudwatch.Stats.SUM),
                text=text,
            )

    def watch_dead_letters(self, *, schedules: sqs.IQueue, executions: sqs.IQueue) -> None:
        """Alarm when something lies in a dead-letter queue.

        Args:
            schedules: of the runs that schedules owe.
            executions: of the ends of executions.
        """
        for name, queue, text in (
            ("Schedules", schedules, self._texts.schedule_dead_letters(schedules.queue_url)),
            ("Executions", executions, self._texts.execution_dead_letters(executions.queue_url)),
        ):
            self._alarm(
                f"{name}DeadLetters",
                metric=queue.metric_approximate_number_of_messages_visible(
                    period=Duration.minutes(1), statistic=cloudwatch.Stats.MAXIMUM
                ),
                text=text,
            )

    def _of_managed_clusters(
        self,
        texts: Mapping[str, Callable[[str], Text]],
        *,
        statistic: str = cloudwatch.Stats.SUM,
    ) -> None:
        """An alarm for each managed cluster on each metric."""
        for name in self._managed_clusters:
            for metric, text in texts.items():
                self._alarm(
                    f"{metric}{name.upper()}",
                    metric=self._metric(metric, managed_cluster=name, statistic=statistic),
                    text=text(name),
                )

    def _metric(
        self, name: str, *, managed_cluster: str | None = None, statistic: str = cloudwatch.Stats.SUM
    ) -> cloudwatch.Metric:
        dimensions = {metrics.DEPLOYMENT_DIMENSION: self._deployment}
        if managed_cluster is not None:
            dimensions[metrics.MANAGED_CLUSTER_DIMENSION] = managed_cluster
        return cloudwatch.Metric(
            namespace=metrics.NAMESPACE,
            metric_name=name,
            dimensions_map=dimensions,
            statistic=statistic,
            period=Duration.minutes(1),
        )

    def _alarm(
        self,
        construct_id: str,
        *,
        metric: cloudwatch.IMetric,
        text: Text,
        threshold: int = 1,
        comparison: cloudwatch.ComparisonOperator = _AT_LEAST,
        periods: int = 1,
        missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING,
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            construct_id,
            metric=metric,
            threshold=threshold,
            evaluation_periods=periods,
            comparison_operator=comparison,
            treat_missing_data=missing,
            alarm_description=str(text),
        )
        alarm.add_alarm_action(self._action)
        alarm.add_ok_action(self._action)
