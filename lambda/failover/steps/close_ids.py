"""CloseIds: from here on the ids of the retired incarnation answer 410."""

from __future__ import annotations

from dr_core.record import Incarnation
from failover.calls import RetirementCall, StepAnswer, done, wait
from failover.errors import InvariantError
from failover.removal import withdraw
from failover.retiring import to_retire


def close_ids(call: RetirementCall) -> StepAnswer:
    """Free the slots of what is fenced."""
    for incarnation in to_retire(call):
        if incarnation.fenced_at is None:
            # Found only now: a stack that an operation created while it was being stopped.  Confirm takes care of it.
            if call.request.generation is None:
                continue
            return wait(f"generation {incarnation.generation} is not fenced")
        if call.request.generation is not None:
            _check_others_serve(call, incarnation)
        withdraw(call.deployment, incarnation)
    return done("its ids answer 410")


def _check_others_serve(call: RetirementCall, incarnation: Incarnation) -> None:
    """Raise unless somebody else is healthy in service, or nobody is.

    Raises:
        InvariantError: the incarnation holds the only healthy place of the balanced group.
    """
    health = call.deployment.front_door.health(call.deployment.config.balanced_target_group)
    healthy = [address for address, state in health.items() if state == "healthy"]
    if healthy == [incarnation.primary_address]:
        raise InvariantError(f"{incarnation.id} must not be taken out of service: nobody else is healthy there")
