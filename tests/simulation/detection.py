"""How soon a death is claimed, by the rules alone, over the phases in which probers and monitor may stand.

Target health turns 10 to 15 s after the death (docs/assumptions.md); the rest is :mod:`tests.simulation.model`'s.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from dr_core.evidence import LOAD_BALANCER, Verdict
from dr_core.rounds import SCHEDULE_SECONDS
from dr_core.verdicts import judge, looked_at_since

from .model import (
    ALL_BAD,
    ASKED_AFTER,
    CALL_SECONDS,
    IN_DOUBT,
    JUDGED_AFTER,
    POLICY,
    PROBERS,
    ROUNDS_A_MINUTE,
    WRITTEN_AFTER,
    Schedule,
    look,
)

# The operation's first state: the execution starts, a fresh process of the function starts, the lease is written.
TO_CLAIM = 4 * CALL_SECONDS + 1 + 2 * CALL_SECONDS
MINUTES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """How a primary dies.

    Attributes:
        words: how, in a few words.
        silent: probers that die with it.
        answered_after: seconds until a prober has its answer: none for a refused connection, the limit of a reading for
            an address that is gone.
    """

    words: str
    silent: tuple[str, ...] = ()
    answered_after: float = 0.0


DEATHS = (
    Death(words="the primary dies, connections are refused"),
    Death(words="the primary's machine is gone, connections time out", answered_after=POLICY.read_limit_seconds),
    Death(words="its AZ dies, with the prober there", silent=PROBERS[2:], answered_after=POLICY.read_limit_seconds),
)


def seconds_to_claim(seed: int, death: Death) -> float:
    """From a death at a random moment to the claim of the operation that answers it.

    Raises:
        AssertionError: it was never noticed, or before it happened.
    """
    rng = random.Random(f"{death.words} {seed}")
    died_at = 2 * SCHEDULE_SECONDS + rng.uniform(0, SCHEDULE_SECONDS)
    turns_at = died_at + rng.uniform(10, 15)
    rounds = MINUTES * ROUNDS_A_MINUTE
    monitor = Schedule(rng, rounds, times=IN_DOUBT)
    probers = [Schedule(rng, rounds) for _ in PROBERS]
    looks = [
        (prober, at, at + WRITTEN_AFTER + (death.answered_after if at >= died_at else 0), at >= died_at)
        for prober, schedule in zip(PROBERS, probers, strict=True)
        for _, at in schedule.between(0, MINUTES * SCHEDULE_SECONDS)
        if prober not in death.silent or at < died_at
    ]
    verdict = Verdict.HEALTHY
    for number, begins in monitor.between(died_at - SCHEDULE_SECONDS, MINUTES * SCHEDULE_SECONDS):
        if number % IN_DOUBT and verdict is not Verdict.UNKNOWN:
            continue
        asked = begins + ASKED_AFTER
        looks.append((LOAD_BALANCER, asked, asked, asked >= turns_at))
        now = begins + JUDGED_AFTER
        since = looked_at_since(now=now, policy=POLICY)
        seen = [
            look(who, at, ALL_BAD if bad else 0) for who, at, written, bad in looks if since <= at and written <= now
        ]
        verdict = judge(seen, now=now, policy=POLICY).verdict
        if verdict is Verdict.UNHEALTHY:
            assert now > died_at, "noticed before it happened"
            return now + TO_CLAIM - died_at
    raise AssertionError("never noticed")


def share_within(times: list[float], limit: float) -> float:
    """Which share of *times* is at most *limit*."""
    return sum(each <= limit for each in times) / len(times)
