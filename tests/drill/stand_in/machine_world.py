"""A machine of the product's shape, the function that its states call, and what became of an execution."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .fakes import FakeStandIn, fake_stand_in, wait_until

# Answers "wait" until it was called often enough; fails as often as it is told to; keeps a line for each call.
CODE = """
import json, os, pathlib, time

def handler(event, context):
    calls = pathlib.Path(os.environ["CALLS"], event["execution"].split(":")[6], event["step"])
    calls.parent.mkdir(exist_ok=True)
    with calls.open("a") as file:
        file.write(json.dumps({"at": time.time(), "event": event}) + "\\n")
    count = len(calls.read_text().splitlines())
    wanted = event["request"].get(event["step"], {})
    time.sleep(wanted.get("seconds", 0))
    if count <= wanted.get("failures", 0):
        raise type(wanted.get("error", "Broken"), (Exception,), {})("on purpose")
    return {"status": "wait" if count <= wanted.get("waits", 0) else "done", "message": "text"}
"""


def task(step: str, **more: Any) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {
            "FunctionName": "failover",
            "Payload": {
                "machine": "operation",
                "step": step,
                "request.$": "$.request",
                "execution.$": "$$.Execution.Id",
                "entered.$": "$$.State.EnteredTime",
            },
        },
        "ResultSelector": {"status.$": "$.Payload.status", "message.$": "$.Payload.message"},
        "ResultPath": "$.result",
        **more,
    }


def machine(*, wait_seconds: int = 10, time_limit: int = 3300, retry: Any = None) -> dict[str, Any]:
    """Launch, which may be called again after a wait, then CutOver; RollBack and Failed if Launch fails."""
    catch = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "RollBack"}]
    return {
        "StartAt": "Launch",
        "TimeoutSeconds": time_limit,
        "States": {
            "Launch": task("Launch", Next="LaunchNext", Retry=retry or [], Catch=catch),
            "LaunchNext": {
                "Type": "Choice",
                "Choices": [
                    {"Variable": "$.result.status", "StringEquals": "wait", "Next": "LaunchWait"},
                    {"Variable": "$.result.status", "StringEquals": "done", "Next": "CutOver"},
                ],
                "Default": "RollBack",
            },
            "LaunchWait": {"Type": "Wait", "Seconds": wait_seconds, "Next": "Launch"},
            "CutOver": task("CutOver", Next="CutOverDone"),
            "CutOverDone": {"Type": "Succeed"},
            "RollBack": task("RollBack", Next="Failed"),
            "Failed": {"Type": "Fail", "Error": "Failed", "Cause": "rolled back"},
        },
    }


def calls(stand_in: FakeStandIn, execution: str, step: str) -> list[dict[str, Any]]:
    file = stand_in.workdir / execution.split(":")[6] / step
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def states(stand_in: FakeStandIn, execution: str) -> list[str]:
    return [visit.name for visit in stand_in.state_machines.history(execution)]


def history(stand_in: FakeStandIn, execution: str) -> list[dict[str, Any]]:
    """What GetExecutionHistory says."""
    client = stand_in.client("stepfunctions")
    wait_until(lambda: client.get_execution_history(executionArn=execution)["events"])
    events: list[dict[str, Any]] = client.get_execution_history(executionArn=execution)["events"]
    return events


@contextmanager
def machine_stand_in(workdir: Path) -> Iterator[FakeStandIn]:
    """A stand-in with the function that the machines' states call."""
    with fake_stand_in(workdir) as made:
        made.deploy("failover", CODE, Environment={"Variables": {"CALLS": str(workdir)}}, Timeout=3000)
        yield made
