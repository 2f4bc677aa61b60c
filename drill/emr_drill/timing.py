"""How long AWS takes: the table that every figure of the drill is measured against.

The numbers are part of the product's definition of its own figures (docs/assumptions.md) and not to be tuned.
Jitter is +-20 % by seed, and depends only on the seed, the event and the how-manieth draw of that event it is for one
subject, so that the order in which threads run does not change it.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from enum import StrEnum

JITTER = 0.2


class Event(StrEnum):
    """Something that takes AWS a while."""

    EMR_LAUNCH = "EMR launch to WAITING"
    EMR_TERMINATION = "EMR termination to TERMINATED"
    EMR_NOTICES_DEAD_PRIMARY = "EMR notices a dead primary"
    CREATE_STACK_TO_CLUSTER_ID = "CreateStack to cluster id"
    EMR_STEP = "EMR step (restart Livy)"
    CANARY_JOB = "canary Spark job on a fresh cluster"
    ALB_TARGET_HEALTHY = "ALB: target healthy after registration"
    ALB_TARGET_UNHEALTHY = "ALB: target unhealthy after it died"
    ALB_CHANGE = "ALB: rule or target change takes effect"
    NLB_CHANGE = "NLB: target change takes effect"
    SCHEDULE_DELAY = "schedule fires after its minute"
    API_CALL = "any AWS API call"
    COLD_START = "cold start of a function"


# Seconds.  A pair is the range of a value that the table gives as a range; a single number gets the jitter.
TABLE: dict[Event, float | tuple[float, float]] = {
    Event.EMR_LAUNCH: 480,
    Event.EMR_TERMINATION: 60,
    Event.EMR_NOTICES_DEAD_PRIMARY: 120,
    Event.CREATE_STACK_TO_CLUSTER_ID: 10,
    Event.EMR_STEP: 40,
    Event.CANARY_JOB: 45,
    Event.ALB_TARGET_HEALTHY: 15,
    Event.ALB_TARGET_UNHEALTHY: (10, 15),
    Event.ALB_CHANGE: 10,
    Event.NLB_CHANGE: 120,
    Event.SCHEDULE_DELAY: (0, 5),
    Event.API_CALL: 0.2,
    Event.COLD_START: 1,
}


class Timing:
    """Draws durations from :data:`TABLE` for one seed."""

    def __init__(self, *, seed: int) -> None:
        self._seed = seed
        self._draws: Counter[tuple[Event, str]] = Counter()
        self._lock = threading.Lock()

    @property
    def seed(self) -> int:
        """The seed that decides every duration."""
        return self._seed

    def draw(self, event: Event, subject: str = "") -> float:
        """How long *event* takes this time, in simulated seconds.

        Args:
            event: a row of the table.
            subject: what it happens to (a cluster's name, a function's); each subject has its own series of draws.
        """
        with self._lock:
            count = self._draws[event, subject]
            self._draws[event, subject] += 1
        digest = hashlib.sha256(f"{self._seed}|{event.name}|{subject}|{count}".encode()).digest()
        share = int.from_bytes(digest[:8], "big") / 2**64
        value = TABLE[event]
        low, high = value if isinstance(value, tuple) else (value * (1 - JITTER), value * (1 + JITTER))
        return low + share * (high - low)
