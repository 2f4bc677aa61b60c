"""Faults of AWS itself and of functions do what they are called."""

from __future__ import annotations

from typing import Any

import pytest

from dr_core.steps import ROLL_BACK, OperationStep, RetirementStep
from emr_drill.faults.table import FAULTS

from .noting import done_by

KILLED = ("clusters.kill_primary", "j-1")
CLEARED = ("api_faults.clear",)


@pytest.mark.parametrize(
    ("name", "calls"),
    [
        ("throttled-api", [("api_faults.throttle", "*:*", 0.3), KILLED]),
        ("denied-api", [("api_faults.deny", "cloudformation:CreateStack"), KILLED, CLEARED]),
        ("dynamodb-away", [("api_faults.away", "dynamodb"), CLEARED]),
        ("doubled-events", [("double_events", True), KILLED]),
        ("controller-crash-await-fenced", [("functions.crash", "failover", "AwaitFenced", "during"), KILLED]),
        (
            "controller-crash-roll-back",
            [("clusters.fail_canary", 1), ("functions.crash", "failover", "RollBack", "during"), KILLED],
        ),
        ("lost-answer-create-stack", [("api_faults.lose_answer", "cloudformation:CreateStack", 1), KILLED]),
    ],
)
def test_a_fault_does_what_it_is_called(name: str, calls: list[tuple[Any, ...]]) -> None:
    assert done_by(*FAULTS[name].acts) == calls


def test_the_controller_is_crashed_in_every_state_of_both_machines() -> None:
    """B11: whatever it does when it dies."""
    crashed = [call[2] for fault in FAULTS.values() for call in done_by(*fault.acts) if call[0] == "functions.crash"]

    assert sorted(crashed) == sorted([*OperationStep, *RetirementStep, ROLL_BACK])


def test_answers_are_lost_of_every_call_that_begins_or_ends_something() -> None:
    lost = {
        call[1] for fault in FAULTS.values() for call in done_by(*fault.acts) if call[0] == "api_faults.lose_answer"
    }

    assert lost == {
        *("cloudformation:CreateStack", "states:StartExecution", "elasticmapreduce:TerminateJobFlows"),
        *("elasticloadbalancing:RegisterTargets", "elasticloadbalancing:ModifyRule"),
        *("dynamodb:UpdateItem", "dynamodb:TransactWriteItems"),
    }
