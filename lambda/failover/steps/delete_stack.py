"""DeleteStack: give back what the incarnation consists of."""

from __future__ import annotations

from dr_core.record import Incarnation
from failover.calls import RetirementCall, StepAnswer, done, wait
from failover.removal import delete_stack
from failover.retiring import check_others_serve, ids_may_be_closed, not_done, to_retire


def delete_stacks(call: RetirementCall) -> StepAnswer:
    """Answer ``done`` once every stack is gone; one whose deletion failed is deleted again."""
    left = not_done(to_retire(call), lambda each: _delete(call, each))
    if not left:
        return done("its stack is gone")
    names = ", ".join(each.stack_name for each in left if each.stack_name)
    return wait(f"being deleted: {names}")


def _delete(call: RetirementCall, incarnation: Incarnation) -> bool:
    """Whether the stack of *incarnation* is gone; it stays as long as a client's id has to lead there."""
    if not ids_may_be_closed(call, incarnation):
        return False
    check_others_serve(call, incarnation)
    return delete_stack(call.deployment, incarnation)
