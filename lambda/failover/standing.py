"""How a deployment stands, for a person: what is decided, what serves, and what would be done by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from dr_core.controls import Controls, Turn
from dr_core.evidence import Verdict
from dr_core.incidents import Situation, attempts_used, is_first_attempt, outlook
from dr_core.naming import operation_of_incident
from dr_core.record import Incarnation, IncarnationState, Incident, IncidentState, ManagedCluster, Operation
from dr_core.requests import OperationRequest
from dr_core.restraints import KeptBack, kept_back, turn_taken, view_of
from dr_core.scaling import Limits
from dr_core.verdicts import Judgement
from failover.deployment import Deployment
from failover.observation import verdict_in_service

# Whether an execution runs, which is known of since a time; ``None`` if Step Functions does not answer.
Runs = Callable[[str, float | None], bool | None]


def standing(deployment: Deployment) -> dict[str, Any]:
    """How things stand, by the record and by the evidence of this moment; nothing is changed.

    A service that does not answer costs what it alone knows, not the answer: whoever asks has trouble enough.

    Returns:
        ``{"controls", "automatic_operations", "managed_clusters", "incarnations", "incidents", "operations"}``, with
        times as texts in UTC.
    """
    names = [each.name for each in deployment.config.managed_clusters]
    keys = [kind.key(name) for kind in (ManagedCluster, Incident) for name in names]
    items = deployment.record.get(Controls.key(), Turn.key(), *keys)
    controls = Controls.from_item(items.get((Controls.KIND, Controls.ID)))
    turn = Turn.from_item(items[Turn.KIND, Turn.ID]) if (Turn.KIND, Turn.ID) in items else None
    managed_clusters = [
        ManagedCluster.from_item(items[ManagedCluster.KIND, name])
        for name in names
        if (ManagedCluster.KIND, name) in items
    ]
    incidents = {
        name: Incident.from_item(items[Incident.KIND, name]) for name in names if (Incident.KIND, name) in items
    }
    incarnations = deployment.record.incarnations()
    now, policy = time.time(), deployment.config.policy
    view = view_of(controls, managed_clusters, incarnations)
    held = kept_back(view, now=now, policy=policy)
    runs = _asking(deployment)
    operations = {each.name: _operation_of(deployment, incidents.get(each.name), runs) for each in managed_clusters}
    return {
        "controls": _plain(controls),
        "automatic_operations": {
            "may_start": held is None,
            "because": held.reason if held else "nothing keeps them back",
            "automatic_failovers": [_time(each) for each in view.automatic_failovers],
            "launches_in_24_hours": view.launches_today(now=now),
            "launches_allowed": policy.launches_per_day,
        },
        "managed_clusters": [
            _managed_cluster(
                each,
                judgement=_judgement(deployment, each, incarnations),
                situation=Situation(
                    managed_cluster=each,
                    incident=incidents.get(each.name),
                    kept_back=kept_back(
                        view,
                        now=now,
                        policy=policy,
                        first_attempt=is_first_attempt(
                            incidents.get(each.name), operations[each.name].get("operation")
                        ),
                    )
                    or _turn_taken(deployment, turn, each, runs),
                    **operations[each.name],
                    lease_held=each.lease is not None
                    and not each.lease.yields
                    and runs(each.lease.execution, each.lease.since) is not False,
                ),
            )
            for each in managed_clusters
        ],
        "incarnations": [_incarnation(each) for each in incarnations if each.state is not IncarnationState.RETIRED],
        "incidents": [_plain(each) for each in incidents.values() if each.state is IncidentState.OPEN],
        "operations": _operations(deployment, managed_clusters, runs),
    }


def _asking(deployment: Deployment) -> Runs:
    """What tells whether an execution runs, and asks once for each."""

    known: dict[str, bool | None] = {}

    def runs(execution: str, since: float | None) -> bool | None:
        if execution not in known:
            try:
                known[execution] = deployment.executions.runs(execution, since=since)
            except (BotoCoreError, ClientError):
                known[execution] = None
        return known[execution]

    return runs


def _judgement(
    deployment: Deployment, managed_cluster: ManagedCluster, incarnations: Iterable[Incarnation]
) -> Judgement | None:
    """The verdict on what serves; ``None`` if nothing does that the monitor could look at."""
    serving = [
        each
        for each in incarnations
        if each.generation == managed_cluster.serving_generation and each.primary_address is not None
    ]
    if not serving:
        return None
    try:
        return verdict_in_service(deployment, serving[0])
    except (BotoCoreError, ClientError) as error:
        return Judgement(verdict=Verdict.UNKNOWN, reason=f"the evidence cannot be read now: {error}")


def _operation_of(deployment: Deployment, incident: Incident | None, runs: Runs) -> dict[str, Any]:
    """The latest operation of an open incident, and whether its execution has ended."""
    if incident is None or incident.state is IncidentState.CLOSED or incident.attempts == 0:
        return {}
    operation = deployment.record.operation(operation_of_incident(incident.incident, incident.attempts))
    return {"operation": operation, "operation_closed": _closed(operation, runs)}


def _closed(operation: Operation | None, runs: Runs) -> bool:
    """Whether the execution of an operation without an outcome has ended nevertheless."""
    if operation is None or operation.outcome is not None or operation.execution is None:
        return False
    return runs(operation.execution, operation.started_at) is False


def _turn_taken(
    deployment: Deployment, turn: Turn | None, managed_cluster: ManagedCluster, runs: Runs
) -> KeptBack | None:
    if turn is None:
        return None
    operation = deployment.record.operation(turn.operation)
    return turn_taken(
        turn,
        managed_cluster=managed_cluster.name,
        operation=operation,
        operation_closed=_closed(operation, runs),
        now=time.time(),
    )


def _managed_cluster(
    managed_cluster: ManagedCluster, *, judgement: Judgement | None, situation: Situation
) -> dict[str, Any]:
    return {
        "name": managed_cluster.name,
        "serving_generation": managed_cluster.serving_generation,
        "being_deleted": managed_cluster.tombstone,
        "verdict": None if judgement is None else str(judgement.verdict),
        "reason": None if judgement is None else judgement.reason,
        "attempts": attempts_used(situation.incident),
        "next_automatic_operation": outlook(judgement, situation, now=time.time()),
    }


def _incarnation(incarnation: Incarnation) -> dict[str, Any]:
    return {
        "generation": incarnation.generation,
        "managed_cluster": incarnation.managed_cluster,
        "state": str(incarnation.state),
        "availability_zone": incarnation.availability_zone,
        "cluster_id": incarnation.cluster_id,
        "slot": incarnation.slot,
        "out_of_the_balanced_group": incarnation.isolated_at is not None,
        "unseeded": incarnation.unseeded,
        "scaling_limits": None if incarnation.limits is None else Limits.from_dict(incarnation.limits).counted,
        "its_end_is_decided": incarnation.terminate_requested_at is not None,
        **(
            {"proved_at": _time(incarnation.canary_succeeded_at)}
            if incarnation.state is IncarnationState.STANDBY and incarnation.canary_succeeded_at is not None
            else {}
        ),
    }


def _operations(deployment: Deployment, managed_clusters: Iterable[ManagedCluster], runs: Runs) -> list[dict[str, Any]]:
    """The operations that hold a lease, and how far they are."""
    found = []
    for each in managed_clusters:
        if each.lease is None:
            continue
        operation = deployment.record.operation(each.lease.operation)
        found.append(
            {
                "operation": each.lease.operation,
                "managed_cluster": each.name,
                "execution": each.lease.execution,
                "runs": runs(each.lease.execution, each.lease.since),
                "since": _time(each.lease.since),
                **(_progress(operation) if operation else {}),
            }
        )
    return found


def _progress(operation: Operation) -> Mapping[str, Any]:
    request = OperationRequest.from_json(operation.request)
    entered = sorted(operation.entered.items(), key=lambda item: item[1])
    return {
        "kind": str(request.kind),
        "reason": str(request.reason),
        "step": entered[-1][0] if entered else None,
        "message": operation.message,
    }


def _plain(record: Controls | Incident) -> dict[str, Any]:
    """A record's fields, its times as texts."""
    values = {each.name: getattr(record, each.name) for each in fields(record)}
    times = {name for name in values if name == "since" or name.endswith(("_at", "_until"))}
    return {name: _time(value) if name in times and value is not None else value for name, value in values.items()}


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, tz=UTC):%Y-%m-%dT%H:%M:%SZ}"
