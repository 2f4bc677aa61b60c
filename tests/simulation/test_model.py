"""The world that verdicts are simulated in."""

from __future__ import annotations

import random

import pytest

from dr_core.evidence import LOAD_BALANCER, Service, Verdict
from dr_core.verdicts import looked_at_since

from .model import ALL_BAD, ASKED_AFTER, POLICY, PROBERS, WRITTEN_AFTER, Errors, Schedule, World, look

ROUNDS = 3000


def test_rounds_begin_late_in_each_minute_and_keep_their_distance_in_it() -> None:
    schedule = Schedule(random.Random(1), 600)

    for minute in range(100):
        times = [schedule.time(minute * 6 + number) for number in range(6)]
        assert 0 <= times[0] - minute * 60 <= 5
        assert [round(each - times[0], 6) for each in times] == [0, 10, 20, 30, 40, 50]


def test_a_monitor_in_doubt_makes_twice_as_many() -> None:
    schedule = Schedule(random.Random(1), 600, times=2)

    times = [schedule.time(12 + number) for number in range(12)]
    assert [round(each - times[0], 6) for each in times] == [5 * number for number in range(12)]
    assert 60 <= times[0] <= 65


@pytest.mark.parametrize("often", [1, 2])
def test_rounds_between_two_times_are_found(often: int) -> None:
    schedule = Schedule(random.Random(1), 600 // often, times=often)
    times = [schedule.time(number) for number in range(600)]

    for begin, end in ((0, 100), (123.4, 345.6), (5900 / often, 7000), (times[7], times[9])):
        assert list(schedule.between(begin, end)) == [
            (number, at) for number, at in enumerate(times) if begin <= at <= end
        ]


def test_so_many_readings_are_wrong() -> None:
    world = World(1, ROUNDS, Errors(blind=False))

    for masks in world.bad.values():
        wrong = sum(mask.bit_count() for mask in masks.values())
        assert 0.045 < wrong / (ROUNDS * len(Service)) < 0.055


def test_once_in_a_thousand_rounds_a_prober_is_blind_for_a_minute() -> None:
    world = World(1, ROUNDS, Errors(rate=0))

    blind = [number for masks in world.bad.values() for number, mask in masks.items() if mask == ALL_BAD]
    assert 15 <= len(blind) <= 21
    assert all(mask == ALL_BAD for masks in world.bad.values() for mask in masks.values())


def test_target_health_turns_after_two_checks_in_a_row() -> None:
    """5 s apart: one wrong check changes nothing, and two good ones end it."""
    world = World(1, ROUNDS, Errors(blind=False))

    times = [(begin, end) for _, begin, end in world.unhealthy_targets()]
    assert all((end - begin) % 5 < 1e-6 or 5 - (end - begin) % 5 < 1e-6 for begin, end in times)
    assert min(end - begin for begin, end in times) >= 10 - 1e-6
    # Two failures in a row begin one: about one of 400 checks, of three services.
    assert 0.5 < len(times) / (3 * ROUNDS * 2 / 400) < 1.5


def test_target_health_is_unhealthy_between_its_turns() -> None:
    world = World(1, ROUNDS, Errors(blind=False))

    for bit, begin, end in list(world.unhealthy_targets())[:20]:
        assert world.target_health(begin) >> bit & 1
        assert world.target_health(end - 0.001) >> bit & 1
        assert not world.target_health(begin - 0.001) >> bit & 1
        assert not world.target_health(end) >> bit & 1


def test_without_errors_all_is_well() -> None:
    world = World(1, ROUNDS, Errors(rate=0, blind=False))

    assert world.bad == {prober: {} for prober in PROBERS}
    assert list(world.unhealthy_targets()) == []


def test_the_same_seed_is_the_same_world() -> None:
    assert World(1, ROUNDS, Errors()).evidence(900, POLICY) == World(1, ROUNDS, Errors()).evidence(900, POLICY)
    assert World(1, ROUNDS, Errors()).evidence(900, POLICY) != World(2, ROUNDS, Errors()).evidence(900, POLICY)


def test_evidence_is_what_the_table_holds() -> None:
    world = World(1, ROUNDS, Errors())
    now = 1234.5

    seen = world.evidence(now, POLICY)

    assert {each.observer for each in seen} == {*PROBERS, LOAD_BALANCER}
    for each in seen:
        assert each.observed_at >= looked_at_since(now=now, policy=POLICY)
        assert each.observed_at <= now - (0 if each.observer == LOAD_BALANCER else WRITTEN_AFTER)
    assert {each.observed_at for each in seen if each.observer == LOAD_BALANCER} == {
        at + ASKED_AFTER for _, at in world.monitor.between(now - 50 - ASKED_AFTER, now - ASKED_AFTER)
    }


def test_a_look_shows_which_services_seem_bad() -> None:
    for mask in range(8):
        shown = look("prober:a", 1.0, mask).services
        assert [shown[service].verdict is Verdict.UNHEALTHY for service in Service] == [
            bool(mask >> bit & 1) for bit in range(3)
        ]
