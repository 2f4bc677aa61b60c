"""The machines' definitions, walked with the answers that a function may give."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import jsonschema
import pytest

from dr_core.steps import OPERATION_WAIT_SECONDS, REFUSED, ROLL_BACK, OperationStep, RetirementStep
from emr_dr.request_schema import request_schema
from emr_dr.state_machine_definitions import operation_definition, retirement_definition

OPERATION = operation_definition(invoke_resource="arn:aws:states:::lambda:invoke", function_arn="arn:failover")
RETIREMENT = retirement_definition(invoke_resource="arn:aws:states:::lambda:invoke", function_arn="arn:failover")
RAISES = "raises"
SCHEMA = jsonschema.Draft202012Validator(request_schema())


def walk(definition: Mapping[str, Any], answers: Mapping[str, Sequence[str]] | None = None) -> tuple[list[str], str]:
    """Follow a machine; steps without *answers* answer ``done``, the last answer of the others repeats.

    Returns:
        The steps called, and the state at which the machine ends.
    """
    left = {step: list(texts) for step, texts in (answers or {}).items()}
    called: list[str] = []
    states, name, status = definition["States"], definition["StartAt"], ""
    for _ in range(200):
        state = states[name]
        match state["Type"]:
            case "Task":
                step = state["Parameters"]["Payload"]["step"]
                called.append(step)
                texts = left.get(step, ["done"])
                status = texts.pop(0) if len(texts) > 1 else texts[0]
                name = state["Catch"][0]["Next"] if status == RAISES else state["Next"]
            case "Choice":
                found = [each["Next"] for each in state["Choices"] if each.get("StringEquals", status) == status]
                name = found[0] if found else state["Default"]
            case "Wait":
                name = state["Next"]
            case _:
                return called, name
    raise AssertionError(f"the machine does not end: {called}")


def test_operation_takes_every_step_in_order_up_to_cut_over() -> None:
    """A12."""
    assert walk(OPERATION) == ([str(step) for step in OperationStep], "CutOverDone")


def test_step_that_waits_is_called_again() -> None:
    called, end = walk(OPERATION, {"Launch": ["wait", "wait", "done"]})

    assert called.count("Launch") == 3
    assert end == "CutOverDone"


@pytest.mark.parametrize("step", list(OperationStep))
def test_operation_waits_as_long_as_the_shared_table_says(step: OperationStep) -> None:
    assert OPERATION["States"][f"{step}Wait"] == {
        "Type": "Wait",
        "Seconds": OPERATION_WAIT_SECONDS[step],
        "Next": str(step),
    }


def test_cancelled_operation_ends_well_without_another_step() -> None:
    """A14: a single failed check does not act."""
    assert walk(OPERATION, {"Reassess": ["cancelled"]}) == (["Claim", "Reassess"], "Cancelled")


def test_repaired_operation_ends_well_before_launch() -> None:
    called, end = walk(OPERATION, {"Repair": ["repaired"]})

    assert "Launch" not in called
    assert end == "Repaired"


def test_what_is_not_allowed_ends_with_the_functions_sentence() -> None:
    """Whoever started it by hand reads there what to change."""
    assert walk(OPERATION, {"Claim": ["refused"]}) == (["Claim"], "Refused")
    assert OPERATION["States"]["Refused"] == {"Type": "Fail", "Error": REFUSED, "CausePath": "$.result.message"}


@pytest.mark.parametrize("step", list(OperationStep)[1:])
def test_nothing_is_refused_once_it_was_begun(step: str) -> None:
    called, end = walk(OPERATION, {step: ["refused"]})

    assert end == "Failed"
    assert (ROLL_BACK in called) == (step in UNDONE)


def test_input_without_a_request_ends_before_any_step() -> None:
    """The interpreter's own error would say nothing to the person who wrote it."""
    assert OPERATION["StartAt"] == "HasRequest"
    assert OPERATION["States"]["HasRequest"]["Choices"] == [
        {"Variable": "$.request", "IsPresent": True, "Next": "Claim"}
    ]
    end = OPERATION["States"][OPERATION["States"]["HasRequest"]["Default"]]
    assert end["Error"] == REFUSED
    example = end["Cause"].split("start it again with ")[1].split(", see ")[0]
    assert SCHEMA.is_valid(json.loads(example))


UNDONE = [step for step in OperationStep if step not in (OperationStep.FENCE, OperationStep.CUT_OVER)]


@pytest.mark.parametrize("answer", ["failed", RAISES])
@pytest.mark.parametrize("step", UNDONE)
def test_what_fails_before_fence_is_rolled_back(step: str, answer: str) -> None:
    """A14: the old cluster stays until a new one is healthy."""
    called, end = walk(OPERATION, {step: [answer], ROLL_BACK: ["wait", "done"]})

    assert called[-3:] == [step, ROLL_BACK, ROLL_BACK]
    assert end == "Failed"


@pytest.mark.parametrize("answer", ["failed", RAISES])
@pytest.mark.parametrize("step", [OperationStep.FENCE, OperationStep.CUT_OVER])
def test_what_fails_from_fence_on_is_not_rolled_back(step: str, answer: str) -> None:
    called, end = walk(OPERATION, {step: [answer]})

    assert ROLL_BACK not in called
    assert end == "Failed"


@pytest.mark.parametrize("answer", ["failed", RAISES])
def test_roll_back_that_fails_ends_the_operation(answer: str) -> None:
    called, end = walk(OPERATION, {"Launch": ["failed"], ROLL_BACK: [answer]})

    assert called[-1] == ROLL_BACK
    assert end == "Failed"


def test_operation_ends_before_cloudformation_gives_up() -> None:
    assert OPERATION["TimeoutSeconds"] < 3600


def test_retirement_takes_every_step_in_order() -> None:
    assert walk(RETIREMENT) == ([str(step) for step in RetirementStep], "Retired")


@pytest.mark.parametrize("step", list(RetirementStep))
@pytest.mark.parametrize("answer", ["failed", "cancelled", "wait"])
def test_retirement_does_not_give_up(step: RetirementStep, answer: str) -> None:
    called, end = walk(RETIREMENT, {step: [answer, answer, "done"]})

    assert called.count(step) == 3
    assert end == "Retired"


@pytest.mark.parametrize("step", list(RetirementStep))
def test_retirement_waits_as_long_as_its_step_answers(step: RetirementStep) -> None:
    """A step backs off, as the history of an execution is limited and a zone may be away for days."""
    assert RETIREMENT["States"][f"{step}Wait"] == {
        "Type": "Wait",
        "SecondsPath": "$.result.wait_seconds",
        "Next": str(step),
    }
    assert RETIREMENT["States"][step]["ResultSelector"]["wait_seconds.$"] == "$.Payload.wait_seconds"


def test_retirement_fails_when_a_step_keeps_raising() -> None:
    assert walk(RETIREMENT, {"Confirm": [RAISES]})[1] == "Failed"


@pytest.mark.parametrize("definition", [OPERATION, RETIREMENT], ids=["operation", "retirement"])
def test_every_step_is_called_with_what_the_function_needs(definition: Mapping[str, Any]) -> None:
    tasks = {name: state for name, state in definition["States"].items() if state["Type"] == "Task"}

    for name, state in tasks.items():
        payload = state["Parameters"]["Payload"]
        assert payload["step"] == name
        assert payload["machine"] in ("operation", "retirement")
        assert payload["request.$"] == "$.request"
        assert payload["execution.$"] == "$$.Execution.Id"
        assert payload["entered.$"] == "$$.State.EnteredTime"


@pytest.mark.parametrize("definition", [OPERATION, RETIREMENT], ids=["operation", "retirement"])
def test_answer_is_kept_beside_the_request(definition: Mapping[str, Any]) -> None:
    for state in definition["States"].values():
        if state["Type"] == "Task":
            assert state["ResultPath"] == "$.result"
            kept = {"status.$": "$.Payload.status", "message.$": "$.Payload.message"}
            assert {name: state["ResultSelector"].get(name) for name in kept} == kept


@pytest.mark.parametrize("definition", [OPERATION, RETIREMENT], ids=["operation", "retirement"])
def test_faults_of_the_lambda_service_are_retried_with_jitter(definition: Mapping[str, Any]) -> None:
    for state in definition["States"].values():
        if state["Type"] == "Task":
            service = state["Retry"][0]
            assert "Lambda.TooManyRequestsException" in service["ErrorEquals"]
            assert service["JitterStrategy"] == "FULL"


def back_off(retry: Mapping[str, Any]) -> list[int]:
    """The longest wait before each further attempt, in seconds."""
    return [
        min(retry["MaxDelaySeconds"], retry["IntervalSeconds"] * retry["BackoffRate"] ** number)
        for number in range(retry["MaxAttempts"])
    ]


def test_retirement_outlasts_errors_of_an_hour() -> None:
    assert sum(back_off(RETIREMENT["States"]["DeleteStack"]["Retry"][1])) >= 3600


@pytest.mark.parametrize("step", [*OperationStep, ROLL_BACK])
def test_operation_outlasts_minutes_of_errors_of_our_own_calls(step: str) -> None:
    """A14: a good launch is not rolled back because a service throttled us; half of the longest is the mean."""
    retry = OPERATION["States"][step]["Retry"][1]

    assert retry["ErrorEquals"] == ["States.TaskFailed"]
    assert retry["JitterStrategy"] == "FULL"
    assert max(back_off(retry)) == 30
    assert 180 <= sum(back_off(retry)) / 2 < OPERATION["TimeoutSeconds"] / 10


@pytest.mark.parametrize("definition", [OPERATION, RETIREMENT], ids=["operation", "retirement"])
def test_every_state_leads_to_a_state_that_exists(definition: Mapping[str, Any]) -> None:
    states = definition["States"]
    targets = {definition["StartAt"]}
    for state in states.values():
        targets |= {state[key] for key in ("Next", "Default") if key in state}
        targets |= {each["Next"] for key in ("Choices", "Catch") for each in state.get(key, ())}

    assert targets == set(states)
