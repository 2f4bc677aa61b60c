"""What the monitor tells people: metrics for alarms and dashboards, one structured log line for each thing."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric

from dr_core import metrics
from dr_core.evidence import Verdict
from dr_core.incidents import Action, Response
from dr_core.record import Incident
from dr_core.restraints import DeploymentView
from dr_core.verdicts import Judgement


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Metrics and log of one deployment's monitor."""

    deployment: str
    logger: Logger

    def heartbeat(self) -> None:
        """A round that judged every managed cluster has ended."""
        self._count(metrics.MONITOR_HEARTBEAT, 1)

    def deployment_seen(
        self, view: DeploymentView, *, common_cause: bool, shared_zones: Mapping[str, Sequence[str]]
    ) -> None:
        """What the rules know of the whole deployment in this round."""
        self._count(metrics.AVAILABILITY_ZONES_SHARED, len(shared_zones))
        for zone, names in shared_zones.items():
            self.logger.warning("managed clusters share an AZ", availability_zone=zone, managed_clusters=names)
        self._count(metrics.PAUSED, int(view.controls.paused))
        self._count(metrics.LAUNCHES_TODAY, view.launches_today(now=time.time()))
        self._count(metrics.COMMON_CAUSE, int(common_cause))
        if common_cause:
            self.logger.error("every managed cluster is unhealthy at once: a common cause is suspected")

    def probers_heard(self, observers: Collection[str]) -> None:
        """The probers that have a voice in this round."""
        self._count(metrics.PROBERS_HEARD, len(observers))

    def certificates(self, told: Collection[str]) -> None:
        """What is to be told of certificates in this round; nobody acts on it but a person."""
        self._count(metrics.CERTIFICATE_PROBLEMS, len(told))
        for each in sorted(told):
            self.logger.error("a certificate needs a person", certificate=each)

    def nothing_in_service(self, managed_cluster: str) -> None:
        """A managed cluster has no incarnation to judge: it is being made or deleted."""
        self.logger.info("nothing in service", managed_cluster=managed_cluster)

    def judged(self, managed_cluster: str, incarnation: str, judgement: Judgement) -> None:
        """A verdict was made."""
        for name, verdict in (
            (metrics.VERDICT_UNHEALTHY, Verdict.UNHEALTHY),
            (metrics.VERDICT_UNKNOWN, Verdict.UNKNOWN),
        ):
            self._count(name, int(judgement.verdict is verdict), managed_cluster=managed_cluster)
        log = self.logger.info if judgement.verdict is Verdict.HEALTHY else self.logger.warning
        log(
            "verdict",
            managed_cluster=managed_cluster,
            incarnation=incarnation,
            verdict=str(judgement.verdict),
            actionable=judgement.actionable,
            reason=judgement.reason,
        )
        if judgement.terminated_by_a_person:
            self._count(metrics.TERMINATED_BY_A_PERSON, 1, managed_cluster=managed_cluster)

    def kept_back(self, managed_cluster: str, response: Response) -> None:
        """Whether an operation that would be started is kept back."""
        restraint = response.restraint
        self._count(
            metrics.FAILOVER_BLOCKED,
            int(restraint is not None and restraint.needs_a_person),
            managed_cluster=managed_cluster,
        )
        if restraint is not None:
            self.logger.warning(
                "an operation is kept back",
                managed_cluster=managed_cluster,
                restraint=str(restraint),
                reason=response.reason,
            )

    def responded(self, managed_cluster: str, response: Response, incident: Incident) -> None:
        """Something is about to be done."""
        self.logger.warning(
            str(response.action),
            managed_cluster=managed_cluster,
            incident=incident.incident,
            attempt=response.attempt,
            reason=response.reason,
        )
        if response.action is Action.GIVE_UP:
            self._count(metrics.ATTEMPTS_EXHAUSTED, 1, managed_cluster=managed_cluster)

    def overtaken(self, managed_cluster: str, *, reason: str) -> None:
        """What was judged is not what is there any more: nothing is started in this round."""
        self.logger.warning("an operation is not started", managed_cluster=managed_cluster, reason=reason)

    def name_taken(self, managed_cluster: str, operation: str) -> None:
        """An operation could not be started under its name."""
        self.logger.error(
            "an execution of another request has the name of this operation",
            managed_cluster=managed_cluster,
            operation=operation,
        )

    def detected(self, managed_cluster: str, seconds: float) -> None:
        """An operation was started, *seconds* after the first bad evidence."""
        self._emit(metrics.DETECT_SECONDS, MetricUnit.Seconds, seconds, managed_cluster=managed_cluster)

    def _count(self, name: str, value: int, *, managed_cluster: str | None = None) -> None:
        self._emit(name, MetricUnit.Count, value, managed_cluster=managed_cluster)

    def _emit(self, name: str, unit: MetricUnit, value: float, *, managed_cluster: str | None) -> None:
        dimensions = {metrics.DEPLOYMENT_DIMENSION: self.deployment}
        if managed_cluster is not None:
            dimensions[metrics.MANAGED_CLUSTER_DIMENSION] = managed_cluster
        with single_metric(
            name=name, unit=unit, value=value, namespace=metrics.NAMESPACE, default_dimensions=dimensions
        ):
            pass
