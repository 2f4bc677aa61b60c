"""Claim: take the managed cluster's lease."""

from __future__ import annotations

import time
from collections.abc import Sequence

from dr_core.launch_plan import longest_wait
from dr_core.operation_plan import Claim, Next, judge_claim
from dr_core.record import Incarnation, Lease, ManagedCluster, Operation, Outcome
from dr_core.requests import Kind, OperationRequest, Reason
from dr_core.superseding import gives_way
from failover.baking import look_at_bake
from failover.calls import OperationCall, StepAnswer, cancelled, done, failed, wait
from failover.closing import answer_once, close
from failover.isolation import others_serve
from failover.leftovers import take_care_of_leftovers
from failover.record_store import Change
from failover.request_order import is_overtaken
from failover.slot_check import no_slot

# How long the repair that a person asks for waits for another operation.  What launches waits for as long as it can:
# a failover may need its 45 minutes, and whoever deploys would be told that even the way back has failed.
LIMIT_SECONDS = 300


def claim(call: OperationCall) -> StepAnswer:
    """Hold the lease, note down what is in service, and take care of what an interrupted operation left behind."""
    if call.managed_cluster.tombstone:
        return failed("the managed cluster is being deleted")
    if is_overtaken(call.managed_cluster, call.operation):
        message = "a newer request of CloudFormation has come since it was asked for"
        answer_once(call.deployment, call.operation, succeeded=False, reason=message)
        close(call.deployment, call.operation, outcome=Outcome.CANCELLED, message=message)
        return cancelled(message)
    lease = call.managed_cluster.lease
    holder = lease.execution if lease else ""
    holder_runs = (
        lease is not None and holder != call.execution and call.deployment.executions.runs(holder, since=lease.since)
    )
    limit = _limit(call)
    decision = judge_claim(
        holder=holder,
        mine=call.execution,
        holder_runs=holder_runs,
        kind=call.request.kind,
        waited=call.waited,
        limit=limit,
        holder_yields=lease is not None and (lease.yields or (holder_runs and _is_superseded(call, lease))),
    )
    match decision:
        case Claim.TAKE:
            if not _take(call, holder):
                return wait("another execution took the lease at the same moment")
        case Claim.SUPERSEDE:
            # What a standby's launch has begun is left for Launch, which takes it over if it is of use; what a failover
            # has begun is given up below, by whoever holds the lease.
            call.deployment.executions.stop(holder, cause=f"superseded by operation {call.operation.id}")
            if call.deployment.executions.runs(holder, since=lease.since if lease else None):
                return wait(f"{holder}, which gives way, is being stopped")
            if not _take(call, holder):
                return wait("another execution took the lease at the same moment")
        case Claim.WAIT:
            return wait(f"{holder} holds the lease and runs")
        case Claim.GIVE_UP:
            return failed(f"{holder} has been running for more than {limit:.0f} s and holds the lease")
        case Claim.CANCEL:
            message = f"{holder} holds the lease and already works on this managed cluster"
            close(call.deployment, call.operation, outcome=Outcome.CANCELLED, message=message)
            return cancelled(message)
        case Claim.KEEP:
            pass
    take_care_of_leftovers(call)
    return done("holds the lease")


def _limit(call: OperationCall) -> float:
    """Seconds from the entry of Claim: until the launch that follows could not come to its end in its time any more.

    Launch counts its time from the same moment, so that waiting here makes the operation no longer.
    """
    if call.request.kind is Kind.REPAIR:
        return LIMIT_SECONDS
    policy, entered = call.deployment.config.policy, call.operation.entered[call.step]
    asked = call.operation.started_at
    spent = max(0, entered - asked) if asked is not None else 0
    most = longest_wait(launch_limit=policy.launch_limit_seconds, total_limit=policy.total_launch_limit_seconds)
    return max(0, most - spent)


def _is_superseded(call: OperationCall, lease: Lease) -> bool:
    """Whether the operation that holds the lease is a failover that gives way to this one."""
    # Whoever else waits here asks for nothing more each time than whether the holder runs.
    if call.request.reason is not Reason.UPGRADE:
        return False
    operation = call.deployment.record.operation(lease.operation)
    if operation is None or operation.outcome is not None:
        return False
    incarnations = call.deployment.record.incarnations()
    return gives_way(
        holder=OperationRequest.from_json(operation.request),
        entered=operation.entered,
        mine=call.request,
        wanted=call.operation.spec,
        launches=operation.spec or call.managed_cluster.spec,
        others_serve=others_serve(call.deployment, call.request.managed_cluster),
        incarnations=incarnations,
        now=time.time(),
    ) and not _would_come_to_nothing(call, incarnations)


def _would_come_to_nothing(call: OperationCall, incarnations: Sequence[Incarnation]) -> bool:
    """Whether the change would be refused by a later state: the failover that it had stopped would be missing then."""
    return bool(no_slot(call, incarnations)) or look_at_bake(call)[0] is Next.STOP


def _take(call: OperationCall, holder: str) -> bool:
    lease = Lease(execution=call.execution, operation=call.operation.id, since=time.time())
    return call.deployment.record.change_together(
        Change(
            key=ManagedCluster.key(call.managed_cluster.name),
            values={"lease": lease},
            condition="#lease.#execution = :holder" if holder else "attribute_not_exists(#lease)",
            condition_values={"holder": holder} if holder else None,
        ),
        Change(
            key=Operation.key(call.operation.id),
            values={"old_generation": call.managed_cluster.serving_generation},
        ),
    )
