"""Executions of the two state machines: started once for a name, asked whether they run, stopped."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dr_core.naming import retirement_name
from dr_core.requests import Kind, OperationRequest, RetirementRequest

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


@dataclass(frozen=True, kw_only=True)
class Executions:
    """The executions of a deployment's machines.

    Attributes:
        client: Step Functions.
        operation_machine: ARN.
        retirement_machine: ARN.
    """

    client: SFNClient
    operation_machine: str
    retirement_machine: str

    def start_operation(self, request: OperationRequest) -> None:
        """Start an operation; a second start of the same one is a no-op."""
        self._start(self.operation_machine, request.operation, request)

    def start_deletion(self, request: RetirementRequest) -> None:
        """Start the retirement of a whole managed cluster; a second start of the same one is a no-op."""
        self._start(self.retirement_machine, request.retirement, request)

    def retire(self, *, managed_cluster: str, generation: int, planned: bool) -> None:
        """Start the retirement of one incarnation; a second start is a no-op."""
        name = retirement_name(managed_cluster, generation)
        request = RetirementRequest(
            retirement=name, managed_cluster=managed_cluster, generation=generation, planned=planned
        )
        self._start(self.retirement_machine, name, request)

    def runs(self, execution: str) -> bool:
        """Whether an execution is open; one that Step Functions does not know (any more) is not."""
        try:
            return self.client.describe_execution(executionArn=execution)["status"] in ("RUNNING", "PENDING_REDRIVE")
        except self.client.exceptions.ExecutionDoesNotExist:
            return False

    def stop_operations(self, managed_cluster: str, *, cause: str, kinds: Collection[Kind] = tuple(Kind)) -> list[str]:
        """Stop every running operation of these *kinds* on *managed_cluster*; answer their executions."""
        stopped = []
        for execution in self._running_operations():
            text = self.client.describe_execution(executionArn=execution).get("input", "{}")
            request = json.loads(text).get("request", {})
            if request.get("managed_cluster") == managed_cluster and request.get("kind") in kinds:
                self.client.stop_execution(executionArn=execution, error="Superseded", cause=cause)
                stopped.append(execution)
        return stopped

    def _running_operations(self) -> Iterator[str]:
        pages = self.client.get_paginator("list_executions").paginate(
            stateMachineArn=self.operation_machine, statusFilter="RUNNING"
        )
        for page in pages:
            for execution in page["executions"]:
                yield execution["executionArn"]

    def _start(self, machine: str, name: str, request: OperationRequest | RetirementRequest) -> None:
        try:
            self.client.start_execution(
                stateMachineArn=machine,
                name=name,
                input=json.dumps({"request": request.to_dict()}, sort_keys=True),
            )
        except self.client.exceptions.ExecutionAlreadyExists:
            # It has run and is closed: whoever asks again does so because his own step is being repeated.
            return
