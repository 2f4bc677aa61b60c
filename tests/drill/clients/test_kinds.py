"""Which clients there are, and who runs what."""

from __future__ import annotations

from collections import Counter

from emr_drill.clients.kinds import KINDS, Program, assign
from emr_drill.jobs.plan import Job

JOBS = [Job(key=f"k{number}", seconds=1, fails=False, keeps_connection=False) for number in range(30)]


def test_every_kind_runs_as_many_jobs() -> None:
    counts = Counter(kind.name for kind in assign(JOBS, KINDS, seed=1))

    assert set(counts.values()) == {len(JOBS) // len(KINDS)}


def test_the_same_seed_is_the_same_order_and_another_is_not() -> None:
    assert assign(JOBS, KINDS, seed=1) == assign(JOBS, KINDS, seed=1)
    assert assign(JOBS, KINDS, seed=1) != assign(JOBS, KINDS, seed=2)


def test_tasks_that_keep_their_connection_poll_after_it_was_closed() -> None:
    """Livy closes one that was idle for 30 s, the front door after 25 s: sooner, the next poll proves nothing."""
    waiting = [kind.polling for kind in KINDS if kind.program is Program.AIRFLOW and not kind.deferrable]

    assert waiting
    assert min(waiting) > 30
