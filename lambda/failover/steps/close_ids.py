"""CloseIds: from here on the ids of the retired incarnation answer 410."""

from __future__ import annotations

from failover.calls import RetirementCall, StepAnswer, done, wait
from failover.removal import withdraw
from failover.retiring import check_others_serve, kept_for_clients, to_retire


def close_ids(call: RetirementCall) -> StepAnswer:
    """Free the slots of what is fenced.

    Both conditions of a 410 are looked at again: nothing of it runs, so that no job runs twice, and every client had
    the time to read its result, so that no job that succeeded runs again.
    """
    for incarnation in to_retire(call):
        if incarnation.fenced_at is None:
            # Found only now: a stack that an operation created while it was being stopped.  Confirm takes care of it.
            if call.request.generation is None:
                continue
            return wait(f"generation {incarnation.generation} is not fenced")
        if kept_for_clients(call, incarnation):
            return wait(f"generation {incarnation.generation} stays up, so that clients read their results")
        check_others_serve(call, incarnation)
        withdraw(call.deployment, incarnation)
    return done("its ids answer 410")
