"""How long AWS takes."""

from __future__ import annotations

import pytest

from emr_drill.timing import TABLE, Event, Timing

# What every figure of the drill is measured against.  Not to be tuned: a change here changes what the figures mean.
DEFINED: dict[Event, float | tuple[float, float]] = {
    Event.EMR_LAUNCH: 480,
    Event.EMR_TERMINATION: 60,
    Event.EMR_NOTICES_DEAD_PRIMARY: 120,
    Event.CREATE_STACK_TO_CLUSTER_ID: 10,
    Event.EMR_STEP: 40,
    Event.CANARY_JOB: 45,
    Event.ALB_TARGET_HEALTHY: 15,
    Event.ALB_TARGET_UNHEALTHY: (10, 15),
    Event.ALB_CHANGE: 10,
    Event.NLB_CHANGE: 120,
    Event.SCHEDULE_DELAY: (0, 5),
    Event.API_CALL: 0.2,
    Event.COLD_START: 1,
}


def test_the_table_is_as_defined() -> None:
    assert TABLE == DEFINED


@pytest.mark.parametrize("event", Event)
def test_draws_keep_within_the_jitter_and_use_its_width(event: Event) -> None:
    value = DEFINED[event]
    low, high = value if isinstance(value, tuple) else (value * 0.8, value * 1.2)
    timing = Timing(seed=3)
    drawn = [timing.draw(event) for _ in range(300)]

    assert low <= min(drawn) < low + (high - low) * 0.1
    assert high - (high - low) * 0.1 < max(drawn) <= high


def test_the_same_seed_is_the_same_drill() -> None:
    first, second = Timing(seed=1), Timing(seed=1)

    assert [first.draw(event, "a") for event in Event] == [second.draw(event, "a") for event in Event]


def test_another_seed_is_another_drill() -> None:
    assert Timing(seed=1).draw(Event.EMR_LAUNCH) != Timing(seed=2).draw(Event.EMR_LAUNCH)


def test_each_subject_has_a_series_of_its_own() -> None:
    """The order in which threads draw for different subjects changes nothing."""
    first, second = Timing(seed=1), Timing(seed=1)
    a_then_b = {name: first.draw(Event.EMR_LAUNCH, name) for name in ("a", "b")}
    b_then_a = {name: second.draw(Event.EMR_LAUNCH, name) for name in ("b", "a")}

    assert a_then_b == b_then_a


def test_the_draws_of_one_subject_differ() -> None:
    timing = Timing(seed=1)

    assert timing.draw(Event.EMR_LAUNCH, "a") != timing.draw(Event.EMR_LAUNCH, "a")


def test_subjects_and_events_differ() -> None:
    timing = Timing(seed=1)
    shares = {
        timing.draw(Event.EMR_LAUNCH, "a") / 480,
        timing.draw(Event.EMR_LAUNCH, "b") / 480,
        timing.draw(Event.EMR_TERMINATION, "a") / 60,
    }

    assert len(shares) == 3


def test_the_seed_can_be_read() -> None:
    assert Timing(seed=7).seed == 7
