from __future__ import annotations

from dr_core.steps import (
    OPERATION_WAIT_SECONDS,
    PHASES,
    RETIREMENT_WAIT_SECONDS,
    ROLL_BACK,
    OperationStep,
    RetirementStep,
    StepStatus,
)


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
    assert [str(step) for step in RetirementStep] == ["Drain", "AwaitFenced", "CloseIds", "DeleteStack", "Confirm"]


def test_what_a_step_may_answer() -> None:
    assert [str(status) for status in StepStatus] == ["done", "wait", "cancelled", "repaired", "failed"]


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
        "Drain": 60,
        "AwaitFenced": 10,
        "CloseIds": 5,
        "DeleteStack": 15,
        "Confirm": 15,
    }


def test_every_state_belongs_to_one_phase() -> None:
    assert [step for steps in PHASES.values() for step in steps] == list(OperationStep)
    assert list(PHASES) == ["decide", "launch", "verify", "cut_over"]
