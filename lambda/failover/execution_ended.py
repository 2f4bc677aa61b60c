"""Entry point for executions that failed, timed out or were stopped: what their own last state could not do.

EventBridge sends the event "Step Functions Execution Status Change".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger

from dr_core.record import Operation, Outcome
from dr_core.requests import Kind, OperationRequest, RetirementRequest
from failover.closing import Notice, answer_once, close, release_lease
from failover.deployment import Deployment, deployment_from_environment
from failover.leftovers import give_up_launch
from failover.steps.cut_over import finish_cut_over

logger = Logger()

CUT_OVER_OUTCOMES = (Outcome.LAUNCHED, Outcome.FAILED_OVER, Outcome.SWITCHED_OVER)
BAD_ENDS = ("FAILED", "TIMED_OUT", "ABORTED")


def handler(event: Mapping[str, Any], context: object) -> None:
    """Tidy up after one execution; see :func:`tidy_up`."""
    tidy_up(deployment_from_environment(), event["detail"])


def tidy_up(deployment: Deployment, detail: Mapping[str, Any]) -> None:
    """Answer CloudFormation, give up what was begun, tell people and release the lease, as far as that is not done.

    Args:
        deployment: the deployment.
        detail: ``detail`` of the event: ``executionArn``, ``stateMachineArn``, ``status``, ``input``.
    """
    if detail["status"] not in BAD_ENDS:
        return
    request = json.loads(detail["input"])["request"]
    if detail["stateMachineArn"] == deployment.config.operation_state_machine:
        _after_operation(deployment, OperationRequest.from_dict(request), detail)
    elif detail["stateMachineArn"] == deployment.config.retirement_state_machine:
        _after_retirement(deployment, RetirementRequest.from_dict(request), detail)


def _after_operation(deployment: Deployment, request: OperationRequest, detail: Mapping[str, Any]) -> None:
    logger.append_keys(operation=request.operation, managed_cluster=request.managed_cluster)
    operation = deployment.record.operation(request.operation)
    if operation is None:  # it ended before its first step was carried out
        operation = Operation(id=request.operation, request=request.to_json(), managed_cluster=request.managed_cluster)
        deployment.record.put_new(operation.to_item())
    if operation.outcome in CUT_OVER_OUTCOMES:  # it died, or was stopped, between its record and its end
        finish_cut_over(deployment, operation, request)
        return
    status = detail["status"]
    reason = operation.message or f"the execution ended as {status}: {detail.get('cause') or 'no cause was given'}"
    left = give_up_launch(deployment, operation, planned=request.kind is not Kind.FAILOVER)
    answer_once(deployment, operation, succeeded=False, reason=reason)
    managed_cluster = deployment.record.managed_cluster(request.managed_cluster)
    notice = Notice(
        subject=f"{request.kind} of {request.managed_cluster} ended as {status}",
        happened=f"The {request.kind} of managed cluster {request.managed_cluster} ({request.reason}) did not come to "
        f"its end: {reason}.",
        done=left,
        to_do="Check that the managed cluster accepts jobs. If it is unhealthy, a failover starts by itself; anything "
        "else has to be started again by you.",
    )
    deleting = managed_cluster is not None and managed_cluster.tombstone
    close(deployment, operation, outcome=Outcome.FAILED, message=reason, notice=None if deleting else notice)
    release_lease(deployment, managed_cluster=request.managed_cluster, execution=detail["executionArn"])


def _after_retirement(deployment: Deployment, request: RetirementRequest, detail: Mapping[str, Any]) -> None:
    logger.append_keys(operation=request.retirement, managed_cluster=request.managed_cluster)
    what = "every incarnation" if request.generation is None else f"generation {request.generation}"
    reason = f"the retirement of {what} ended as {detail['status']}: {detail.get('cause') or 'no cause was given'}"
    operation = deployment.record.operation(request.retirement)
    if operation is not None:
        answer_once(deployment, operation, succeeded=False, reason=reason)
    deployment.notices.tell(
        subject=f"retirement {request.retirement} ended as {detail['status']}",
        happened=f"In managed cluster {request.managed_cluster}, {reason}.",
        done="Nothing more is done by itself.",
        to_do="Look at the log of the failover function. Stacks and clusters of it may still exist and cost money: "
        "delete them, or start the retirement again under another name.",
    )
