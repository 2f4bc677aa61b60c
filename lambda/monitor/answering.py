"""What follows a verdict: an incident is opened, answered by an operation, and closed."""

from __future__ import annotations

import time
from dataclasses import dataclass

from dr_core.config import FunctionConfig
from dr_core.controls import Turn
from dr_core.incidents import Action, Response, Situation, is_first_attempt, overtaken, respond
from dr_core.naming import incident_name, operation_of_incident
from dr_core.record import Incident, IncidentState, ManagedCluster, Operation
from dr_core.requests import Kind, OperationRequest, Reason
from dr_core.restraints import DeploymentView, kept_back, turn_taken
from dr_core.verdicts import Judgement
from monitor.cloud import Cloud
from monitor.reporting import Report
from monitor.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """Answers verdicts.

    Attributes:
        config: of the deployment.
        store: the tables.
        cloud: AWS.
        report: metrics and log.
    """

    config: FunctionConfig
    store: Store
    cloud: Cloud
    report: Report

    def answer(
        self, judgement: Judgement, managed_cluster: ManagedCluster, incident: Incident | None, view: DeploymentView
    ) -> None:
        """Do what the rules ask for; opening an incident is followed by its first operation at once.

        Args:
            judgement: the verdict on the incarnation in service.
            managed_cluster: whose it is, as it was read before that was judged.
            incident: its latest.
            view: of the deployment.
        """
        response, turn = self._respond(judgement, managed_cluster, incident, view)
        if response.action is Action.OPEN:
            incident = self._open(managed_cluster.name, judgement, previous=incident)
            if incident is None:
                return
            self.report.responded(managed_cluster.name, response, incident)
            response, turn = self._respond(judgement, managed_cluster, incident, view)
        self.report.kept_back(managed_cluster.name, response)
        if incident is None or response.action is Action.NOTHING:
            return
        if response.action is Action.START:
            # Seconds have passed since the record was read, and an operation may have come to its cut-over in them.
            reason = overtaken(managed_cluster, self.store.managed_cluster(managed_cluster.name))
            if reason is not None:
                self.report.overtaken(managed_cluster.name, reason=reason)
                return
        self.report.responded(managed_cluster.name, response, incident)
        if response.action is Action.START:
            self._start(response, incident, turn)
        elif response.action is Action.CLOSE:
            self.store.close_incident(incident, called_off_until=response.called_off_until)

    def _respond(
        self, judgement: Judgement, managed_cluster: ManagedCluster, incident: Incident | None, view: DeploymentView
    ) -> tuple[Response, Turn | None]:
        """What the rules ask for, and the turn that they saw."""
        situation = Situation(managed_cluster=managed_cluster, incident=incident)
        turn = None
        if incident is not None and incident.state is IncidentState.OPEN:
            situation, turn = self._situation(judgement, managed_cluster, incident, view)
        return respond(judgement, situation, now=time.time()), turn

    def _situation(
        self, judgement: Judgement, managed_cluster: ManagedCluster, incident: Incident, view: DeploymentView
    ) -> tuple[Situation, Turn | None]:
        """The record and what the executions in it do; asked only where it can matter."""
        operation = None
        if incident.attempts > 0:
            operation = self.store.operation(operation_of_incident(incident.incident, incident.attempts))
        closed = self._is_closed(operation)
        if closed and operation is not None:
            # Between the two looks it may have written its outcome and ended, which is no failure.
            operation = self.store.operation(operation.id)
        lease = managed_cluster.lease
        first = is_first_attempt(incident, operation)
        held = kept_back(view, now=time.time(), policy=self.config.policy, first_attempt=first)
        turn = None
        # A turn is taken where several managed clusters could take it; one alone has its lease.
        if held is None and len(self.config.managed_clusters) > 1:
            turn = self.store.turn()
            its = (
                self.store.operation(turn.operation) if turn and turn.managed_cluster != managed_cluster.name else None
            )
            held = turn_taken(
                turn,
                managed_cluster=managed_cluster.name,
                operation=its,
                operation_closed=self._is_closed(its),
                now=time.time(),
            )
        return Situation(
            managed_cluster=managed_cluster,
            incident=incident,
            operation=operation,
            operation_closed=closed,
            lease_held=judgement.actionable
            and lease is not None
            and not lease.yields
            and self.cloud.is_running(lease.execution, since=lease.since),
            kept_back=held,
        ), turn

    def _is_closed(self, operation: Operation | None) -> bool:
        """Whether the execution of an operation without an outcome has ended nevertheless."""
        if operation is None or operation.outcome is not None or operation.execution is None:
            return False
        return not self.cloud.is_running(operation.execution, since=operation.started_at)

    def _open(self, managed_cluster: str, judgement: Judgement, *, previous: Incident | None) -> Incident | None:
        """The incident opened now, or by another monitor a moment ago; ``None`` if there is none to answer.

        It keeps in mind that the last operation of the *previous* one was called off.
        """
        now = time.time()
        first_bad_at = judgement.first_bad_at if judgement.first_bad_at is not None else now
        incident = Incident(
            managed_cluster=managed_cluster,
            incident=incident_name(managed_cluster, first_bad_at),
            state=IncidentState.OPEN,
            since=now,
            first_bad_at=first_bad_at,
            called_off_until=None if previous is None else previous.called_off_until,
        )
        return incident if self.store.open_incident(incident) else None

    def _start(self, response: Response, incident: Incident, turn: Turn | None) -> None:
        """Take the turn, count the attempt, write the operation down, start it.

        Each may be done again by whoever comes next.
        """
        now = time.time()
        request = OperationRequest(
            operation=operation_of_incident(incident.incident, response.attempt),
            kind=Kind.FAILOVER,
            reason=Reason.UNHEALTHY,
            managed_cluster=incident.managed_cluster,
            incident=incident.incident,
        )
        if len(self.config.managed_clusters) > 1:
            mine = Turn(operation=request.operation, managed_cluster=incident.managed_cluster, since=now)
            if not self.store.take_turn(mine, previous=turn):
                return
        if response.attempt > incident.attempts and not self.store.count_attempt(incident, response.attempt):
            return
        self.store.put_operation(
            Operation(
                id=request.operation,
                request=request.to_json(),
                managed_cluster=incident.managed_cluster,
                started_at=now,
            )
        )
        execution = self.cloud.start(self.config.operation_state_machine, request)
        if execution is None:
            self.store.fail_operation(
                request.operation, message="its name was taken by an execution of another request"
            )
            self.report.name_taken(incident.managed_cluster, request.operation)
            return
        self.store.set_execution(request.operation, execution)
        self.report.detected(incident.managed_cluster, time.time() - incident.first_bad_at)
