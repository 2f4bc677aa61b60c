"""Whether an incarnation whose Livy numbers its batches from 0 may serve all the same.

Its ids are what any other such Livy issues too.  It may serve while nobody else does or did so a short time ago, as
long as clients may still ask for an id: by a rule that leads every id of up to 8 digits to it, and with an alarm.
"""

from __future__ import annotations

from collections.abc import Iterable

from dr_core.record import Incarnation, IncarnationState
from dr_core.routing import UNSEEDED_DIGITS

# The item that names the incarnation which numbers from 0, in its attribute ``generation``: taken by a condition, so
# that two managed clusters cannot get one each at the same moment.
UNSEEDED_CLAIM = {"kind": "deployment", "id": "unseeded"}

# How long a client may go on asking for an id of a retired incarnation.
QUARANTINE_SECONDS = 7 * 86_400


def seed_step_name(operation: str) -> str:
    """The name of the step by which *operation* seeds Livy a second time: the same whenever it is asked for."""
    return f"emr-dr-seed-livy-{operation}"


def why_not_unseeded(
    *, generation: int, batch_id: int, incarnations: Iterable[Incarnation], claimed_by: int | None, now: float
) -> str | None:
    """Why the incarnation of *generation* must not serve unseeded; ``None`` if it may.

    Args:
        generation: of the incarnation whose Livy numbers outside its range.
        batch_id: the id that its Livy gave to the last canary.
        incarnations: every incarnation of the deployment.
        claimed_by: the generation that was the last to be allowed; its record may not say so if its function died.
        now: seconds since 1970.
    """
    if batch_id >= 10**UNSEEDED_DIGITS:
        return f"id {batch_id} has more than {UNSEEDED_DIGITS} digits and may be of another incarnation's range"
    for each in incarnations:
        if each.generation == generation or not (each.unseeded or each.generation == claimed_by):
            continue
        if each.state is not IncarnationState.RETIRED:
            return f"{each.title} numbers from 0 too and is not retired"
        times = [time for time in (each.created_at, each.serving_to, each.fenced_at) if time is not None]
        if not times or now - max(times) < QUARANTINE_SECONDS:
            return f"{each.title} numbered from 0 too and was retired within the last 7 days"
    return None
