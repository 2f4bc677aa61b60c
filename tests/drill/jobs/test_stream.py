"""A stream of jobs that goes on whatever happens."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from emr_drill.clock import Clock
from emr_drill.jobs import plan
from emr_drill.jobs.plan import Job
from emr_drill.jobs.stream import Stream

LIMIT = 30.0  # machine seconds; only a failure takes that long


class Taker:
    """Takes jobs, and lets a test wait for one."""

    def __init__(self, last: str) -> None:
        self.keys: list[str] = []
        self.came = threading.Event()
        self._last = last

    def add(self, jobs: Sequence[Job]) -> None:
        self.keys += [job.key for job in jobs]
        if self._last in self.keys:
            self.came.set()


def test_every_job_is_handed_over_in_order() -> None:
    jobs = plan.stream(seed=1)[:5]
    taker = Taker(jobs[-1].key)
    stream = Stream(clock=Clock.start(speed=10_000), jobs=jobs, add=taker.add)
    stream.start()

    assert taker.came.wait(LIMIT)
    stream.stop()
    assert taker.keys == [job.key for job in jobs]
    assert stream.over


def test_the_first_comes_at_once_and_the_next_when_it_is_due() -> None:
    jobs = plan.stream(seed=1)[:2]
    taker = Taker(jobs[0].key)
    stream = Stream(clock=Clock.start(speed=1), jobs=jobs, add=taker.add, seconds=1e6)
    stream.start()

    assert taker.came.wait(LIMIT)
    stream.stop()
    assert taker.keys == [jobs[0].key]
    assert not stream.over


def test_one_that_never_began_can_be_stopped() -> None:
    taker = Taker("")
    stream = Stream(clock=Clock.start(speed=1), jobs=plan.stream(seed=1), add=taker.add)

    stream.stop()

    assert (taker.keys, stream.over) == ([], False)


def test_one_that_is_finished_is_over_before_its_last_job() -> None:
    """What it was for has happened."""
    jobs = plan.steady(seed=1)
    taker = Taker(jobs[0].key)
    stream = Stream(clock=Clock.start(speed=1), jobs=jobs, add=taker.add, seconds=1e6)
    stream.start()
    assert taker.came.wait(LIMIT)
    before = stream.over

    stream.finish()

    stream.stop()
    assert (before, stream.over, taker.keys) == (False, True, [jobs[0].key])
