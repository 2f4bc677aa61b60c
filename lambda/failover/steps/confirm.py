"""Confirm: nothing is left of what was retired."""

from __future__ import annotations

import time

from dr_core.record import Incarnation, IncarnationState, ManagedCluster
from failover.calls import RetirementCall, StepAnswer, done, wait
from failover.closing import answer_once
from failover.record_store import Change
from failover.removal import change_incarnation, cluster_ended, delete_stack, request_end, withdraw
from failover.retiring import ids_may_be_closed, not_done, to_retire

# A step that was at work when its execution was stopped may still call CreateStack for an intent that it wrote down:
# longer than a call of the function may last.
STEP_SECONDS = 240


def confirm(call: RetirementCall) -> StepAnswer:
    """Answer ``done`` once every stack and cluster is gone, and CloudFormation if it asked for that."""
    left = not_done(to_retire(call), lambda each: _retired(call, each))
    if left:
        return wait(f"not gone yet: generation {', '.join(str(each.generation) for each in left)}")
    if call.request.generation is None:
        call.deployment.record.change(
            Change(
                key=ManagedCluster.key(call.request.managed_cluster),
                values={"serving_generation": None, "lease": None},
                condition="attribute_exists(#kind)",
            )
        )
    answer_once(call.deployment, call.operation, succeeded=True, reason="every incarnation is gone")
    return done("confirmed: its stack and its cluster are gone")


def _retired(call: RetirementCall, incarnation: Incarnation) -> bool:
    """Whether *incarnation* is gone; brings one that came late to its end."""
    deployment = call.deployment
    if not ids_may_be_closed(call, incarnation):
        return False
    if not delete_stack(deployment, incarnation):
        return False
    if not cluster_ended(deployment, incarnation):
        # Its stack is gone, and so it would run for ever: a person may have deleted the stack and kept the cluster.
        request_end(deployment, incarnation)
        return False
    if incarnation.stack_id is None and time.time() < (incarnation.created_at or 0) + STEP_SECONDS:
        return False
    withdraw(deployment, incarnation)
    change_incarnation(deployment, incarnation, state=IncarnationState.RETIRED, slot=None)
    return True
