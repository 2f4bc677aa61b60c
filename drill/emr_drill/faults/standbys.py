"""Rows of the fault table with a warm standby: what strikes it, and what must come of other rows where one is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from emr_drill.faults.in_a_row import FAILOVERS, LEAVES, in_a_row
from emr_drill.faults.model import (
    WARM,
    Act,
    Expectation,
    Fault,
    Moment,
    Otherwise,
    Page,
    Range,
    failover,
    nothing,
    repair,
)
from emr_drill.faults.planned import OVERDUE, ends_as, planned
from emr_drill.faults.scene import Scene
from emr_drill.faults.services import KILLS_PRIMARY, PROBERS, seen_bad
from emr_drill.faults.traces import Trace
from emr_drill.ports import Service

ONE: Range = (1, 1)
IS_REPLACED = Page(subject="the standby of . is replaced")
TAKEN = (
    "the standby takes over, and nothing is launched before that; clients of lost jobs are told by 410 and run them "
    "again; another standby is launched afterwards"
)

NOT_TOUCHED = "a third AZ is taken, and what stands by is not touched"


def _with_next_standby(expect: Expectation, *, launches: Range, times: int = 1) -> Expectation:
    """*expect*, and so many more operations, each of which launches the next standby."""
    return replace(expect, operations={**expect.operations, "stands by": (times, times)}, launches=launches)


def _on_standby(do: Callable[[Scene, str], None]) -> Callable[[Scene], None]:
    def act(scene: Scene) -> None:
        assert scene.standby is not None, "the drill waits for a standby before anything is broken"
        do(scene, scene.standby)

    return act


KILLS_STANDBY = Act(
    what="SIGKILL of ResourceManager, NameNode and Livy of what stands by",
    do=_on_standby(lambda scene, standby: scene.clusters.kill_primary(standby)),
)
STANDBY_ENDS = Trace(
    what="the cluster that stood by comes to its end",
    kind="cluster",
    like={"cluster": "{standby}", "state": "TERMINATED*"},
)
TAKES_STANDBY = Otherwise(expect=_with_next_standby(failover(), launches=ONE), must=TAKEN)

# What must happen in rows of other modules where a standby is kept.
WITH_STANDBY: Mapping[str, Otherwise] = {
    "none": Otherwise(expect=nothing(), must="nothing"),
    "kill-primary": TAKES_STANDBY,
    "stop-resourcemanager": TAKES_STANDBY,
    "kill-livy": Otherwise(
        expect=repair(), must="Livy is restarted in place; ids and jobs are kept, and what stands by is not touched"
    ),
    "upgrade": Otherwise(
        expect=_with_next_standby(planned(shows=(ends_as("UPDATE_COMPLETE"),)), launches=(2, 2)),
        must="another cluster with the new setting takes over, and after that the standby is replaced by one with the "
        f"new setting, of which nobody is told; {OVERDUE}",
    ),
    "switchover": Otherwise(expect=planned(), must=f"{OVERDUE}; {NOT_TOUCHED}"),
    "evacuate": Otherwise(
        expect=planned(overdue=False, pages=(Page(subject="jobs of .* are ended"),)),
        must="no submit is refused; what still runs in that AZ is named in a message, then ended, and its clients are "
        f"told by 410; {NOT_TOUCHED}",
    ),
    "in-a-row": Otherwise(
        # After each failover the next standby is launched, and after the upgrade it is replaced.
        expect=_with_next_standby(in_a_row(replaced_by_upgrade=1), times=FAILOVERS + 1, launches=(5, 5)),
        must="the standby takes over from each that dies, and another one is launched; the upgrade replaces what "
        f"serves and then the standby, the evacuation what serves alone; {LEAVES}",
    ),
}

# Longer than the ResourceManager's word takes to count (90 s), shorter than the limit for any proof (300 s).
HELD_SECONDS = 180.0


def _forgets_jobs(scene: Scene) -> None:
    # Livy first: it would call every job failed that the ResourceManager has forgotten.
    scene.clusters.kill_service(scene.cluster_id, Service.LIVY)
    scene.clusters.kill_service(scene.cluster_id, Service.NAME_NODE)
    scene.clusters.restart_resource_manager(scene.cluster_id)


ROWS: tuple[Fault, ...] = (
    Fault(
        name="kill-standby",
        acts=(KILLS_STANDBY,),
        expect=_with_next_standby(nothing(pages=(IS_REPLACED,)), launches=ONE),
        must="what serves is not touched; the standby is replaced, and a person is told",
        notices="two probers in 3 of 4 rounds, and what keeps standbys, within a minute",
        struck=(STANDBY_ENDS,),
        strategies=(WARM,),
    ),
    Fault(
        name="kill-primary-and-standby",
        acts=(KILLS_STANDBY, KILLS_PRIMARY),
        expect=_with_next_standby(failover(may=(IS_REPLACED,)), launches=(2, 2)),
        must="a cluster is launched and takes over, as the standby is not fit; the standby is replaced after that",
        notices=PROBERS,
        struck=(seen_bad(Service.RESOURCE_MANAGER), STANDBY_ENDS),
        strategies=(WARM,),
    ),
    Fault(
        name="resourcemanager-restarted",
        acts=(
            Act(
                what="EMR does not get the cluster terminated",
                do=lambda scene: scene.clusters.hold_termination(scene.cluster_id),
            ),
            Act(
                what="SIGKILL of Livy and the NameNode, and the ResourceManager is started again: it answers, has its "
                "nodes and has forgotten the jobs, whose containers write on",
                do=_forgets_jobs,
            ),
            Act(
                what="EMR can terminate it",
                do=lambda scene: scene.clusters.release_termination(scene.cluster_id),
                after=Moment.CUT_OVER,
                seconds=HELD_SECONDS,
            ),
        ),
        expect=_with_next_standby(failover(), launches=ONE),
        must=f"{TAKEN}; what the ResourceManager says of jobs is not believed, so that ids answer 410 only when EMR "
        "says that the cluster has ended, and no job writes after that",
        notices=PROBERS,
        struck=(
            seen_bad(Service.NAME_NODE),
            Trace(
                what=f"the old cluster ends not sooner than {HELD_SECONDS:g} s after the cut-over",
                kind="cluster",
                like={"cluster": "{old}", "state": "TERMINATED*"},
                after=Moment.CUT_OVER,
                seconds=HELD_SECONDS,
            ),
        ),
        strategies=(WARM,),
    ),
)
