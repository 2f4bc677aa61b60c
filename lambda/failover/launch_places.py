"""Which AZ a launch goes to, as the record says where everything else is, has failed or was left."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from dr_core.availability_zones import EVACUATION, FAILOVER, Place, choose, is_being_evacuated, left_zones
from dr_core.config import SubnetChoice
from dr_core.record import Incarnation, IncarnationState
from dr_core.requests import Kind, Reason
from dr_core.standby import last_zones, standby_zones
from failover.calls import OperationCall
from failover.observation import has_open_incident

_UP = (
    IncarnationState.LAUNCHING,
    IncarnationState.VERIFYING,
    IncarnationState.STANDBY,
    IncarnationState.SERVING,
)


def choose_place(
    call: OperationCall, incarnations: Sequence[Incarnation], *, share: bool | None = None
) -> Place | None:
    """The place for the next launch, if any AZ is left; *share* as the settings say, unless given.

    A failback has only the AZs that are preferred to the present one: it returns there, or everything stays as it is.
    """
    mine = call.request.managed_cluster
    late = _zones_of_standby(call, incarnations)
    failback = call.request.reason is Reason.FAILBACK
    if share is None:
        share = call.deployment.config.policy.share_availability_zone and not failback
    # Whoever asks for a failback says that the preferred AZ is well again.
    left = {} if failback else left_zones(incarnations, now=time.time())
    subnets = _preferred(call, incarnations) if failback else call.deployment.config.subnets
    return choose(
        sorted(subnets, key=lambda each: each.availability_zone in late),
        failed=_zone_to_leave(call, incarnations),
        used_by_others={
            each.availability_zone: each.managed_cluster
            for each in incarnations
            if each.managed_cluster != mine and each.state in _UP and each.availability_zone is not None
        },
        tried=call.operation.tried,
        share=share,
        left=_left_by_this(call, incarnations, left),
    )


def none_left(call: OperationCall, incarnations: Sequence[Incarnation]) -> str:
    """That no AZ is left for a launch, in words."""
    old = _old(call, incarnations)
    if call.request.reason is Reason.FAILBACK and old is not None:
        return (
            f"no availability zone is left to return to: none that is preferred to {old.availability_zone}, and that "
            "no other managed cluster uses"
        )
    return "no availability zone is left to launch in"


def zone_may_get_free(call: OperationCall, incarnations: Sequence[Incarnation]) -> bool:
    """Whether another managed cluster has two incarnations for a while, one of which leaves its AZ."""
    names = [each.managed_cluster for each in incarnations if each.state in _UP]
    moving = any(names.count(name) > 1 for name in set(names) - {call.request.managed_cluster})
    return moving and choose_place(call, incarnations, share=True) is not None


def tell_shared(call: OperationCall, *, zone: str, other: str) -> None:
    """Tell people that a launch goes to *zone*, which managed cluster *other* uses."""
    name, tried = call.request.managed_cluster, ", ".join(call.operation.tried) or "none"
    call.deployment.notices.tell(
        subject=f"{name} shares {zone} with {other}",
        happened=f"Managed cluster {name} needs a new incarnation ({call.request.why}), and every availability zone "
        f"that no other managed cluster uses has failed (tried: {tried}), is where it failed, or was evacuated "
        "lately.",
        done=f"It is launched in {zone}, beside managed cluster {other}.",
        to_do=f"The end of {zone} would take both now. When another availability zone has room again, ask for a "
        f"switchover of {name}.",
    )


def _preferred(call: OperationCall, incarnations: Sequence[Incarnation]) -> Sequence[SubnetChoice]:
    """The places that are preferred to that of what serves; all of them where that is none of these."""
    subnets, old = call.deployment.config.subnets, _old(call, incarnations)
    zones = [each.availability_zone for each in subnets]
    present = old.availability_zone if old is not None else None
    return subnets[: zones.index(present)] if present in zones else subnets


def _zones_of_standby(call: OperationCall, incarnations: Sequence[Incarnation]) -> set[str]:
    """The AZs that come late where the managed cluster keeps a standby; only those that were left come later still."""
    mine = call.request.managed_cluster
    if not call.deployment.config.wants_standby(mine):
        return set()
    if call.request.kind in (Kind.FAILOVER, Kind.STANDBY):
        return last_zones(incarnations, managed_cluster=mine, now=time.time())
    # What is launched beside the standby has it replaced.  A failback is asked for to return to the preferred AZ; and
    # for what CloudFormation asks for the standby is replaced wherever it stands, as it has another spec.
    beside = not call.request.by_hand or call.request.reason is Reason.FAILBACK
    return set() if beside else standby_zones(incarnations, managed_cluster=mine)


def _old(call: OperationCall, incarnations: Sequence[Incarnation]) -> Incarnation | None:
    """The incarnation that was in service when the operation began."""
    return next((each for each in incarnations if each.generation == call.operation.old_generation), None)


def _left_by_this(
    call: OperationCall, incarnations: Sequence[Incarnation], left: Mapping[str, str]
) -> Mapping[str, str]:
    """What was *left*, and the AZ of what a change replaces in place of a failover or an evacuation.

    The change has superseded that operation: the AZ of what is sick comes as late as after a failover, and that of what
    a person was evacuating as late as after an evacuation.
    """
    old = _old(call, incarnations)
    if call.request.reason is not Reason.UPGRADE or old is None or old.availability_zone is None:
        return left
    zone = old.availability_zone
    if is_being_evacuated(old, now=time.time()):
        return {**left, zone: EVACUATION}
    sick = has_open_incident(call.deployment, call.request.managed_cluster)
    return {zone: FAILOVER, **left} if sick else left


def _zone_to_leave(call: OperationCall, incarnations: Sequence[Incarnation]) -> str | None:
    """The availability zone of what is replaced, or stood by for, if another one is wanted."""
    old = _old(call, incarnations)
    # A person who asks for a switchover wants to leave a zone; CloudFormation wants the preferred one.
    leaves = call.request.kind in (Kind.FAILOVER, Kind.STANDBY) or call.request.by_hand
    return old.availability_zone if old is not None and leaves else None
