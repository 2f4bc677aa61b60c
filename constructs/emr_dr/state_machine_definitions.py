"""The two machines in Amazon States Language, made from the states that :mod:`dr_core.steps` names.

Plain values in, plain values out: no construct is needed to read or to test a definition.  Only JSONPath of the
simplest kind is used (``$.result.status``), so that every interpreter understands it alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from dr_core.steps import (
    OPERATION_LIMIT_SECONDS,
    OPERATION_WAIT_SECONDS,
    REFUSED,
    ROLL_BACK,
    OperationStep,
    RetirementStep,
    StepStatus,
)

# Faults of the Lambda service, not of the function (Step Functions developer guide, "Transient Lambda exceptions").
_SERVICE_RETRY: Mapping[str, Any] = {
    "ErrorEquals": [
        "Lambda.ServiceException",
        "Lambda.AWSLambdaException",
        "Lambda.SdkClientException",
        "Lambda.TooManyRequestsException",
    ],
    "IntervalSeconds": 2,
    "BackoffRate": 2,
    "MaxAttempts": 6,
    "JitterStrategy": "FULL",
}
# Safe because every step is idempotent.  Patient because an error of a call of ours says nothing about the cluster: a
# good launch must not be rolled back for minutes of throttling.  The time limit of the machine bounds it, and what is
# an error of the program ends after seven minutes at the latest.
_OPERATION_RETRY: Mapping[str, Any] = {
    "ErrorEquals": ["States.TaskFailed"],
    "IntervalSeconds": 5,
    "BackoffRate": 2,
    "MaxDelaySeconds": 30,
    "MaxAttempts": 15,
    "JitterStrategy": "FULL",
}
# A retirement has nobody who waits for it and must outlast an AZ that is away: over an hour before it calls a fault
# one of the program.
_RETIREMENT_RETRY: Mapping[str, Any] = {
    "ErrorEquals": ["States.TaskFailed"],
    "IntervalSeconds": 5,
    "BackoffRate": 2,
    "MaxDelaySeconds": 300,
    "MaxAttempts": 20,
}

FAILED = "Failed"
HAS_REQUEST = "HasRequest"
NO_REQUEST = "NoRequest"


def operation_definition(*, invoke_resource: str, function_arn: str) -> dict[str, Any]:
    """The operation machine.

    Args:
        invoke_resource: ARN of Step Functions' Lambda integration, ``arn:<partition>:states:::lambda:invoke``.
        function_arn: the function that carries out the steps.

    Returns:
        The definition: for each step the states ``<Step>`` (calls the function), ``<Step>Next`` (reads its answer) and
        ``<Step>Wait``; the ends ``CutOverDone``, ``Cancelled``, ``Repaired``, ``Failed`` and, for what a person must
        not ask for, ``Refused`` and ``NoRequest``.
    """
    steps = list(OperationStep)
    followers = {step: follower for step, follower in pairwise(steps)}
    undone_until = steps.index(OperationStep.FENCE)
    states: dict[str, Any] = {}
    for position, step in enumerate(steps):
        # From Fence on nothing may be undone: the old incarnation's applications may be dead already.
        on_failure = ROLL_BACK if position < undone_until else FAILED
        states |= _step_states(
            machine="operation",
            step=step,
            invoke_resource=invoke_resource,
            function_arn=function_arn,
            retry=_OPERATION_RETRY,
            pause={"Seconds": OPERATION_WAIT_SECONDS[step]},
            answers={
                StepStatus.DONE: followers.get(step, "CutOverDone"),
                StepStatus.CANCELLED: "Cancelled",
                StepStatus.REPAIRED: "Repaired",
                **({StepStatus.REFUSED: REFUSED} if step is OperationStep.CLAIM else {}),
            },
            otherwise=on_failure,
            on_error=on_failure,
        )
    states |= _step_states(
        machine="operation",
        step=ROLL_BACK,
        invoke_resource=invoke_resource,
        function_arn=function_arn,
        retry=_OPERATION_RETRY,
        pause={"Seconds": OPERATION_WAIT_SECONDS[ROLL_BACK]},
        answers={StepStatus.DONE: FAILED},
        otherwise=FAILED,
        on_error=FAILED,
    )
    return {
        "Comment": "One operation on one managed cluster; it ends at cut-over.",
        "StartAt": HAS_REQUEST,
        "TimeoutSeconds": OPERATION_LIMIT_SECONDS,
        "States": {
            # Without it a task that cannot find its request ends the execution with an error of the interpreter, which
            # no Catch sees and which says nothing to the person who wrote the input.
            HAS_REQUEST: {
                "Type": "Choice",
                "Choices": [{"Variable": "$.request", "IsPresent": True, "Next": steps[0]}],
                "Default": NO_REQUEST,
            },
            **states,
            "CutOverDone": {"Type": "Succeed"},
            "Cancelled": {"Type": "Succeed"},
            "Repaired": {"Type": "Succeed"},
            FAILED: _failed("OperationFailed", "The operation failed; its record says at which step and why."),
            # The sentence is the function's, for whoever started the execution by hand.
            REFUSED: {"Type": "Fail", "Error": REFUSED, "CausePath": "$.result.message"},
            NO_REQUEST: _failed(
                REFUSED,
                'The input has no "request": start it again with {"request": {"kind": "switchover", '
                '"managed_cluster": "a", "reason": "manual"}}, see docs/operation-request.schema.json.',
            ),
        },
    }


def retirement_definition(*, invoke_resource: str, function_arn: str) -> dict[str, Any]:
    """The retirement machine; the arguments are those of :func:`operation_definition`.

    It does not give up: whatever a step answers that is not ``done`` makes it call the step again.
    """
    steps = list(RetirementStep)
    followers = {step: follower for step, follower in pairwise(steps)}
    states: dict[str, Any] = {}
    for step in steps:
        states |= _step_states(
            machine="retirement",
            step=step,
            invoke_resource=invoke_resource,
            function_arn=function_arn,
            retry=_RETIREMENT_RETRY,
            # The step says how long, as it backs off.
            pause={"SecondsPath": "$.result.wait_seconds"},
            result={"wait_seconds.$": "$.Payload.wait_seconds"},
            answers={StepStatus.DONE: followers.get(step, "Retired")},
            otherwise=_wait_name(step),
            on_error=FAILED,
        )
    return {
        "Comment": "The end of one incarnation, or of every incarnation of a managed cluster that is deleted.",
        "StartAt": steps[0],
        "States": {
            **states,
            "Retired": {"Type": "Succeed"},
            FAILED: _failed("RetirementFailed", "A step kept raising errors; the function's log says which."),
        },
    }


def _step_states(
    *,
    machine: str,
    step: str,
    invoke_resource: str,
    function_arn: str,
    retry: Mapping[str, Any],
    pause: Mapping[str, Any],
    answers: Mapping[StepStatus, str],
    otherwise: str,
    on_error: str,
    result: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The three states of one step: call the function, read its answer, wait before the next call.

    *result* is what the state keeps of the answer besides status and message.
    """
    choice = f"{step}Next"
    wait = _wait_name(step)
    return {
        str(step): {
            "Type": "Task",
            "Resource": invoke_resource,
            "Parameters": {
                "FunctionName": function_arn,
                "Payload": {
                    "machine": machine,
                    "step": str(step),
                    "request.$": "$.request",
                    "execution.$": "$$.Execution.Id",
                    "entered.$": "$$.State.EnteredTime",
                },
            },
            "ResultSelector": {
                "status.$": "$.Payload.status",
                "message.$": "$.Payload.message",
                **(result or {}),
            },
            "ResultPath": "$.result",
            "Retry": [dict(_SERVICE_RETRY), dict(retry)],
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": on_error}],
            "Next": choice,
        },
        choice: {
            "Type": "Choice",
            "Choices": [_when(status, follower) for status, follower in ({**answers, StepStatus.WAIT: wait}).items()],
            "Default": otherwise,
        },
        wait: {"Type": "Wait", **pause, "Next": str(step)},
    }


def _wait_name(step: str) -> str:
    return f"{step}Wait"


def _when(status: StepStatus, follower: str) -> dict[str, str]:
    return {"Variable": "$.result.status", "StringEquals": str(status), "Next": str(follower)}


def _failed(error: str, cause: str) -> dict[str, str]:
    return {"Type": "Fail", "Error": error, "Cause": cause}
