"""Waits for something that comes about in a drill."""

from __future__ import annotations

import time
from collections.abc import Callable

from emr_drill.clock import Clock

LOOK_SECONDS = 0.5  # machine time


def until(clock: Clock, true: Callable[[], bool], limit: float) -> bool:
    """Wait at most *limit* seconds on the drill's *clock*; whether it came about."""
    deadline = clock.now() + limit
    while not true():
        if clock.now() > deadline:
            return False
        time.sleep(LOOK_SECONDS)
    return True
