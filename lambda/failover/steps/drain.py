"""Drain: let the jobs of a planned retirement end."""

from __future__ import annotations

from failover.calls import RetirementCall, StepAnswer, done


def drain(call: RetirementCall) -> StepAnswer:
    """Nothing is waited for: whatever still runs is ended, and its client is told by 410."""
    return done("ends at once" if call.request.planned else "unplanned: there is nothing to wait for")
