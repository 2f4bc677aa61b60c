"""Refuses a planned launch that would find every slot taken when it is ready to be routed."""

from __future__ import annotations

from collections.abc import Sequence

from dr_core.record import Incarnation
from dr_core.requests import Kind, Reason
from dr_core.slot_plan import draining, slots_left, slots_wanted
from dr_core.standby import spec_digest
from failover.baking import goes_back
from failover.calls import OperationCall


def no_slot(call: OperationCall, incarnations: Sequence[Incarnation]) -> str:
    """Why there is no slot for what shall be launched, in words; empty if there is one.

    A failover is never refused: it evicts what drains.  Nor is the launch of what nothing stands in for yet.
    """
    if call.request.kind in (Kind.FAILOVER, Kind.LAUNCH):
        return ""
    slots = call.deployment.record.slots([slot.number for slot in call.deployment.config.slots])
    wanted = slots_wanted(followers=_followers(call), way_back=goes_back(call, incarnations))
    left = slots_left(slots, incarnations, operation=call.operation.id)
    if left >= wanted:
        return ""
    kept_by = ", ".join(each.title for each in draining(slots, incarnations)) or "none"
    return (
        f"{left} of {len(slots)} slots of the front door are free, and {wanted} may be needed to move and to come "
        f"back; what drains keeps its slot until its jobs have ended and their results are read (draining: {kept_by}). "
        "Nothing was launched: deploy again when they have ended, or let drains end sooner "
        "(controller.drain_limit_seconds)"
    )


def _followers(call: OperationCall) -> int:
    """How many managed clusters are changed after this one, by the same deploy."""
    wanted = call.operation.spec
    if call.request.reason is not Reason.UPGRADE or wanted is None:
        return 0
    names = [each.name for each in call.deployment.config.managed_clusters if each.name != call.request.managed_cluster]
    others = [call.deployment.record.managed_cluster(name) for name in names]
    return sum(
        each is not None and each.spec is not None and spec_digest(each.spec) != spec_digest(wanted) for each in others
    )
