"""Which availability zone the next incarnation goes to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from dr_core.config import SubnetChoice
from dr_core.record import Incarnation, IncarnationState


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
) -> Place | None:
    """The most preferred place that may be taken, ``None`` when none is left.

    An AZ that another managed cluster uses comes last, if it may be used at all: its end would take both.

    Args:
        subnets: the places, in order of preference.
        failed: availability zone of the incarnation to be replaced, ``None`` if it did not fail.
        used_by_others: the deployment's other managed clusters, by availability zone.
        tried: availability zones in which this operation failed to launch.
        share: whether an availability zone that another managed cluster uses may be taken.
    """
    left = [each for each in subnets if each.availability_zone not in {failed, *tried}]
    free = [each for each in left if each.availability_zone not in used_by_others]
    shared = left if share else []
    return next(
        (Place(subnet=each, shared_with=used_by_others.get(each.availability_zone)) for each in (*free, *shared)), None
    )


def shared_zones(incarnations: Iterable[Incarnation]) -> dict[str, list[str]]:
    """The availability zones in which several managed clusters serve, and their names in order."""
    found: dict[str, set[str]] = {}
    for each in incarnations:
        if each.state is IncarnationState.SERVING and each.availability_zone is not None:
            found.setdefault(each.availability_zone, set()).add(each.managed_cluster)
    return {zone: sorted(names) for zone, names in sorted(found.items()) if len(names) > 1}
