"""Faults of AWS itself and of functions do what they are called."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import pytest

from dr_core.steps import ROLL_BACK, OperationStep, RetirementStep
from emr_drill.faults.alarms import SILENCE_ALARMS
from emr_drill.faults.cloud import AWAY_SECONDS, DEATHS
from emr_drill.faults.model import Fault, Page
from emr_drill.faults.table import FAULTS
from emr_drill.faults.traces import Seen
from emr_drill.ports import Service

from .noting import done_by

KILLED = ("clusters.kill_primary", "j-1")
CLEARED = ("api_faults.clear",)
ALL_BUT_YARN = [("clusters.kill_service", "j-1", service) for service in (Service.LIVY, Service.NAME_NODE)]
# Steps that change nothing but the note that they were entered, where one managed cluster's primary fails.
IDLE = {"Reassess", "Isolate", "Route", "Drain", "Linger"}
CRASHES = {name: fault for name, fault in FAULTS.items() if name.startswith("controller-crash-")}


def crash(step: str, action: str, calls: int = 1) -> tuple[Any, ...]:
    """How a crash is planned."""
    return ("crashes.plan", "failover", step, ("action", action), ("calls", calls))


def lost(action: str) -> tuple[Any, ...]:
    """How an answer is lost."""
    return ("api_faults.lose_answer", action, 1)


@pytest.mark.parametrize(
    ("name", "calls"),
    [
        ("throttled-api", [("api_faults.throttle", "*:*", 0.3), KILLED]),
        ("denied-api", [("api_faults.deny", "cloudformation:CreateStack"), KILLED, CLEARED]),
        ("dynamodb-away", [("api_faults.away", "dynamodb"), CLEARED]),
        ("doubled-events", [("double_events", True), KILLED]),
        ("controller-crash-launch", [crash("Launch", "cloudformation:CreateStack"), KILLED]),
        ("controller-crash-await-fenced", [crash("AwaitFenced", "dynamodb:UpdateItem", 2), KILLED]),
        # What a dead primary leads to would keep them from that: EMR ends its cluster itself, and nothing is mended.
        ("controller-crash-fence", [crash("Fence", "elasticmapreduce:TerminateJobFlows"), *ALL_BUT_YARN]),
        ("lost-answer-terminate-job-flows", [lost("elasticmapreduce:TerminateJobFlows"), *ALL_BUT_YARN]),
        (
            "controller-crash-repair",
            [
                crash("Repair", "elasticmapreduce:AddJobFlowSteps"),
                ("clusters.kill_service", "j-1", Service.LIVY),
            ],
        ),
        (
            "controller-crash-roll-back",
            [("clusters.fail_canary", 1), crash("RollBack", "states:StartExecution"), KILLED],
        ),
        ("lost-answer-create-stack", [lost("cloudformation:CreateStack"), KILLED]),
    ],
)
def test_a_fault_does_what_it_is_called(name: str, calls: list[tuple[Any, ...]]) -> None:
    assert done_by(*FAULTS[name].acts) == calls


def test_the_controller_is_crashed_in_every_state_of_both_machines() -> None:
    """B11: whatever it does when it dies."""
    crashed = [call[2] for fault in FAULTS.values() for call in done_by(*fault.acts) if call[0] == "crashes.plan"]

    assert sorted(crashed) == sorted([*OperationStep, *RetirementStep, ROLL_BACK])


def test_every_step_that_does_something_dies_with_that_and_not_with_the_note_that_it_was_entered() -> None:
    """The note is the first call of each invocation, and writes one item."""
    with_the_note = {
        step
        for fault in CRASHES.values()
        for _, _, step, (_, action), (_, calls) in (call for call in done_by(*fault.acts) if call[0] == "crashes.plan")
        if calls == 1 and any(fnmatchcase(note, action) for note in ("dynamodb:UpdateItem", "dynamodb:PutItem"))
    }

    assert with_the_note == IDLE
    assert {step for step in DEATHS if "noted that it is there" in DEATHS[step].when} == IDLE


@pytest.mark.parametrize("fault", CRASHES.values(), ids=lambda fault: fault.name)
def test_a_crash_row_holds_only_if_the_process_died_where_the_row_says(fault: Fault) -> None:
    ((_, _, step, (_, action), _),) = (call for call in done_by(*fault.acts) if call[0] == "crashes.plan")
    call = action.replace("*", "UpdateItem")
    trace = fault.struck[-1]

    def why_not(**changes: Any) -> str | None:
        crashed = {"at": 1.0, "kind": "function crash", "function": "dep-failover", "step": step, "call": call}
        return trace.why_not(Seen(entries=[{**crashed, **changes}]))

    assert why_not() is None
    assert why_not(call="") is not None  # it died at its end, as the call never came
    assert why_not(call="sqs:CreateQueue") is not None
    assert why_not(step="Other") is not None
    assert why_not(function="dep-monitor") is not None
    assert trace.why_not(Seen()) is not None


def test_livy_is_restarted_once_though_the_controller_dies_when_it_has_asked_for_it() -> None:
    (trace,) = FAULTS["controller-crash-repair"].expect.shows
    step = {"at": 1.0, "kind": "step", "step": "emr-dr-restart-livy-o1", "state": "COMPLETED"}

    assert trace.why_not(Seen(entries=[step])) is None
    assert trace.why_not(Seen(entries=[step, step])) is not None
    assert trace.why_not(Seen(entries=[{**step, "state": "RUNNING"}])) is not None


def hit(action: str, what: str) -> dict[str, Any]:
    return {"at": 1.0, "kind": "api fault", "action": action, "what": what}


@pytest.mark.parametrize(
    ("name", "entries", "struck"),
    [
        ("lost-answer-create-stack", [hit("cloudformation:CreateStack", "answer lost")], True),
        ("lost-answer-create-stack", [hit("cloudformation:DeleteStack", "answer lost")], False),
        ("lost-answer-create-stack", [], False),
        ("denied-api", [hit("cloudformation:CreateStack", "denied")], True),
        ("denied-api", [hit("cloudformation:CreateStack", "throttled")], False),
        ("throttled-api", [hit("sns:Publish", "throttled")] * 30, True),
        ("throttled-api", [hit("sns:Publish", "throttled")] * 29, False),
        ("dynamodb-away", [hit("dynamodb:Query", "away")] * 10, True),
        ("dynamodb-away", [hit("s3:GetObject", "away")] * 10, False),
    ],
)
def test_a_row_of_an_api_fault_holds_only_if_it_hit_a_call(
    name: str, entries: list[dict[str, Any]], struck: bool
) -> None:
    (trace,) = FAULTS[name].struck

    assert (trace.why_not(Seen(entries=entries)) is None) is struck


@pytest.mark.parametrize(("times", "struck"), [(1, False), (2, True)])
def test_events_that_come_twice_are_seen_in_what_runs_every_minute(times: int, struck: bool) -> None:
    (trace,) = FAULTS["doubled-events"].struck
    beats = [{"at": 60.0 * minute, "kind": "metric", "name": "Reconciled"} for minute in range(11)] * times

    assert (trace.why_not(Seen(entries=beats)) is None) is struck


def test_a_person_is_told_that_nobody_watches_while_the_table_is_away() -> None:
    assert FAULTS["dynamodb-away"].expect.told == (Page(missing="MonitorHeartbeat"),)
    assert 60 * (SILENCE_ALARMS["MonitorHeartbeat"] + 1) <= AWAY_SECONDS  # so many whole minutes, wherever it begins


def test_answers_are_lost_of_every_call_that_begins_or_ends_something() -> None:
    lost = {
        call[1] for fault in FAULTS.values() for call in done_by(*fault.acts) if call[0] == "api_faults.lose_answer"
    }

    assert lost == {
        *("cloudformation:CreateStack", "states:StartExecution", "elasticmapreduce:TerminateJobFlows"),
        *("elasticloadbalancing:RegisterTargets", "elasticloadbalancing:ModifyRule"),
        *("dynamodb:UpdateItem", "dynamodb:TransactWriteItems"),
    }
