"""Puts an isolated incarnation back where new jobs come from."""

from __future__ import annotations

from dr_core.record import Incarnation, IncarnationState
from failover.deployment import Deployment
from failover.record_store import Change
from failover.removal import address_handed_on


def give_back(deployment: Deployment, generation: int | None) -> bool:
    """Put the incarnation of *generation* back into the balanced group if it was isolated and nobody ends it.

    It is registered before that is noted down: a function that dies in between does it again.  Whoever isolates it
    anew meanwhile, or asks for its end, has the last word: it leaves the group again.

    Returns:
        Whether it was put back.
    """
    incarnation = deployment.record.incarnation(generation) if generation is not None else None
    if incarnation is None or not rejoin(deployment, incarnation):
        return False
    if deployment.record.change(
        Change(
            key=Incarnation.key(incarnation.generation),
            values={"isolated_at": None},
            condition="#isolated_at = :seen AND attribute_not_exists(#terminate_requested_at) AND #state = :serving",
            condition_values={"seen": incarnation.isolated_at, "serving": IncarnationState.SERVING},
        )
    ):
        return True
    now = deployment.record.incarnation(incarnation.generation) or incarnation
    if now.isolated_at is None:
        return True  # somebody else put it back at the same moment
    deployment.front_door.leave_balanced_group(incarnation.primary_address or "")
    return False


def rejoin(deployment: Deployment, incarnation: Incarnation) -> bool:
    """Register an isolated incarnation with the balanced group, if nobody ends it; whether that was done.

    The caller notes it down.
    """
    if (
        incarnation.isolated_at is None
        or incarnation.state is not IncarnationState.SERVING
        or incarnation.terminate_requested_at is not None
        or incarnation.primary_address is None
        or address_handed_on(deployment, incarnation)
    ):
        return False
    deployment.front_door.join_balanced_group(incarnation.primary_address)
    return True
