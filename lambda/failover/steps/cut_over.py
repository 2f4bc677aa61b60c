"""CutOver: the new incarnation into service, the old one out, and everybody told."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from dr_core.availability_zones import is_being_evacuated, left_by
from dr_core.evidence import Service, Verdict
from dr_core.metrics import PHASE_SECONDS
from dr_core.operation_plan import failovers_with, outcome_of, phase_seconds
from dr_core.record import Incarnation, IncarnationState, ManagedCluster, Operation
from dr_core.requests import DrainMode, Kind, OperationRequest, Reason
from dr_core.retirement_plan import planned_still
from failover.baking import goes_back
from failover.calls import OperationCall, StepAnswer, done, failed, wait
from failover.closing import Notice, answer_once, first_outcome, tell
from failover.deployment import Deployment
from failover.errors import InvariantError
from failover.leftovers import give_up_cut_over
from failover.observation import has_open_incident, verdict_on
from failover.record_store import Change
from failover.removal import address_handed_on
from failover.request_order import is_overtaken, while_latest
from failover.steps.stand_by import stand_by

logger = Logger()

LIMIT_SECONDS = 600

_MAY_BE_IN_SERVICE = (IncarnationState.SERVING, IncarnationState.VERIFYING)


def cut_over(call: OperationCall) -> StepAnswer:
    """Answer ``done`` once the new incarnation is healthy in service, the old one out of it, and all is recorded.

    What was launched to stand by goes no further than that.
    """
    if call.request.kind is Kind.STANDBY:
        return stand_by(call)
    incarnations = call.deployment.record.incarnations()
    others = _of(call.request, incarnations)
    new = others.pop(call.operation.generation or 0, None)
    if new is None or new.primary_address is None or new.cluster_id is None:
        raise InvariantError(f"operation {call.operation.id} has nothing to cut over to")
    if new.state is IncarnationState.ABANDONED:
        return failed(call.operation.message or f"generation {new.generation} was given up")
    if is_overtaken(call.managed_cluster, call.operation):
        # It could record nothing below, and jobs that came to it until then would be lost.
        give_up_cut_over(call.deployment, new)
        return failed("a newer request of CloudFormation has come; what serves was left as it is")
    state = call.deployment.front_door.health(call.deployment.config.balanced_target_group).get(
        new.primary_address, "not registered"
    )
    if state != "healthy":
        return _bring_in(call, new, new.primary_address, state)
    replaced = [each for each in others.values() if each.state in _MAY_BE_IN_SERVICE]
    message = f"generation {new.generation} ({new.cluster_id}) serves in {new.availability_zone}"
    _tell(call, new, replaced)
    protected = _protected(call.deployment, new)
    # Only the record says that what was in service may leave: this step may have outlived its execution.
    way_back = call.request.reason is Reason.UPGRADE and goes_back(call, incarnations)
    _record(call, new, replaced, message=message, way_back=way_back)
    _hand_over(call.deployment, call.operation, call.request, new, message=message, retiring=replaced)
    if not protected:
        _tell_unprotected(call.deployment, new)
    return done(message)


def _protected(deployment: Deployment, new: Incarnation) -> bool:
    """Protect what is about to serve, if EMR takes calls; whether it does: nothing depends on it."""
    try:
        deployment.clusters.protect(new.cluster_id or "", protected=True)
    except (BotoCoreError, ClientError):
        logger.warning("not protected yet", extra={"cluster": new.cluster_id})
        return False
    return True


def _tell_unprotected(deployment: Deployment, new: Incarnation) -> None:
    deployment.notices.tell(
        subject=f"{new.title} is not protected against termination",
        happened=f"EMR took no request to protect {new.cluster_id}, which serves now.",
        done="The traffic has moved all the same; nobody asks EMR again.",
        to_do="So that nobody ends it by mistake: aws emr modify-cluster-attributes "
        f"--cluster-id {new.cluster_id} --termination-protected",
    )


def finish_cut_over(deployment: Deployment, operation: Operation, request: OperationRequest) -> None:
    """Do again what follows the record of a cut-over, for a function that may have died before it."""
    others = _of(request, deployment.record.incarnations())
    new = others.pop(operation.generation or 0)
    retiring = [each for each in others.values() if each.state is IncarnationState.RETIRING]
    _hand_over(deployment, operation, request, new, message=operation.message or "", retiring=retiring)


def _of(request: OperationRequest, incarnations: Iterable[Incarnation]) -> dict[int, Incarnation]:
    """Those of *incarnations* that are of the request's managed cluster, by generation."""
    return {each.generation: each for each in incarnations if each.managed_cluster == request.managed_cluster}


def _bring_in(call: OperationCall, new: Incarnation, address: str, state: str) -> StepAnswer:
    """Register the new one, then wait for the load balancer's word; the old one stays where it is."""
    if state in ("not registered", "draining"):
        call.deployment.front_door.put_in_service(managed_cluster=call.request.managed_cluster, address=address)
    if call.waited >= LIMIT_SECONDS:
        if call.request.kind is not Kind.FAILOVER:
            give_up_cut_over(call.deployment, new)
        return failed(
            f"the load balancer still calls generation {new.generation} {state} after {LIMIT_SECONDS} s in the "
            "balanced group; what was in it was left in it"
        )
    return wait(f"the load balancer calls generation {new.generation} {state} in the balanced group")


def _tell(call: OperationCall, new: Incarnation, replaced: list[Incarnation]) -> None:
    """Metrics and the message come before the record: a function that dies in between tells twice, not never."""
    seconds = phase_seconds(entered=call.operation.entered, ended_at=time.time())
    call.deployment.notices.measure(
        {PHASE_SECONDS[phase]: value for phase, value in seconds.items()},
        managed_cluster=call.request.managed_cluster,
    )
    notice = _notice(
        call.request,
        new,
        replaced,
        repair_failed=call.operation.repair_asked_at is not None,
        yarn_is_dead=any(_yarn_is_dead(call.deployment, each) for each in replaced),
    )
    tell(call.deployment, notice)


def _record(
    call: OperationCall, new: Incarnation, replaced: list[Incarnation], *, message: str, way_back: bool
) -> None:
    """What serves, what goes, how the operation ended and that its lease is free again, all at once.

    Every call here adds to a recovery, and nothing can be half recorded.
    """
    now = time.time()
    retiring: dict[str, Any] = {"state": IncarnationState.RETIRING, "serving_to": now}
    sick = has_open_incident(call.deployment, call.request.managed_cluster)
    left = left_by(call.request, sick=sick, evacuated=any(is_being_evacuated(each, now=now) for each in replaced))
    if left is not None:
        retiring["left_by"] = left
    if way_back:
        retiring["taken_back"] = True
    if call.request.drain is DrainMode.NOW:
        retiring["ends_now"] = True
    spec = {"spec": call.operation.spec} if call.operation.spec is not None else {}
    # What the block counts: only a failover that nobody asked for.
    automatic = call.request.kind is Kind.FAILOVER and call.request.reason is Reason.UNHEALTHY
    failovers = (
        {"automatic_failovers": failovers_with(call.managed_cluster.automatic_failovers, now)} if automatic else {}
    )
    serves = Change(
        key=ManagedCluster.key(call.request.managed_cluster),
        values={"serving_generation": new.generation, "lease": None, **spec, **failovers},
        condition="#lease.#execution = :mine",
        condition_values={"mine": call.execution},
    )
    if call.operation.answer is not None:
        serves = while_latest(serves, call.operation.answer.request_id)
    written = call.deployment.record.change_together(
        serves,
        Change(
            key=Incarnation.key(new.generation),
            values={"state": IncarnationState.SERVING, "serving_from": now},
            condition="#state = :verifying OR #state = :serving",  # else somebody gave it up meanwhile
            condition_values={"verifying": IncarnationState.VERIFYING, "serving": IncarnationState.SERVING},
        ),
        first_outcome(call.operation, outcome_of(call.request.kind), message=message),
        *(Change(key=Incarnation.key(each.generation), values=retiring) for each in replaced),
    )
    if not written:
        raise InvariantError(
            f"{call.execution} lost the lease of {call.request.managed_cluster} during the cut-over, generation "
            f"{new.generation} was given up, or a newer request of CloudFormation has come"
        )


def _hand_over(
    deployment: Deployment,
    operation: Operation,
    request: OperationRequest,
    new: Incarnation,
    *,
    message: str,
    retiring: list[Incarnation],
) -> None:
    """Answer CloudFormation if it asked, take the old ones out of service, and let them be retired.

    Each part may be repeated.  One that drains since an earlier operation goes on draining.  The answer comes first:
    nothing takes the record back, what else is to be done the reconciliation does too, and a deploy that is not
    answered takes back what serves.
    """
    data = {"ClusterId": new.cluster_id or "", "Generation": str(new.generation)}
    answer_once(deployment, operation, succeeded=True, reason=message, data=data)
    for each in retiring:
        address = each.primary_address
        if address is not None and address != new.primary_address and not address_handed_on(deployment, each):
            deployment.front_door.take_out_of_service(managed_cluster=request.managed_cluster, address=address)
    for each in retiring:
        planned = request.kind is not Kind.FAILOVER or planned_still(
            served=each.serving_from is not None, terminate_requested=each.terminate_requested_at is not None
        )
        deployment.executions.retire(each, planned=planned and not _yarn_is_dead(deployment, each))


def _yarn_is_dead(deployment: Deployment, old: Incarnation) -> bool:
    """Whether the jobs of what is replaced cannot come to a good end, as its ResourceManager is known to be dead.

    Nobody waits for their end then: their clients would be told of it hours later only.  It takes a verdict, the one
    that a failover rests on; what cannot be read says nothing.
    """
    try:
        judgement = verdict_on(deployment, old, serving_from=old.judged_from)
    except (BotoCoreError, ClientError):
        logger.warning("not judged", extra={"incarnation": old.id})
        return False
    return judgement.verdict is Verdict.UNHEALTHY and Service.RESOURCE_MANAGER in judgement.bad_services


def _notice(
    request: OperationRequest,
    new: Incarnation,
    replaced: list[Incarnation],
    *,
    repair_failed: bool,
    yarn_is_dead: bool,
) -> Notice:
    name = request.managed_cluster
    old = ", ".join(f"generation {each.generation} ({each.cluster_id})" for each in replaced)
    moved = f"Generation {new.generation} ({new.cluster_id}) in {new.availability_zone} has taken over all new jobs."
    if request.kind is Kind.FAILOVER or yarn_is_dead:
        to_do = (
            "Nothing, if your jobs are retried by their scheduler: those that ran on the old incarnation answer 410 as "
            "soon as they are known to have ended, and have to run again."
        )
    else:
        to_do = "Nothing."
    if request.kind is Kind.FAILOVER and request.reason is Reason.UNHEALTHY:
        happened = f"{_capital(old) or 'The old incarnation'} of managed cluster {name} failed."
        if repair_failed:
            happened += " A restart of Livy in place did not help."
        to_do += f" Find out why it failed: its logs are in the log bucket. Operation {request.operation} replaced it."
    else:
        happened = f"A {request.kind} of managed cluster {name} was asked for ({request.why})."
    fenced = any(each.terminate_requested_at is not None for each in replaced)
    ending = "is being ended" if fenced else "ends its jobs first and is retired then"
    if yarn_is_dead and not fenced:
        ending = "is being ended, as its ResourceManager is dead and no job there comes to a good end"
    return Notice(
        subject=f"{name} {outcome_of(request.kind)}",
        happened=happened,
        done=f"{moved} {_capital(old)} {ending}." if old else moved,
        to_do=to_do,
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
