"""When operations begin, what keeps them back and how long they may take: the sections ``monitor`` and ``controller``.

Together they are the :class:`dr_core.config.Policy` of the functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from emr_dr.settings_errors import Problem
from emr_dr.settings_section import Section

# A policy names these alarms, so that nothing in a name may mean more than itself there; ASCII, so that its length is
# what it takes in the functions' variables.
AlarmName = Annotated[
    str,
    Field(pattern=r"^[!#%-)+->@-\[\]-~]([ !#%-)+->@-\[\]-~]{0,126}[!#%-)+->@-\[\]-~])?$", examples=["etl-jobs-failed"]),
]
# The functions' variables have room for so many.
MOST_BAKE_ALARMS = 3


class Monitor(Section):
    """How evidence becomes a verdict, and what keeps automatic operations back."""

    round_seconds: Literal[5, 10, 15, 20, 30] = Field(
        default=10, description="time between two rounds, a part of a minute"
    )
    rounds: int = Field(default=4, ge=1, le=20, description="how many of the last rounds a verdict looks at")
    bad_rounds: int = Field(default=3, ge=1, le=20, description="how many of them must agree; at most rounds")
    vantage_points: int = Field(default=2, ge=2, le=4, description="observers that must agree, one of them a prober")
    read_limit_seconds: int = Field(
        default=3, ge=1, le=10, description="time limit of one reading; shorter than a round"
    )
    # The record keeps the times of the last ten.
    failovers_before_block: int = Field(
        default=2,
        ge=1,
        le=10,
        description="after so many automatic failovers of the deployment within block_window_seconds the next one "
        "waits until a person acknowledges them, or until the window has passed",
    )
    block_window_seconds: int = Field(default=7200, ge=600, le=86_400, description="see failovers_before_block")
    launches_per_day: int = Field(
        default=8,
        ge=1,
        le=100,
        description="how many clusters automatic operations of the deployment may launch in 24 hours",
    )


class Controller(Section):
    """Deadlines of operations and retirements."""

    launch_limit_seconds: int = Field(default=1200, ge=300, le=2700, description="deadline of one launch in one AZ")
    # CloudFormation waits at most 3600 s for the custom resource, which answers at cut-over: what is left covers
    # the other states of the operation.
    total_launch_limit_seconds: int = Field(
        default=2700, ge=300, le=2700, description="deadline of a launch over all AZs"
    )
    fence_limit_seconds: int = Field(
        default=300,
        ge=60,
        le=900,
        description="how long ids wait for proof that their applications are dead before they answer 410",
    )
    repair_limit_seconds: int = Field(
        default=240, ge=60, le=900, description="how long a restart of Livy may take before the cluster is replaced"
    )
    drain_limit_seconds: int = Field(
        default=14_400,
        ge=60,
        le=604_800,
        description="how long the jobs of a cluster that was replaced as planned have for coming to their end; what "
        "runs then is killed",
    )
    # Livy answers for a batch that has ended for an hour at least (cluster.finished_batch_retention_hours).
    linger_seconds: int = Field(
        default=900,
        ge=60,
        le=3600,
        description="how long Livy of such a cluster stays up after that, so that every client reads its results: the "
        "longest time between two polls",
    )
    orphan_seconds: int = Field(
        default=900,
        ge=300,
        le=86_400,
        description="for how long a stack or cluster with our name that no record knows is only told of; then it is "
        "removed",
    )
    bake_seconds: int = Field(
        default=300,
        ge=0,
        le=600,
        description="for how long what one managed cluster was changed to by a deploy has to serve well before the "
        "next one is changed",
    )
    bake_alarms: tuple[AlarmName, ...] = Field(
        default=(),
        strict=False,
        max_length=MOST_BAKE_ALARMS,
        description="names of metric alarms of CloudWatch, in this account and region, that speak of jobs: as long as "
        "one is on, or cannot tell, a deploy changes no second managed cluster, and fails (docs/life-cycle.md)",
    )
    share_availability_zone: bool = Field(
        default=True,
        description="whether a managed cluster may be launched in the AZ of another one when no other AZ is left, with "
        "an alarm until it has moved away; false: it stays down then: three attempts within minutes look for room in "
        "another AZ, after that a person has to start a failover",
    )


def problems(
    monitor: Monitor, controller: Controller, *, zone_count: int, standby: Literal["none", "warm"]
) -> Iterator[Problem]:
    """What in the two sections does not fit each other, *zone_count*, the number of AZs, or *standby*."""
    yield from _time_problems(monitor, controller, zone_count=zone_count)
    yield from _alarm_problems(controller)
    if standby == "warm":
        yield from _standby_problems(monitor)


def _time_problems(monitor: Monitor, controller: Controller, *, zone_count: int) -> Iterator[Problem]:
    if monitor.bad_rounds > monitor.rounds:
        yield Problem(
            key="monitor.bad_rounds",
            got=monitor.bad_rounds,
            allowed=f"at most monitor.rounds ({monitor.rounds})",
            remedy="lower it, or raise monitor.rounds",
        )
    if monitor.vantage_points > zone_count:
        yield Problem(
            key="monitor.vantage_points",
            got=monitor.vantage_points,
            allowed=f"at most {zone_count}, the number of AZs: when one of them is lost, the probers of the others and "
            "the load balancer's health checks are all that can see it",
            remedy="lower it, or use more AZs",
        )
    if monitor.read_limit_seconds >= monitor.round_seconds:
        yield Problem(
            key="monitor.read_limit_seconds",
            got=monitor.read_limit_seconds,
            allowed=f"less than monitor.round_seconds ({monitor.round_seconds})",
            remedy="lower it, or lengthen the round",
        )
    if controller.launch_limit_seconds > controller.total_launch_limit_seconds:
        yield Problem(
            key="controller.launch_limit_seconds",
            got=controller.launch_limit_seconds,
            allowed=f"at most controller.total_launch_limit_seconds ({controller.total_launch_limit_seconds})",
            remedy="lower it",
        )


def _alarm_problems(controller: Controller) -> Iterator[Problem]:
    key, names = "controller.bake_alarms", controller.bake_alarms
    if arns := [name for name in names if name.startswith("arn:")]:
        yield Problem(
            key=key,
            got=arns,
            allowed="names of metric alarms in the deployment's own account and region",
            remedy="write what stands behind :alarm: in the ARN",
        )
    if len(set(names)) < len(names):
        yield Problem(key=key, got=list(names), allowed="each alarm once", remedy="remove the repetition")
    if names and not controller.bake_seconds:
        yield Problem(
            key=key,
            got=list(names),
            allowed="none with controller.bake_seconds: 0, which asks for no proof",
            remedy="remove them, or raise controller.bake_seconds",
        )


def _standby_problems(monitor: Monitor) -> Iterator[Problem]:
    if monitor.launches_per_day < 2:
        yield Problem(
            key="monitor.launches_per_day",
            got=monitor.launches_per_day,
            allowed="2 at least with standby: warm, as standbys may use half of it",
            remedy="raise it, or set standby: none",
        )
