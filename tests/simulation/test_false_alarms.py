"""A11, A14: how often a healthy incarnation is called unhealthy; a sample of what ``make proof`` counts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dr_core.evidence import Verdict
from dr_core.verdicts import judge

from . import false_alarms
from .false_alarms import simulate, suspicious_rounds
from .model import JUDGED_AFTER, POLICY, Errors, World


def test_a_healthy_incarnation_is_left_alone() -> None:
    count = simulate(1, rounds=200_000, policy=POLICY)

    assert count.passed == 0
    # Of a million rounds, one or two.
    assert count.unhealthy <= 2


def test_a_single_look_would_raise_many_alarms() -> None:
    single = simulate(2, rounds=4_000, policy=replace(POLICY, bad_rounds=1))

    assert single.unhealthy > simulate(2, rounds=4_000, policy=POLICY).unhealthy


@pytest.mark.parametrize("rate", [0.2, 0.4])
@pytest.mark.parametrize("bad_rounds", [1, 3])
def test_no_other_round_can_be_unhealthy(rate: float, bad_rounds: int) -> None:
    """Only rounds in which enough is bad are judged at all; here every round is."""
    policy = replace(POLICY, bad_rounds=bad_rounds)
    world = World(7, 400, Errors(rate=rate))
    suspicious = set(suspicious_rounds(world, policy))

    unhealthy = set()
    for number in range(world.monitor.rounds):
        begins = world.monitor.time(number)
        now = begins + JUDGED_AFTER
        if judge(world.evidence(now, policy), now=now, policy=policy).verdict is Verdict.UNHEALTHY:
            unhealthy.add(begins)

    assert unhealthy <= suspicious
    assert unhealthy, "nothing was compared"


def test_what_is_dead_comes_past_the_second_look() -> None:
    """A second look that never confirms would pass this simulation as well."""
    count = simulate(1, rounds=100, policy=POLICY, errors=Errors(rate=0.999))

    assert count.started == count.passed > 0


def test_one_operation_runs_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(false_alarms, "reassess", lambda _, started_at, __: (False, started_at + 35))

    count = simulate(1, rounds=60, policy=POLICY, errors=Errors(rate=0.999))

    assert count.unhealthy >= 3 * count.started > 0
    assert count.passed == 0


def test_a_second_look_that_cannot_tell_calls_off() -> None:
    world = World(1, 60, Errors(rate=0, blind=False))

    goes_on, decided_at = false_alarms.reassess(world, 300.0, POLICY)

    assert not goes_on
    assert 303 < decided_at < 320, "as soon as two have looked again"
