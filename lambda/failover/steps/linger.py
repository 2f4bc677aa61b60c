"""Linger: keep Livy up for a while after the last job, so that every client reads its result."""

from __future__ import annotations

from failover.calls import RetirementCall, StepAnswer, done, wait
from failover.retiring import kept_for_clients, to_retire


def linger(call: RetirementCall) -> StepAnswer:
    """Answer ``done`` once a planned retirement has kept Livy up for the longest time between two polls of a client.

    After that its ids answer 410, which would make a client run a job again that succeeded and whose result it had not
    read yet.
    """
    if not call.request.planned:
        return done("unplanned: nobody can read a result")
    kept = [each.title for each in to_retire(call) if kept_for_clients(call, each)]
    if kept:
        return wait(f"kept up, so that clients read their results: {', '.join(kept)}")
    return done("every client has had the time to read its result")
