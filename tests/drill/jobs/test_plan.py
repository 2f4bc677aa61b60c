"""The waves of jobs."""

from __future__ import annotations

from emr_drill.jobs import plan


def test_the_same_seed_makes_the_same_jobs() -> None:
    assert plan.make(seed=3) == plan.make(seed=3)


def test_another_seed_makes_other_jobs() -> None:
    assert plan.make(seed=3) != plan.make(seed=4)


def test_there_are_at_least_twenty_jobs_with_unique_keys() -> None:
    keys = [job.key for job in plan.make(seed=1).jobs]

    assert len(set(keys)) == len(keys) >= 20


def test_every_third_job_fails_on_purpose() -> None:
    jobs = plan.make(seed=1).jobs

    assert [job.fails for job in jobs] == [number % 3 == 0 for number in range(1, len(jobs) + 1)]


def test_durations_scale() -> None:
    whole, half = plan.make(seed=1).jobs, plan.make(seed=1, scale=0.5).jobs

    assert all(abs(one.seconds / 2 - other.seconds) <= 0.1 for one, other in zip(whole, half, strict=True))


def test_the_stream_is_the_same_for_everybody_with_the_same_seed() -> None:
    assert plan.stream(seed=3) == plan.stream(seed=3) != plan.stream(seed=4)


def test_jobs_of_the_stream_run_at_any_moment_for_ten_minutes() -> None:
    """Whoever ends a cluster in that time ends jobs with it."""
    jobs = plan.stream(seed=1)

    assert len(jobs) * plan.STREAM_EVERY_SECONDS == 600
    assert min(job.seconds for job in jobs) >= 3 * plan.STREAM_EVERY_SECONDS
    assert [job.fails for job in jobs] == [number % 3 == 0 for number in range(1, len(jobs) + 1)]
    assert not {job.key for job in jobs} & {job.key for job in plan.make(seed=1).jobs}


def test_the_flow_is_long_enough_to_see_a_sick_half_isolated() -> None:
    """A3: a job every two seconds, for longer than that may take at worst."""
    jobs = plan.flow(seed=1)

    assert len({job.key for job in jobs}) == len(jobs) == plan.FLOW_JOBS
    assert plan.FLOW_JOBS * plan.FLOW_EVERY_SECONDS > 70
    assert plan.flow(seed=3) == plan.flow(seed=3) != plan.flow(seed=4)


def test_a_load_has_jobs_of_minutes_and_some_that_outlast_every_limit() -> None:
    """B13."""
    load = plan.Load(jobs=26, overlong=4)
    jobs = plan.loaded(load, seed=1).before
    overlong = [job for job in jobs if job.again is not None]

    assert len({job.key for job in jobs}) == len(jobs) >= load.jobs + load.overlong
    assert [(job.seconds, job.again, job.fails) for job in overlong] == [(2700, 60, False)] * 4
    assert sum(job.seconds >= 240 for job in jobs) >= load.running


def test_a_load_is_the_same_for_everybody_with_the_same_seed() -> None:
    load = plan.Load(overlong=1)

    assert plan.loaded(load, seed=3) == plan.loaded(load, seed=3) != plan.loaded(load, seed=4)
