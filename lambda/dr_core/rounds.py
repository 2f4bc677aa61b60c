"""When the rounds of a scheduled function are due, and when a younger run of it takes over.

A schedule starts prober and monitor every minute, and each makes a round every few seconds until the next start.  The
scheduler promises the minute and not the second, so that the next start may come 119 s after this one: a run goes on
past its minute until a younger one has begun.  Each run says so by one item as it begins, and an older one reads that
before each round in which the other might already be at work.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

from dr_core.evidence import LIFETIME_SECONDS

# The schedule's period: the shortest that EventBridge Scheduler has.
SCHEDULE_SECONDS = 60

# Whoever began so long ago makes no further round: a start that is later than this has not come at all.
OVERTIME_UNTIL_SECONDS = 115

# The partition of the evidence table that the items of runs lie in: no incarnation is called so.
RUNS = "run"


def next_round(started: float, now: float, *, round_seconds: int, in_doubt: bool = False) -> float | None:
    """When the next round is due after one that ended at *now*; ``None`` when none is.

    Rounds stand at fixed distances from the start, so that a slow one does not move those after it; one that is
    missed altogether is not made up for.  Those past the minute stand half a round later: a start that is a few seconds
    late has come by then, and a round and a half between two looks is ordinary.

    Args:
        started: when the function started, on any clock.
        now: on the same clock.
        round_seconds: distance of two rounds.
        in_doubt: whether another round is made half-way, within the minute: whoever waits for the next look of others
            need not wait for a round of its own besides.
    """
    passed = now - started
    distance = round_seconds / 2 if in_doubt else round_seconds
    due = (math.floor(passed / distance) + 1) * distance
    if due < SCHEDULE_SECONDS:
        return started + due
    first = SCHEDULE_SECONDS + round_seconds / 2
    over = first + max(0, math.floor((passed - first) / round_seconds) + 1) * round_seconds
    return started + over if over < OVERTIME_UNTIL_SECONDS else None


def is_overtime(started: float, due: float) -> bool:
    """Whether the round that is *due* belongs to the next minute: it is made only if no younger run has begun."""
    return due - started >= SCHEDULE_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """That a run of a scheduled function has begun, as the evidence table holds it; the newest replaces the others.

    Attributes:
        function: which function, by the name that its evidence carries.
        began_at: seconds since 1970.
    """

    function: str
    began_at: float

    @staticmethod
    def key(function: str) -> dict[str, str]:
        """The key of its item."""
        return {"incarnation": RUNS, "observed": function}

    def to_item(self) -> dict[str, Any]:
        """The item, as boto3's resource API takes it."""
        return {
            **self.key(self.function),
            "began_at": Decimal(f"{self.began_at:.3f}"),
            "expires_at": int(self.began_at) + LIFETIME_SECONDS,
        }

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        """The run that an item tells of."""
        return cls(function=item["observed"], began_at=float(item["began_at"]))

    def relieved_by(self, newest: Run | None) -> bool:
        """Whether the run that is known as the *newest* is younger than this one.

        By time and not by not being this one: whoever could not write down that it began finds an older one there.
        """
        return newest is not None and newest.began_at > round(self.began_at, 3)
