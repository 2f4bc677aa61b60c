"""When the rounds of a scheduled function are due.

A schedule starts prober and monitor every minute, and each makes a round every few seconds until the next start.
"""

from __future__ import annotations

import math

# The schedule's period: the shortest that EventBridge Scheduler has.
SCHEDULE_SECONDS = 60


def next_round(started: float, now: float, *, round_seconds: int) -> float | None:
    """When the next round is due after one that ended at *now*; ``None`` when the next start of the function has it.

    Rounds stand at fixed distances from the start, so that a slow one does not move those after it; one that is
    missed altogether is not made up for.

    Args:
        started: when the function started, on any clock.
        now: on the same clock.
        round_seconds: distance of two rounds.
    """
    passed = math.floor((now - started) / round_seconds) + 1
    due = passed * round_seconds
    return started + due if due < SCHEDULE_SECONDS else None
