"""Entry point of the custom resource ``Custom::EmrManagedCluster``.

It starts an execution and returns.  The execution answers CloudFormation at its end; here an answer is given only
where nothing has to run (scaling limits and tags are changed at once), or where nothing could be started.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import Any

from aws_lambda_powertools import Logger

from dr_core.naming import deletion_name, operation_of_stack_request
from dr_core.record import Incarnation, IncarnationState, ManagedCluster, Operation
from dr_core.requests import Kind, OperationRequest, Reason, RetirementRequest
from dr_core.specs import Difference, Spec, difference
from dr_core.standby import spec_digest
from failover.closing import release_lease
from failover.deployment import Deployment, deployment_from_environment
from failover.errors import ExecutionEndedError
from failover.in_place import change_in_place, request_key
from failover.leftovers import BEGUN, give_up_launch, takes_over_already
from failover.record_store import Change, new_item
from failover.request_order import change_in_turn, is_in_order, is_latest, while_latest
from failover.resource_request import ResourceRequest, answer_of, parse
from failover.sdk import OldSdkError, check_sdk
from failover.stack_answers import StackAnswers

logger = Logger()

_PLANNED = (Kind.SWITCHOVER, Kind.LAUNCH)
# Why an operation runs that CloudFormation asked for.
_OF_CLOUDFORMATION = (Reason.UPGRADE, Reason.BOOTSTRAP)
_SUPERSEDED = "superseded by a newer request of CloudFormation"


def handler(event: Mapping[str, Any], context: object) -> None:
    """Carry out one request of CloudFormation; whatever goes wrong is answered FAILED at once."""
    answer = answer_of(event, deployment="", name="")
    try:
        deployment = deployment_from_environment()
        respond(deployment, event)
    except Exception as error:
        logger.exception("the request could not be carried out")
        StackAnswers().send(answer, succeeded=False, reason=_in_words(error))


def _in_words(error: Exception) -> str:
    """What whoever deploys reads in the events of the stack."""
    if isinstance(error, ValueError | OldSdkError | ExecutionEndedError):
        return str(error)  # written for that reader
    return (
        f"the request could not be carried out ({type(error).__name__}: {error}); "
        "the log of the function of the managed clusters says more: deploy again when the reason is gone"
    )


def respond(deployment: Deployment, event: Mapping[str, Any]) -> None:
    """Start what the request asks for; a request that is delivered twice starts it once.

    One that is delivered again when a newer one has come does nothing: CloudFormation does not wait for it any more.

    Raises:
        ValueError: the request's properties are wrong, or the request is of no known type.
        OldSdkError: the runtime cannot do what the request asks for.
    """
    if event["RequestType"] == "Delete" and _was_refused(deployment, event):
        answer = answer_of(event, deployment="", name="")
        deployment.stack_answers.send(answer, succeeded=True, reason="nothing was ever launched for it")
        return
    request = parse(deployment, event)
    request_id = request.answer.request_id
    logger.append_keys(managed_cluster=request.name, request=request_id)
    if not is_in_order(deployment, managed_cluster=request.name, request_id=request_id):
        logger.warning("a newer request has come since this one was delivered first")
        return
    if request.kind in ("Create", "Update"):
        check_sdk()
        deployment.network.of_request(event, name=request.name, record=deployment.record)
    match request.kind:
        case "Create":
            _create(deployment, request)
        case "Update":
            _update(deployment, request)
        case "Delete":
            _delete(deployment, request)
        case other:
            raise ValueError(f"RequestType must be Create, Update or Delete, got {other!r}")


def _was_refused(deployment: Deployment, event: Mapping[str, Any]) -> bool:
    """Whether the resource that shall go was never accepted: it would be refused, and nothing of its name lives.

    CloudFormation deletes what it failed to create, with the same properties; refusing them again would leave a stack
    that cannot be deleted.
    """
    try:
        parse(deployment, {**event, "RequestType": "Create"})
    except ValueError:
        name = event["ResourceProperties"].get("Name")
        return not any(
            each.managed_cluster == name and each.state is not IncarnationState.RETIRED
            for each in deployment.record.incarnations()
        )
    return False


def _is_repeat(deployment: Deployment, operation: str) -> bool:
    """Whether the execution of a request runs or ran: Lambda delivers an event at least once, at times hours later."""
    known = deployment.record.operation(operation)
    return known is not None and bool(known.entered)


def _operations_of(request: ResourceRequest) -> list[str]:
    """What the operation of a request may be called, which depends on what is met when it comes."""
    return [operation_of_stack_request(request.name, kind, request.answer.request_id) for kind in _PLANNED]


def _is_under_way(deployment: Deployment, request: ResourceRequest) -> bool:
    """Whether an earlier delivery of a request has its operation; see to it that it was started.

    Nothing is stopped for a repeat: what runs by now may be its own execution, or that of a newer request.
    """
    for name in _operations_of(request):
        known = deployment.record.operation(name)
        if known is None:
            continue
        if not known.entered:  # whoever wrote it down may have died before the start
            deployment.executions.start_operation(OperationRequest.from_json(known.request))
        return True
    return False


def _create(deployment: Deployment, request: ResourceRequest) -> None:
    if _is_under_way(deployment, request):
        return
    _launch(deployment, request)


def _launch(deployment: Deployment, request: ResourceRequest) -> None:
    wanted = Change(key=ManagedCluster.key(request.name), values={"spec": request.spec, "tombstone": None})
    if not deployment.record.change(while_latest(wanted, request.answer.request_id)):
        return
    _start(deployment, request, kind=Kind.LAUNCH, reason=Reason.BOOTSTRAP)


def _update(deployment: Deployment, request: ResourceRequest) -> None:
    if _is_under_way(deployment, request):
        return
    key = request_key(request.answer.request_id)
    if item := deployment.record.get(key).get((key["kind"], key["id"])):
        _answer_again(deployment, request, failed=item.get("failed"))
        return
    # A newer request supersedes a running one, and so does the way back after a failed update.  A failover goes on: it
    # brings back what runs, and the switchover waits for its lease.
    # Another delivery of this request may have started its operation since.
    mine = _operations_of(request)
    _stop(deployment, request, kinds=_PLANNED, reasons=_OF_CLOUDFORMATION, cause=_SUPERSEDED, spare=mine)
    # Read only now, when nothing that was stopped can change it any more.
    managed_cluster = deployment.record.managed_cluster(request.name)
    if _to_do(managed_cluster, request) is Difference.REPLACE:
        # What a person has asked for would bring in what shall go; any other change does not concern it, and whoever
        # leaves an AZ is not held up by a tag.
        _leave_in_its_place(deployment, managed_cluster)
        _stop(deployment, request, kinds=_PLANNED, cause=_SUPERSEDED, spare=mine)
        managed_cluster = deployment.record.managed_cluster(request.name)
    if managed_cluster is None or managed_cluster.serving_generation is None:
        _launch(deployment, request)
        return
    to_do = _to_do(managed_cluster, request)
    if to_do is not Difference.REPLACE:
        _give_up_what_was_planned(deployment, request.name)
        takes_over = _something_else_takes_over(deployment, request)
        # Only now: a failover may have brought it in before that look, and then it is recorded.
        managed_cluster = deployment.record.managed_cluster(request.name) or managed_cluster
        to_do = Difference.REPLACE if takes_over else _to_do(managed_cluster, request)
    match to_do:
        case Difference.NOTHING:
            # A newer deploy may ask for something else before this request is delivered again.
            deployment.record.change(Change(key=request_key(request.answer.request_id), values={"at": time.time()}))
            deployment.stack_answers.send(
                request.answer, succeeded=True, reason="what runs is what is asked for already"
            )
        case Difference.IN_PLACE:
            new, request_id = Spec.from_json(request.spec), request.answer.request_id
            try:
                done, data = change_in_place(deployment, managed_cluster, new, request_id=request_id)
            except ValueError as error:
                # A newer request may have put something else by the time this one is delivered again.
                deployment.record.change(new_item({**request_key(request_id), "at": time.time(), "failed": str(error)}))
                raise
            deployment.stack_answers.send(request.answer, succeeded=True, reason=done, data=data)
        case Difference.REPLACE:
            _start(deployment, request, kind=Kind.SWITCHOVER, reason=Reason.UPGRADE, spec=request.spec)


def _to_do(managed_cluster: ManagedCluster | None, request: ResourceRequest) -> Difference:
    """What it takes to get to what is asked for; ``REPLACE`` also if nothing serves."""
    if managed_cluster is None or managed_cluster.serving_generation is None or not managed_cluster.spec:
        return Difference.REPLACE
    return difference(Spec.from_json(managed_cluster.spec), Spec.from_json(request.spec))


def _answer_again(deployment: Deployment, request: ResourceRequest, *, failed: str | None) -> None:
    """Answer a request that needed no launch, unless a later one was carried out: its first answer may be lost.

    Raises:
        ValueError: it failed, for the reason *failed*.
    """
    if failed is not None:
        raise ValueError(failed)
    managed_cluster = deployment.record.managed_cluster(request.name)
    if managed_cluster is not None and managed_cluster.spec == request.spec:
        deployment.stack_answers.send(request.answer, succeeded=True, reason="it was carried out already")


def _leave_in_its_place(deployment: Deployment, managed_cluster: ManagedCluster | None) -> None:
    """Let the change leave the AZ that a person is evacuating, before that person's operation is stopped for it."""
    generation = managed_cluster.serving_generation if managed_cluster is not None else None
    if managed_cluster is None or generation is None:
        return
    # Also one that does not hold the lease yet.
    if deployment.executions.running_operations(managed_cluster.name, kinds=_PLANNED, reasons=(Reason.EVACUATION,)):
        deployment.record.change(
            Change(
                key=Incarnation.key(generation),
                values={"leave_asked_at": time.time()},
                condition="attribute_exists(#kind)",
            )
        )


def _delete(deployment: Deployment, request: ResourceRequest) -> None:
    deletion = deletion_name(request.name, request.answer.request_id)
    if _is_repeat(deployment, deletion):
        return
    # First of all: no step writes down the intent of a launch any more.
    deployment.record.change(Change(key=ManagedCluster.key(request.name), values={"tombstone": True}))
    _stop(deployment, request, kinds=tuple(Kind), cause="the managed cluster is being deleted")
    retirement = RetirementRequest(
        retirement=deletion,
        managed_cluster=request.name,
        generation=None,
        planned=False,
    )
    if _put_operation(deployment, request, operation=retirement.retirement, text=retirement.to_json()):
        deployment.executions.start_deletion(retirement)


def _stop(
    deployment: Deployment,
    request: ResourceRequest,
    *,
    kinds: Collection[Kind],
    reasons: Collection[Reason] | None = None,
    cause: str,
    spare: Collection[str] = (),
) -> None:
    """Stop the operations of these *kinds* and *reasons* on a managed cluster and take their lease away.

    A step that is at work when its execution is stopped works on: without the lease it cannot record a cut-over.
    Nothing is stopped for a request that was overtaken: what runs by now may be the newer one's.
    """
    name = request.name
    if not is_latest(deployment, managed_cluster=name, request_id=request.answer.request_id):
        return
    stopped = deployment.executions.stop_operations(name, kinds=kinds, reasons=reasons, cause=cause, spare=spare)
    logger.info("stopped operations", extra={"executions": stopped})
    for execution in stopped:
        release_lease(deployment, managed_cluster=name, execution=execution)
    managed_cluster = deployment.record.managed_cluster(name)
    lease = managed_cluster.lease if managed_cluster is not None else None
    if lease is None:
        return
    if deployment.executions.runs(lease.execution, since=lease.since):
        # ListExecutions is eventually consistent: what has begun a moment ago may be missing there.
        operation = deployment.record.operation(lease.operation)
        asked = OperationRequest.from_json(operation.request) if operation is not None else None
        if asked is None or asked.operation in spare:
            return
        if asked.kind not in kinds or (reasons is not None and asked.reason not in reasons):
            return
        deployment.executions.stop(lease.execution, cause=cause)
    # Also that of one which an earlier delivery of the request has stopped.
    release_lease(deployment, managed_cluster=name, execution=lease.execution)


def _give_up_what_was_planned(deployment: Deployment, name: str) -> None:
    """Give up what operations of CloudFormation that are closed have begun: what runs is what shall run."""
    for incarnation in deployment.record.incarnations():
        if incarnation.managed_cluster != name or incarnation.state not in BEGUN:
            continue
        operation = deployment.record.operation(incarnation.operation or "")
        if operation is None or OperationRequest.from_json(operation.request).reason not in _OF_CLOUDFORMATION:
            continue
        if operation.execution is None or not deployment.executions.runs(
            operation.execution, since=operation.started_at
        ):
            give_up_launch(deployment, operation)


def _something_else_takes_over(deployment: Deployment, request: ResourceRequest) -> bool:
    """Whether an interrupted change has left another spec where new jobs go: the next failover makes it what serves."""
    digest = spec_digest(request.spec)
    return any(
        each.managed_cluster == request.name
        and each.state in BEGUN
        and each.spec_digest != digest
        and takes_over_already(deployment, each)
        for each in deployment.record.incarnations()
    )


def _start(
    deployment: Deployment, request: ResourceRequest, *, kind: Kind, reason: Reason, spec: str | None = None
) -> None:
    operation = OperationRequest(
        operation=operation_of_stack_request(request.name, kind, request.answer.request_id),
        kind=kind,
        reason=reason,
        managed_cluster=request.name,
    )
    if _put_operation(deployment, request, operation=operation.operation, text=operation.to_json(), spec=spec):
        deployment.executions.start_operation(operation)


def _put_operation(
    deployment: Deployment, request: ResourceRequest, *, operation: str, text: str, spec: str | None = None
) -> bool:
    """Write an operation down, unless another delivery has; whether it may start, as no newer request has come."""
    item = Operation(
        id=operation,
        request=text,
        managed_cluster=request.name,
        spec=spec,
        started_at=time.time(),
        answer=request.answer,
    )
    request_id = request.answer.request_id
    written = change_in_turn(
        deployment.record,
        new_item(item.to_item()),
        while_latest(Change(key=ManagedCluster.key(request.name), values={}), request_id),
    )
    return written or is_latest(deployment, managed_cluster=request.name, request_id=request_id)
