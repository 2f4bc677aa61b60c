"""The monitor: makes verdicts of evidence and starts operations."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_logs as logs
from constructs import Construct

from emr_dr import controller_permissions as permissions
from emr_dr import record_kinds
from emr_dr.findings import wildcard_arn
from emr_dr.functions import PythonFunction
from emr_dr.incarnation_role import cluster_arns
from emr_dr.policy_checks import acknowledge
from emr_dr.schedules import EVENT_AGE, EveryMinute
from emr_dr.state_machines import executions_arn
from emr_dr.tables import Tables


class Monitor(Construct):
    """The monitor's function, started every minute.

    Attributes:
        function: outside the VPC, as it asks AWS services only.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        deployment: str,
        tables: Tables,
        schedules: EveryMinute,
        log_retention: logs.RetentionDays,
    ) -> None:
        """Define the monitor."""
        super().__init__(scope, construct_id)
        self.function = PythonFunction(
            self,
            "Monitor",
            name=f"{deployment}-monitor",
            handler="monitor.handler.handler",
            description="Makes verdicts of evidence and starts operations",
            # Rounds until the next run has begun, at the latest, and the last round's calls.
            timeout=Duration.seconds(180),
            # The next minute's run looks at a newer world.
            asynchronous_retries=0,
            asynchronous_event_age=EVENT_AGE,
            dead_letters=schedules.dead_letters,
            log_retention=log_retention,
        )
        self.function.allow(
            [
                *permissions.record_access(tables.record, record_kinds.MONITOR),
                *permissions.evidence_reading(tables.evidence),
                *permissions.evidence_writing(tables.evidence),
                permissions.routing_reading(),
                *permissions.clusters(self, deployment=deployment, actions=("DescribeCluster",)),
                *permissions.machine_access(
                    self, starts=[f"{deployment}-operation"], describes=[f"{deployment}-operation"]
                ),
            ]
        )
        schedules.start(self.function)
        acknowledge(
            self.function.role,
            {
                "AwsSolutions-IAM5[Resource::*]": (
                    "the reading actions of Elastic Load Balancing know no resources and change nothing"
                ),
                wildcard_arn(self, cluster_arns(self)): (
                    "ids of clusters are EMR's choice; the condition admits clusters with the deployment's tag only"
                ),
                wildcard_arn(self, executions_arn(self, f"{deployment}-operation")): (
                    "executions of this one machine; their names are made when they start"
                ),
            },
        )
