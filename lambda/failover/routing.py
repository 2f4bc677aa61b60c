"""Puts a new incarnation into a slot: its ids lead to it from then on, and nothing else does."""

from __future__ import annotations

from dataclasses import replace

from dr_core.record import Incarnation, Slot
from failover.deployment import Deployment
from failover.errors import InvariantError
from failover.record_store import Change
from failover.removal import change_incarnation


def ensure_routed(deployment: Deployment, incarnation: Incarnation) -> Incarnation | None:
    """The incarnation with its slot; ``None`` while every slot is taken.

    Called by Verify already: the load balancer needs its time to call the target healthy, and the canary runs
    meanwhile.  No client knows an id of the incarnation yet.
    """
    if incarnation.slot is not None:
        return incarnation
    if incarnation.primary_address is None or incarnation.id_prefix is None:
        raise InvariantError(f"{incarnation.id} cannot be routed to: its address or its prefix is not known")
    number = _claim_slot(deployment, incarnation.generation)
    if number is None:
        return None
    deployment.front_door.open_slot(number, address=incarnation.primary_address, prefix=incarnation.id_prefix)
    change_incarnation(deployment, incarnation, slot=number)
    return replace(incarnation, slot=number)


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
    return deployment.record.change(
        Change(
            key=Slot.key(slot.number),
            values={"generation": generation},
            condition="attribute_not_exists(#generation)",
        )
    )
