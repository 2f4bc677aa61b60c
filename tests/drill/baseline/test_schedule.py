"""When the script runs (A11), and what its schedule makes of what it does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, cast

import pytest

from emr_drill.baseline.schedule import PERIOD_SECONDS, Schedule
from emr_drill.baseline.script import Replacement, Script, ScriptError, Seen
from emr_drill.clock import Clock
from emr_drill.timing import Timing

LIMIT = 30.0  # machine seconds; only a failure takes that long
SPEED = 6000.0
DONE = Replacement(began=1.0, why="sick", old="j-1", new="j-2", ended=2.0)


class Runs:
    """A script whose runs do what a test says, one after the other; the last one again and again."""

    def __init__(self, *does: Any) -> None:
        self.does = list(does)
        self.clock = Clock.start(speed=SPEED)
        self.began: list[float] = []
        self.planned: list[float] = []
        self.lines: list[str] = []
        self.enough = threading.Event()
        self.count = len(does)
        self.acting: list[bool] = []
        self.sleep: Callable[[float], None] = lambda seconds: None
        self.say: Callable[[str], None] = lambda text: None
        self.schedule = Schedule(clock=self.clock, timing=Timing(seed=1), make=self._make, say=self.lines.append)

    def _make(self, sleep: Callable[[float], None], say: Callable[[str], None]) -> Script:
        self.sleep, self.say = sleep, say
        return cast(Script, self)

    def run(self) -> Any:
        self.began.append(self.clock.now())
        self.planned.append(self.schedule.runs.next_at)
        self.acting.append(self.schedule.runs.acting)
        if len(self.began) > self.count:
            self.enough.set()
        what = self.does[min(len(self.began), self.count) - 1]
        if callable(what):
            return what(self)
        if isinstance(what, Exception):
            raise what
        return what

    def all(self) -> Runs:
        """Let every run happen, and one more."""
        self.schedule.start()
        assert self.enough.wait(LIMIT)
        self.schedule.stop()
        return self


def test_a_run_a_minute() -> None:
    """A few seconds late, as schedules are; by its plan, as a busy machine is later still."""
    found = Runs(*[Seen.WELL] * 5).all()
    late = [(at - found.planned[0] + 5) % PERIOD_SECONDS for at in found.planned]

    assert PERIOD_SECONDS == 60
    assert len(set(found.planned)) == len(found.planned)
    assert all(0 <= one <= 10 for one in late)
    assert all(began >= planned for began, planned in zip(found.began, found.planned, strict=True))


def test_runs_do_not_overlap_and_a_minute_that_passed_is_skipped() -> None:
    """The kindest reading: the recipe has no lock."""

    def long(self: Runs) -> Seen:
        self.sleep(150)
        return Seen.WELL

    found = Runs(long, Seen.WELL).all()

    assert found.began[1] - found.began[0] >= 150


def test_what_a_run_saw_well_is_known_with_its_time() -> None:
    found = Runs(Seen.WELL).all()

    assert found.schedule.runs.well_at is not None
    assert found.began[-2] < found.schedule.runs.well_at <= found.began[-1]


@pytest.mark.parametrize("last", [Seen.LAUNCHING, DONE, ScriptError("no address")])
def test_nothing_else_counts_as_well(last: Any) -> None:
    assert Runs(Seen.WELL, last).all().schedule.runs.well_at is None


def test_what_was_done_is_kept() -> None:
    found = Runs(DONE, Seen.WELL).all()

    assert found.schedule.runs.replacements == [DONE]


def test_a_run_that_ends_early_is_told_and_the_next_one_comes() -> None:
    found = Runs(ScriptError("no address"), Seen.WELL).all()

    assert found.schedule.runs.failures == ["no address"]
    assert found.lines == ["the script's run ended early: no address"]


def test_a_script_that_says_something_acts_until_its_run_is_over() -> None:
    def act(self: Runs) -> Replacement:
        self.say("launching")
        self.acting.append(self.schedule.runs.acting)
        return DONE

    found = Runs(act, Seen.WELL).all()

    assert found.acting[:3] == [False, True, False]
    assert found.lines == ["launching"]


def test_a_stop_ends_a_run_that_waits() -> None:
    waits = threading.Event()

    def wait(self: Runs) -> Seen:
        waits.set()
        self.sleep(1e9)
        return Seen.WELL

    found = Runs(wait)
    found.schedule.start()
    assert waits.wait(LIMIT)
    found.schedule.stop()

    assert found.schedule.runs.well_at is None


def test_a_schedule_that_broke_is_told() -> None:
    def broken(self: Runs) -> Seen:
        self.enough.set()
        raise ZeroDivisionError

    found = Runs(broken)
    found.schedule.start()
    assert found.enough.wait(LIMIT)

    with pytest.raises(ZeroDivisionError):
        found.schedule.stop()


def test_one_that_never_began_can_be_stopped() -> None:
    Runs(Seen.WELL).schedule.stop()
