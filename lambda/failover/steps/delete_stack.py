"""DeleteStack: give back what the incarnation consists of."""

from __future__ import annotations

from dr_core.metrics import RETIREMENT_OVERDUE
from dr_core.record import Incarnation, Operation
from failover.calls import RetirementCall, StepAnswer, done, wait
from failover.record_store import Change
from failover.removal import delete_stack
from failover.retiring import check_others_serve, ids_may_be_closed, to_retire

# When a person is told that a deletion does not come to its end; it is tried again all the same.
OVERDUE_SECONDS = 1800


def delete_stacks(call: RetirementCall) -> StepAnswer:
    """Answer ``done`` once every stack is gone; one whose deletion failed is deleted again."""
    left = [each.stack_name for each in to_retire(call) if not _delete(call, each)]
    if not left:
        return done("its stack is gone")
    names = ", ".join(filter(None, left))
    if call.waited >= OVERDUE_SECONDS:
        _alarm_once(call, names)
    return wait(f"being deleted: {names}")


def _delete(call: RetirementCall, incarnation: Incarnation) -> bool:
    """Whether the stack of *incarnation* is gone; it stays as long as a client's id has to lead there."""
    if not ids_may_be_closed(call, incarnation):
        return False
    check_others_serve(call, incarnation)
    return delete_stack(call.deployment, incarnation)


def _alarm_once(call: RetirementCall, names: str) -> None:
    message = f"not deleted after {OVERDUE_SECONDS // 60} minutes: {names}"
    first = call.deployment.record.change(
        Change(
            key=Operation.key(call.operation.id),
            values={"message": message},
            condition="attribute_not_exists(#message)",
        )
    )
    if not first:
        return
    call.deployment.notices.count(RETIREMENT_OVERDUE, managed_cluster=call.request.managed_cluster)
    call.deployment.notices.tell(
        subject=f"retirement {call.request.retirement} takes long",
        happened=f"Stacks of retired incarnations are still there: {message}.",
        done="Their deletion goes on being tried.",
        to_do="Look at the stacks' events in CloudFormation. As long as they exist, their clusters may cost money.",
    )
