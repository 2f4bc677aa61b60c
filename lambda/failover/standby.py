"""Entry point of what keeps standbys, every minute: proves what stands by, gives up what is unfit, launches what lacks.

Nothing here touches what is in service.  Each thing that is done leads to a state, so that a run that is interrupted,
or two runs at once, do no harm.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger

from dr_core.controls import Controls
from dr_core.evidence import Verdict
from dr_core.metrics import STANDBY_MISSING
from dr_core.naming import standby_operation
from dr_core.record import Incident, IncidentState, ManagedCluster, Operation
from dr_core.requests import Kind, OperationRequest, Reason
from dr_core.restraints import view_of
from dr_core.standby import (
    StandbyLaunches,
    StandbySituation,
    failures_so_far,
    is_missing,
    to_give_up,
    why_no_launch,
)
from failover.deployment import Deployment, deployment_from_environment
from failover.leftovers import give_up_standby
from failover.observation import verdict_on
from failover.record_store import Change
from failover.standby_canary import prove

logger = Logger()


def handler(event: Mapping[str, Any], context: object) -> None:
    """One run; see :func:`keep`."""
    keep(deployment_from_environment())


def keep(deployment: Deployment) -> None:
    """See to the standby of every managed cluster that keeps one.

    Raises:
        ExceptionGroup: of what went wrong with some; the others were seen to.
    """
    wrong = []
    for each in deployment.config.managed_clusters:
        if not each.standby:
            continue
        try:
            _keep(deployment, each.name)
        except Exception as error:
            logger.exception("a standby could not be seen to", extra={"managed_cluster": each.name})
            wrong.append(error)
    if wrong:
        raise ExceptionGroup("not every standby could be seen to", wrong)


def _keep(deployment: Deployment, name: str) -> None:
    situation = _situation(deployment, name)
    if situation is None:
        return
    verdicts: dict[int, Verdict] = {}
    for standby in situation.standbys:
        prove(deployment, standby)
        verdicts[standby.generation] = verdict_on(deployment, standby).verdict
    situation = _situation(deployment, name) or situation
    if not situation.nothing_to_stand_by_for:
        for generation, (why, is_fault) in to_give_up(situation, verdicts).items():
            _give_up(deployment, situation, generation, why=why, is_fault=is_fault)
        situation = _situation(deployment, name) or situation
    now = time.time()
    missing = is_missing(situation, now=now)
    deployment.notices.count(STANDBY_MISSING, managed_cluster=name, value=int(missing))
    why_not = why_no_launch(situation, now=now, policy=deployment.config.policy)
    logger.info(why_not or "a standby is launched", extra={"managed_cluster": name, "missing": missing})
    if not why_not:
        _launch(deployment, situation, now=now)


def _situation(deployment: Deployment, name: str) -> StandbySituation | None:
    """What is known now; ``None`` before the managed cluster was first asked for."""
    record = deployment.record
    names = [each.name for each in deployment.config.managed_clusters]
    items = record.get(
        Controls.key(), Incident.key(name), StandbyLaunches.key(name), *(ManagedCluster.key(each) for each in names)
    )
    managed_clusters = {
        each: ManagedCluster.from_item(items[ManagedCluster.KIND, each])
        for each in names
        if (ManagedCluster.KIND, each) in items
    }
    managed_cluster = managed_clusters.get(name)
    if managed_cluster is None:
        return None
    incarnations = record.incarnations()
    incident = items.get((Incident.KIND, name))
    launched = items.get((StandbyLaunches.KIND, name))
    launches = StandbyLaunches.from_item(launched) if launched else None
    operation = record.operation(launches.operation) if launches else None
    lease = managed_cluster.lease
    return StandbySituation(
        managed_cluster=managed_cluster,
        incarnations=incarnations,
        view=view_of(
            Controls.from_item(items.get((Controls.KIND, Controls.ID))), managed_clusters.values(), incarnations
        ),
        launches=launches,
        operation=operation,
        operation_runs=_runs(deployment, operation),
        busy=lease is not None and deployment.executions.runs(lease.execution, since=lease.since),
        incident_open=incident is not None and Incident.from_item(incident).state is IncidentState.OPEN,
    )


def _runs(deployment: Deployment, operation: Operation | None) -> bool:
    if operation is None or operation.outcome is not None or operation.execution is None:
        return False
    return deployment.executions.runs(operation.execution, since=operation.started_at)


def _give_up(deployment: Deployment, situation: StandbySituation, generation: int, *, why: str, is_fault: bool) -> None:
    standby = next(each for each in situation.standbys if each.generation == generation)
    logger.warning("a standby is given up", extra={"incarnation": standby.id, "because": why})
    if is_fault:  # before the record: a function that dies in between tells twice, not never
        deployment.notices.tell(
            subject=f"the standby of {standby.managed_cluster} is replaced",
            happened=f"{standby.title} ({standby.cluster_id}), which stands by in {standby.availability_zone}, is not "
            f"fit to take over: {why}. What serves is not affected.",
            done="It is being deleted, and another one is launched by itself, as long as half of the launch budget is "
            "left. A failover until then launches a cluster of its own.",
            to_do=f"Look at the logs of {standby.cluster_id} in the log bucket for why. An alarm ({STANDBY_MISSING}) "
            "tells if none stands by for half an hour.",
        )
    give_up_standby(deployment, standby, because=why)


def _launch(deployment: Deployment, situation: StandbySituation, *, now: float) -> None:
    """Write down that a launch is asked for, then start its operation; whoever does the same meanwhile does it once."""
    name, before = situation.managed_cluster.name, situation.launches
    request = OperationRequest(
        operation=standby_operation(name, now), kind=Kind.STANDBY, reason=Reason.STANDBY, managed_cluster=name
    )
    launches = StandbyLaunches(
        managed_cluster=name, operation=request.operation, started_at=now, failures=failures_so_far(situation)
    )
    key = StandbyLaunches.key(name)
    taken = deployment.record.change(
        Change(
            key=key,
            values={attribute: value for attribute, value in launches.to_item().items() if attribute not in key},
            condition="#operation = :before" if before else "attribute_not_exists(#operation)",
            condition_values={"before": before.operation} if before else None,
        )
    )
    if not taken:
        return
    operation = Operation(
        id=request.operation,
        request=request.to_json(),
        managed_cluster=name,
        execution=deployment.executions.operation_execution(request.operation),
        started_at=now,
    )
    deployment.record.put_new(operation.to_item())
    deployment.executions.start_operation(request)
