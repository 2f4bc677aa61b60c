"""The first look at what an operation is asked to do: what a person must not ask for is refused, and nothing is done.

A refused request leaves no trace in the record, so that nothing has to be undone for it.
"""

from __future__ import annotations

from dr_core.record import ManagedCluster, Operation
from dr_core.requests import Circumstances, OperationRequest, is_the_products, read_by_hand, weigh
from dr_core.steps import OPERATION_LIMIT_SECONDS, OperationStep
from failover.calls import StepEvent
from failover.deployment import Deployment


def request_of(deployment: Deployment, event: StepEvent) -> OperationRequest:
    """The request of an operation; one by hand is weighed at the operation's first step, and stands from then on.

    Raises:
        dr_core.requests.RequestRefusedError: it is not allowed; at the first step only.
        ValueError: it is no request of an operation.
    """
    name = event.execution_name
    if event.step != OperationStep.CLAIM or is_the_products(event.request, execution_name=name):
        return OperationRequest.from_dict({"operation": name, **event.request})
    request = read_by_hand(event.request, execution_name=name)
    record = deployment.record
    items = record.get(Operation.key(name), ManagedCluster.key(request.managed_cluster))
    known, found = items.get((Operation.KIND, name)), items.get((ManagedCluster.KIND, request.managed_cluster))
    operation = Operation.from_item(known) if known else None
    used_before = operation is not None and _is_of_another_execution(operation, event)
    if operation is not None and not used_before:
        return request  # it was accepted when this step was called first
    managed_cluster = ManagedCluster.from_item(found) if found else None
    weigh(
        request,
        Circumstances(
            execution_name=name,
            known=[each.name for each in deployment.config.managed_clusters],
            managed_cluster=managed_cluster,
            holder=_holder(deployment, managed_cluster, execution=event.execution),
            used_before=used_before,
        ),
    )
    return request


def _is_of_another_execution(operation: Operation, event: StepEvent) -> bool:
    """Whether an earlier execution had this name: Step Functions forgets names after 90 days, the record does not."""
    first = operation.entered.get(OperationStep.CLAIM)
    return operation.execution != event.execution or first is None or event.entered > first + OPERATION_LIMIT_SECONDS


def _holder(deployment: Deployment, managed_cluster: ManagedCluster | None, *, execution: str) -> str:
    """The operation that holds the lease of a managed cluster while its execution runs, empty if none does.

    Neither does one that gives way: it is stopped when this one claims the lease.
    """
    lease = managed_cluster.lease if managed_cluster is not None else None
    if lease is None or lease.execution == execution or lease.yields:
        return ""
    if not deployment.executions.runs(lease.execution, since=lease.since):
        return ""
    return lease.operation
