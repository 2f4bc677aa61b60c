"""Claim: take the managed cluster's lease."""

from __future__ import annotations

import time

from dr_core.operation_plan import Claim, judge_claim
from dr_core.record import Lease, ManagedCluster, Operation, Outcome
from failover.calls import OperationCall, StepAnswer, cancelled, done, failed, wait
from failover.closing import close
from failover.leftovers import take_care_of_leftovers
from failover.record_store import Change

# How long a launch or a switchover waits for another operation.  CloudFormation waits an hour for it, and the launch
# may take 45 minutes of that.
LIMIT_SECONDS = 300


def claim(call: OperationCall) -> StepAnswer:
    """Hold the lease, note down what is in service, and take care of what an interrupted operation left behind."""
    if call.managed_cluster.tombstone:
        return failed("the managed cluster is being deleted")
    lease = call.managed_cluster.lease
    holder = lease.execution if lease else ""
    decision = judge_claim(
        holder=holder,
        mine=call.execution,
        holder_runs=lease is not None
        and holder != call.execution
        and call.deployment.executions.runs(holder, since=lease.since),
        kind=call.request.kind,
        waited=call.waited,
        limit=LIMIT_SECONDS,
        holder_yields=lease is not None and lease.yields,
    )
    match decision:
        case Claim.TAKE:
            if not _take(call, holder):
                return wait("another execution took the lease at the same moment")
        case Claim.SUPERSEDE:
            # What it has begun is left for Launch, which takes it over if it is of use.
            call.deployment.executions.stop(holder, cause=f"superseded by operation {call.operation.id}")
            if call.deployment.executions.runs(holder, since=lease.since if lease else None):
                return wait(f"{holder}, which launches a standby, is being stopped")
            if not _take(call, holder):
                return wait("another execution took the lease at the same moment")
        case Claim.WAIT:
            return wait(f"{holder} holds the lease and runs")
        case Claim.GIVE_UP:
            return failed(f"{holder} has been running for more than {LIMIT_SECONDS} s and holds the lease")
        case Claim.CANCEL:
            message = f"{holder} holds the lease and already works on this managed cluster"
            close(call.deployment, call.operation, outcome=Outcome.CANCELLED, message=message)
            return cancelled(message)
        case Claim.KEEP:
            pass
    take_care_of_leftovers(call)
    return done("holds the lease")


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
