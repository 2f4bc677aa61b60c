"""Which availability zone the next incarnation goes to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from dr_core.config import SubnetChoice
from dr_core.record import Incarnation, IncarnationState
from dr_core.requests import Kind, OperationRequest, Reason

# For how long the AZ in which something went out of service comes last: what ended it may be there still.
LEFT_SECONDS = 7200
# The same for an AZ that a person evacuated, unless a person asks for a failback into it sooner: a maintenance window.
EVACUATED_SECONDS = 86_400
# What made an incarnation leave its AZ so that it comes last for a while.
FAILOVER, EVACUATION = str(Kind.FAILOVER), str(Reason.EVACUATION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an incarnation may be launched.

    Attributes:
        subnet: the place.
        shared_with: another managed cluster that has an incarnation in the same AZ, ``None`` if there is none.
    """

    subnet: SubnetChoice
    shared_with: str | None = None


def choose(
    subnets: Sequence[SubnetChoice],
    *,
    failed: str | None,
    used_by_others: Mapping[str, str],
    tried: Collection[str],
    share: bool = True,
    left: Mapping[str, str] = MappingProxyType({}),
) -> Place | None:
    """The most preferred place that may be taken, ``None`` when none is left.

    Among the AZs that nobody else uses, one that a failover left lately comes last: a launch there may hang for as long
    as one may.  After them comes one that another managed cluster uses, if it may be used at all: its end would take
    both.  What was evacuated lately comes last of all: whoever evacuated it wants nothing there.

    Args:
        subnets: the places, in order of preference.
        failed: availability zone of the incarnation to be replaced, ``None`` if it did not fail.
        used_by_others: the deployment's other managed clusters, by availability zone.
        tried: availability zones in which this operation failed to launch.
        share: whether an availability zone that another managed cluster uses may be taken.
        left: availability zones that were left lately, as :func:`left_zones` tells.
    """

    def rank(subnet: SubnetChoice) -> tuple[bool, bool, bool]:
        zone = subnet.availability_zone
        return left.get(zone) == EVACUATION, zone in used_by_others, zone in left

    may = [each for each in subnets if each.availability_zone not in {failed, *tried}]
    ordered = sorted((each for each in may if share or each.availability_zone not in used_by_others), key=rank)
    return next((Place(subnet=each, shared_with=used_by_others.get(each.availability_zone)) for each in ordered), None)


def is_being_evacuated(incarnation: Incarnation, *, now: float) -> bool:
    """Whether a change came in the way of a person who wanted it to leave its AZ, and leaves it instead."""
    asked = incarnation.leave_asked_at
    return asked is not None and now - asked < EVACUATED_SECONDS


def left_by(request: OperationRequest, *, sick: bool = False, evacuated: bool = False) -> str | None:
    """What an operation is to the AZ of what it replaces: :data:`EVACUATION`, :data:`FAILOVER`, or nothing of these.

    Args:
        request: of the operation.
        sick: whether what it replaces is called unhealthy: a change that superseded a failover is one for its AZ.
        evacuated: whether what it replaces was being evacuated, see :func:`is_being_evacuated`.
    """
    if request.reason is Reason.EVACUATION or evacuated:
        return EVACUATION
    return FAILOVER if sick or request.kind is Kind.FAILOVER else None


def left_zones(incarnations: Iterable[Incarnation], *, now: float) -> dict[str, str]:
    """What left an AZ lately, by AZ, if no failback of any managed cluster has returned to it: see :func:`left_by`.

    An evacuation counts for more than a failover.

    Args:
        incarnations: of the deployment, those that are gone included.
        now: seconds since 1970.
    """
    known = list(incarnations)
    left: dict[str, str] = {}
    for by, lasts in ((FAILOVER, LEFT_SECONDS), (EVACUATION, EVACUATED_SECONDS)):
        for each in known:
            if each.left_by != by or each.serving_to is None or each.availability_zone is None:
                continue
            if now - each.serving_to < lasts and not _returned(known, each.availability_zone, since=each.serving_to):
                left[each.availability_zone] = by
    return left


def _returned(incarnations: Iterable[Incarnation], zone: str, *, since: float) -> bool:
    return any(
        each.reason == Reason.FAILBACK and each.availability_zone == zone and (each.serving_from or 0) >= since
        for each in incarnations
    )


def shared_zones(incarnations: Iterable[Incarnation]) -> dict[str, list[str]]:
    """The availability zones in which several managed clusters serve, and their names in order."""
    found: dict[str, set[str]] = {}
    for each in incarnations:
        if each.state is IncarnationState.SERVING and each.availability_zone is not None:
            found.setdefault(each.availability_zone, set()).add(each.managed_cluster)
    return {zone: sorted(names) for zone, names in sorted(found.items()) if len(names) > 1}
