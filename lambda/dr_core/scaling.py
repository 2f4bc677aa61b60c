"""Between which limits EMR's managed scaling may move what serves: the settings', or more while it serves alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from dr_core.record import Incarnation, IncarnationState, ManagedCluster

SETTLE_SECONDS = 900
"""For how long nothing may serve alone before its limits are set back.

To give room costs nothing by itself, to take it away ends machines, all of which are core nodes and may run jobs: what
came while it was alone gets a quarter of an hour to end first, with new jobs going to both halves.  And a half that
comes and goes must not make the other one grow and shrink.
"""


class Unit(StrEnum):
    """What limits count; the values are EMR's ``UnitType``."""

    INSTANCES = "Instances"
    FLEET_UNITS = "InstanceFleetUnits"

    @property
    def noun(self) -> str:
        """For people."""
        return "instances" if self is Unit.INSTANCES else "units"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Between what managed scaling may move a cluster; its primary does not count.

    Attributes:
        minimum: the least.
        maximum: the most.
        unit: what both count: instances of a cluster of instance groups, units of one of instance fleets.
        core: the most of them in core nodes; ``None`` if that is *maximum*.
        on_demand: the most of them on demand; ``None`` if that is *maximum*.

    Raises:
        ValueError: the least is below 1 or above the most, or a part is above the whole.
    """

    minimum: int
    maximum: int
    unit: Unit = Unit.INSTANCES
    core: int | None = None
    on_demand: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.minimum <= self.maximum:
            raise ValueError(
                f"limits of managed scaling are 1 or more, the least at most as high as the most, got {self.text}"
            )
        for name in ("core", "on_demand"):
            part: int | None = getattr(self, name)
            if part is not None and not 0 <= part <= self.maximum:
                raise ValueError(f"{name} is at most the maximum of managed scaling ({self.maximum}), got {part}")
            if part == self.maximum:
                object.__setattr__(self, name, None)  # the same limits are equal, however they were said

    @property
    def most_core(self) -> int:
        """The most in core nodes."""
        return self.maximum if self.core is None else self.core

    @property
    def most_on_demand(self) -> int:
        """The most on demand."""
        return self.maximum if self.on_demand is None else self.on_demand

    @property
    def text(self) -> str:
        """For people: ``2 to 10``."""
        parts = [
            f"{most} {what}"
            for most, what in ((self.core, "in core nodes"), (self.on_demand, "on demand"))
            if most is not None
        ]
        return f"{self.minimum} to {self.maximum}" + (f" (at most {' and '.join(parts)})" if parts else "")

    @property
    def counted(self) -> str:
        """For people: ``2 to 10 instances``."""
        whole, bracket, parts = self.text.partition(" (")
        return f"{whole} {self.unit.noun}{bracket}{parts}"

    def to_dict(self) -> dict[str, Any]:
        """As the record keeps them."""
        values: dict[str, Any] = {"minimum": self.minimum, "maximum": self.maximum}
        if self.unit is not Unit.INSTANCES:
            values["unit"] = str(self.unit)
        parts = {"core": self.core, "on_demand": self.on_demand}
        return {**values, **{name: part for name, part in parts.items() if part is not None}}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The limits that :meth:`to_dict` made."""
        parts = {name: int(values[name]) for name in ("core", "on_demand") if values.get(name) is not None}
        return cls(
            minimum=int(values["minimum"]),
            maximum=int(values["maximum"]),
            unit=Unit(values.get("unit", Unit.INSTANCES)),
            **parts,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetShares:
    """How the units of a cluster of instance fleets are divided.

    Attributes:
        core_maximum: the most units of the core fleet.
        task_units: units of the task fleet at launch; 0 if there is none.
        spot_percent: how many of the task fleet's units, in a hundred, are spot.

    Raises:
        ValueError: the core fleet has no unit, or another number makes no sense.
    """

    core_maximum: int
    task_units: int = 0
    spot_percent: int = 0

    def __post_init__(self) -> None:
        if self.core_maximum < 1 or self.task_units < 0 or not 0 <= self.spot_percent <= 100:
            raise ValueError(
                "core_maximum is 1 or more, task_units 0 or more and spot_percent 0 to 100, "
                f"got {self.core_maximum}, {self.task_units} and {self.spot_percent}"
            )

    def on_demand_of(self, task_units: int) -> int:
        """How many of so many units of the task fleet are on demand; a part of one is a whole one."""
        return -(-task_units * (100 - self.spot_percent) // 100)

    def to_dict(self) -> dict[str, int]:
        """As a spec holds it."""
        return {
            "core_maximum": self.core_maximum,
            "task_units": self.task_units,
            "spot_percent": self.spot_percent,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """What the settings say of limits.

    Attributes:
        minimum_instances: core nodes at launch, and the least that scaling keeps; of instance fleets the units of core
            and task fleet, as are the other two.
        maximum_instances: the most.
        maximum_instances_alone: the most while every other managed cluster is out of service; ``None`` for no more.
        fleets: how units are divided, of a cluster of instance fleets; ``None`` for one of instance groups, every
            instance of which is a core node and on demand.

    Raises:
        ValueError: they do not fit each other.
    """

    minimum_instances: int
    maximum_instances: int
    maximum_instances_alone: int | None = None
    fleets: FleetShares | None = None

    def __post_init__(self) -> None:
        usual = self.usual  # refuses what is no pair of limits
        if self.maximum_instances_alone is not None and self.maximum_instances_alone < usual.maximum:
            raise ValueError(
                f"maximum_instances_alone is at least maximum_instances ({usual.maximum}), "
                f"got {self.maximum_instances_alone}"
            )
        if self.fleets is not None and not 1 <= self.core_units <= self.fleets.core_maximum:
            raise ValueError(
                f"the core fleet begins with 1 to core_maximum ({self.fleets.core_maximum}) units, "
                f"got {self.core_units}"
            )

    @property
    def unit(self) -> Unit:
        """What the numbers count."""
        return Unit.INSTANCES if self.fleets is None else Unit.FLEET_UNITS

    @property
    def core_units(self) -> int:
        """What a launch begins with in core nodes."""
        return self.minimum_instances - (0 if self.fleets is None else self.fleets.task_units)

    @property
    def usual(self) -> Limits:
        """The limits while others serve too."""
        return self._limits(self.maximum_instances)

    @property
    def alone(self) -> Limits:
        """The limits while nobody else serves."""
        return self._limits(self.maximum_instances_alone or self.maximum_instances)

    def _limits(self, maximum: int) -> Limits:
        shares = self.fleets
        if shares is None:
            return Limits(minimum=self.minimum_instances, maximum=maximum)
        # Without a task fleet core nodes are all there is, also where the maximum alone is higher.
        core = min(shares.core_maximum, maximum) if shares.task_units else maximum
        return Limits(
            minimum=self.minimum_instances,
            maximum=maximum,
            unit=Unit.FLEET_UNITS,
            core=core,
            on_demand=core + shares.on_demand_of(maximum - core),
        )

    def to_dict(self) -> dict[str, int]:
        """As a spec holds it."""
        alone = self.maximum_instances_alone
        return {
            "minimum_instances": self.minimum_instances,
            "maximum_instances": self.maximum_instances,
            **({} if alone is None else {"maximum_instances_alone": alone}),
            **({} if self.fleets is None else self.fleets.to_dict()),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """What :meth:`to_dict` made, its numbers as numbers or, as CloudFormation passes them on, as text.

        Raises:
            KeyError: a limit is missing.
            ValueError: one is no number, or they do not fit each other.
        """
        alone = values.get("maximum_instances_alone")
        of_fleets = "core_maximum" in values
        return cls(
            minimum_instances=int(values["minimum_instances"]),
            maximum_instances=int(values["maximum_instances"]),
            maximum_instances_alone=None if alone is None else int(alone),
            fleets=FleetShares(**{name: int(values[name]) for name in _SHARES}) if of_fleets else None,
        )


_SHARES = ("core_maximum", "task_units", "spot_percent")


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
