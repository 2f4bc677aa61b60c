"""Entry point for executions that failed, timed out or were stopped: what their own last state could not do.

EventBridge sends the event "Step Functions Execution Status Change".  An execution that was refused needs nothing: it
began nothing, and whoever started it reads in it why.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from dr_core.record import Operation, Outcome
from dr_core.requests import Kind, OperationRequest, Reason, RetirementRequest
from dr_core.steps import OPERATION_LIMIT_SECONDS, REFUSED
from failover.closing import Notice, answer_once, close, release_lease
from failover.deployment import Deployment, deployment_from_environment
from failover.executions import SUPERSEDED
from failover.isolation import end_isolation, known_of
from failover.leftovers import give_up_launch
from failover.next_steps import failover_command, next_steps
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
        detail: ``detail`` of the event: ``executionArn``, ``stateMachineArn``, ``status``, ``input``, ``error``,
            ``cause``.
    """
    if detail["status"] not in BAD_ENDS:
        return
    if detail["stateMachineArn"] == deployment.config.operation_state_machine:
        _after_operation(deployment, detail)
    elif detail["stateMachineArn"] == deployment.config.retirement_state_machine:
        _after_retirement(deployment, detail)


def _after_operation(deployment: Deployment, detail: Mapping[str, Any]) -> None:
    name = _name(detail)
    operation = deployment.record.operation(name)
    request = _operation_request(detail, operation, name=name)
    if detail.get("error") == REFUSED or request is None or (operation is None and request.by_hand):
        # An operation that a person asks for is in the record before it does anything.
        logger.info("nothing was begun", extra={"execution": detail["executionArn"], "cause": detail.get("cause")})
        return
    logger.append_keys(operation=request.operation, managed_cluster=request.managed_cluster)
    if operation is None:  # it ended before its first step was carried out
        operation = Operation(id=name, request=request.to_json(), managed_cluster=request.managed_cluster)
        deployment.record.put_new(operation.to_item())
    if request.kind is Kind.STANDBY and detail.get("error") == SUPERSEDED:
        # What it has begun is left to whoever superseded it, or else to the next launch of a standby.
        close(deployment, operation, outcome=Outcome.CANCELLED, message=f"it gave way: {_how(detail)}")
        release_lease(deployment, managed_cluster=request.managed_cluster, execution=detail["executionArn"])
        return
    if operation.outcome in CUT_OVER_OUTCOMES:  # it died, or was stopped, between its record and its end
        finish_cut_over(deployment, operation, request)
        return
    reason = _why(detail, operation)
    try:
        left = _undo(deployment, operation, request)
    except (BotoCoreError, ClientError):
        # It is called again, and what is left after that the reconciliation gives up; who deploys need not wait for it.
        answer_once(deployment, operation, succeeded=False, reason=reason)
        raise
    answer_once(deployment, operation, succeeded=False, reason=f"{reason}. {left}")
    managed_cluster = deployment.record.managed_cluster(request.managed_cluster)
    notice = Notice(
        subject=f"{request.kind} of {request.managed_cluster} {_WORDS[detail['status']]}",
        happened=f"The {request.kind} of managed cluster {request.managed_cluster} ({request.why}), operation {name}, "
        f"did not come to its end: {reason}.",
        done=left,
        to_do=f"{_state_of_service(deployment, operation, request)} {_next(deployment, request, detail)}",
    )
    deleting = managed_cluster is not None and managed_cluster.tombstone
    close(deployment, operation, outcome=Outcome.FAILED, message=reason, notice=None if deleting else notice)
    release_lease(deployment, managed_cluster=request.managed_cluster, execution=detail["executionArn"])


def _undo(deployment: Deployment, operation: Operation, request: OperationRequest) -> str:
    """Give up what the operation had begun, and put back what it had set aside; what was done, in words."""
    left = give_up_launch(deployment, operation)
    # The event may come late, when the next operation has isolated it again.
    managed_cluster = deployment.record.managed_cluster(request.managed_cluster)
    lease = managed_cluster.lease if managed_cluster is not None else None
    mine = lease is None or lease.operation == operation.id
    if operation.outcome is None and mine:
        end_isolation(deployment, operation.old_generation, verdict=known_of(request.reason))
    return left


def _operation_request(detail: Mapping[str, Any], operation: Operation | None, *, name: str) -> OperationRequest | None:
    """What the execution was asked to do; ``None`` if that cannot be read, as of an input written by hand."""
    try:
        return OperationRequest.from_dict({"operation": name, **_input(detail)["request"]})
    except (KeyError, TypeError, ValueError):
        # Of a long input EventBridge tells nothing.
        return OperationRequest.from_json(operation.request) if operation is not None else None


def _input(detail: Mapping[str, Any]) -> Mapping[str, Any]:
    data = json.loads(detail.get("input") or "{}")
    return data if isinstance(data, dict) else {}


def _name(detail: Mapping[str, Any]) -> str:
    return str(detail["executionArn"]).rpartition(":")[2]


_WORDS = {"FAILED": "failed", "TIMED_OUT": "took too long", "ABORTED": "was stopped"}


def _why(detail: Mapping[str, Any], operation: Operation) -> str:
    """Why an operation did not come to its end: the words of its step, where the machine has none of its own."""
    message = (operation.message or "").rstrip(".")
    if detail["status"] == "FAILED" and message:
        return message
    return f"{_how(detail)}{f'; before that: {message}' if message else ''}"


def _how(detail: Mapping[str, Any]) -> str:
    """How an execution ended, in words."""
    cause = detail.get("cause") or "no cause was given"
    match detail["status"]:
        case "ABORTED":
            return (
                f"{'the product' if detail.get('error') == SUPERSEDED else 'a person'} stopped its execution ({cause})"
            )
        case "TIMED_OUT":
            return f"its execution reached its time limit of {OPERATION_LIMIT_SECONDS // 60} minutes"
        case _:
            return f"its execution failed ({cause})"


def _next(deployment: Deployment, request: OperationRequest, detail: Mapping[str, Any]) -> str:
    """What comes next, for whoever reads that the operation did not come to its end."""
    if detail.get("error") == SUPERSEDED and not request.by_hand:
        return "The newer request goes on by itself."
    if detail.get("error") == SUPERSEDED and _is_left_to_a_change(deployment, request):
        return (
            "The deploy that superseded it leaves the availability zone in its place if another one has room, with the "
            "jobs finished first. Look where it serves when it is done; if it is still there, or the deploy fails, "
            "start the evacuation again, under another name."
        )
    text = next_steps(deployment, request)
    if detail["status"] == "ABORTED" and request.reason is Reason.UNHEALTHY:
        return (
            f"{text} To keep it from that, invoke the function {deployment.config.deployment}-control with "
            '{"action": "pause", "because": "..."}.'
        )
    return text


def _is_left_to_a_change(deployment: Deployment, request: OperationRequest) -> bool:
    """Whether the change that superseded an evacuation leaves the AZ in its place."""
    managed_cluster = deployment.record.managed_cluster(request.managed_cluster)
    generation = managed_cluster.serving_generation if managed_cluster is not None else None
    if request.reason is not Reason.EVACUATION or generation is None:
        return False
    serving = deployment.record.incarnation(generation)
    return serving is not None and serving.leave_asked_at is not None


def _state_of_service(deployment: Deployment, operation: Operation, request: OperationRequest) -> str:
    """How a managed cluster stands after an operation that died on its way, for whoever is paged."""
    name = request.managed_cluster
    if request.kind is Kind.STANDBY:
        return "What serves was not touched; a failover would have to launch a cluster as long as nothing stands by."
    old = deployment.record.incarnation(operation.old_generation) if operation.old_generation is not None else None
    if old is not None and old.terminate_requested_at is not None:
        return (
            f"The end of {old.title} ({old.cluster_id}), which served, had been requested: NOTHING MAY BE IN SERVICE "
            f"NOW. Unless the monitor starts a failover within two minutes, start one: "
            f"{failover_command(deployment, name)}"
        )
    return f"Check that managed cluster {name} accepts jobs."


def _after_retirement(deployment: Deployment, detail: Mapping[str, Any]) -> None:
    try:
        request = RetirementRequest.from_dict(_input(detail)["request"])
    except (KeyError, ValueError):
        logger.info("not a retirement of the product", extra={"execution": detail["executionArn"]})
        return
    logger.append_keys(operation=request.retirement, managed_cluster=request.managed_cluster)
    name, deployment_name = request.managed_cluster, deployment.config.deployment
    operation = deployment.record.operation(request.retirement)
    if request.generation is None:
        what = f"every incarnation of managed cluster {name}"
        done = "CloudFormation was told that the deletion failed. Nothing more is done by itself."
        to_do = (
            f"Stacks and clusters called {deployment_name}-{name}-g... may still exist and cost money. "
            "Delete the stack of the deployment again: that goes on where this ended."
        )
    else:
        what = f"generation {request.generation} of managed cluster {name}"
        done = "It is started again by itself within minutes, and goes on where it ended; not while you have paused."
        to_do = (
            f"If you stopped it to keep the cluster, invoke the function {deployment_name}-control with "
            '{"action": "pause", "because": "..."} now: nothing is retired anew until you resume. '
            "If you did not, look at the log of the failover function for what kept failing."
        )
    reason = f"the retirement of {what} did not come to its end: {_how(detail)}"
    if operation is not None:
        answer_once(deployment, operation, succeeded=False, reason=reason)
    deployment.notices.tell(
        subject=f"retirement {request.retirement} {_WORDS[detail['status']]}",
        happened=f"{reason[0].upper()}{reason[1:]}.",
        done=done,
        to_do=to_do,
    )
