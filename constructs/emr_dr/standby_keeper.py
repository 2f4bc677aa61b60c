"""What keeps warm standbys: proves what stands by, replaces what is unfit, launches what lacks."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import Construct

from emr_dr import controller_permissions as permissions
from emr_dr import record_kinds
from emr_dr.findings import wildcard_arn
from emr_dr.functions import PythonFunction
from emr_dr.policy_checks import acknowledge
from emr_dr.probers import Probers
from emr_dr.schedules import EVENT_AGE, EveryMinute
from emr_dr.state_machines import executions_arn
from emr_dr.tables import Tables


class StandbyKeeper(Construct):
    """The function that keeps standbys, started every minute.

    It asks probers for canaries, and starts operations and retirements; it can neither change the front door nor touch
    a cluster.

    Attributes:
        function: outside the VPC, as what needs that is asked of probers.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        deployment: str,
        tables: Tables,
        probers: Probers,
        schedules: EveryMinute,
        alert_topic: sns.ITopic,
        alert_key: kms.IKey,
        log_retention: logs.RetentionDays,
    ) -> None:
        """Define what keeps standbys.

        Args:
            alert_topic: where people are told, encrypted with *alert_key*.
        """
        super().__init__(scope, construct_id)
        operation, retirement = f"{deployment}-operation", f"{deployment}-retirement"
        self.function = PythonFunction(
            self,
            "Standby",
            name=f"{deployment}-standby",
            handler="failover.standby.handler",
            description="Proves what stands by, replaces what is unfit, launches what lacks",
            # A canary is asked of every prober in turn, and each of them waits for a Livy that may hang.
            timeout=Duration.seconds(120),
            # The next minute's run looks at a newer world.
            asynchronous_retries=0,
            asynchronous_event_age=EVENT_AGE,
            dead_letters=schedules.dead_letters,
            log_retention=log_retention,
        )
        self.function.allow(
            [
                *permissions.record_access(tables.record, record_kinds.STANDBY_KEEPER),
                *permissions.evidence_reading(tables.evidence),
                *permissions.prober_calls(probers),
                *permissions.machine_access(self, starts=[operation, retirement], describes=[operation, retirement]),
                *permissions.notices(alert_topic, alert_key),
            ]
        )
        schedules.start(self.function)
        acknowledge(
            self.function.role,
            {
                wildcard_arn(self, executions_arn(self, machine)): (
                    "executions of this one machine; their names are made when they start, and they are only read"
                )
                for machine in (operation, retirement)
            },
        )
