"""Between which limits EMR's managed scaling may move what serves: the settings', or more while it serves alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from dr_core.record import Incarnation, IncarnationState, ManagedCluster

SETTLE_SECONDS = 900
"""For how long nothing may serve alone before its limits are set back.

To give room costs nothing by itself, to take it away ends machines, all of which are core nodes and may run jobs: what
came while it was alone gets a quarter of an hour to end first, with new jobs going to both halves.  And a half that
comes and goes must not make the other one grow and shrink.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The least and the most core nodes of a cluster.

    Raises:
        ValueError: the least is below 1, or above the most.
    """

    minimum: int
    maximum: int

    def __post_init__(self) -> None:
        if not 1 <= self.minimum <= self.maximum:
            raise ValueError(
                f"limits of managed scaling are 1 or more, the least at most as high as the most, got {self.text}"
            )

    @property
    def text(self) -> str:
        """For people: ``2 to 10``."""
        return f"{self.minimum} to {self.maximum}"

    def to_dict(self) -> dict[str, int]:
        """As the record keeps them."""
        return {"minimum": self.minimum, "maximum": self.maximum}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The limits that :meth:`to_dict` made."""
        return cls(minimum=int(values["minimum"]), maximum=int(values["maximum"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """What the settings say of limits.

    Attributes:
        minimum_instances: core nodes at launch, and the least that scaling keeps.
        maximum_instances: the most.
        maximum_instances_alone: the most while every other managed cluster is out of service; ``None`` for no more.

    Raises:
        ValueError: they do not fit each other.
    """

    minimum_instances: int
    maximum_instances: int
    maximum_instances_alone: int | None = None

    def __post_init__(self) -> None:
        usual = self.usual  # refuses what is no pair of limits
        if self.maximum_instances_alone is not None and self.maximum_instances_alone < usual.maximum:
            raise ValueError(
                f"maximum_instances_alone is at least maximum_instances ({usual.maximum}), "
                f"got {self.maximum_instances_alone}"
            )

    @property
    def usual(self) -> Limits:
        """The limits while others serve too."""
        return Limits(minimum=self.minimum_instances, maximum=self.maximum_instances)

    @property
    def alone(self) -> Limits:
        """The limits while nobody else serves."""
        return Limits(minimum=self.minimum_instances, maximum=self.maximum_instances_alone or self.maximum_instances)

    def to_dict(self) -> dict[str, int]:
        """As a spec holds it."""
        alone = self.maximum_instances_alone
        return {
            "minimum_instances": self.minimum_instances,
            "maximum_instances": self.maximum_instances,
            **({} if alone is None else {"maximum_instances_alone": alone}),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """What :meth:`to_dict` made, its numbers as numbers or, as CloudFormation passes them on, as text.

        Raises:
            KeyError: a limit is missing.
            ValueError: one is no number, or they do not fit each other.
        """
        alone = values.get("maximum_instances_alone")
        return cls(
            minimum_instances=int(values["minimum_instances"]),
            maximum_instances=int(values["maximum_instances"]),
            maximum_instances_alone=None if alone is None else int(alone),
        )


def serves_alone(
    name: str,
    *,
    managed_clusters: Iterable[ManagedCluster],
    incarnations: Iterable[Incarnation],
    ended: Collection[int] = (),
) -> bool:
    """Whether a managed cluster is the only one of several that takes new jobs.

    One is out of service that has nothing in service, that has an incarnation there which is isolated, which is about
    to be ended, or which is known to have ended.  One that has never served is no half yet, and one that is being
    deleted is none any more.

    Args:
        name: of the managed cluster.
        managed_clusters: all of the record.
        incarnations: all of the record.
        ended: generations whose clusters EMR ends or has ended.
    """
    serving = {
        each.managed_cluster
        for each in incarnations
        if each.state is IncarnationState.SERVING
        and each.isolated_at is None
        and each.terminate_requested_at is None
        and each.generation not in ended
    }
    halves = {each.name for each in managed_clusters if each.serving_generation is not None and not each.tombstone}
    others = halves - {name}
    return name in halves & serving and bool(others) and not others & serving


def wanted_limits(scaling: Scaling, *, alone: bool, last_alone_at: float | None, now: float) -> Limits:
    """The limits that what serves shall have now.

    Args:
        scaling: what the settings say.
        alone: whether it serves alone now.
        last_alone_at: when that was last so, as far as it was noted down.
        now: seconds since 1970.
    """
    settled = last_alone_at is None or now >= last_alone_at + SETTLE_SECONDS
    return scaling.usual if not alone and settled else scaling.alone


def set_by_others(found: Limits | None, *, scaling: Scaling, given: Limits | None) -> bool:
    """Whether limits that were *found* are none that we ever set, so that a person must have chosen them.

    Args:
        found: what EMR says; ``None`` if the cluster has no policy.
        scaling: what the settings say.
        given: what we set last, or meant to set: the settings of before.
    """
    return found not in (scaling.usual, scaling.alone, given)
