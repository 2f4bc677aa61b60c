"""RollBack: undo an operation that failed before anything was changed for the clients."""

from __future__ import annotations

from dr_core.record import Incarnation, IncarnationState, Outcome
from dr_core.requests import Reason
from dr_core.steps import OperationStep
from failover.calls import OperationCall, StepAnswer, done, failed, wait
from failover.closing import Notice, answer_once, close, release_lease
from failover.isolation import end_isolation, known_of
from failover.leftovers import abandon, called_unhealthy, give_up_cut_over, in_service_group
from failover.next_steps import next_steps
from failover.removal import change_incarnation, cluster_ended, delete_stack, withdraw
from failover.scaling import room_of_others

# After this its retirement goes on deleting alone, so that CloudFormation is answered within its hour.
LIMIT_SECONDS = 300


def roll_back(call: OperationCall) -> StepAnswer:
    """Leave the old incarnation as it was, delete the new one and say so; ``done`` leads to the end ``Failed``."""
    if OperationStep.FENCE in call.operation.entered:
        return failed("the old incarnation may be fenced already: nothing is undone")
    reason = (call.operation.message or "a step kept raising errors; the function's log says which").rstrip(".")
    # First of all: who waits for new jobs does not wait for the end of what was launched.
    end_isolation(call.deployment, call.operation.old_generation, verdict=known_of(call.request.reason))
    undone = _undo(call)
    if undone is None:
        return wait("the new incarnation's stack is being deleted")
    name = call.request.managed_cluster
    answer_once(call.deployment, call.operation, succeeded=False, reason=f"{reason}. {undone}")
    notice = Notice(
        subject=f"{call.request.kind} of {name} failed",
        happened=f"The {call.request.kind} of managed cluster {name} ({call.request.why}) failed: {reason}.",
        done=f"{undone} {_left(call)}",
        to_do=next_steps(call.deployment, call.request),
    )
    close(call.deployment, call.operation, outcome=Outcome.FAILED, message=reason, notice=notice)
    release_lease(call.deployment, managed_cluster=name, execution=call.execution)
    return done(undone)


def _left(call: OperationCall) -> str:
    """What serves now, as the operation found it; as the record says, if it never got as far as to look."""
    name = call.request.managed_cluster
    generation = call.operation.old_generation or call.managed_cluster.serving_generation
    old = call.deployment.record.incarnation(generation) if generation is not None else None
    if old is None:
        return f"Nothing of managed cluster {name} is in service: jobs fail."
    who = f"{old.title} ({old.cluster_id})"
    if old.terminate_requested_at is not None:
        return f"{who}, which serves by the record, is being ended by another operation."
    if old.isolated_at is not None:
        return (
            f"{who}, which is unhealthy, gets no new jobs while another managed cluster serves; what it has goes on. "
            + room_of_others(call.deployment, name)
        ).rstrip()
    if call.request.reason is Reason.UNHEALTHY:
        return f"{who}, which is unhealthy, was left in service: jobs may fail until it recovers or is replaced."
    return f"{who} was left in service as it was."


def _undo(call: OperationCall) -> str | None:
    """What was undone, in words; ``None`` while the deletion goes on."""
    generation = call.operation.generation
    incarnation = call.deployment.record.incarnation(generation) if generation is not None else None
    if incarnation is None:
        return "Nothing had been launched."
    if incarnation.operation != call.operation.id:
        # This call may be late: a failover takes over what was launched to stand by, and its clients may need it now.
        return f"{incarnation.title} was taken over by operation {incarnation.operation} and was left alone."
    if incarnation.state in (IncarnationState.SERVING, IncarnationState.RETIRING, IncarnationState.STANDBY):
        return f"{incarnation.title} is {incarnation.state} and was left alone."
    if incarnation.state is IncarnationState.RETIRED:
        return f"{incarnation.title} was deleted."
    begun = incarnation.state is not IncarnationState.ABANDONED
    if begun and in_service_group(call.deployment, incarnation):
        if called_unhealthy(call.deployment, incarnation):
            # Clients may know ids of it, which answer 410 only when its retirement has fenced it.
            if not abandon(call.deployment, incarnation):
                return _undo(call)
            return f"{incarnation.title}, which died in service, is being deleted."
        if give_up_cut_over(call.deployment, incarnation):
            return f"{incarnation.title} was taken out of the balanced group again and is being deleted."
        return f"{incarnation.title} is in service by an earlier operation and was left there."
    # Its retirement works beside this step, and goes on if this step dies.
    if not abandon(call.deployment, incarnation):
        return _undo(call)  # it is somebody else's, or at its end, since it was read
    if begun:
        # Only when nobody can take it over any more: its ids lead nowhere from now on.
        withdraw(call.deployment, incarnation)
    return _delete(call, incarnation)


def _delete(call: OperationCall, incarnation: Incarnation) -> str | None:
    if delete_stack(call.deployment, incarnation) and cluster_ended(call.deployment, incarnation):
        change_incarnation(call.deployment, incarnation, state=IncarnationState.RETIRED)
        return f"{incarnation.title} was deleted."
    if call.waited < LIMIT_SECONDS:
        return None
    return f"{incarnation.title} is still being deleted."
