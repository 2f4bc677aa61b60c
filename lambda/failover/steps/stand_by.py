"""The end of a standby's launch: it is proved and routed, and stands by from now on; what serves is not touched."""

from __future__ import annotations

import time

from dr_core.operation_plan import outcome_of
from dr_core.record import Incarnation, IncarnationState, ManagedCluster
from dr_core.steps import OperationStep
from failover.calls import OperationCall, StepAnswer, done, failed
from failover.closing import first_outcome
from failover.errors import InvariantError
from failover.leftovers import in_service_group
from failover.record_store import Change


def stand_by(call: OperationCall) -> StepAnswer:
    """Answer ``done`` once it is recorded that the new incarnation stands by.

    Nobody is told: nothing has changed for anybody.  While none stands by, an alarm says so.
    """
    new = call.new_incarnation()
    if new.state is IncarnationState.ABANDONED:
        return failed(call.operation.message or f"generation {new.generation} was given up")
    if new.primary_address is None or new.slot is None:
        raise InvariantError(f"{new.title} cannot stand by: its address is not known, or its ids lead nowhere")
    if in_service_group(call.deployment, new):
        return failed(f"generation {new.generation} is in the balanced group and takes jobs: it cannot stand by")
    message = f"generation {new.generation} ({new.cluster_id}) stands by in {new.availability_zone}"
    now = time.time()
    written = call.deployment.record.change_together(
        Change(
            key=ManagedCluster.key(call.request.managed_cluster),
            values={"lease": None},
            condition="#lease.#execution = :mine",
            condition_values={"mine": call.execution},
        ),
        Change(
            key=Incarnation.key(new.generation),
            values={
                "state": IncarnationState.STANDBY,
                "standby_from": new.standby_from or now,
                # Verify ended with the canary's success, unless it stood by before.
                "canary_succeeded_at": new.canary_succeeded_at or call.operation.entered.get(OperationStep.ROUTE, now),
            },
            condition="#state = :verifying",  # else somebody gave it up meanwhile
            condition_values={"verifying": IncarnationState.VERIFYING},
        ),
        first_outcome(call.operation, outcome_of(call.request.kind), message=message),
    )
    if not written:
        raise InvariantError(
            f"{call.execution} lost the lease of {call.request.managed_cluster}, or generation {new.generation} was "
            "given up"
        )
    return done(message)
