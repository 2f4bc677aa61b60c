"""The spec of a managed cluster: what its incarnations are launched with, and what a change of it asks for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from dr_core.scaling import Scaling

MINIMUM_PARAMETER, MAXIMUM_PARAMETER = "MinimumInstances", "MaximumInstances"
"""The parameters of an incarnation template of instance groups that take the limits."""

MINIMUM_UNITS, MAXIMUM_UNITS = "MinimumUnits", "MaximumUnits"
MAXIMUM_CORE_UNITS, MAXIMUM_ON_DEMAND_UNITS = "MaximumCoreUnits", "MaximumOnDemandUnits"
CORE_UNITS, TASK_ON_DEMAND_UNITS, TASK_SPOT_UNITS = "CoreUnits", "TaskOnDemandUnits", "TaskSpotUnits"
"""The parameters of a template of instance fleets that take the limits, and what its fleets begin with; the last two
are there with a task fleet only."""

IN_PLACE = ("scaling", "tags")
"""What of a spec's JSON changes on a running cluster."""


class Difference(StrEnum):
    """What has to be done so that what serves is as a new spec says.

    Attributes:
        NOTHING: it is so already.
        IN_PLACE: scaling limits or tags of the running cluster have to be changed.
        REPLACE: EMR changes the rest for no running cluster: another incarnation has to take over.
    """

    NOTHING = "nothing"
    IN_PLACE = "in place"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What incarnations of a managed cluster are.

    Attributes:
        template_url: https address of the incarnation template; its name is a hash of its content.
        parameters: of the template, those that are the same for every incarnation.
        scaling: limits of managed scaling; ``None`` if the template has them (one of before they could be changed).
        tags: of clusters, besides the product's own.
    """

    template_url: str
    parameters: Mapping[str, str]
    scaling: Scaling | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """The same text for the same spec."""
        values: dict[str, Any] = {"template_url": self.template_url, "parameters": dict(self.parameters)}
        if self.scaling is not None:
            values["scaling"] = self.scaling.to_dict()
        if self.tags:
            values["tags"] = dict(self.tags)
        return json.dumps(values, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The spec that :meth:`to_json` wrote.

        Raises:
            ValueError: it did not; names what is wrong.
        """
        try:
            values = json.loads(text)
            scaling = values.get("scaling")
            return cls(
                template_url=values["template_url"],
                parameters={key: str(value) for key, value in values["parameters"].items()},
                scaling=None if scaling is None else Scaling.from_dict(scaling),
                tags={key: str(value) for key, value in values.get("tags", {}).items()},
            )
        except (AttributeError, KeyError, TypeError, json.JSONDecodeError) as error:
            raise ValueError(f"the record's spec of a managed cluster cannot be read: {error!r}") from error

    @property
    def launch_parameters(self) -> dict[str, str]:
        """Parameters of the template that this spec decides, as text."""
        if self.scaling is None:
            return dict(self.parameters)
        numbers = launch_numbers(self.scaling)
        return {**self.parameters, **{name: str(number) for name, number in numbers.items()}}

    @property
    def given(self) -> dict[str, Any]:
        """What an incarnation notes down that is launched with it: ``limits`` and ``tags``."""
        limits = None if self.scaling is None else self.scaling.usual.to_dict()
        return {"limits": limits, "tags": dict(self.tags)}


def launch_numbers(scaling: Scaling) -> dict[str, int]:
    """What an incarnation template's parameters of limits and sizes are at a launch."""
    shares, limits = scaling.fleets, scaling.usual
    if shares is None:
        return {MINIMUM_PARAMETER: limits.minimum, MAXIMUM_PARAMETER: limits.maximum}
    numbers = {
        MINIMUM_UNITS: limits.minimum,
        MAXIMUM_UNITS: limits.maximum,
        MAXIMUM_CORE_UNITS: limits.most_core,
        MAXIMUM_ON_DEMAND_UNITS: limits.most_on_demand,
        CORE_UNITS: scaling.core_units,
    }
    if shares.task_units:
        on_demand = shares.on_demand_of(shares.task_units)
        numbers |= {TASK_ON_DEMAND_UNITS: on_demand, TASK_SPOT_UNITS: shares.task_units - on_demand}
    return numbers


def difference(old: Spec, new: Spec) -> Difference:
    """What it takes to get from *old* to *new*.

    Template and parameters are what a cluster is; limits and tags are what EMR changes on a running one.
    """
    if (old.template_url, old.parameters) != (new.template_url, new.parameters):
        return Difference.REPLACE
    if (old.scaling is None) != (new.scaling is None):
        return Difference.REPLACE  # the limits are in one of the two templates, where nobody can change them
    if (old.scaling, old.tags) != (new.scaling, new.tags):
        return Difference.IN_PLACE
    return Difference.NOTHING


def tag_changes(
    wanted: Mapping[str, str], *, given: Mapping[str, str], found: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """The tags to add to a cluster, and the names of those to remove.

    Args:
        wanted: of the spec.
        given: those that we gave it, or meant to: no other tag is ever removed.
        found: what the cluster has.
    """
    missing = {key: value for key, value in wanted.items() if found.get(key) != value}
    return missing, sorted(key for key in given if key not in wanted and key in found)
