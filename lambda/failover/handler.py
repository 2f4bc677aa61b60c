"""Entry point of the ``failover`` function: one step of an operation or of a retirement for each call."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from aws_lambda_powertools import Logger

from dr_core.record import ManagedCluster, Operation, Outcome
from dr_core.requests import RequestRefusedError, RetirementRequest
from dr_core.steps import ROLL_BACK, OperationStep, RetirementStep, StepStatus, retirement_wait_seconds
from failover.acceptance import request_of
from failover.calls import OperationCall, RetirementCall, StepAnswer, StepEvent, done, failed, refused
from failover.closing import release_lease
from failover.deployment import Deployment, deployment_from_environment
from failover.overdue import tell_if_overdue
from failover.record_store import Change
from failover.steps.await_fenced import await_fenced
from failover.steps.claim import claim
from failover.steps.close_ids import close_ids
from failover.steps.confirm import confirm
from failover.steps.cut_over import cut_over, finish_cut_over
from failover.steps.delete_stack import delete_stacks
from failover.steps.drain import drain
from failover.steps.fence import fence
from failover.steps.isolate import isolate
from failover.steps.launch import launch
from failover.steps.linger import linger
from failover.steps.reassess import reassess
from failover.steps.repair import repair
from failover.steps.roll_back import roll_back
from failover.steps.route import route
from failover.steps.verify import verify

logger = Logger()

OPERATION_STEPS: dict[str, Callable[[OperationCall], StepAnswer]] = {
    OperationStep.CLAIM: claim,
    OperationStep.REASSESS: reassess,
    OperationStep.ISOLATE: isolate,
    OperationStep.REPAIR: repair,
    OperationStep.LAUNCH: launch,
    OperationStep.VERIFY: verify,
    OperationStep.ROUTE: route,
    OperationStep.FENCE: fence,
    OperationStep.CUT_OVER: cut_over,
    ROLL_BACK: roll_back,
}
RETIREMENT_STEPS: dict[str, Callable[[RetirementCall], StepAnswer]] = {
    RetirementStep.DRAIN: drain,
    RetirementStep.LINGER: linger,
    RetirementStep.AWAIT_FENCED: await_fenced,
    RetirementStep.CLOSE_IDS: close_ids,
    RetirementStep.DELETE_STACK: delete_stacks,
    RetirementStep.CONFIRM: confirm,
}

# Steps that need no lease: one takes it, the other undoes only what its own operation did.
_WITHOUT_LEASE = (OperationStep.CLAIM, ROLL_BACK)


def handler(event: Mapping[str, Any], context: object) -> dict[str, str | int]:
    """Carry out one step; see :class:`failover.calls.StepEvent` for the event.

    Raises:
        ValueError: the event is no call of a machine.
        Exception: whatever a call of ours raised; it says nothing about the cluster, and the machine calls again.
    """
    call = StepEvent.from_event(event)
    deployment = deployment_from_environment()
    answer = run_step(deployment, call)
    logger.info(answer.message, extra={"step": call.step, "status": str(answer.status)})
    return answer.to_dict()


def run_step(deployment: Deployment, event: StepEvent) -> StepAnswer:
    """Carry out the step that *event* asks for."""
    match event.machine:
        case "operation":
            return _run_operation_step(deployment, event)
        case "retirement":
            return _run_retirement_step(deployment, event)
        case other:
            raise ValueError(f"machine must be operation or retirement, got {other!r}")


def _run_operation_step(deployment: Deployment, event: StepEvent) -> StepAnswer:
    try:
        request = request_of(deployment, event)
    except RequestRefusedError as error:
        return refused(str(error))
    logger.append_keys(operation=request.operation, managed_cluster=request.managed_cluster)
    operation, managed_cluster = _entered(
        deployment,
        event,
        Operation(id=request.operation, request=request.to_json(), managed_cluster=request.managed_cluster),
    )
    if managed_cluster is None:
        raise ValueError(f"managed cluster {request.managed_cluster} is not in the record: it was never created")
    call = OperationCall(
        deployment=deployment,
        request=request,
        execution=event.execution,
        step=event.step,
        operation=operation,
        managed_cluster=managed_cluster,
    )
    if operation.outcome is not None:
        return _after_the_end(call, operation.outcome)
    if event.step not in _WITHOUT_LEASE and not call.holds_lease:
        return _remember(call, failed("another execution took the lease"))
    try:
        return _remember(call, OPERATION_STEPS[event.step](call))
    except Exception as error:
        _remember(call, failed(f"{event.step} raised {type(error).__name__}: {error}"))
        raise


def _run_retirement_step(deployment: Deployment, event: StepEvent) -> StepAnswer:
    request = RetirementRequest.from_dict(event.request)
    logger.append_keys(operation=request.retirement, managed_cluster=request.managed_cluster)
    operation, managed_cluster = _entered(
        deployment,
        event,
        Operation(id=request.retirement, request=request.to_json(), managed_cluster=request.managed_cluster),
    )
    call = RetirementCall(
        deployment=deployment, request=request, step=event.step, operation=operation, managed_cluster=managed_cluster
    )
    try:
        answer = RETIREMENT_STEPS[event.step](call)
    except Exception as error:
        tell_if_overdue(call, f"{type(error).__name__}: {error}")
        raise
    if answer.status is not StepStatus.DONE:
        tell_if_overdue(call, answer.message)
    return replace(answer, wait_seconds=retirement_wait_seconds(event.step, waited=call.waited))


def _entered(deployment: Deployment, event: StepEvent, unknown: Operation) -> tuple[Operation, ManagedCluster | None]:
    """The items of operation and managed cluster; the first entry into each state is noted down."""
    record = deployment.record
    keys = (Operation.key(unknown.id), ManagedCluster.key(unknown.managed_cluster))
    items = record.get(*keys)
    cluster_item = items.get((ManagedCluster.KIND, unknown.managed_cluster))
    managed_cluster = ManagedCluster.from_item(cluster_item) if cluster_item else None
    if (Operation.KIND, unknown.id) not in items:
        first = replace(unknown, execution=event.execution, started_at=time.time(), entered={event.step: event.entered})
        if record.put_new(first.to_item()):
            return first, managed_cluster
        items = record.get(keys[0])
    operation = Operation.from_item(items[Operation.KIND, unknown.id])
    news: dict[str, Any] = {}
    if event.step not in operation.entered:
        news[f"entered.{event.step}"] = event.entered
    if operation.execution is None:
        news["execution"] = event.execution
    if operation.started_at is None:
        news["started_at"] = time.time()
    if news:
        record.change(Change(key=keys[0], values=news))
        operation = replace(
            operation,
            entered={event.step: event.entered, **operation.entered},
            execution=operation.execution or event.execution,
            started_at=operation.started_at or news.get("started_at"),
        )
    return operation, managed_cluster


def _after_the_end(call: OperationCall, outcome: Outcome) -> StepAnswer:
    """The answer of a step that is called again after the operation was closed: it died before it could answer."""
    release_lease(call.deployment, managed_cluster=call.request.managed_cluster, execution=call.execution)
    message = call.operation.message or f"{outcome}"
    match outcome:
        case Outcome.CANCELLED:
            return StepAnswer(status=StepStatus.CANCELLED, message=message)
        case Outcome.REPAIRED:
            return StepAnswer(status=StepStatus.REPAIRED, message=message)
        case Outcome.FAILED:
            return done(message) if call.step == ROLL_BACK else failed(message)
        case Outcome.STANDS_BY:
            return done(message)
        case Outcome.LAUNCHED | Outcome.FAILED_OVER | Outcome.SWITCHED_OVER:
            finish_cut_over(call.deployment, call.operation, call.request)
            return done(message)


def _remember(call: OperationCall, answer: StepAnswer) -> StepAnswer:
    """Note down why a step failed, for whoever ends the operation."""
    if answer.status is StepStatus.FAILED and call.step != ROLL_BACK:
        call.deployment.record.change(
            Change(
                key=Operation.key(call.operation.id),
                values={"message": answer.message},
                condition="attribute_not_exists(#outcome)",
            )
        )
    return answer
