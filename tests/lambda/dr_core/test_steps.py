from __future__ import annotations

import pytest

from dr_core.steps import (
    OPERATION_WAIT_SECONDS,
    PHASES,
    RETIREMENT_WAIT_SECONDS,
    ROLL_BACK,
    OperationStep,
    RetirementStep,
    StepStatus,
    retirement_overdue,
    retirement_wait_seconds,
)

# Step Functions' quota for the history of one execution, and what one round of a step adds: five events of the task,
# two each of the choice and of the wait.
MOST_EVENTS = 25_000
EVENTS_OF_A_ROUND = 9


def test_the_states_of_an_operation() -> None:
    assert [str(step) for step in OperationStep] == [
        "Claim",
        "Reassess",
        "Isolate",
        "Repair",
        "Launch",
        "Verify",
        "Route",
        "Fence",
        "CutOver",
    ]
    assert ROLL_BACK == "RollBack"


def test_the_states_of_a_retirement() -> None:
    assert [str(step) for step in RetirementStep] == [
        "Drain",
        "Linger",
        "AwaitFenced",
        "CloseIds",
        "DeleteStack",
        "Confirm",
    ]


def test_what_a_step_may_answer() -> None:
    assert [str(status) for status in StepStatus] == ["done", "wait", "cancelled", "repaired", "failed", "refused"]


def test_every_state_knows_how_long_it_waits() -> None:
    assert set(OPERATION_WAIT_SECONDS) == {*OperationStep, ROLL_BACK}
    assert set(RETIREMENT_WAIT_SECONDS) == set(RetirementStep)


def test_the_states_around_the_cut_over_wait_shortly() -> None:
    """What they wait for adds to the recovery time."""
    assert OPERATION_WAIT_SECONDS == {
        "Claim": 5,
        "Reassess": 5,
        "Isolate": 5,
        "Repair": 10,
        "Launch": 10,
        "Verify": 2,
        "Route": 2,
        "Fence": 5,
        "CutOver": 2,
        "RollBack": 10,
    }
    assert RETIREMENT_WAIT_SECONDS == {
        "Drain": 15,
        "Linger": 15,
        "AwaitFenced": 10,
        "CloseIds": 5,
        "DeleteStack": 15,
        "Confirm": 15,
    }


@pytest.mark.parametrize(
    ("waited", "seconds"), [(0, 15), (599, 15), (600, 60), (3599, 60), (3600, 300), (500_000, 300)]
)
def test_a_step_of_a_retirement_backs_off(waited: float, seconds: int) -> None:
    assert retirement_wait_seconds(RetirementStep.DELETE_STACK, waited=waited) == seconds


def test_backing_off_is_never_quicker_than_the_first_wait() -> None:
    for step, first in RETIREMENT_WAIT_SECONDS.items():
        assert retirement_wait_seconds(step, waited=0) == first
        assert retirement_wait_seconds(step, waited=601) >= first


@pytest.mark.parametrize("step", [RetirementStep.DRAIN, RetirementStep.LINGER])
@pytest.mark.parametrize(
    ("waited", "seconds"), [(0, 15), (599, 15), (600, 60), (86_399, 60), (86_400, 600), (500_000, 600)]
)
def test_a_state_that_an_eviction_ends_looks_again_within_a_minute(
    step: RetirementStep, waited: float, seconds: int
) -> None:
    """A12: a failover waits for the slot."""
    assert retirement_wait_seconds(step, waited=waited) == seconds


@pytest.mark.parametrize("step", list(RetirementStep))
def test_a_retirement_outlasts_a_zone_that_is_away_for_a_week(step: RetirementStep) -> None:
    waited = 0
    for _ in range(MOST_EVENTS // EVENTS_OF_A_ROUND):
        waited += retirement_wait_seconds(step, waited=waited)

    assert waited > 9 * 86_400


@pytest.mark.parametrize(("waited", "overdue"), [(1799.9, False), (1800, True)])
@pytest.mark.parametrize("step", list(RetirementStep))
def test_a_retirement_that_does_not_get_on_is_overdue(step: RetirementStep, waited: float, overdue: bool) -> None:
    """A drain and a linger end by their own limits."""
    watched = step in ("AwaitFenced", "CloseIds", "DeleteStack", "Confirm")
    assert retirement_overdue(step, waited=waited) is (overdue and watched)


def test_every_state_belongs_to_one_phase() -> None:
    assert [step for steps in PHASES.values() for step in steps] == list(OperationStep)
    assert list(PHASES) == ["decide", "launch", "verify", "cut_over"]
