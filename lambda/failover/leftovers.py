"""Incarnations that were begun and did not come into service."""

from __future__ import annotations

import time

from dr_core.left_behind import is_left_to_the_next
from dr_core.operation_plan import Next, judge_leftover
from dr_core.record import Incarnation, IncarnationState, Operation
from dr_core.requests import Kind, OperationRequest
from dr_core.standby import is_begun, spec_digest
from dr_core.steps import OperationStep
from failover.calls import OperationCall
from failover.deployment import Deployment
from failover.record_store import Change
from failover.removal import address_handed_on

BEGUN = (IncarnationState.LAUNCHING, IncarnationState.VERIFYING)


def abandon(
    deployment: Deployment, incarnation: Incarnation, *, because: str | None = None, took_jobs: bool = False
) -> bool:
    """Give an incarnation up: the next AZ does not wait for its end, which is a retirement of its own.

    May be repeated, and has to be for one that was found abandoned: who wrote that down may have died before the
    retirement was started.

    Args:
        deployment: the deployment.
        incarnation: what is given up.
        because: why, where nobody wrote that down before.
        took_jobs: whether it was where new jobs come from until now: its fence has to wait for the last of them.

    Returns:
        Whether it was given up; one that came into service or was retired meanwhile is not, nor one that another
        operation has taken over since *incarnation* was read.
    """
    begun = {str(state): state for state in (*BEGUN, IncarnationState.ABANDONED)}
    states = " OR ".join(f"#state = :{name}" for name in begun)
    owner, owner_values = _still_of(incarnation)
    given_up = deployment.record.change(
        Change(
            key=Incarnation.key(incarnation.generation),
            values={
                "state": IncarnationState.ABANDONED,
                **({} if because is None else {"given_up": because}),
                **({"serving_to": time.time()} if took_jobs else {}),
            },
            condition=f"({states}) AND {owner}",
            condition_values={**begun, **owner_values},
        )
    )
    if given_up:
        deployment.executions.retire(incarnation, planned=False)
    return given_up


def _still_of(incarnation: Incarnation) -> tuple[str, dict[str, str]]:
    """Condition, with its values, that nobody has taken an incarnation over since it was read: a call may be late."""
    if incarnation.operation is None:
        return "attribute_not_exists(#operation)", {}
    return "#operation = :owner", {"owner": incarnation.operation}


def in_service_group(deployment: Deployment, incarnation: Incarnation) -> bool:
    """Whether an incarnation is registered with the balanced group, where the traffic goes."""
    if incarnation.primary_address is None or address_handed_on(deployment, incarnation):
        return False
    return incarnation.primary_address in deployment.front_door.health(deployment.config.balanced_target_group)


def succeeds_what_ends(deployment: Deployment, incarnation: Incarnation) -> bool:
    """Whether what serves is being ended for its sake: it is proved, and all that its managed cluster has left.

    The function that had written that down died before it could bring the incarnation into the balanced group.
    """
    if incarnation.state is not IncarnationState.VERIFYING or incarnation.slot is None:
        return False
    managed_cluster = deployment.record.managed_cluster(incarnation.managed_cluster)
    serving = managed_cluster.serving_generation if managed_cluster is not None else None
    old = deployment.record.incarnation(serving) if serving not in (None, incarnation.generation) else None
    return old is not None and old.terminate_requested_at is not None


def takes_over_already(deployment: Deployment, incarnation: Incarnation) -> bool:
    """Whether an incarnation that was begun gets jobs, or what serves is being ended for its sake."""
    return in_service_group(deployment, incarnation) or succeeds_what_ends(deployment, incarnation)


def called_unhealthy(deployment: Deployment, incarnation: Incarnation) -> bool:
    """Whether the load balancer calls an incarnation unhealthy in the balanced group.

    One that an interrupted operation has left there may have died since: no later operation could finish its cut-over.
    """
    health = deployment.front_door.health(deployment.config.balanced_target_group)
    return health.get(incarnation.primary_address or "") == "unhealthy"


def give_up_launch(deployment: Deployment, operation: Operation) -> str:
    """Give up the incarnation that an operation had begun, unless it serves already; what was done, in words.

    Args:
        deployment: the deployment.
        operation: one whose execution is closed.
    """
    generation = operation.generation
    incarnation = deployment.record.incarnation(generation) if generation is not None else None
    open_states = (*BEGUN, IncarnationState.ABANDONED)
    if incarnation is None or incarnation.operation != operation.id or incarnation.state not in open_states:
        return "Nothing had to be undone."
    if in_service_group(deployment, incarnation):
        if give_up_cut_over(deployment, incarnation):
            return (
                f"{incarnation.title} was taken out of the balanced group again and is being deleted. "
                "What was in service before serves on."
            )
        if incarnation.state in BEGUN:
            return (
                f"{incarnation.title} stays where it is: it is in the balanced group already, and the next failover "
                "finishes its cut-over."
            )
    elif stand_down(deployment, incarnation):
        return f"{incarnation.title} stands by again."
    elif _has_proved(operation) and leave_begun(deployment, incarnation):
        return f"{incarnation.title} is left to the next launch of a standby."
    elif succeeds_what_ends(deployment, incarnation):
        return f"{incarnation.title} is kept: what served is being ended for it, and the next failover brings it in."
    abandon(deployment, incarnation)
    return f"{incarnation.title} is being deleted."


def stand_down(deployment: Deployment, incarnation: Incarnation) -> bool:
    """Let an incarnation that stood by, and was taken by an operation which came to nothing, stand by again.

    Not one for whose sake what serves is being ended, and not one in the balanced group: jobs may have come to it.

    Returns:
        Whether it stands by; one that another operation has taken over since *incarnation* was read does not.
    """
    if incarnation.standby_from is None or not deployment.config.wants_standby(incarnation.managed_cluster):
        return False
    if takes_over_already(deployment, incarnation):
        return False
    owner, owner_values = _still_of(incarnation)
    return deployment.record.change(
        Change(
            key=Incarnation.key(incarnation.generation),
            values={"state": IncarnationState.STANDBY},
            condition=f"#state = :verifying AND {owner}",
            condition_values={"verifying": IncarnationState.VERIFYING, **owner_values},
        )
    )


def leave_begun(deployment: Deployment, incarnation: Incarnation) -> bool:
    """Whether an incarnation is left on its way to stand by: the next launch of a standby takes it over.

    A failover took it before it stood by, proved it, and came to nothing through no fault of it.
    """
    if not is_left_to_the_next(incarnation, config=deployment.config, now=time.time()):
        return False
    return not takes_over_already(deployment, incarnation)


def _has_proved(operation: Operation) -> bool:
    """Whether an operation is a failover that came as far as the point at which it looks at the old one once more."""
    failover = OperationRequest.from_json(operation.request).kind is Kind.FAILOVER
    return failover and OperationStep.FENCE in operation.entered


def give_up_standby(deployment: Deployment, incarnation: Incarnation, *, because: str) -> bool:
    """Give up what stands by: its end is a retirement of its own; whether it was given up.

    One that a failover takes at the same moment is not, and what takes it has looked at it.
    """
    given_up = deployment.record.change(
        Change(
            key=Incarnation.key(incarnation.generation),
            values={"state": IncarnationState.ABANDONED, "given_up": because},
            condition="#state = :standby",
            condition_values={"standby": IncarnationState.STANDBY},
        )
    )
    if given_up:
        deployment.executions.retire(incarnation, planned=False)
    return given_up


def serves_well_before(deployment: Deployment, incarnation: Incarnation) -> Incarnation | None:
    """What *incarnation* was to replace, if that is in the balanced group and healthy there, and is not being ended."""
    managed_cluster = deployment.record.managed_cluster(incarnation.managed_cluster)
    serving = managed_cluster.serving_generation if managed_cluster is not None else None
    old = deployment.record.incarnation(serving) if serving not in (None, incarnation.generation) else None
    if old is None or old.primary_address is None:
        return None
    if old.terminate_requested_at is not None:  # it may look healthy still, and will be gone in a minute
        return None
    health = deployment.front_door.health(deployment.config.balanced_target_group)
    well = health.get(old.primary_address) == "healthy" and not address_handed_on(deployment, old)
    return old if well else None


def give_up_cut_over(deployment: Deployment, incarnation: Incarnation) -> bool:
    """Take an incarnation out of service again and give it up, if what it was to replace serves and is healthy.

    Jobs may have come to it meanwhile: its ids lead to it until its retirement has fenced it.

    Returns:
        Whether it was given up.
    """
    old = serves_well_before(deployment, incarnation)
    if old is None or old.primary_address is None or incarnation.primary_address is None:
        return False
    # First the record, so that no other operation takes it over any more.
    if not abandon(deployment, incarnation, took_jobs=True):
        return False
    # A cut-over that died may have begun to take the old one out: of the groups of its own first.
    deployment.front_door.put_in_service(managed_cluster=old.managed_cluster, address=old.primary_address)
    deployment.front_door.take_out_of_service(
        managed_cluster=incarnation.managed_cluster, address=incarnation.primary_address
    )
    return True


def take_care_of_leftovers(call: OperationCall) -> None:
    """Finish or give up what interrupted operations on this managed cluster left behind; this one holds the lease."""
    for incarnation in call.deployment.record.incarnations():
        if incarnation.managed_cluster != call.request.managed_cluster:
            continue
        if incarnation.state is IncarnationState.ABANDONED:
            abandon(call.deployment, incarnation)
        if incarnation.state not in BEGUN or incarnation.operation == call.operation.id:
            continue
        in_group = in_service_group(call.deployment, incarnation)
        if in_group:
            takes_over = not called_unhealthy(call.deployment, incarnation)
        else:
            takes_over = succeeds_what_ends(call.deployment, incarnation)
        if not in_group and not takes_over and is_begun(incarnation) and call.request.kind is not Kind.SWITCHOVER:
            continue  # launched to stand by: Launch takes it over if it is of use, and nothing rests on it till then
        match judge_leftover(takes_over=takes_over, kind=call.request.kind):
            case Next.GO_ON:
                _adopt(call, incarnation)
            case Next.STOP:
                abandon(call.deployment, incarnation)
            case Next.WAIT:
                pass


def _adopt(call: OperationCall, incarnation: Incarnation) -> None:
    # What it was launched with comes with it: the cut-over records the spec of what serves.
    before = call.deployment.record.operation(incarnation.operation or "")
    spec, present = before.spec if before is not None else None, call.managed_cluster.spec
    if spec is not None and present is not None and spec_digest(spec) == spec_digest(present):
        spec = None  # limits and tags may have changed since
    call.deployment.record.change_together(
        Change(key=Operation.key(call.operation.id), values={"generation": incarnation.generation, "spec": spec}),
        Change(
            key=Incarnation.key(incarnation.generation),
            values={"operation": call.operation.id},
            condition="#state = :seen",  # else somebody gave it up meanwhile
            condition_values={"seen": incarnation.state},
        ),
    )
