"""Puts a new incarnation into a slot: its ids lead to it from then on, and nothing else does."""

from __future__ import annotations

from dataclasses import replace

from dr_core.record import Incarnation, Slot
from failover.deployment import Deployment
from failover.errors import InvariantError
from failover.eviction import evict_one
from failover.record_store import Change
from failover.removal import change_incarnation


def ensure_routed(deployment: Deployment, incarnation: Incarnation, *, evicts: bool) -> Incarnation | None:
    """The incarnation with its slot; ``None`` while every slot is taken.

    Called by Verify already: the load balancer needs its time to call the target healthy, and the canary runs
    meanwhile.  No client knows an id of the incarnation yet.

    Args:
        deployment: the deployment.
        incarnation: what ids shall lead to.
        evicts: whether one that drains has to give its slot up if none is free; its turn comes, as a failover cannot
            wait for the end of jobs.
    """
    if incarnation.slot is not None:
        return incarnation
    address, prefix = _reachable(incarnation)
    number = _claim_slot(deployment, incarnation.generation)
    if number is None:
        if evicts:
            evict_one(deployment)
        return None
    deployment.front_door.open_slot(number, address=address, prefix=prefix, unseeded=incarnation.unseeded)
    change_incarnation(deployment, incarnation, slot=number)
    return replace(incarnation, slot=number)


def reroute(deployment: Deployment, incarnation: Incarnation) -> None:
    """Open the slot of an incarnation again, if it still holds one: a slot that another one took is that one's."""
    if incarnation.slot is not None and _holds(deployment, incarnation.slot, incarnation.generation):
        address, prefix = _reachable(incarnation)
        deployment.front_door.open_slot(incarnation.slot, address=address, prefix=prefix, unseeded=incarnation.unseeded)


def _reachable(incarnation: Incarnation) -> tuple[str, int]:
    """Address and prefix of an incarnation: a slot that leads nowhere would answer 503."""
    if incarnation.primary_address is None or incarnation.id_prefix is None:
        raise InvariantError(f"{incarnation.id} cannot be routed to: its address or its prefix is not known")
    return incarnation.primary_address, incarnation.id_prefix


def _claim_slot(deployment: Deployment, generation: int) -> int | None:
    """The slot that *generation* holds, or the first free one, now held by it; ``None`` if none is free."""
    slots = deployment.record.slots([slot.number for slot in deployment.config.slots])
    held = next((slot.number for slot in slots if slot.generation == generation), None)
    if held is not None:
        return held
    return next(
        (slot.number for slot in slots if slot.generation is None and _take(deployment, slot, generation)), None
    )


def _take(deployment: Deployment, slot: Slot, generation: int) -> bool:
    """Whether *generation* holds a slot now that was free.

    The SDK repeats a write whose answer was lost, and what it had written then refuses it.
    """
    if deployment.record.change(
        Change(
            key=Slot.key(slot.number),
            values={"generation": generation},
            condition="attribute_not_exists(#generation)",
        )
    ):
        return True
    return _holds(deployment, slot.number, generation)


def _holds(deployment: Deployment, number: int, generation: int) -> bool:
    return any(now.generation == generation for now in deployment.record.slots([number]))
