"""Which jobs stock clients are given."""

from __future__ import annotations

from emr_drill.clients.kinds import KINDS
from emr_drill.clients.plan import LONG_SECONDS, ClientPlan

PLAN = ClientPlan(kinds=KINDS, long=10, short=4, during=3, after=5)


def test_half_of_each_wave_fails_on_purpose() -> None:
    waves = PLAN.waves(seed=1, speed=5)

    assert sum(job.fails for job in waves.before) == 7
    assert sum(job.fails for job in waves.during) == 2


def test_lengths_are_machine_time_on_the_drills_clock() -> None:
    longs = [job for job in PLAN.waves(seed=1, speed=5).before if job.key.startswith("long")]

    assert all(LONG_SECONDS[0] * 5 <= job.seconds <= LONG_SECONDS[1] * 5 for job in longs)


def test_keys_are_unique() -> None:
    jobs = PLAN.waves(seed=1, speed=5).jobs

    assert len({job.key for job in jobs}) == len(jobs) == 22


def test_every_second_long_job_is_killed() -> None:
    plan = ClientPlan(kinds=KINDS, long=10, short=4, killed=2)
    chosen = plan.chooser(seed=1)(plan.waves(seed=1, speed=5).before)

    assert sum(one.killed_after is not None for one in chosen) == 5
    assert all(one.job.key.startswith("long") for one in chosen if one.killed_after)


def test_the_order_of_clients_differs_from_wave_to_wave() -> None:
    chooser = PLAN.chooser(seed=1)
    jobs = PLAN.waves(seed=1, speed=5).before

    assert [one.kind for one in chooser(jobs)] != [one.kind for one in chooser(jobs)]
