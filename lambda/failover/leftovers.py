"""Incarnations that were begun and did not come into service."""

from __future__ import annotations

from dr_core.operation_plan import Next, judge_leftover
from dr_core.record import Incarnation, IncarnationState, Operation
from failover.calls import OperationCall
from failover.deployment import Deployment
from failover.record_store import Change
from failover.removal import change_incarnation

BEGUN = (IncarnationState.LAUNCHING, IncarnationState.VERIFYING)


def abandon(deployment: Deployment, incarnation: Incarnation) -> bool:
    """Give an incarnation up: the next AZ does not wait for its end, which is a retirement of its own.

    May be repeated, and has to be for one that was found abandoned: who wrote that down may have died before the
    retirement was started.

    Returns:
        Whether it was given up; one that came into service or was retired meanwhile is not.
    """
    begun = {str(state): state for state in (*BEGUN, IncarnationState.ABANDONED)}
    given_up = deployment.record.change(
        Change(
            key=Incarnation.key(incarnation.generation),
            values={"state": IncarnationState.ABANDONED},
            condition=" OR ".join(f"#state = :{name}" for name in begun),
            condition_values=begun,
        )
    )
    if given_up:
        deployment.executions.retire(incarnation, planned=False)
    return given_up


def in_service_group(deployment: Deployment, incarnation: Incarnation) -> bool:
    """Whether an incarnation is registered with the balanced group, where the traffic goes."""
    address = incarnation.primary_address
    return address is not None and address in deployment.front_door.health(deployment.config.balanced_target_group)


def take_care_of_leftovers(call: OperationCall) -> None:
    """Finish or give up what interrupted operations on this managed cluster left behind; this one holds the lease."""
    for incarnation in call.deployment.record.incarnations():
        if incarnation.managed_cluster != call.request.managed_cluster:
            continue
        if incarnation.state is IncarnationState.ABANDONED:
            abandon(call.deployment, incarnation)
        if incarnation.state not in BEGUN or incarnation.operation == call.operation.id:
            continue
        in_service = in_service_group(call.deployment, incarnation)
        match judge_leftover(in_service_group=in_service, kind=call.request.kind):
            case Next.GO_ON:
                _adopt(call, incarnation)
            case Next.STOP:
                abandon(call.deployment, incarnation)
            case Next.WAIT:
                pass


def _adopt(call: OperationCall, incarnation: Incarnation) -> None:
    call.deployment.record.change_together(
        Change(key=Operation.key(call.operation.id), values={"generation": incarnation.generation}),
        Change(key=Incarnation.key(incarnation.generation), values={"operation": call.operation.id}),
    )
