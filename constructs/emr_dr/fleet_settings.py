"""The section ``cluster.fleets`` of the settings: instance fleets in place of instance groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from dr_core.scaling import FleetShares, Scaling
from emr_dr.settings_errors import Problem
from emr_dr.settings_section import Section

InstanceType = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*\.[a-z0-9]+$", examples=["m5.xlarge"])]
Units = Annotated[int, Field(ge=1, le=1000)]

# Of a fleet with an allocation strategy (EMR Management Guide, "Planning and configuring instance fleets"); ours have
# one, all of them.
MOST_TYPES = 30
# From the moment that machines are there until a cluster is ready, generously: what a launch needs besides waiting for
# spot machines.
LAUNCH_SECONDS = 600

# What says something to instance groups alone.
_OF_GROUPS = (
    "primary_instance_type",
    "core_instance_type",
    "minimum_instances",
    "maximum_instances",
    "maximum_instances_alone",
)


class WeightedType(Section):
    """One instance type of a fleet."""

    type: InstanceType = Field(description="the instance type")
    units: int = Field(default=1, ge=1, le=1000, description="how many units one such machine counts")


Types = Annotated[tuple[WeightedType, ...], Field(min_length=1, max_length=MOST_TYPES, strict=False)]


class PrimaryFleet(Section):
    """The fleet of the one primary, which counts one unit whatever its type is."""

    types: Annotated[tuple[InstanceType, ...], Field(min_length=1, max_length=MOST_TYPES, strict=False)] = Field(
        default=("m5.xlarge", "m5a.xlarge", "m6i.xlarge"),
        description="instance types that may be the primary, the first choice first",
    )
    spot_percent: int = Field(default=0, ge=0, le=100, description="0: a primary is on demand")


class CoreFleet(Section):
    """The fleet of the core nodes: HDFS, and the drivers of jobs."""

    types: Types = Field(
        default=(WeightedType(type="m5.xlarge"), WeightedType(type="m5a.xlarge"), WeightedType(type="m6i.xlarge")),
        description="instance types and how many units each counts, the first choice first",
    )
    units: Units = Field(
        default=2, description="units at launch; with those of the task fleet the least that scaling keeps; in place"
    )
    maximum_units: Units | None = Field(
        default=None,
        description="the most units of core nodes; null: without a task fleet all, with one as many as at launch, so "
        "that the task fleet alone grows; changed in place",
    )
    spot_percent: int = Field(default=0, ge=0, le=100, description="0: core nodes are on demand")


class TaskFleet(Section):
    """The fleet of the task nodes, which hold executors and nothing that a job cannot lose."""

    types: Types = Field(description="instance types and how many units each counts, the first choice first")
    units: Units = Field(
        default=1, description="units at launch; 1 or more, EMR takes no empty fleet; changed in place"
    )
    spot_percent: int = Field(
        default=100, ge=0, le=100, description="how many of its units, in a hundred, are spot; changed in place"
    )
    spot_allocation: Literal[
        "price-capacity-optimized",
        "capacity-optimized",
        "capacity-optimized-prioritized",
        "diversified",
        "lowest-price",
    ] = Field(default="price-capacity-optimized", description="how EC2 chooses spot machines")
    spot_timeout_minutes: int = Field(
        default=5, ge=5, le=1440, description="how long a launch waits for the spot machines that it begins with"
    )
    spot_timeout_action: Literal["switch-to-on-demand", "terminate-cluster"] = Field(
        default="switch-to-on-demand",
        description="what then: switch-to-on-demand takes the rest on demand; terminate-cluster ends the launch, and "
        "the next AZ is tried",
    )


class Fleets(Section):
    """Instance fleets: several instance types for each kind of node, counted in units."""

    maximum_units: Units = Field(
        default=10, description="the most units of core and task nodes that managed scaling starts; changed in place"
    )
    maximum_units_alone: Units | None = Field(
        default=None,
        description="active-active: the most units while the other cluster is out of service; at least maximum_units; "
        "null leaves it at that; changed in place",
    )
    on_demand_allocation: Literal["prioritized", "lowest-price"] = Field(
        default="prioritized",
        description="how EC2 chooses machines on demand: in the order of the lists, or the cheapest first",
    )
    primary: PrimaryFleet = Field(default_factory=PrimaryFleet, description="the primary")
    core: CoreFleet = Field(default_factory=CoreFleet, description="the core nodes")
    task: TaskFleet | None = Field(default=None, description="task nodes; null: none")

    @property
    def scaling(self) -> Scaling:
        """The limits of managed scaling, as the functions know them."""
        task_units = self.task.units if self.task else 0
        return Scaling(
            minimum_instances=self.core.units + task_units,
            maximum_instances=self.maximum_units,
            maximum_instances_alone=self.maximum_units_alone,
            fleets=FleetShares(
                core_maximum=self.core.maximum_units or (self.core.units if self.task else self.maximum_units),
                task_units=task_units,
                spot_percent=self.task.spot_percent if self.task else 0,
            ),
        )


def problems(fleets: Fleets | None, *, of_groups: Mapping[str, Any], launch_limit_seconds: int) -> Iterator[Problem]:
    """What in the section does not fit together, or not to the rest.

    Args:
        fleets: the section.
        of_groups: what of the section ``cluster`` was set to another value than its default.
        launch_limit_seconds: of the section ``controller``.
    """
    if fleets is None:
        return
    for name in _OF_GROUPS:
        if name in of_groups:
            yield Problem(
                key=f"cluster.{name}",
                got=of_groups[name],
                allowed="only without cluster.fleets, which counts units and names its types itself",
                remedy="remove it, or remove cluster.fleets",
            )
    yield from _type_problems(fleets)
    yield from _spot_problems(fleets)
    yield from _unit_problems(fleets)
    if fleets.task is not None:
        yield from _timeout_problems(fleets.task, launch_limit_seconds)


def set_in(section: Section) -> dict[str, Any]:
    """The keys of a section that have another value than their default."""
    defaults = type(section).model_fields
    return {
        name: getattr(section, name)
        for name in section.model_fields_set
        if getattr(section, name) != defaults[name].get_default(call_default_factory=True, validated_data={})
    }


def _type_problems(fleets: Fleets) -> Iterator[Problem]:
    named = {"primary": list(fleets.primary.types), "core": [each.type for each in fleets.core.types]}
    if fleets.task is not None:
        named["task"] = [each.type for each in fleets.task.types]
    for fleet, types in named.items():
        if repeated := sorted({name for name in types if types.count(name) > 1}):
            yield Problem(
                key=f"cluster.fleets.{fleet}.types",
                got=repeated,
                allowed="each instance type once",
                remedy="remove the repetition",
            )


def _spot_problems(fleets: Fleets) -> Iterator[Problem]:
    for name, percent, why in (
        (
            "primary",
            fleets.primary.spot_percent,
            "EC2 may take a spot machine back, and with its primary a cluster ends",
        ),
        (
            "core",
            fleets.core.spot_percent,
            "EC2 may take spot machines back, and core nodes hold the only copies of HDFS blocks and the jobs' drivers",
        ),
    ):
        if percent:
            yield Problem(
                key=f"cluster.fleets.{name}.spot_percent",
                got=percent,
                allowed=f"0: {why}",
                remedy="remove it, and set cluster.fleets.task for spot machines, which hold executors alone",
            )


def _unit_problems(fleets: Fleets) -> Iterator[Problem]:
    core, task_units = fleets.core, fleets.task.units if fleets.task else 0
    least = core.units + task_units
    if least > fleets.maximum_units:
        yield Problem(
            key="cluster.fleets.maximum_units",
            got=fleets.maximum_units,
            allowed=f"at least what a launch begins with: {core.units} of the core fleet and {task_units} of the task "
            "fleet",
            remedy=f"set {least} or more, or begin with fewer units",
        )
    if fleets.maximum_units_alone is not None and fleets.maximum_units_alone < fleets.maximum_units:
        yield Problem(
            key="cluster.fleets.maximum_units_alone",
            got=fleets.maximum_units_alone,
            allowed=f"null, or at least cluster.fleets.maximum_units ({fleets.maximum_units})",
            remedy="raise it, or lower cluster.fleets.maximum_units",
        )
    if core.maximum_units is None:
        return
    key = "cluster.fleets.core.maximum_units"
    if fleets.task is None:
        yield Problem(
            key=key,
            got=core.maximum_units,
            allowed="null without a task fleet: every unit is of a core node then",
            remedy="remove it and set cluster.fleets.maximum_units, or set cluster.fleets.task",
        )
    elif not core.units <= core.maximum_units <= fleets.maximum_units:
        yield Problem(
            key=key,
            got=core.maximum_units,
            allowed=f"null, or cluster.fleets.core.units ({core.units}) to cluster.fleets.maximum_units "
            f"({fleets.maximum_units})",
            remedy="choose a number between them",
        )


def _timeout_problems(task: TaskFleet, launch_limit_seconds: int) -> Iterator[Problem]:
    """The controller gives a launch up by itself; a time-out that comes later would say nothing."""
    key, waits = "cluster.fleets.task.spot_timeout_minutes", task.spot_timeout_minutes * 60
    if task.spot_percent == 0:
        return
    if task.spot_timeout_action == "terminate-cluster":
        if waits >= launch_limit_seconds:
            yield Problem(
                key=key,
                got=task.spot_timeout_minutes,
                allowed=f"less than controller.launch_limit_seconds ({launch_limit_seconds}), after which the launch "
                "is given up in any case",
                remedy="shorten it, or raise controller.launch_limit_seconds",
            )
    elif waits + LAUNCH_SECONDS > launch_limit_seconds:
        yield Problem(
            key=key,
            got=task.spot_timeout_minutes,
            allowed=f"with switch-to-on-demand at most {max(0, launch_limit_seconds - LAUNCH_SECONDS) // 60} minutes, "
            f"so that {LAUNCH_SECONDS} s of controller.launch_limit_seconds ({launch_limit_seconds}) are left for the "
            "launch itself",
            remedy="shorten it, or raise controller.launch_limit_seconds",
        )
