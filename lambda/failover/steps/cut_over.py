"""CutOver: the new incarnation into service, the old one out, and everybody told."""

from __future__ import annotations

import time
from dataclasses import replace

from dr_core.metrics import PHASE_SECONDS
from dr_core.operation_plan import outcome_of, phase_seconds
from dr_core.record import Incarnation, IncarnationState, ManagedCluster
from dr_core.requests import Kind
from failover.calls import OperationCall, StepAnswer, done, failed, wait
from failover.closing import Notice, answer_once, close, release_lease
from failover.errors import InvariantError
from failover.record_store import Change

LIMIT_SECONDS = 600

_MAY_BE_IN_SERVICE = (IncarnationState.SERVING, IncarnationState.VERIFYING)


def cut_over(call: OperationCall) -> StepAnswer:
    """Answer ``done`` once the new incarnation is healthy in service, the old one out of it, and all is recorded."""
    incarnations = {
        each.generation: each
        for each in call.deployment.record.incarnations()
        if each.managed_cluster == call.request.managed_cluster
    }
    new = incarnations.pop(call.operation.generation or 0, None)
    if new is None or new.primary_address is None or new.cluster_id is None:
        raise InvariantError(f"operation {call.operation.id} has nothing to cut over to")
    others = list(incarnations.values())
    if new.state is not IncarnationState.SERVING:
        not_yet = _move_traffic(call, new, others)
        if not_yet is not None:
            return not_yet
        others = [
            replace(each, state=IncarnationState.RETIRING) if each.state in _MAY_BE_IN_SERVICE else each
            for each in others
        ]
    return _finish(call, new, [each for each in others if each.state is IncarnationState.RETIRING])


def _move_traffic(call: OperationCall, new: Incarnation, others: list[Incarnation]) -> StepAnswer | None:
    """Bring the new one in, then the old ones out; an answer while the load balancer is not ready for the latter."""
    deployment, name = call.deployment, call.request.managed_cluster
    address = new.primary_address or ""
    state = deployment.front_door.health(deployment.config.balanced_target_group).get(address, "not registered")
    if state != "healthy":
        if state in ("not registered", "draining"):
            deployment.front_door.put_in_service(managed_cluster=name, address=address)
        if call.waited >= LIMIT_SECONDS:
            return failed(
                f"the load balancer still calls generation {new.generation} {state} after {LIMIT_SECONDS} s in the "
                "balanced group; the old incarnation was left in it"
            )
        return wait(f"the load balancer calls generation {new.generation} {state} in the balanced group")
    replaced = [each for each in others if each.state in _MAY_BE_IN_SERVICE]
    for each in replaced:
        if each.primary_address is not None and each.primary_address != address:
            deployment.front_door.take_out_of_service(managed_cluster=name, address=each.primary_address)
    deployment.clusters.protect(new.cluster_id or "", protected=True)
    _record(call, new, replaced)
    return None


def _record(call: OperationCall, new: Incarnation, replaced: list[Incarnation]) -> None:
    now = time.time()
    retiring = {"state": IncarnationState.RETIRING, "serving_to": now}
    spec = {"spec": call.operation.spec} if call.operation.spec is not None else {}
    written = call.deployment.record.change_together(
        Change(
            key=ManagedCluster.key(call.request.managed_cluster),
            values={"serving_generation": new.generation, **spec},
            condition="#lease.#execution = :mine",
            condition_values={"mine": call.execution},
        ),
        Change(key=Incarnation.key(new.generation), values={"state": IncarnationState.SERVING, "serving_from": now}),
        *(Change(key=Incarnation.key(each.generation), values=retiring) for each in replaced),
    )
    if not written:
        raise InvariantError(f"{call.execution} lost the lease of {call.request.managed_cluster} during the cut-over")


def _finish(call: OperationCall, new: Incarnation, retiring: list[Incarnation]) -> StepAnswer:
    """What follows once the traffic is where it belongs; each part may be repeated."""
    deployment, name = call.deployment, call.request.managed_cluster
    planned = call.request.kind is not Kind.FAILOVER
    for each in retiring:
        deployment.executions.retire(managed_cluster=name, generation=each.generation, planned=planned)
    message = f"generation {new.generation} ({new.cluster_id}) serves in {new.availability_zone}"
    answer_once(
        deployment,
        call.operation,
        succeeded=True,
        reason=message,
        data={"ClusterId": new.cluster_id or "", "Generation": str(new.generation)},
    )
    if call.operation.outcome is None:
        seconds = phase_seconds(entered=call.operation.entered, ended_at=time.time())
        deployment.notices.measure(
            {PHASE_SECONDS[phase]: value for phase, value in seconds.items()}, managed_cluster=name
        )
        outcome = outcome_of(call.request.kind)
        close(
            deployment,
            call.operation,
            outcome=outcome,
            message=message,
            notice=_notice(call, new, retiring, outcome=outcome),
        )
    release_lease(deployment, managed_cluster=name, execution=call.execution)
    return done(message)


def _notice(call: OperationCall, new: Incarnation, retiring: list[Incarnation], *, outcome: str) -> Notice:
    old = ", ".join(f"generation {each.generation} ({each.cluster_id})" for each in retiring)
    name = call.request.managed_cluster
    happened = (
        f"{old or 'The old incarnation'} of managed cluster {name} failed."
        if call.request.kind is Kind.FAILOVER
        else f"Managed cluster {name}: {call.request.kind}, as asked ({call.request.reason})."
    )
    moved = f"Generation {new.generation} ({new.cluster_id}) in {new.availability_zone} has taken over all new jobs."
    rest = f" {old} is being retired." if old else ""
    to_do = (
        "Nothing, if your jobs are retried by their scheduler: those that ran on the old incarnation answer 410 as "
        "soon as they are known to have ended, and have to run again. Find out why it failed."
        if call.request.kind is Kind.FAILOVER
        else "Nothing."
    )
    return Notice(
        subject=f"{call.request.managed_cluster} {outcome}", happened=happened, done=moved + rest, to_do=to_do
    )
