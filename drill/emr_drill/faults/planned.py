"""Rows of the fault table in which nothing is broken: what a person asks for while more than twenty jobs run."""

from __future__ import annotations

from dataclasses import replace

from dr_core.metrics import DRAIN_OVERDUE
from dr_core.requests import DrainMode, Kind, Reason
from emr_drill.faults.model import (
    LIMIT_SECONDS,
    Act,
    Expectation,
    Fault,
    Moment,
    Old,
    Otherwise,
    Outcome,
    Page,
    Range,
)
from emr_drill.faults.scene import Scene
from emr_drill.faults.traces import Silence, Trace
from emr_drill.jobs.plan import Load

ASKED = "nobody has to; a person asks for it"
# Thirty clients that poll, a cluster that drains and one that is launched: as fast as two cores carry that.
FASTEST_UNDER_LOAD = 10.0
# Shorter than the settings' defaults, so that a drill sees what becomes of a job that outlasts them.
DRAIN_SECONDS, LINGER_SECONDS, BAKE_SECONDS = 300, 120, 300
SETTINGS = (
    f"set.controller.drain_limit_seconds={DRAIN_SECONDS}",
    f"set.controller.linger_seconds={LINGER_SECONDS}",
    f"set.controller.bake_seconds={BAKE_SECONDS}",
)
LOAD, LOAD_WITH_OVERLONG = Load(), Load(overlong=4)
SPARK_DEFAULT = ('set.cluster.spark_defaults={"spark.sql.shuffle.partitions": "400"}',)
OTHER_RELEASE = "emr-7.12.0"
OTHER_MAXIMUM, OTHER_TAG = 20, "rehearsed"
LIMITS_AND_TAGS = (
    f"set.cluster.maximum_instances={OTHER_MAXIMUM}",
    f'set.cluster.tags={{"cost-center": "{OTHER_TAG}"}}',
)
JOBS_ENDED = Page(subject="jobs of .* are ended")
OVERDUE_PAGES = (Page(subject="did not end in time"), Page(metric=DRAIN_OVERDUE))
TOOK_BACK_SECONDS = 60.0
# The AZ is well again, and what took over has served for a while.
WELL_AGAIN_SECONDS = 60.0


def planned(
    *,
    times: int = 1,
    stopped: int = 0,
    overdue: bool = True,
    leaves_zone: bool = False,
    pages: tuple[Page, ...] = (),
    shows: tuple[Trace | Silence, ...] = (),
) -> Expectation:
    """A person asked for other incarnations and gets them, one after the other.

    Args:
        times: how many.
        stopped: how many operations must be stopped because a person wants it otherwise by now.
        overdue: whether jobs have the drain limit to end, and those that outlast it are ended; else all are, at once.
        leaves_zone: whether another AZ is wanted.
        pages: what people must be told.
        shows: what else must be found.
    """
    told = OVERDUE_PAGES if overdue else ()
    failed: dict[str, Range] = {"failed": (stopped, stopped)} if stopped else {}
    return Expectation(
        outcome=Outcome.PLANNED,
        operations={"switched over": (times, times), **failed},
        launches=(times, times),
        old=Old.ENDED,
        jobs_lost=True,
        overdue=overdue,
        leaves_zone=leaves_zone,
        named=True,
        pages=(*told, *pages),
        shows=shows,
    )


def asks(what: str, **request: str) -> Act:
    """A person starts a switchover by the machine's input."""

    def do(scene: Scene) -> None:
        scene.ask_for(Kind.SWITCHOVER, **request)

    return Act(what=what, do=do)


def ends_as(status: str) -> Trace:
    return Trace(
        what=f"the stack ends as {status}",
        kind="stack",
        like={"type": "AWS::CloudFormation::Stack", "status": status},
    )


MOVED = Trace(what="another cluster has taken over", kind="notification", like={"subject": "*switched over*"})
BACK = Trace(
    what="a cluster serves in the AZ that was evacuated",
    kind="notification",
    like={"subject": "*switched over*", "message": "*in {zone} has taken over all new jobs*"},
)
DEPLOYED = Trace(
    what="CloudFormation asks for another spec",
    kind="stack",
    like={"type": "Custom::EmrManagedCluster", "status": "UPDATE_IN_PROGRESS"},
)
EVACUATES = asks(
    "a person evacuates the AZ and wants jobs ended at once", reason=Reason.EVACUATION, drain=DrainMode.NOW
)
DEPLOYS = Act(what="a person deploys another Spark default", do=lambda scene: scene.deploy())
OVERDUE = (
    "no submit is refused; every job that ends within the drain limit does so on the old cluster and its client reads "
    "the result, what takes longer is named in a message, then ended, and answered 410"
)
# The launch of the second one takes longer than that by itself, and begins only when the first one has served so long.
BAKED = Trace(
    what="the second one is changed when the first one has served well for a while",
    kind="notification",
    like={"subject": "*b switched over*"},
    after=str(Moment.CUT_OVER),
    seconds=BAKE_SECONDS + 384.0,
)

TAKEN_BACK = Expectation(
    outcome=Outcome.TAKEN_BACK,
    operations={"failed": (1, 1)},
    launches=(1, 3),
    old=Old.SERVES,
    jobs_lost=False,
    may=(Page(subject="launch of .* given up"),),
    shows=(
        ends_as("UPDATE_ROLLBACK_COMPLETE"),
        Trace(
            what="the stack's event says why",
            kind="stack",
            like={
                "type": "Custom::EmrManagedCluster",
                "status": "UPDATE_FAILED",
                "reason": "*bootstrap action 1 returned a non-zero return code*",
            },
        ),
    ),
)
# No other AZ is left then, which people are told of before the last try.
TAKEN_BACK_BESIDE = replace(TAKEN_BACK, may=(*TAKEN_BACK.may, Page(subject="a shares .* with b")))

ROWS: tuple[Fault, ...] = (
    Fault(
        name="switchover",
        acts=(asks("a person asks for a switchover", reason=Reason.MANUAL),),
        expect=planned(leaves_zone=True),
        must=f"another cluster takes over in another AZ; {OVERDUE}; then that cluster is retired",
        notices=ASKED,
        struck=(MOVED,),
        fastest=FASTEST_UNDER_LOAD,
        settings=SETTINGS,
        load=LOAD_WITH_OVERLONG,
    ),
    Fault(
        name="evacuate",
        acts=(EVACUATES,),
        expect=planned(overdue=False, leaves_zone=True, pages=(JOBS_ENDED,)),
        must="another cluster takes over in another AZ; no submit is refused; what still runs in the one that is left "
        "is named in a message, then ended, and its clients are told by 410",
        notices=ASKED,
        struck=(MOVED,),
        fastest=FASTEST_UNDER_LOAD,
        settings=SETTINGS,
        load=LOAD,
    ),
    Fault(
        name="fail-back",
        acts=(
            EVACUATES,
            replace(
                asks("a person asks for a fail-back and has jobs finish", reason=Reason.FAILBACK),
                after=Moment.REST,
                seconds=WELL_AGAIN_SECONDS,
            ),
        ),
        expect=replace(
            planned(times=2, overdue=False, pages=(JOBS_ENDED,), shows=(BACK,)),
            # Jobs that the evacuation ended are run again, and may take longer than the fail-back waits.
            may=OVERDUE_PAGES,
            limit_seconds=2 * LIMIT_SECONDS,
        ),
        must="no submit is refused; the AZ is left, and its jobs ended at once, and then returned to when the jobs in "
        "the other AZ have ended; whatever is ended was named in a message and its client is told by 410",
        notices=ASKED,
        struck=(MOVED,),
        fastest=FASTEST_UNDER_LOAD,
        settings=SETTINGS,
        load=LOAD,
        managed_cluster="a",
    ),
    Fault(
        name="upgrade",
        acts=(DEPLOYS,),
        expect=planned(shows=(ends_as("UPDATE_COMPLETE"),)),
        must=f"another cluster with the new setting takes over; {OVERDUE}",
        notices=ASKED,
        struck=(DEPLOYED,),
        fastest=FASTEST_UNDER_LOAD,
        settings=SETTINGS,
        change=SPARK_DEFAULT,
        load=LOAD_WITH_OVERLONG,
        managed_cluster="a",
        otherwise={
            "active-active": Otherwise(
                expect=planned(times=2, shows=(ends_as("UPDATE_COMPLETE"), BAKED)),
                must="one after the other is replaced by a cluster with the new setting, the second one when the first "
                f"one has served well for {BAKE_SECONDS} s; {OVERDUE}",
            )
        },
    ),
    Fault(
        name="rollback",
        acts=(
            DEPLOYS,
            Act(
                what="that person wants the old settings back: cancels the update if it runs, else deploys them",
                do=lambda scene: scene.take_back(),
                after=Moment.CUT_OVER,
                seconds=TOOK_BACK_SECONDS,
            ),
        ),
        expect=planned(times=2, shows=(ends_as("UPDATE_COMPLETE"),)),
        must=f"the cluster with the new setting is replaced by one with the old setting, in the same way; {OVERDUE}",
        notices=ASKED,
        struck=(DEPLOYED,),
        fastest=FASTEST_UNDER_LOAD,
        settings=SETTINGS,
        change=SPARK_DEFAULT,
        load=LOAD_WITH_OVERLONG,
        managed_cluster="a",
        otherwise={
            "active-active": Otherwise(
                expect=planned(
                    times=2,
                    stopped=1,
                    pages=(Page(subject="switchover of b was stopped"),),
                    shows=(ends_as("UPDATE_ROLLBACK_COMPLETE"),),
                ),
                must="the cluster that has the new setting is replaced by one with the old setting, in the same way; "
                f"the other one, which waits for its turn, never gets it; {OVERDUE}",
            )
        },
    ),
    Fault(
        name="bad-upgrade",
        acts=(
            Act(
                what=f"machines of {OTHER_RELEASE} cannot be set up",
                do=lambda scene: scene.clusters.break_release(OTHER_RELEASE),
            ),
            Act(what="a person deploys that release", do=lambda scene: scene.deploy()),
        ),
        expect=TAKEN_BACK,
        must="the old cluster serves on, no submit is refused, no job is lost; the deploy fails and says why, nothing "
        "of the new one is left",
        notices="the operation's own looks at stack, cluster and canary",
        struck=(DEPLOYED,),
        fastest=FASTEST_UNDER_LOAD,
        settings=SETTINGS,
        change=(f"set.cluster.release_label={OTHER_RELEASE}",),
        load=LOAD,
        managed_cluster="a",
        otherwise={
            "active-active": Otherwise(
                expect=TAKEN_BACK_BESIDE,
                must="what serves serves on, no submit is refused, no job is lost; the deploy fails and says why, "
                "nothing of the new one is left, which is tried in the other one's AZ as the last resort",
            )
        },
    ),
    Fault(
        name="limits-and-tags",
        acts=(Act(what="a person deploys other scaling limits and tags", do=lambda scene: scene.deploy()),),
        expect=Expectation(
            outcome=Outcome.IN_PLACE,
            operations={},
            launches=(0, 0),
            old=Old.SERVES,
            jobs_lost=False,
            shows=(
                ends_as("UPDATE_COMPLETE"),
                Trace(
                    what="managed scaling may start as many instances as is asked for",
                    kind="scaling",
                    like={"cluster": "{old}", "maximum": str(OTHER_MAXIMUM)},
                ),
                Trace(
                    what="the cluster has the tag that is asked for",
                    kind="tags",
                    like={"cluster": "{old}", "tags": f"*'cost-center': '{OTHER_TAG}'*"},
                ),
            ),
        ),
        must="the clusters that serve have the new limits and tags; none is launched, no submit is refused, no job is "
        "lost",
        notices=ASKED,
        struck=(DEPLOYED,),
        fastest=FASTEST_UNDER_LOAD,
        settings=SETTINGS,
        change=LIMITS_AND_TAGS,
        load=LOAD,
        managed_cluster="a",
    ),
)
