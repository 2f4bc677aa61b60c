"""What a machine asks of this function, and what a step answers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from dr_core.record import Incarnation, ManagedCluster, Operation
from dr_core.requests import OperationRequest, RetirementRequest
from dr_core.steps import StepStatus
from failover.deployment import Deployment
from failover.errors import InvariantError


@dataclass(frozen=True, slots=True, kw_only=True)
class StepAnswer:
    """What a step answers to its machine: what to do next, and one sentence that a person understands.

    Attributes:
        status: what to do next.
        message: the sentence.
        wait_seconds: how long to wait before the next call, for a machine that does not know it by itself.
    """

    status: StepStatus
    message: str
    wait_seconds: int | None = None

    def to_dict(self) -> dict[str, str | int]:
        """Plain values, as the machine reads them."""
        plain: dict[str, str | int] = {"status": str(self.status), "message": self.message}
        return plain if self.wait_seconds is None else {**plain, "wait_seconds": self.wait_seconds}


def done(message: str) -> StepAnswer:
    """Go on to the next state."""
    return StepAnswer(status=StepStatus.DONE, message=message)


def wait(message: str) -> StepAnswer:
    """Call this step again after a while."""
    return StepAnswer(status=StepStatus.WAIT, message=message)


def failed(message: str) -> StepAnswer:
    """It cannot be done."""
    return StepAnswer(status=StepStatus.FAILED, message=message)


def cancelled(message: str) -> StepAnswer:
    """Nothing needs to be done any more."""
    return StepAnswer(status=StepStatus.CANCELLED, message=message)


def refused(message: str) -> StepAnswer:
    """It is not allowed; nothing was changed."""
    return StepAnswer(status=StepStatus.REFUSED, message=message)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationCall:
    """One call of a step of an operation, with what the record says at that moment.

    Attributes:
        deployment: what the step may touch.
        request: what the operation is for.
        execution: ARN of the execution that calls.
        step: name of the step.
        operation: the operation's item; ``entered`` holds this step already.
        managed_cluster: the managed cluster's item.
    """

    deployment: Deployment
    request: OperationRequest
    execution: str
    step: str
    operation: Operation
    managed_cluster: ManagedCluster

    @property
    def waited(self) -> float:
        """Seconds since this step was first entered."""
        return time.time() - self.operation.entered[self.step]

    @property
    def holds_lease(self) -> bool:
        """Whether this execution may change the managed cluster."""
        return self.managed_cluster.lease is not None and self.managed_cluster.lease.execution == self.execution

    def new_incarnation(self) -> Incarnation:
        """The incarnation that this operation launches.

        Raises:
            InvariantError: the record has none; the step before would not have answered ``done``.
        """
        generation = self.operation.generation
        found = self.deployment.record.incarnation(generation) if generation is not None else None
        if found is None:
            raise InvariantError(f"operation {self.operation.id} has launched nothing that {self.step} could work on")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class RetirementCall:
    """One call of a step of a retirement, with what the record says at that moment.

    Attributes:
        deployment: what the step may touch.
        request: what is retired.
        step: name of the step.
        operation: the item of the retirement, of kind ``operation``.
        managed_cluster: the managed cluster's item; ``None`` if it was never recorded.
    """

    deployment: Deployment
    request: RetirementRequest
    step: str
    operation: Operation
    managed_cluster: ManagedCluster | None

    @property
    def waited(self) -> float:
        """Seconds since this step was first entered."""
        return time.time() - self.operation.entered[self.step]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEvent:
    """The event that a machine calls the function with.

    Attributes:
        machine: ``operation`` or ``retirement``.
        step: name of the step.
        request: the machine's request.
        execution: ARN of the execution.
        entered: when the state was entered this time, seconds since 1970.
    """

    machine: str
    step: str
    request: Mapping[str, Any]
    execution: str
    entered: float

    @property
    def execution_name(self) -> str:
        """The name of the execution; the id of its operation."""
        return self.execution.rpartition(":")[2]

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> Self:
        """The call that a machine's *event* describes.

        Raises:
            ValueError: *event* is no call of a machine; names what is missing.
        """
        try:
            return cls(
                machine=event["machine"],
                step=event["step"],
                request=event["request"],
                execution=event["execution"],
                entered=datetime.fromisoformat(event["entered"]).timestamp(),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(
                f"not a call of a state machine, {error!r} is missing or wrong: {dict(event)!r}"
            ) from error
