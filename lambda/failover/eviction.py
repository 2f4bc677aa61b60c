"""Ends the drain or the linger of an incarnation, because a failover needs its slot."""

from __future__ import annotations

import time

from dr_core.eviction_plan import choose_eviction, leaving
from dr_core.metrics import SLOT_EVICTED
from dr_core.record import Incarnation, IncarnationState
from failover.deployment import Deployment
from failover.record_store import Change


def evict_one(deployment: Deployment) -> str | None:
    """Let one draining incarnation go, unless one is on its way out already; whose slot comes free, in words.

    May be called again and again until a slot is free: nobody is evicted while the slot of another one is about to come
    free.  The failover waits meanwhile, as no id may lead to nobody: the retirement of the chosen one notices within
    its next look, ends what still runs there and answers 410 for its ids, which frees the slot.

    Returns:
        ``None`` if nobody drains: every slot is held by an incarnation that serves, begins or is being fenced.
    """
    slots = deployment.record.slots([slot.number for slot in deployment.config.slots])
    holding = {slot.generation for slot in slots if slot.generation is not None}
    incarnations = deployment.record.incarnations()
    going = leaving(incarnations, holding=holding)
    if going is not None:
        return f"{going.title} gives its slot up"
    chosen = choose_eviction(incarnations, holding=holding)
    if chosen is None:
        return None
    # First its retirement: without one that runs, an eviction would free nothing.
    deployment.executions.retire(chosen, planned=True)
    _tell(deployment, chosen)
    deployment.record.change(
        Change(
            key=Incarnation.key(chosen.generation),
            values={"evicted_at": time.time()},
            condition="#state = :retiring AND attribute_not_exists(#evicted_at)",
            condition_values={"retiring": IncarnationState.RETIRING},
        )
    )
    return f"{chosen.title} has to give its slot up"


def _tell(deployment: Deployment, chosen: Incarnation) -> None:
    """Comes before the record: a function that dies in between tells twice, not never."""
    drained = chosen.drained_at is not None
    still = "stays up so that clients read their results" if drained else "waits for the end of its jobs"
    deployment.notices.count(SLOT_EVICTED, managed_cluster=chosen.managed_cluster)
    deployment.notices.tell(
        subject=f"{chosen.title} has to make room for a failover",
        happened=f"A failover needs a slot of the front door, and all {len(deployment.config.slots)} are taken. "
        f"{chosen.title} ({chosen.cluster_id}) was replaced and only {still}.",
        done="It is ended now: what still runs on it is killed, and its batch ids answer 410 after that.",
        to_do="Nothing, if your jobs are retried by their scheduler: a 410 tells it to run them again"
        + (", also for a job that succeeded and whose result was not read yet." if drained else ".")
        + " Start no switchover while others still drain, or let drains end sooner (drain_limit_seconds), so that a "
        "slot is left.",
    )
