"""Executions of the two state machines: started once for a name, asked whether they run, stopped."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from dr_core.execution_status import is_forgotten
from dr_core.naming import execution_arn, retired_by, retirement_name
from dr_core.record import Incarnation
from dr_core.requests import Kind, OperationRequest, Reason, RetirementRequest
from failover.errors import ExecutionEndedError

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_OPEN = ("RUNNING", "PENDING_REDRIVE")

# The error that an execution ends with which the product itself stopped.
SUPERSEDED = "Superseded"


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
        """Start an operation; a second start of the same one is a no-op.

        Raises:
            ExecutionEndedError: an execution of this name ended badly; it cannot be started again.
        """
        self._start_once(self.operation_machine, request.operation, request)

    def start_deletion(self, request: RetirementRequest) -> None:
        """Start the retirement of a whole managed cluster; a second start of the same one is a no-op.

        Raises:
            ExecutionEndedError: an execution of this name ended badly; it cannot be started again.
        """
        self._start_once(self.retirement_machine, request.retirement, request)

    def retire(self, incarnation: Incarnation, *, planned: bool) -> None:
        """Start the retirement of an incarnation that is not retired yet, unless one runs.

        A closed execution of its name says nothing: it failed, somebody stopped it, or it retired the incarnation of
        this generation in an earlier life of the deployment.  The next name is tried then; the loop ends, because every
        name that it passes over was started before.  A name that is taken by an execution which Step Functions does
        not know was started a moment ago; if not, the reconciliation calls again.
        """
        for attempt in count(1):
            name = retirement_name(incarnation.managed_cluster, incarnation.generation, attempt=attempt)
            request = RetirementRequest(
                retirement=name,
                managed_cluster=incarnation.managed_cluster,
                generation=incarnation.generation,
                planned=planned,
            )
            if self._start(self.retirement_machine, name, request) in (*_OPEN, ""):
                return

    def runs(self, execution: str, *, since: float | None = None) -> bool:
        """Whether an execution is open; one that Step Functions does not know any more is not.

        Args:
            execution: its ARN.
            since: when somebody last knew of it, seconds since 1970: one that is young is open although Step Functions
                does not know it yet.
        """
        status = self._status(execution)
        return status in _OPEN or (not status and not is_forgotten(since=since, now=time.time()))

    def stop_operations(
        self,
        managed_cluster: str,
        *,
        cause: str,
        kinds: Collection[Kind] = tuple(Kind),
        reasons: Collection[Reason] | None = None,
        spare: Collection[str] = (),
    ) -> list[str]:
        """Stop every running operation of these *kinds* on *managed_cluster*; answer their executions.

        Args:
            managed_cluster: name.
            cause: why they are stopped, for whoever reads their history.
            kinds: what they do.
            reasons: why they run; ``None`` for whatever reason.
            spare: names of operations that go on.
        """
        spared = {self.operation_execution(name) for name in spare}
        running = self.running_operations(managed_cluster, kinds=kinds, reasons=reasons)
        stopped = [execution for execution in running if execution not in spared]
        for execution in stopped:
            self.client.stop_execution(executionArn=execution, error=SUPERSEDED, cause=cause)
        return stopped

    def running_operations(
        self, managed_cluster: str, *, kinds: Collection[Kind], reasons: Collection[Reason] | None = None
    ) -> list[str]:
        """The executions of the running operations of these *kinds* and *reasons* on *managed_cluster*."""
        found = []
        for execution in self._running(self.operation_machine):
            text = self.client.describe_execution(executionArn=execution).get("input", "{}")
            request = json.loads(text).get("request", {})
            wanted = request.get("kind") in kinds and (reasons is None or request.get("reason") in reasons)
            if request.get("managed_cluster") == managed_cluster and wanted:
                found.append(execution)
        return found

    def operation_execution(self, name: str) -> str:
        """ARN of the execution of the operation machine that is called *name*."""
        return execution_arn(self.operation_machine, name)

    def stop(self, execution: str, *, cause: str) -> None:
        """Stop an execution that gives way to another one; one that has ended stays as it is."""
        try:
            self.client.stop_execution(executionArn=execution, error=SUPERSEDED, cause=cause)
        except self.client.exceptions.ExecutionDoesNotExist:
            return

    def running_retirements(self) -> set[tuple[str, int]]:
        """Managed cluster and generation of every incarnation whose own retirement runs."""
        names = (execution.rpartition(":")[2] for execution in self._running(self.retirement_machine))
        return {found for name in names if (found := retired_by(name)) is not None}

    def _running(self, machine: str) -> Iterator[str]:
        pages = self.client.get_paginator("list_executions").paginate(stateMachineArn=machine, statusFilter="RUNNING")
        for page in pages:
            for execution in page["executions"]:
                yield execution["executionArn"]

    def _start_once(self, machine: str, name: str, request: OperationRequest | RetirementRequest) -> None:
        status = self._start(machine, name, request)
        if status not in (*_OPEN, "SUCCEEDED"):
            raise ExecutionEndedError(
                f"execution {name} was started before and is {status or 'forgotten'}; Step Functions starts a name "
                "only once in 90 days: ask again, so that it gets another name"
            )

    def _start(self, machine: str, name: str, request: OperationRequest | RetirementRequest) -> str:
        """Start an execution, unless one of this *name* exists; the status of the one that exists now."""
        try:
            self.client.start_execution(
                stateMachineArn=machine,
                name=name,
                input=json.dumps({"request": request.to_dict()}, sort_keys=True),
            )
        except self.client.exceptions.ExecutionAlreadyExists:
            # It is closed, or it runs with another input.
            return self._status(execution_arn(machine, name))
        return "RUNNING"

    def _status(self, execution: str) -> str:
        """Status of an execution; empty if Step Functions does not know it (any more)."""
        try:
            return self.client.describe_execution(executionArn=execution)["status"]
        except self.client.exceptions.ExecutionDoesNotExist:
            return ""
