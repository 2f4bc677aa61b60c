"""Stacks and clusters that carry a deployment's name and tags, and that no record knows: what nobody would ever end.

Each incarnation is in the record before its stack is asked for, so there should be none.  There is one after the record
was lost or changed by hand, or when a person made a cluster after our pattern.  What cannot be told apart from a
person's work, or gets traffic, is only told of; a person ends it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Self

from dr_core.items import item_of, values_of
from dr_core.naming import stack_name
from dr_core.record import Incarnation, IncarnationState, ManagedCluster

# A thing that was not seen for so long has gone, and counts as new if it is seen again.
FORGOTTEN_SECONDS = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A stack or a cluster with our tags.

    Attributes:
        managed_cluster: by its tag.
        generation: by its tag.
        cluster_id: of a cluster; ``None`` for a stack.
        gets_traffic: whether its primary is a target of the front door.
    """

    managed_cluster: str
    generation: int
    cluster_id: str | None = None
    gets_traffic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """What was found of one incarnation that no record knows.

    Attributes:
        id: how it is called in the record and in messages.
        managed_cluster: by its tags.
        generation: by its tags.
        cluster_id: of its cluster, if that was found.
        kept: why it is never removed by itself; empty if it is.
    """

    id: str
    managed_cluster: str
    generation: int
    cluster_id: str | None
    kept: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What the record remembers of an orphan.

    Attributes:
        id: of the orphan.
        first_seen: seconds since 1970.
        last_seen: the same.
    """

    KIND: ClassVar[str] = "orphan"

    id: str
    first_seen: float
    last_seen: float

    @staticmethod
    def key(orphan: str) -> dict[str, str]:
        """The item's key."""
        return {"kind": Sighting.KIND, "id": orphan}

    def to_item(self) -> dict[str, Any]:
        """The item of the record table."""
        return item_of(self, key=self.key(self.id))

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        """The sighting that an item holds."""
        return cls(**values_of(cls, item))


class Treatment(StrEnum):
    """What to do about an orphan.

    Attributes:
        TELL: it is new; tell people.
        WAIT: it was told of.
        REMOVE: record it, so that a retirement ends it.
    """

    TELL = "tell"
    WAIT = "wait"
    REMOVE = "remove"


def orphans(
    found: Iterable[Found],
    *,
    incarnations: Sequence[Incarnation],
    deployment: str,
) -> list[Orphan]:
    """What of *found* no record knows, one for each incarnation, by its generation.

    Args:
        found: every stack and every cluster that has not ended, with our tags.  It has to be read before the record:
            what is launched meanwhile is in the record then.
        incarnations: all that were ever recorded.
        deployment: name of the deployment.
    """
    unknown: dict[str, list[Found]] = {}
    kept: dict[str, str] = {}
    known = {(each.managed_cluster, each.generation): each for each in incarnations}
    for each in found:
        owner = known.get((each.managed_cluster, each.generation))
        name = stack_name(deployment, each.managed_cluster, each.generation)
        if owner is not None and owner.state is not IncarnationState.RETIRED:
            if each.cluster_id is None or owner.cluster_id in (None, each.cluster_id):
                continue
            # A copy that a person made, as the console offers it: it has name and tags of what it was made from.
            name = each.cluster_id
            kept[name] = f"{owner.title} has a cluster already, {owner.cluster_id}"
        unknown.setdefault(name, []).append(each)
        if each.gets_traffic:
            kept[name] = "it is a target of the front door"
    return [
        Orphan(
            id=name,
            managed_cluster=parts[0].managed_cluster,
            generation=parts[0].generation,
            cluster_id=next((part.cluster_id for part in parts if part.cluster_id is not None), None),
            kept=kept.get(name, ""),
        )
        for name, parts in sorted(unknown.items(), key=lambda each: (each[1][0].generation, each[0]))
    ]


def seen_now(orphan: Orphan, before: Sighting | None, *, now: float) -> Sighting:
    """What the record shall remember of *orphan*, of which it remembers *before*."""
    if before is None or now > before.last_seen + FORGOTTEN_SECONDS:
        return Sighting(id=orphan.id, first_seen=now, last_seen=now)
    return Sighting(id=orphan.id, first_seen=before.first_seen, last_seen=now)


def treat(
    orphan: Orphan,
    sighting: Sighting,
    *,
    managed_clusters: Collection[ManagedCluster],
    paused: bool,
    limit: float,
) -> Treatment:
    """What to do about *orphan* now.

    Args:
        orphan: what was found.
        sighting: as :func:`seen_now` gives it.
        managed_clusters: of the deployment.
        paused: whether a person paused what the product does by itself.
        limit: seconds from the first sighting to the removal.
    """
    if sighting.first_seen == sighting.last_seen:
        return Treatment.TELL
    owner = next((each for each in managed_clusters if each.name == orphan.managed_cluster), None)
    # An operation that runs, or the deletion of the managed cluster, takes care of its own.
    worked_on = owner is not None and (owner.lease is not None or owner.tombstone)
    overdue = sighting.last_seen >= sighting.first_seen + limit
    if orphan.kept or paused or worked_on or not overdue:
        return Treatment.WAIT
    return Treatment.REMOVE
