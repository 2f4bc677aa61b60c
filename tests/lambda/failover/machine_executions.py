"""Carries out the real definitions of the two machines, one state at a time, on the executions of a world."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from emr_dr.state_machine_definitions import operation_definition, retirement_definition
from failover.calls import StepEvent
from failover.handler import run_step

from .gate import Fault, Invocation
from .parts import OPERATIONS, RETIREMENTS

if TYPE_CHECKING:
    from .machine_world import MachineWorld

DEFINITIONS: dict[str, dict[str, Any]] = {
    OPERATIONS: operation_definition(invoke_resource="invoke", function_arn="function"),
    RETIREMENTS: retirement_definition(invoke_resource="invoke", function_arn="function"),
}
# Seconds until a step that raised is called again.
RETRY_SECONDS = 5.0
BAD_ENDS = ("FAILED", "TIMED_OUT", "ABORTED")


class Executions:
    """The executions of a world, as Step Functions carries them out."""

    def __init__(self, world: MachineWorld) -> None:
        self._world = world
        self.events: list[dict[str, Any]] = []  # of EventBridge, not delivered yet
        self.delivered: list[dict[str, Any]] = []

    def running(self) -> list[str]:
        """The executions that run, the one that is due first first."""
        self._notice()
        found = [arn for arn, each in self._world.executions.items() if each["status"] == "RUNNING"]
        return sorted(found, key=lambda arn: float(self._known(arn)["due"]))

    def due(self, execution: str) -> float:
        """When an execution goes on."""
        return float(self._known(execution)["due"])

    def invocation(
        self, execution: str, *, faults: Mapping[int, Fault] | None = None, pause_at: int | None = None
    ) -> Invocation:
        """The call of the step that an execution stands at, to be run now."""
        known = self._known(execution)
        state = self._definition(execution)["States"][known["state"]]
        payload = state["Parameters"]["Payload"]
        machine, step = payload["machine"], payload["step"]
        event = StepEvent(
            machine=machine,
            step=step,
            request=json.loads(known["input"])["request"],
            execution=execution,
            entered=known["entered"],
        )
        return Invocation(
            name=f"{machine} {step}",
            work=lambda: run_step(self._world.deployment, event),
            faults=faults or {},
            pause_at=pause_at,
            execution=execution,
            machine=machine,
            step=step,
        )

    def take(self, invocation: Invocation) -> None:
        """Let the execution of an invocation that ended go on by its answer, if it still waits for that."""
        assert invocation.execution is not None
        known = self._known(invocation.execution)
        definition = self._definition(invocation.execution)
        state = definition["States"].get(known["state"], {})
        if known["status"] != "RUNNING" or state.get("Type") != "Task":
            return
        if state["Parameters"]["Payload"]["step"] != invocation.step:
            return  # a call whose answer nobody waited for
        now = self._world.clock.now
        if invocation.error is not None:
            known["retries"] += 1
            known["due"] = now + RETRY_SECONDS
            if known["retries"] > state["Retry"][-1]["MaxAttempts"]:
                self._go(known, definition, state["Catch"][0]["Next"])
            return
        answer = invocation.result.to_dict()
        known["wait_seconds"] = answer.get("wait_seconds")
        choice = definition["States"][state["Next"]]
        to = next((each["Next"] for each in choice["Choices"] if each["StringEquals"] == answer["status"]), None)
        self._go(known, definition, to or choice["Default"])

    def give_up_retrying(self, execution: str) -> None:
        """The step that an execution stands at has raised as often as it may."""
        known = self._known(execution)
        definition = self._definition(execution)
        state = definition["States"][known["state"]]
        self._go(known, definition, state["Catch"][0]["Next"])

    def time_out(self) -> None:
        """End the executions that have run for too long."""
        for arn in self.running():
            known = self._known(arn)
            limit = self._definition(arn).get("TimeoutSeconds")
            if limit is not None and self._world.clock.now > known["began"] + limit:
                self._end(known, "TIMED_OUT")
        self._notice()

    def abort(self, execution: str) -> None:
        """A person stops it."""
        self._end(self._known(execution), "ABORTED")
        self._notice()

    def _go(self, known: dict[str, Any], definition: Mapping[str, Any], name: str) -> None:
        now = self._world.clock.now
        state = definition["States"][name]
        known["due"] = now
        match state["Type"]:
            case "Wait":
                known["due"] = now + float(state.get("Seconds") or known["wait_seconds"])
                name = state["Next"]
            case "Succeed":
                self._end(known, "SUCCEEDED")
                return
            case "Fail":
                self._end(known, "FAILED")
                self._notice()
                return
        known.update(state=name, entered=known["due"], retries=0)

    def _end(self, known: dict[str, Any], status: str) -> None:
        known["status"] = status

    def _known(self, execution: str) -> dict[str, Any]:
        """What is kept of an execution, which the fake of Step Functions has started."""
        known: dict[str, Any] = self._world.executions[execution]
        if "state" not in known:
            now = self._world.clock.now
            definition = self._definition(execution)
            start = definition["StartAt"]
            if definition["States"][start]["Type"] == "Choice":  # whether there is a request; there is one
                start = definition["States"][start]["Choices"][0]["Next"]
            known.update(state=start, entered=now, due=now, began=now, retries=0)
        return known

    def _definition(self, execution: str) -> dict[str, Any]:
        return DEFINITIONS[self.machine_of(execution)]

    def machine_of(self, execution: str) -> str:
        """ARN of the machine of an execution."""
        return OPERATIONS if execution.startswith(self._world.execution(OPERATIONS, "")) else RETIREMENTS

    def _notice(self) -> None:
        """EventBridge's events of executions that ended badly, whoever ended them."""
        for arn, each in self._world.executions.items():
            if each["status"] in BAD_ENDS and not each.get("told"):
                each["told"] = True
                self.events.append(
                    {
                        "executionArn": arn,
                        "stateMachineArn": self.machine_of(arn),
                        "status": each["status"],
                        "input": each["input"],
                        "error": each.get("error"),
                        "cause": each.get("cause"),
                    }
                )
