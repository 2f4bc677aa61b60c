"""Probers, load balancers and a monitor that look at a healthy incarnation and often err.

Nothing waits: times are numbers.  The times of AWS are those of the drill's table (docs/assumptions.md).

* A schedule fires up to 5 s after its minute; a function then makes six rounds, 10 s apart.  The monitor makes twelve:
  it does so while a verdict is in doubt, and here it always does, as that is when it may err.
* A prober reads three services a round; each reading is wrong, that is unhealthy, with a probability of its own.
* In each thousand rounds the network of one prober fails for 60 s while its control passes: all it reads is unhealthy.
* Asked to look at once, all probers answer, and their readings are wrong as often.
* The load balancer checks each service every 5 s, with the same probability of an error, and calls it unhealthy after
  two failures in a row and healthy after two successes in a row; the monitor takes its word each round.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from dr_core.config import Policy
from dr_core.evidence import LOAD_BALANCER, Evidence, Service, healthy, unhealthy
from dr_core.rounds import SCHEDULE_SECONDS
from dr_core.verdicts import looked_at_since

POLICY = Policy()
ROUND_SECONDS = POLICY.round_seconds
ROUNDS_A_MINUTE = SCHEDULE_SECONDS // ROUND_SECONDS
IN_DOUBT = 2  # rounds of the monitor for one of a prober, at most
SERVICES = tuple(Service)
PROBERS = ("prober:a", "prober:b", "prober:c")

CALL_SECONDS = 0.2  # any call of AWS
LATE_SECONDS = 5.0  # at most, from a minute to the start of a scheduled function
CHECK_SECONDS = 5  # of the load balancers' health checks
CHECKS = 2  # in a row that change a target's health
BLIND_SECONDS = 60
BLIND_ONCE_IN_ROUNDS = 1000

# From a prober's look to its evidence in the table, from the monitor's start of a round to its question to the load
# balancers' answer, and on to the judgement.
WRITTEN_AFTER = 3 * CALL_SECONDS
ASKED_AFTER = 2 * CALL_SECONDS
JUDGED_AFTER = 3 * CALL_SECONDS

_READINGS = (healthy("fine"), unhealthy("connection refused"))
# What a look shows, by the set of services that seem bad, one bit each.
_SHOWN = [
    {service: _READINGS[mask >> bit & 1] for bit, service in enumerate(SERVICES)} for mask in range(1 << len(SERVICES))
]
ALL_BAD = (1 << len(SERVICES)) - 1


def look(observer: str, at: float, mask: int) -> Evidence:
    """What *observer* saw at a time; a bit of *mask* says that a service seemed bad."""
    return Evidence(incarnation="g000001", observer=observer, observed_at=at, services=_SHOWN[mask], front_door=True)


class Schedule:
    """When the rounds of one scheduled function begin, *times* as many as a prober's."""

    def __init__(self, rng: random.Random, rounds: int, *, times: int = 1) -> None:
        self._late = [rng.uniform(0, LATE_SECONDS) for _ in range(rounds // ROUNDS_A_MINUTE + 1)]
        self._a_minute = ROUNDS_A_MINUTE * times
        self._distance = ROUND_SECONDS / times
        self.rounds = rounds * times

    def time(self, number: int) -> float:
        """When round *number* begins, in seconds."""
        minute, round_of_minute = divmod(number, self._a_minute)
        return minute * SCHEDULE_SECONDS + self._late[minute] + round_of_minute * self._distance

    def between(self, begin: float, end: float) -> Iterator[tuple[int, float]]:
        """Rounds, and when they begin, from *begin* to *end*, both included."""
        number = max(0, int((begin - LATE_SECONDS) // self._distance))
        while number < self.rounds and (at := self.time(number)) <= end:
            if at >= begin:
                yield number, at
            number += 1


def _errors(rng: random.Random, rate: float, count: int) -> Iterator[int]:
    """Which of *count* independent trials fail, each with the probability *rate*; draws only for those that do."""
    if rate <= 0:
        return
    scale = math.log1p(-rate)
    number = -1
    while (number := number + 1 + int(math.log(1.0 - rng.random()) / scale)) < count:
        yield number


def _unhealthy_intervals(rng: random.Random, rate: float, count: int, phase: float) -> list[tuple[float, float]]:
    """When a target health is unhealthy although its service is well, by its own hysteresis."""
    found: list[tuple[float, float]] = []
    previous, since, in_a_row = -2, None, 0
    for failed in [*_errors(rng, rate, count), count + 2 * CHECKS]:
        if since is not None and failed - previous > CHECKS:
            found.append((since, phase + CHECK_SECONDS * (previous + CHECKS)))
            since = None
        in_a_row = in_a_row + 1 if failed == previous + 1 else 1
        if since is None and in_a_row >= CHECKS:
            since = phase + CHECK_SECONDS * failed
        previous = failed
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """How often observers err.

    Attributes:
        rate: probability that one reading, or one health check, of one service is wrong.
        blind: whether the network of a prober fails now and then.
    """

    rate: float = 0.05
    blind: bool = True


class World:
    """What everybody sees of a healthy incarnation in so many rounds; the same for the same seed."""

    def __init__(self, seed: int, rounds: int, errors: Errors) -> None:
        rng = random.Random(seed)
        self.seed, self.rate = seed, errors.rate
        self.rounds = rounds
        self.blind: list[tuple[float, str]] = []
        self.monitor = Schedule(rng, rounds, times=IN_DOUBT)
        self.schedules = {prober: Schedule(rng, rounds) for prober in PROBERS}
        self.bad: dict[str, dict[int, int]] = {prober: {} for prober in PROBERS}
        for masks in self.bad.values():
            for bit in range(len(SERVICES)):
                for number in _errors(rng, errors.rate, rounds):
                    masks[number] = masks.get(number, 0) | 1 << bit
        if errors.blind:
            self._blind(rng)
        checks = int(rounds * ROUND_SECONDS // CHECK_SECONDS)
        self._health = [_unhealthy_intervals(rng, errors.rate, checks, rng.uniform(0, CHECK_SECONDS)) for _ in SERVICES]
        self._since = [[begin for begin, _ in intervals] for intervals in self._health]

    def _blind(self, rng: random.Random) -> None:
        for block in range(0, self.rounds, BLIND_ONCE_IN_ROUNDS):
            begin = (block + rng.uniform(0, BLIND_ONCE_IN_ROUNDS)) * ROUND_SECONDS
            prober = rng.choice(PROBERS)
            self.blind.append((begin, prober))
            for number, at in self.schedules[prober].between(begin, begin + BLIND_SECONDS):
                if at < begin + BLIND_SECONDS:
                    self.bad[prober][number] = ALL_BAD

    def target_health(self, at: float) -> int:
        """Which services the load balancer calls unhealthy, one bit each."""
        mask = 0
        for bit, (intervals, since) in enumerate(zip(self._health, self._since, strict=True)):
            index = bisect_right(since, at) - 1
            if index >= 0 and at < intervals[index][1]:
                mask |= 1 << bit
        return mask

    def unhealthy_targets(self) -> Iterator[tuple[int, float, float]]:
        """Bit of the service, begin and end of every time that the load balancer calls a service unhealthy."""
        for bit, intervals in enumerate(self._health):
            for begin, end in intervals:
                yield bit, begin, end

    def evidence(self, now: float, policy: Policy) -> list[Evidence]:
        """What the table holds at *now* that can matter."""
        since = looked_at_since(now=now, policy=policy)
        found = [
            look(prober, at, self.bad[prober].get(number, 0))
            for prober, schedule in self.schedules.items()
            for number, at in schedule.between(since, now - WRITTEN_AFTER)
        ]
        for _, begins in self.monitor.between(since - ASKED_AFTER, now - ASKED_AFTER):
            asked = begins + ASKED_AFTER
            found.append(look(LOAD_BALANCER, asked, self.target_health(asked)))
        return found

    def evidence_now(self, now: float) -> list[Evidence]:
        """What the probers see that are asked at *now*."""
        rng = random.Random(f"{self.seed} {now}")
        blind = {prober for begin, prober in self.blind if begin <= now < begin + BLIND_SECONDS}
        seen = []
        for prober in PROBERS:
            wrong = sum((rng.random() < self.rate) << bit for bit in range(len(SERVICES)))
            seen.append(look(prober, now, ALL_BAD if prober in blind else wrong))
        return seen
