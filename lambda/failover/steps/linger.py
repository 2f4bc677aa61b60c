"""Linger: keep Livy up for a while after the last job, so that every client reads its result."""

from __future__ import annotations

from failover.calls import RetirementCall, StepAnswer, done


def linger(call: RetirementCall) -> StepAnswer:
    """Nothing is waited for yet."""
    return done("planned" if call.request.planned else "unplanned: nobody can read a result")
