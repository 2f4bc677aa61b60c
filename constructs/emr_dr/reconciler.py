"""The reconciliation: compares the record with reality, and puts right what nobody works on."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import Construct

from emr_dr import controller_permissions as permissions
from emr_dr import record_kinds
from emr_dr.findings import wildcard_arn
from emr_dr.front_door import FrontDoor
from emr_dr.functions import PythonFunction
from emr_dr.incarnation_role import cluster_arns
from emr_dr.policy_checks import acknowledge
from emr_dr.probers import Probers
from emr_dr.schedules import EVENT_AGE, EveryMinute
from emr_dr.state_machines import executions_arn
from emr_dr.tables import Tables


class Reconciler(Construct):
    """The reconciliation's function, started every minute.

    It may change the front door, scaling limits and tags of clusters, start retirements and ask probers, and nothing
    else: what it finds too much is ended by a retirement, whose own function has the rights for that
    (docs/decisions/0007-reconciler.md).

    Attributes:
        function: outside the VPC, as it asks AWS services only.
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
        schedules: EveryMinute,
        alert_topic: sns.ITopic,
        alert_key: kms.IKey,
        log_retention: logs.RetentionDays,
    ) -> None:
        """Define the reconciliation.

        Args:
            managed_clusters: names.
            alert_topic: where people are told, encrypted with *alert_key*.
        """
        super().__init__(scope, construct_id)
        operation, retirement = f"{deployment}-operation", f"{deployment}-retirement"
        self.function = PythonFunction(
            self,
            "Reconcile",
            name=f"{deployment}-reconcile",
            handler="failover.reconcile.handler",
            description="Puts right what differs from the record, and sees to what no record knows",
            # Two looks, and a call for each correction.  Short, so that little can change between the last look at the
            # record and the correction that follows it.
            timeout=Duration.seconds(55),
            # The next minute's run looks at a newer world.
            asynchronous_retries=0,
            asynchronous_event_age=EVENT_AGE,
            dead_letters=schedules.dead_letters,
            log_retention=log_retention,
        )
        self.function.allow(
            [
                *permissions.record_access(tables.record, record_kinds.RECONCILER),
                *permissions.evidence_reading(tables.evidence),
                *permissions.routing_changes(front_door),
                *permissions.rules_reading(),
                *permissions.stacks_reading(self, deployment=deployment, managed_clusters=managed_clusters),
                *permissions.clusters(self, deployment=deployment, actions=("ListInstances",)),
                *permissions.scaling_changes(self, deployment=deployment),
                *permissions.clusters_listing(),
                *permissions.machine_access(
                    self, starts=[retirement], describes=[operation, retirement], lists=[retirement]
                ),
                *permissions.prober_calls(probers),
                *permissions.notices(alert_topic, alert_key),
            ]
        )
        schedules.start(self.function)
        acknowledge(
            self.function.role,
            {
                "AwsSolutions-IAM5[Resource::*]": (
                    "lists that know no resources: ListStacks, ListClusters, DescribeRules, DescribeTargetHealth, and "
                    "what Elastic Load Balancing asks of EC2 for whoever registers an address; they show names, ids "
                    "and states, and change nothing"
                ),
                wildcard_arn(self, cluster_arns(self)): (
                    "ids of clusters are EMR's choice; the condition admits clusters with the deployment's tag only, "
                    "of which it reads what they are, and sets scaling limits and tags"
                ),
                **{
                    wildcard_arn(self, arn): (
                        "stacks of this managed cluster, one for each generation, with a random id each; only read"
                    )
                    for arn in permissions.stack_arns(self, deployment=deployment, managed_clusters=managed_clusters)
                },
                **{
                    wildcard_arn(self, executions_arn(self, machine)): (
                        "executions of this one machine; their names are made when they start, and they are only read"
                    )
                    for machine in (operation, retirement)
                },
            },
        )
