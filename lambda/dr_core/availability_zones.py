"""Which availability zone the next incarnation goes to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

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
    last: Collection[str] = (),
) -> Place | None:
    """The most preferred place that may be taken, ``None`` when none is left.

    An AZ that another managed cluster uses comes late, if it may be used at all: its end would take both.  Later still
    comes one that was left lately: a launch there may hang for as long as one may, and whoever evacuated it wants
    nothing there.

    Args:
        subnets: the places, in order of preference.
        failed: availability zone of the incarnation to be replaced, ``None`` if it did not fail.
        used_by_others: the deployment's other managed clusters, by availability zone.
        tried: availability zones in which this operation failed to launch.
        share: whether an availability zone that another managed cluster uses may be taken.
        last: availability zones that are taken only if no other one may be, as :func:`left_zones` tells.
    """
    left = [each for each in subnets if each.availability_zone not in {failed, *tried}]
    free = [each for each in left if each.availability_zone not in used_by_others]
    shared = left if share else []
    ordered = sorted((*free, *shared), key=lambda each: each.availability_zone in last)
    return next((Place(subnet=each, shared_with=used_by_others.get(each.availability_zone)) for each in ordered), None)


def left_by(request: OperationRequest) -> str | None:
    """What an operation is to the AZ of what it replaces: :data:`EVACUATION`, :data:`FAILOVER`, or nothing of these."""
    if request.reason is Reason.EVACUATION:
        return EVACUATION
    return FAILOVER if request.kind is Kind.FAILOVER else None


def left_zones(incarnations: Iterable[Incarnation], *, now: float) -> set[str]:
    """The AZs that a failover or an evacuation of any managed cluster left lately, and no failback has returned to.

    Args:
        incarnations: of the deployment, those that are gone included.
        now: seconds since 1970.
    """
    left: dict[str, float] = {}
    returned: dict[str, float] = {}
    for each in incarnations:
        zone = each.availability_zone
        if zone is None:
            continue
        if each.reason == Reason.FAILBACK and each.serving_from is not None:
            returned[zone] = max(each.serving_from, returned.get(zone, each.serving_from))
        if each.left_by is not None and each.serving_to is not None:
            lasts = EVACUATED_SECONDS if each.left_by == EVACUATION else LEFT_SECONDS
            if now - each.serving_to < lasts:
                left[zone] = max(each.serving_to, left.get(zone, each.serving_to))
    return {zone for zone, since in left.items() if zone not in returned or returned[zone] < since}


def shared_zones(incarnations: Iterable[Incarnation]) -> dict[str, list[str]]:
    """The availability zones in which several managed clusters serve, and their names in order."""
    found: dict[str, set[str]] = {}
    for each in incarnations:
        if each.state is IncarnationState.SERVING and each.availability_zone is not None:
            found.setdefault(each.availability_zone, set()).add(each.managed_cluster)
    return {zone: sorted(names) for zone, names in sorted(found.items()) if len(names) > 1}
