"""Rows of the fault table: AZs, networks, and launches that do not come to their end."""

from __future__ import annotations

from dr_core.metrics import SERVING_UNSEEDED, TERMINATED_BY_A_PERSON
from emr_drill.faults.model import (
    FASTEST_WITH_SOCKET_LIMITS,
    FENCE_PAGES,
    Act,
    Fault,
    Moment,
    Otherwise,
    Page,
    failover,
    nothing,
    page,
)
from emr_drill.faults.scene import Scene
from emr_drill.faults.services import KILLS_PRIMARY, PROBERS, SHARED, TAKES_OVER, seen_bad
from emr_drill.faults.traces import Silence, Trace
from emr_drill.ports import Service

ALWAYS = 1000
LOST_SECONDS, CUT_SECONDS = 900.0, 240.0
ROLLED_BACK = Page(subject="failover of .* failed")
GIVEN_UP = Page(subject="launch of .* given up")
SHARES = "in the AZ of the other managed cluster, as no other one is left; a person is told until it has moved away"
UNSEEDED = (Page(metric=SERVING_UNSEEDED), Page(subject="ids outside its range"))
LAUNCH_TROUBLE = "the operation's own looks at stack, cluster and canary"

SEEN_FROM_OTHER_ZONES = tuple(
    seen_bad(Service.RESOURCE_MANAGER, observer=f"prober:{{{name}}}", by=f"the prober of {words}")
    for name, words in (("preferred", "the second AZ"), ("third", "the third AZ"))
)
# What two AZs take: they are named.
TWO_ZONES = ("set.region=us-east-1", "set.network.availability_zones=[us-east-1a, us-east-1b]")
SEEN_FROM_THE_OTHER_ZONE = SEEN_FROM_OTHER_ZONES[:1]
CANARY_FAILED = Trace(
    what="a message says that the canary job failed", kind="notification", like={"message": "*the canary job failed*"}
)
SEEDED_AGAIN = Trace(
    what="the canary's id is found to be out of range: the seed step is run once more",
    kind="step",
    like={"step": "emr-dr-seed-livy-*", "state": "COMPLETED"},
    most=1,
)

LOSES_ZONE = Act(
    what="the AZ's primary, prober and load-balancer nodes can be reached by nobody; containers go on",
    do=lambda scene: scene.stand_in.outages.black_hole_zone(scene.availability_zone),
)


def _ends_with(reason: str, what: str, *, zone: str = "*", least: int = 1) -> Trace:
    """A cluster that EMR ends itself."""
    return Trace(
        what=f"EMR ends a new cluster {what}",
        kind="cluster",
        like={"state": "TERMINATED_WITH_ERRORS", "reason": reason, "availability_zone": zone},
        least=least,
    )


def _fail_capacity_everywhere(scene: Scene) -> None:
    for zone in scene.zones:
        scene.clusters.fail_capacity(zone)


def _restore_capacity(scene: Scene) -> None:
    for zone in scene.zones:
        scene.clusters.restore_capacity(zone)


def _shares() -> dict[str, Otherwise]:
    """Of the two AZs that are left, one has the other managed cluster and is taken last."""
    expect = failover(launches=(2, 2), pages=(GIVEN_UP, *SHARED), zone="third", limit_seconds=6000)
    return {"active-active": Otherwise(expect=expect, must=f"{TAKES_OVER}, {SHARES}")}


ROWS: tuple[Fault, ...] = (
    Fault(
        name="az-blackhole",
        acts=(LOSES_ZONE,),
        expect=failover(),
        must=f"{TAKES_OVER}; the probers of the other AZs are not blinded by the AZ's silent load-balancer node",
        notices="the probers of the other AZs",
        struck=SEEN_FROM_OTHER_ZONES,
        fastest=FASTEST_WITH_SOCKET_LIMITS,
    ),
    Fault(
        name="az-blackhole-unfenced",
        acts=(
            Act(
                what="the same, and EMR cannot terminate what is in that AZ",
                do=lambda scene: scene.stand_in.outages.black_hole_zone(
                    scene.availability_zone, hold_terminations=True
                ),
            ),
            Act(
                what="the AZ is back",
                do=lambda scene: scene.stand_in.outages.restore_zone(scene.availability_zone),
                after=Moment.CUT_OVER,
                seconds=LOST_SECONDS,
            ),
        ),
        expect=failover(fence_bound=True, pages=FENCE_PAGES),
        must=f"{TAKES_OVER}; nobody can say whether the old applications are dead, so their ids answer 410 only after "
        "the fence limit, with an alarm; the old cluster is ended when the AZ is back",
        notices="the probers of the other AZs",
        struck=(
            *SEEN_FROM_OTHER_ZONES,
            Trace(
                what=f"the old cluster ends not sooner than {LOST_SECONDS:g} s after the cut-over",
                kind="cluster",
                like={"cluster": "{old}", "state": "TERMINATED*"},
                after=Moment.CUT_OVER,
                seconds=LOST_SECONDS,
            ),
        ),
        fastest=FASTEST_WITH_SOCKET_LIMITS,
    ),
    Fault(
        name="az-blackhole-of-two",
        acts=(LOSES_ZONE,),
        expect=failover(),
        must=f"{TAKES_OVER}, in the only AZ that is left; one prober, the load balancer's health checks and the canary "
        "are enough to prove it",
        otherwise={
            "active-active": Otherwise(
                expect=failover(pages=SHARED), must=f"{TAKES_OVER}, {SHARES}; one prober and the canary prove it"
            )
        },
        notices="the prober of the other AZ and the load balancer's health checks",
        struck=SEEN_FROM_THE_OTHER_ZONE,
        fastest=FASTEST_WITH_SOCKET_LIMITS,
        settings=TWO_ZONES,
    ),
    Fault(
        name="prober-network-gone",
        acts=(
            Act(
                what="the prober in the AZ of the primary reaches nothing",
                do=lambda scene: scene.stand_in.outages.cut_prober(scene.availability_zone),
            ),
            Act(
                what="it reaches everything again",
                do=lambda scene: scene.stand_in.outages.restore_prober(scene.availability_zone),
                seconds=CUT_SECONDS,
            ),
        ),
        expect=nothing(),
        must="nothing: a prober whose controls fail knows nothing, and nothing is done because of not knowing",
        notices="nobody has to",
        struck=(
            Silence(
                what="nothing comes from the prober of that AZ",
                kind="evidence",
                like={"observer": "prober:{zone}"},
                minutes=3,
            ),
        ),
        real=True,
        fastest=FASTEST_WITH_SOCKET_LIMITS,
    ),
    Fault(
        name="terminate-by-user",
        acts=(
            Act(
                what="a person ends the cluster through EMR",
                do=lambda scene: scene.terminate_as_a_person(),
            ),
            Act(
                what="a person asks for a failover by hand",
                do=lambda scene: scene.ask_for_failover(),
                after=Moment.PAGE,
                seconds=240,
            ),
        ),
        expect=page(Page(metric=TERMINATED_BY_A_PERSON)),
        must="a person is told and nothing is launched, until one is asked for by hand",
        notices="EMR's reason for the end, USER_REQUEST",
        struck=(
            Trace(
                what="EMR ends the cluster because a user asked for it",
                kind="cluster",
                like={"cluster": "{old}", "state": "TERMINATED*", "reason": "USER_REQUEST*"},
            ),
        ),
    ),
    Fault(
        name="no-capacity-one-az",
        acts=(
            Act(
                what="the AZ that the next launch prefers has no machines left",
                do=lambda scene: scene.clusters.fail_capacity(scene.other_zones[0]),
            ),
            KILLS_PRIMARY,
        ),
        expect=failover(launches=(2, 2), pages=(GIVEN_UP,), zone="third"),
        must=f"{TAKES_OVER}, in the third AZ; what was begun in the second one is deleted",
        otherwise=_shares(),
        notices=f"{PROBERS}; {LAUNCH_TROUBLE}",
        struck=(_ends_with("*does not have enough capacity*", "for want of machines", zone="{preferred}"),),
    ),
    Fault(
        name="no-capacity-all",
        acts=(
            Act(what="no AZ has machines left", do=_fail_capacity_everywhere),
            KILLS_PRIMARY,
            Act(what="there are machines again", do=_restore_capacity, after=Moment.PAGE),
        ),
        expect=failover(launches=(2, 8), failed=(1, 2), pages=(GIVEN_UP, ROLLED_BACK), limit_seconds=6000),
        must="a person is told and nothing of it is left; a later attempt succeeds when there are machines again",
        otherwise={
            "active-active": Otherwise(
                expect=failover(
                    launches=(2, 8),
                    failed=(1, 2),
                    pages=(GIVEN_UP, ROLLED_BACK),
                    may=SHARED,
                    limit_seconds=6000,
                ),
                must="the other managed cluster serves on; a person is told and nothing is left of what was tried; a "
                "later attempt succeeds when there are machines again",
            )
        },
        notices=f"{PROBERS}; {LAUNCH_TROUBLE}",
        struck=(_ends_with("*does not have enough capacity*", "for want of machines", least=2),),
    ),
    Fault(
        name="stuck-starting",
        acts=(
            Act(
                what="clusters in the AZ that the next launch prefers stay STARTING",
                do=lambda scene: scene.clusters.stick_in_starting(scene.other_zones[0]),
            ),
            KILLS_PRIMARY,
        ),
        expect=failover(launches=(2, 2), pages=(GIVEN_UP,), zone="third", limit_seconds=6000),
        must=f"{TAKES_OVER}, in the third AZ once the launch limit of the second one has passed",
        otherwise=_shares(),
        notices=f"{PROBERS}; {LAUNCH_TROUBLE}",
        struck=(
            Trace(
                what="a message says that the launch in the second AZ is given up, whose cluster is STARTING",
                kind="notification",
                like={"subject": "*launch of * in {preferred} given up", "message": "*STARTING*"},
            ),
        ),
    ),
    Fault(
        name="bootstrap-fails",
        acts=(
            Act(
                what="clusters in the AZ that the next launch prefers fail in their bootstrap",
                do=lambda scene: scene.clusters.fail_bootstrap(scene.other_zones[0]),
            ),
            KILLS_PRIMARY,
        ),
        expect=failover(launches=(2, 2), pages=(GIVEN_UP,), zone="third", limit_seconds=6000),
        must=f"{TAKES_OVER}, in the third AZ",
        otherwise=_shares(),
        notices=f"{PROBERS}; {LAUNCH_TROUBLE}",
        struck=(_ends_with("BOOTSTRAP_FAILURE*", "whose bootstrap fails", zone="{preferred}"),),
    ),
    Fault(
        name="canary-fails",
        acts=(
            Act(
                what="the canary job of the next cluster fails",
                do=lambda scene: scene.clusters.fail_canary(1),
            ),
            KILLS_PRIMARY,
        ),
        expect=failover(launches=(2, 2), failed=(1, 1), pages=(ROLLED_BACK,), limit_seconds=6000),
        must="that cluster gets no traffic and is deleted, a person is told; the next attempt succeeds",
        notices=f"{PROBERS}; {LAUNCH_TROUBLE}",
        struck=(CANARY_FAILED,),
    ),
    Fault(
        name="bad-seed-once",
        acts=(
            Act(
                what="the first seed step of the next cluster leaves Livy counting from 0",
                do=lambda scene: scene.clusters.bad_seed(1),
            ),
            KILLS_PRIMARY,
        ),
        expect=failover(),
        must=f"{TAKES_OVER}, after its seed step was run once more",
        notices=f"{PROBERS}; the canary's id",
        struck=(SEEDED_AGAIN,),
        real=True,
    ),
    Fault(
        name="bad-seed-always",
        acts=(
            Act(
                what="every seed step from now on leaves Livy counting from 0",
                do=lambda scene: scene.clusters.bad_seed(ALWAYS),
            ),
            KILLS_PRIMARY,
        ),
        expect=failover(pages=UNSEEDED),
        must=f"{TAKES_OVER}; it serves unseeded, with a rule of its own for short ids, and a person is told",
        notices=f"{PROBERS}; the canary's id",
        struck=(SEEDED_AGAIN,),
    ),
)
