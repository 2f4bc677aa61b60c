"""One round of the monitor over one managed cluster: look, judge, respond."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace

from botocore.exceptions import BotoCoreError, ClientError

from dr_core.config import FunctionConfig, ManagedClusterResources
from dr_core.evidence import LOAD_BALANCER, Evidence, Service, Verdict
from dr_core.incidents import Action, Response, Situation, respond
from dr_core.naming import incident_name, operation_of_incident
from dr_core.record import Incarnation, Incident, IncidentState, ManagedCluster, Operation
from dr_core.requests import Kind, OperationRequest, Reason
from dr_core.verdicts import Judgement, consider_termination, judge, looked_at_since
from monitor.cloud import Cloud
from monitor.reporting import Report
from monitor.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What a monitor works with.

    Attributes:
        config: of the deployment.
        store: the tables.
        cloud: AWS.
        pool: where independent calls go on at once.
        report: metrics and log.
    """

    config: FunctionConfig
    store: Store
    cloud: Cloud
    pool: Executor
    report: Report

    def round(self, resources: ManagedClusterResources) -> None:
        """Judge the incarnation in service of one managed cluster and respond."""
        managed_cluster = self.store.managed_cluster(resources.name)
        if managed_cluster is None or managed_cluster.serving_generation is None:
            self.report.nothing_in_service(resources.name)
            return
        incident = self.pool.submit(self.store.incident, resources.name)
        incarnation = self.store.incarnation(managed_cluster.serving_generation)
        if incarnation is None or incarnation.primary_address is None:
            self.report.nothing_in_service(resources.name)
            return
        judgement = self._judge(incarnation, resources)
        self.report.judged(resources.name, incarnation.id, judgement)
        self._respond(judgement, managed_cluster, incident.result())

    def _judge(self, incarnation: Incarnation, resources: ManagedClusterResources) -> Judgement:
        policy = self.config.policy
        told = self._ask_load_balancers(incarnation, resources)
        writing = self.pool.submit(self.store.write_evidence, told)
        seen = self.store.evidence(incarnation.id, since=looked_at_since(now=told.observed_at, policy=policy))
        judgement = judge([*seen, told], now=told.observed_at, policy=policy, serving_from=incarnation.judged_from)
        writing.result()
        if judgement.verdict is Verdict.UNHEALTHY and incarnation.cluster_id is not None:
            return self._consider_termination(judgement, incarnation, incarnation.cluster_id)
        return judgement

    def _ask_load_balancers(self, incarnation: Incarnation, resources: ManagedClusterResources) -> Evidence:
        """The load balancers' target health, as evidence beside the probers'."""
        groups: Mapping[Service, str] = {
            Service.LIVY: self.config.balanced_target_group,
            Service.RESOURCE_MANAGER: resources.resource_manager_target_group,
            Service.NAME_NODE: resources.name_node_target_group,
        }
        asked = {
            service: self.pool.submit(self.cloud.target_health, group, str(incarnation.primary_address))
            for service, group in groups.items()
        }
        return Evidence(
            incarnation=incarnation.id,
            observer=LOAD_BALANCER,
            services={service: future.result() for service, future in asked.items()},
            observed_at=time.time(),
            front_door=True,
        )

    def _consider_termination(self, judgement: Judgement, incarnation: Incarnation, cluster_id: str) -> Judgement:
        try:
            termination = self.cloud.termination(cluster_id)
        except (BotoCoreError, ClientError) as error:
            # It may have been a person: not knowing, nothing is done; the next round asks again.
            return replace(judgement, actionable=False, reason=f"DescribeCluster failed ({error}); {judgement.reason}")
        asked_by_us = incarnation.terminate_requested_at is not None
        return consider_termination(judgement, termination, asked_by_us=asked_by_us)

    def _respond(self, judgement: Judgement, managed_cluster: ManagedCluster, incident: Incident | None) -> None:
        """Do what the rules ask for; opening an incident is followed by its first operation at once."""
        response = respond(judgement, self._situation(managed_cluster, incident, judgement), now=time.time())
        if response.action is Action.OPEN:
            incident = self._open(managed_cluster.name, judgement)
            if incident is None:
                return
            self.report.responded(managed_cluster.name, response, incident)
            response = respond(judgement, self._situation(managed_cluster, incident, judgement), now=time.time())
        if incident is None or response.action is Action.NOTHING:
            return
        self.report.responded(managed_cluster.name, response, incident)
        if response.action is Action.START:
            self._start(response, incident)
        elif response.action is Action.CLOSE:
            self.store.close_incident(incident)

    def _situation(self, managed_cluster: ManagedCluster, incident: Incident | None, judgement: Judgement) -> Situation:
        """The record and what the executions in it do; asked only where it can matter."""
        if incident is None or incident.state is IncidentState.CLOSED:
            return Situation(managed_cluster=managed_cluster, incident=incident)
        operation = None
        if incident.attempts > 0:
            operation = self.store.operation(operation_of_incident(incident.incident, incident.attempts))
        unfinished = operation is not None and operation.outcome is None
        lease = managed_cluster.lease
        return Situation(
            managed_cluster=managed_cluster,
            incident=incident,
            operation=operation,
            operation_closed=unfinished and not self._is_running(operation.execution if operation else None),
            lease_held=judgement.actionable and self._is_running(lease.execution if lease else None),
        )

    def _is_running(self, execution: str | None) -> bool:
        return execution is not None and self.cloud.is_running(execution)

    def _open(self, managed_cluster: str, judgement: Judgement) -> Incident | None:
        """The incident opened now, or by another monitor a moment ago; ``None`` if there is none to answer."""
        now = time.time()
        first_bad_at = judgement.first_bad_at if judgement.first_bad_at is not None else now
        incident = Incident(
            managed_cluster=managed_cluster,
            incident=incident_name(managed_cluster, first_bad_at),
            state=IncidentState.OPEN,
            since=now,
            first_bad_at=first_bad_at,
        )
        return incident if self.store.open_incident(incident) else None

    def _start(self, response: Response, incident: Incident) -> None:
        """Count the attempt, write the operation down, start it: each may be done again by whoever comes next."""
        if response.attempt > incident.attempts and not self.store.count_attempt(incident, response.attempt):
            return
        request = OperationRequest(
            operation=operation_of_incident(incident.incident, response.attempt),
            kind=Kind.FAILOVER,
            reason=Reason.UNHEALTHY,
            managed_cluster=incident.managed_cluster,
            incident=incident.incident,
        )
        self.store.put_operation(
            Operation(
                id=request.operation,
                request=request.to_json(),
                managed_cluster=incident.managed_cluster,
                started_at=time.time(),
            )
        )
        execution = self.cloud.start(self.config.operation_state_machine, request)
        self.store.set_execution(request.operation, execution)
        self.report.detected(incident.managed_cluster, time.time() - incident.first_bad_at)
