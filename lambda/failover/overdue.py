"""A retirement that does not get on: a person is told once for each state, and it is tried again all the same."""

from __future__ import annotations

from dr_core.metrics import RETIREMENT_OVERDUE
from dr_core.record import Operation
from dr_core.steps import RETIREMENT_OVERDUE_SECONDS, retirement_overdue
from failover.calls import RetirementCall
from failover.record_store import Change


def tell_if_overdue(call: RetirementCall, why: str) -> None:
    """Tell that the retirement still stands at the step of *call*, if that is so for too long and was not told.

    Args:
        call: of a step that is not done.
        why: what it waits for, or which error it raised.
    """
    if not retirement_overdue(call.step, waited=call.waited):
        return
    message = f"{call.step} is not over after {RETIREMENT_OVERDUE_SECONDS[call.step] // 60} minutes"
    if call.operation.message == message:
        return
    first = call.deployment.record.change(
        Change(
            key=Operation.key(call.operation.id),
            values={"message": message},
            condition="attribute_not_exists(#message) OR #message = :before",
            condition_values={"before": call.operation.message or ""},
        )
    )
    if not first:
        return
    call.deployment.notices.count(RETIREMENT_OVERDUE, managed_cluster=call.request.managed_cluster)
    call.deployment.notices.tell(
        subject=f"retirement {call.request.retirement} takes long",
        happened=f"A cluster that was replaced is still there: {message} ({why}).",
        done="It goes on being tried.",
        to_do="Mend what is named above; what the stack's deletion meets stands in its events in CloudFormation. As "
        "long as the stack exists, its cluster may cost money.",
    )
