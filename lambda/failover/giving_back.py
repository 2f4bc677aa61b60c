"""Puts an isolated incarnation back where new jobs come from."""

from __future__ import annotations

from dr_core.record import Incarnation, IncarnationState
from failover.deployment import Deployment
from failover.removal import address_handed_on, change_incarnation


def give_back(deployment: Deployment, generation: int | None) -> bool:
    """Put the incarnation of *generation* back into the balanced group if it was isolated and nobody ends it.

    It is registered before that is noted down: a function that dies in between does it again.

    Returns:
        Whether it was put back.
    """
    incarnation = deployment.record.incarnation(generation) if generation is not None else None
    if incarnation is None or not rejoin(deployment, incarnation):
        return False
    change_incarnation(deployment, incarnation, isolated_at=None)
    return True


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
