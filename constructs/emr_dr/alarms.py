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
from emr_dr.alarm_texts import Commands, Text
from emr_dr.functions import PythonFunction
from emr_dr.state_machines import StateMachines, machine_arn

# For how long nobody may be able to tell how a managed cluster is.
UNKNOWN_MINUTES = 10

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
        alert_topic: sns.ITopic,
    ) -> None:
        """Define no alarm yet.

        Args:
            deployment: dimension of our own metrics, first part of the names of functions and machines.
            alert_topic: where people are told.
        """
        super().__init__(scope, construct_id)
        self._deployment = deployment
        self._action = actions.SnsAction(alert_topic)
        self._commands = Commands(deployment=deployment, operation_machine=machine_arn(self, f"{deployment}-operation"))

    def watch_machines(self, machines: StateMachines) -> None:
        """Alarm when an operation or a retirement fails, times out or is stopped."""
        ways = {"Failed": "failed", "TimedOut": "ran out of time", "Aborted": "was stopped by somebody"}
        for way, words in ways.items():
            self._alarm(
                f"Operation{way}",
                metric=machines.operation.metric(
                    f"Executions{way}", period=Duration.minutes(1), statistic=cloudwatch.Stats.SUM
                ),
                text=Text(
                    happened=f"An operation of {self._deployment} {words}.",
                    done="A launch that had not come to its cut-over is undone, and what served before goes on to "
                    "serve. A message of its own says what came of it.",
                    to_do="Read that message, and the history of the execution for the step at which it ended. If it "
                    "was refused to a person who started it by hand, its cause says why, and nothing was done. If "
                    f"nothing serves, start a failover. {self._how_things_stand()}",
                ),
            )
            self._alarm(
                f"Retirement{way}",
                metric=machines.retirement.metric(
                    f"Executions{way}", period=Duration.minutes(1), statistic=cloudwatch.Stats.SUM
                ),
                text=Text(
                    happened=f"The retirement of an old cluster of {self._deployment} {words}.",
                    done="The reconciliation starts it again within minutes, as long as it runs.",
                    to_do="If the stack of the old cluster is still there after half an hour, it costs money: read the "
                    "history of the execution for the step at which it ended, and mend what it names.",
                ),
            )

    def watch_monitor(self, managed_clusters: Sequence[str]) -> None:
        """Alarm when the monitor has finished no round for three minutes, and when it asks for a person."""
        self._alarm(
            "MonitorSilent",
            metric=self._metric(metrics.MONITOR_HEARTBEAT),
            comparison=_LESS,
            periods=3,
            text=Text(
                happened=f"The monitor of {self._deployment} has finished no round for three minutes.",
                done="Nothing: nobody watches, and no failover would start. What serves goes on to serve.",
                to_do=f"Read the log group /aws/lambda/{self._deployment}-monitor: each round that fails says why "
                "there. An empty log means that its schedule or the Lambda service does not start it.",
            ),
            # A monitor that is gone writes no metric at all.
            missing=cloudwatch.TreatMissingData.BREACHING,
        )
        self._of_managed_clusters(
            managed_clusters,
            {
                metrics.ATTEMPTS_EXHAUSTED: lambda name: Text(
                    happened=f"Managed cluster {name} of {self._deployment} is unhealthy, and three operations in a "
                    "row did not mend it.",
                    done="What each of them tried was undone. No further one starts by itself.",
                    to_do="Find out in the messages of the three why they failed, mend that, then start a failover by "
                    f"hand: {self._commands.operation('failover', name)}",
                ),
                metrics.TERMINATED_BY_A_PERSON: lambda name: Text(
                    happened=f"The EMR cluster of managed cluster {name} of {self._deployment} was terminated by a "
                    "person or a program outside of emr-dr.",
                    done="Nothing: whoever ends a cluster does not want another one. Its clients get errors.",
                    to_do="If that was a mistake, start a failover, which launches a new cluster: "
                    f"{self._commands.operation('failover', name)}",
                ),
            },
        )
        for name in managed_clusters:
            self._alarm(
                f"{metrics.VERDICT_UNKNOWN}{name.upper()}",
                metric=self._metric(metrics.VERDICT_UNKNOWN, managed_cluster=name, statistic=_ALL_THE_TIME),
                periods=UNKNOWN_MINUTES,
                text=Text(
                    happened=f"For {UNKNOWN_MINUTES} minutes nobody could tell whether managed cluster {name} of "
                    f"{self._deployment} is healthy: too few vantage points agree.",
                    done="Nothing, as an unknown verdict never leads to an action. If the cluster fails now, no "
                    "failover starts by itself.",
                    to_do=f"The log of {self._deployment}-monitor says who saw what. Look at the functions "
                    f"{self._deployment}-prober-1 to 3 and their network; if you know that the cluster is dead, start "
                    f"a failover: {self._commands.operation('failover', name)}",
                ),
            )

    def watch_restraints(self, managed_clusters: Sequence[str], *, launches_per_day: int) -> None:
        """Alarm while automatic operations are kept back, or something keeps being wrong.

        Args:
            managed_clusters: their names.
            launches_per_day: the budget of the policy.
        """
        acknowledge = self._commands.control(action="acknowledge", because="...", by="...")
        self._of_managed_clusters(
            managed_clusters,
            {
                metrics.FAILOVER_BLOCKED: lambda name: Text(
                    happened=f"Managed cluster {name} of {self._deployment} is unhealthy, and its failover waits for a "
                    "person: there were too many automatic failovers or launches lately.",
                    done="An incident is open; nothing was started. It starts by itself when the window has passed.",
                    to_do="Find out what the last failovers did not mend. Then either let automatic failovers go on: "
                    f"{acknowledge} or start this one by hand, which the budget of launches does not hinder: "
                    f"{self._commands.operation('failover', name)}",
                ),
            },
            statistic=_AT_ANY_TIME,
        )
        self._alarm(
            metrics.PAUSED,
            metric=self._metric(metrics.PAUSED, statistic=_AT_ANY_TIME),
            text=Text(
                happened=f"A person has paused automatic operations of {self._deployment}.",
                done="Incidents are noted, and nothing answers them: no failover starts by itself.",
                to_do="This alarm stays on until somebody resumes: "
                f"{self._commands.control(action='resume', by='...')} {self._how_things_stand()}",
            ),
        )
        self._alarm(
            metrics.COMMON_CAUSE,
            metric=self._metric(metrics.COMMON_CAUSE, statistic=_AT_ANY_TIME),
            text=Text(
                happened=f"All managed clusters of {self._deployment} are unhealthy at once, in different AZs. The "
                "cause is hardly the clusters: think of a job, credentials, a bucket, a security group, the network.",
                done="One automatic failover at a time is tried all the same.",
                to_do="Look for what they have in common. If new clusters cannot help, pause: "
                f"{self._commands.control(action='pause', because='...', by='...')}",
            ),
        )
        self._alarm(
            metrics.LAUNCHES_TODAY,
            metric=self._metric(metrics.LAUNCHES_TODAY, statistic=_AT_ANY_TIME),
            threshold=launches_per_day,
            text=Text(
                happened=f"Automatic operations of {self._deployment} launched {launches_per_day} clusters in 24 "
                "hours: the budget for a day is used up.",
                done="What serves goes on to serve. The next automatic launch waits until the first of them is a day "
                "old.",
                to_do="Find out why clusters fail again and again, in the messages of the operations. A failover by "
                "hand is possible all the time, and monitor.launches_per_day in the settings changes the budget. "
                f"{self._how_things_stand()}",
            ),
        )

    def watch_operations(self, managed_clusters: Sequence[str]) -> None:
        """Alarm when an incarnation serves although something about it is not as it should be."""
        self._of_managed_clusters(
            managed_clusters,
            {
                metrics.SERVING_UNSEEDED: lambda name: Text(
                    happened=f"The new cluster of managed cluster {name} of {self._deployment} numbers its jobs "
                    "outside of its own range of ids: its step seed-livy did not work, twice.",
                    done="It serves nevertheless, and ids of up to 8 digits lead to it. No other such cluster can "
                    "serve until it has been gone for 7 days.",
                    to_do="Read the output of its steps seed-livy, mend what it names, then launch a successor: "
                    f"{self._commands.operation('switchover', name)}",
                ),
            },
        )

    def watch_retirements(self, managed_clusters: Sequence[str]) -> None:
        """Alarm when an old incarnation does not come to its end in time."""
        self._of_managed_clusters(
            managed_clusters,
            {
                metrics.FENCE_OVERDUE: lambda name: Text(
                    happened=f"Applications of an old cluster of managed cluster {name} of {self._deployment} are not "
                    "known to be dead although its end was requested long ago.",
                    done="Its ids answer 410 nevertheless, so that clients run their jobs again.",
                    to_do="A job that ran on it may run twice: check the outputs of jobs that were submitted again, "
                    "and see that EMR terminates the old cluster.",
                ),
                metrics.RETIREMENT_OVERDUE: lambda name: Text(
                    happened=f"The stack of an old cluster of managed cluster {name} of {self._deployment} is still "
                    "there and costs money.",
                    done="Its deletion is asked for again and again.",
                    to_do="Read the events of the stack in CloudFormation: the last one that failed says what hinders "
                    "it. While an AZ is away this is expected.",
                ),
                metrics.DRAIN_OVERDUE: lambda name: Text(
                    happened=f"A cluster of managed cluster {name} of {self._deployment} was replaced as planned, and "
                    "its jobs did not come to their end within the limit.",
                    done="It lingers so that clients read results; then what still runs is killed and its ids answer "
                    "410. A message of its own lists what still runs.",
                    to_do="Nothing, if the jobs are retried by their scheduler. If they need longer as a rule, raise "
                    "controller.drain_limit_seconds in the settings.",
                ),
            },
        )

    def watch_reconciliation(self) -> None:
        """Alarm when nobody compares record and reality, and on what no record knows."""
        self._alarm(
            "ReconciliationSilent",
            metric=self._metric(metrics.RECONCILED),
            comparison=_LESS,
            periods=5,
            text=Text(
                happened=f"For five minutes nobody has compared what {self._deployment} consists of with its record.",
                done="Nothing. Failovers work all the same; what is left over or was changed by hand stays as it is.",
                to_do=f"Read the log group /aws/lambda/{self._deployment}-reconcile: each run that fails says why "
                "there.",
            ),
            missing=cloudwatch.TreatMissingData.BREACHING,
        )
        self._alarm(
            metrics.ORPHANS,
            metric=self._metric(metrics.ORPHANS, statistic=_AT_ANY_TIME),
            text=Text(
                happened=f"There are stacks or EMR clusters with the name and tags of {self._deployment} that its "
                "record does not know.",
                done="They are told of only, for as long as controller.orphan_seconds says; then they are removed.",
                to_do="A message of its own lists them. If one of them is wanted, take its tag emr-dr:deployment away "
                f"before that, or pause: {self._commands.control(action='pause', because='...', by='...')}",
            ),
        )

    def watch_notices(self) -> None:
        """Alarm when people were not told."""
        self._alarm(
            metrics.NOTICES_REFUSED,
            metric=self._metric(metrics.NOTICES_REFUSED),
            text=Text(
                happened=f"The alert topic refused a message of {self._deployment}.",
                done="The operation went on, and the message stands in the log of the function that wrote it.",
                to_do=f"Search the log groups /aws/lambda/{self._deployment}-* for 'the alert topic refused a "
                "message', and check the topic, its policy and its key.",
            ),
        )

    def watch_dead_letters(self, name: str, queue: sqs.IQueue) -> None:
        """Alarm when something lies in a dead-letter queue."""
        self._alarm(
            f"{name}DeadLetters",
            metric=queue.metric_approximate_number_of_messages_visible(
                period=Duration.minutes(1), statistic=cloudwatch.Stats.MAXIMUM
            ),
            text=Text(
                happened=f"A call that had to be made was given up ({name.lower()} of {self._deployment}).",
                done="Its message was kept in the dead-letter queue for 14 days.",
                to_do="Read the message: it says which call, and why. Remove it from the queue when it is dealt with; "
                "this alarm stays on until then.",
            ),
        )

    def watch_functions(self, functions: Sequence[PythonFunction]) -> None:
        """Alarm when one of *functions* raises: those that somebody relies on without waiting for their answer."""
        for function in functions:
            self._alarm(
                f"{function.node.id}Errors",
                metric=function.function.metric_errors(period=Duration.minutes(1), statistic=cloudwatch.Stats.SUM),
                text=Text(
                    happened=f"The function {function.name} raised an error.",
                    done="Lambda calls it again, twice at most; what still fails goes to its dead-letter queue if it "
                    "has one.",
                    to_do=f"Read the log group /aws/lambda/{function.name}: the error stands there with its cause.",
                ),
            )

    def _how_things_stand(self) -> str:
        return f"How things stand: {self._commands.control(action='show')}"

    def _of_managed_clusters(
        self,
        managed_clusters: Sequence[str],
        texts: Mapping[str, Callable[[str], Text]],
        *,
        statistic: str = cloudwatch.Stats.SUM,
    ) -> None:
        """An alarm for each managed cluster on each metric."""
        for name in managed_clusters:
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
