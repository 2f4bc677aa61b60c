"""How often an incarnation that is well is called unhealthy, and how often that would come past the second look."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dr_core.config import Policy
from dr_core.evidence import Verdict
from dr_core.operation_plan import Next, judge_again
from dr_core.steps import OPERATION_WAIT_SECONDS, OperationStep
from dr_core.verdicts import is_confirmed, judge
from failover.steps.reassess import LIMIT_SECONDS

from .model import ASKED_AFTER, CALL_SECONDS, JUDGED_AFTER, PROBERS, ROUND_SECONDS, Errors, World

# From the judgement to Reassess' second look: the incident is opened, the attempt counted, the operation written down
# and started; the function starts, maybe anew, and claims the lease; it is called again and reads.
SECOND_LOOK_AFTER = 4 * CALL_SECONDS + (1 + 3 * CALL_SECONDS) + 4 * CALL_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What a simulation counted.

    Attributes:
        seed: of the simulation.
        rounds: of each prober; the monitor makes twice as many.
        judged: rounds of the monitor that could be unhealthy at all and were judged.
        unhealthy: rounds whose verdict was unhealthy.
        started: operations that this would start: one runs at a time.
        passed: those that came past Reassess.
    """

    seed: int
    rounds: int
    judged: int
    unhealthy: int
    started: int
    passed: int


def simulate(seed: int, *, rounds: int, policy: Policy, errors: Errors | None = None) -> Count:
    """Judge all that a monitor sees in *rounds* rounds of probers over an incarnation that is well."""
    world = World(seed, rounds, errors or Errors())
    judged = unhealthy = started = passed = 0
    free_at = 0.0
    for begins in suspicious_rounds(world, policy):
        now = begins + JUDGED_AFTER
        judged += 1
        if _verdict(world, now, policy) is not Verdict.UNHEALTHY:
            continue
        unhealthy += 1
        if now < free_at:
            continue
        started += 1
        goes_on, free_at = reassess(world, now, policy)
        passed += goes_on
    return Count(seed=seed, rounds=rounds, judged=judged, unhealthy=unhealthy, started=started, passed=passed)


def reassess(world: World, started_at: float, policy: Policy) -> tuple[bool, float]:
    """Whether an operation comes past its second look, and when that is decided."""
    first = started_at + SECOND_LOOK_AFTER
    now = first
    while True:
        verdict = _second_look(world, now, policy, since=started_at)
        again = judge_again(verdict=verdict, waited=now - first, limit=LIMIT_SECONDS)
        if again is not Next.WAIT:
            return again is Next.GO_ON, now
        now += OPERATION_WAIT_SECONDS[OperationStep.REASSESS] + 3 * CALL_SECONDS


def _second_look(world: World, now: float, policy: Policy, *, since: float) -> Verdict:
    """As :func:`failover.observation.second_look` takes it."""
    evidence = world.evidence(now, policy)
    judgement = judge(evidence, now=now, policy=policy, looked_since=since)
    if judgement.verdict is not Verdict.UNKNOWN:
        return judgement.verdict
    looks = world.evidence_now(now)
    again = judge([*evidence, *looks], now=now, policy=policy, looked_since=since)
    return again.verdict if is_confirmed(again, looks, policy=policy) else judgement.verdict


def _verdict(world: World, now: float, policy: Policy) -> Verdict:
    return judge(world.evidence(now, policy), now=now, policy=policy).verdict


def suspicious_rounds(world: World, policy: Policy) -> Iterator[float]:
    """When the rounds of the monitor begin that can be unhealthy.

    In all others no service has K bad looks of two observers, one of them a prober, within the time that a verdict
    looks at; ``test_no_other_round_can_be_unhealthy`` holds ``judge`` to that.
    """
    times: set[int] = set()
    for bit in range(3):
        of_probers = [_enough(_bad_looks(world, prober, bit), policy) for prober in PROBERS]
        of_balancer = _enough(_bad_answers(world, bit), policy)
        for first, one in enumerate(of_probers):
            for other in [*of_probers[first + 1 :], of_balancer]:
                for begin, end in _both(one, other):
                    found = world.monitor.between(begin - JUDGED_AFTER, end - JUDGED_AFTER)
                    times.update(number for number, _ in found)
    return (world.monitor.time(number) for number in sorted(times))


def _bad_looks(world: World, prober: str, bit: int) -> list[float]:
    """When a prober saw a service bad."""
    schedule = world.schedules[prober]
    return [schedule.time(number) for number, mask in sorted(world.bad[prober].items()) if mask >> bit & 1]


def _bad_answers(world: World, bit: int) -> list[float]:
    """When the monitor was told that a service is unhealthy."""
    return [
        begins + ASKED_AFTER
        for its, begin, end in world.unhealthy_targets()
        if its == bit
        for _, begins in world.monitor.between(begin - ASKED_AFTER, end - ASKED_AFTER)
    ]


def _enough(bad: list[float], policy: Policy) -> list[tuple[float, float]]:
    """From when to when K of *bad* lie within the time that a verdict looks at."""
    span = (policy.rounds + 1) * ROUND_SECONDS
    intervals: list[tuple[float, float]] = []
    for first, last in zip(bad, bad[policy.bad_rounds - 1 :], strict=False):
        if last - first > span:
            continue
        if intervals and last <= intervals[-1][1]:
            intervals[-1] = (intervals[-1][0], first + span)
        else:
            intervals.append((last, first + span))
    return intervals


def _both(some: Iterable[tuple[float, float]], others: Iterable[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """The times that lie in one interval of each."""
    left, right = iter(some), iter(others)
    one, other = next(left, None), next(right, None)
    while one is not None and other is not None:
        begin, end = max(one[0], other[0]), min(one[1], other[1])
        if begin <= end:
            yield begin, end
        if one[1] < other[1]:
            one = next(left, None)
        else:
            other = next(right, None)
