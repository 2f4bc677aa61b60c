"""Rows of the fault table: AZs, networks, and launches that do not come to their end."""

from __future__ import annotations

from dr_core.metrics import FENCE_OVERDUE, SERVING_UNSEEDED, TERMINATED_BY_A_PERSON
from emr_drill.faults.model import FASTEST_WITH_SOCKET_LIMITS, Act, Fault, Moment, Page, failover, nothing, page
from emr_drill.faults.scene import Scene
from emr_drill.faults.services import KILLS_PRIMARY, PROBERS, TAKES_OVER

ALWAYS = 1000
ROLLED_BACK = Page(subject="failover of .* failed")
LAUNCH_TROUBLE = "the operation's own looks at stack, cluster and canary"


def _fail_capacity_everywhere(scene: Scene) -> None:
    for zone in scene.zones:
        scene.clusters.fail_capacity(zone)


def _restore_capacity(scene: Scene) -> None:
    for zone in scene.zones:
        scene.clusters.restore_capacity(zone)


ROWS: tuple[Fault, ...] = (
    Fault(
        name="az-blackhole",
        acts=(
            Act(
                what="the AZ's primary, prober and load-balancer nodes can be reached by nobody; containers go on",
                do=lambda scene: scene.stand_in.outages.black_hole_zone(scene.availability_zone),
            ),
        ),
        expect=failover(),
        must=f"{TAKES_OVER}; the probers of the other AZs are not blinded by the AZ's silent load-balancer node",
        notices="the probers of the other AZs",
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
                seconds=900,
            ),
        ),
        expect=failover(fence_bound=True, pages=(Page(metric=FENCE_OVERDUE),)),
        must=f"{TAKES_OVER}; nobody can say whether the old applications are dead, so their ids answer 410 only after "
        "the fence limit, with an alarm; the old cluster is ended when the AZ is back",
        notices="the probers of the other AZs",
        fastest=FASTEST_WITH_SOCKET_LIMITS,
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
                seconds=240,
            ),
        ),
        expect=nothing(),
        must="nothing: a prober whose controls fail knows nothing, and nothing is done because of not knowing",
        notices="nobody has to",
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
        expect=failover(launches=(2, 2)),
        must=f"{TAKES_OVER}, in the third AZ; what was begun in the second one is deleted",
        notices=f"{PROBERS}; {LAUNCH_TROUBLE}",
    ),
    Fault(
        name="no-capacity-all",
        acts=(
            Act(what="no AZ has machines left", do=_fail_capacity_everywhere),
            KILLS_PRIMARY,
            Act(what="there are machines again", do=_restore_capacity, after=Moment.PAGE),
        ),
        expect=failover(launches=(2, 8), failed=(1, 2), pages=(ROLLED_BACK,), limit_seconds=6000),
        must="a person is told and nothing of it is left; a later attempt succeeds when there are machines again",
        notices=f"{PROBERS}; {LAUNCH_TROUBLE}",
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
        expect=failover(launches=(2, 2), limit_seconds=6000),
        must=f"{TAKES_OVER}, in the third AZ once the launch limit of the second one has passed",
        notices=f"{PROBERS}; {LAUNCH_TROUBLE}",
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
        expect=failover(launches=(2, 2), limit_seconds=6000),
        must=f"{TAKES_OVER}, in the third AZ",
        notices=f"{PROBERS}; {LAUNCH_TROUBLE}",
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
        expect=failover(pages=(Page(metric=SERVING_UNSEEDED),)),
        must=f"{TAKES_OVER}; it serves unseeded, with a rule of its own for short ids, and a person is told",
        notices=f"{PROBERS}; the canary's id",
    ),
)
