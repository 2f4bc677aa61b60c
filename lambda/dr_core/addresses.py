"""Whose address an address is: a VPC hands out the address of a primary that is gone again."""

from __future__ import annotations

from collections.abc import Iterable

from dr_core.evidence import Reading, Service, unhealthy
from dr_core.record import Incarnation, IncarnationState


def handed_on_to(incarnation: Incarnation, incarnations: Iterable[Incarnation]) -> Incarnation | None:
    """The youngest incarnation that has the address of *incarnation* now; ``None`` if that is its own still.

    Args:
        incarnation: an older one, of whichever managed cluster.
        incarnations: all of the deployment.
    """
    if incarnation.primary_address is None:
        return None
    younger = (
        each
        for each in incarnations
        if each.primary_address == incarnation.primary_address
        and each.generation > incarnation.generation
        and each.state is not IncarnationState.RETIRED
    )
    return max(younger, key=lambda each: each.generation, default=None)


def gone_with_its_address(owner: Incarnation) -> dict[Service, Reading]:
    """What is known of an incarnation whose address is that of *owner* now: its primary is gone.

    EC2 gives no address to two machines, and the controller writes an address down only when EMR has said that the
    cluster which had it before has ended.  To read the services there would show how *owner* is.
    """
    reading = unhealthy(f"the primary is gone: its address is that of {owner.id} now")
    return dict.fromkeys(Service, reading)
