"""One clock for everything that a drill simulates.  The machine's own clock stands still in these tests."""

from __future__ import annotations

import threading

import pytest

from emr_drill import clock as module
from emr_drill.clock import Clock


class Machine:
    """The machine's clocks, moved by hand."""

    def __init__(self) -> None:
        self.monotonic_now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.monotonic_now

    def time(self) -> float:
        return 1_800_000_000.0

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.monotonic_now += seconds


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine()
    monkeypatch.setattr(module, "time", made)
    return made


def test_simulated_time_runs_faster_from_the_machines_date(machine: Machine) -> None:
    clock = Clock.start(speed=25)
    machine.monotonic_now += 4

    assert (clock.elapsed(), clock.now()) == (100.0, 1_800_000_100.0)


def test_another_process_reads_the_same_time(machine: Machine) -> None:
    clock = Clock.start(speed=25)
    machine.monotonic_now += 7

    assert Clock.from_json(clock.to_json()).now() == clock.now()


def test_a_sleep_is_as_much_shorter_on_the_machine(machine: Machine) -> None:
    clock = Clock.start(speed=25)
    clock.sleep(50)

    assert machine.slept == [2.0]
    assert clock.elapsed() == 50.0


def test_a_sleep_into_the_past_is_none(machine: Machine) -> None:
    Clock.start(speed=25).sleep(-1)

    assert machine.slept == [0.0]


def test_a_wait_ends_with_its_event() -> None:
    event = threading.Event()
    event.set()

    assert Clock.start(speed=1).wait(event, 3600) is True


def test_a_wait_ends_without_its_event_after_the_simulated_time() -> None:
    """At a speed of a million an hour is over at once."""
    assert Clock.start(speed=1e6).wait(threading.Event(), 3600) is False


@pytest.mark.parametrize("speed", [0, -1])
def test_a_clock_that_stands_or_runs_backwards_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match=f"speed must be above 0, got {speed}"):
        Clock.start(speed=speed)
