"""Rows of the fault table: services of the primary in service."""

from __future__ import annotations

from dr_core.evidence import Verdict
from dr_core.metrics import COMMON_CAUSE
from emr_drill.faults.model import (
    FASTEST_WITH_SOCKET_LIMITS,
    Act,
    Fault,
    Moment,
    Otherwise,
    Page,
    cancel,
    failover,
    nothing,
    repair,
)
from emr_drill.faults.scene import Scene
from emr_drill.faults.traces import Trace
from emr_drill.ports import Service

_SPOKEN = {
    Service.LIVY: "Livy",
    Service.RESOURCE_MANAGER: "the ResourceManager",
    Service.NAME_NODE: "the NameNode",
}
PROBERS = "two probers, or one and the load balancer's health check, in 3 of 4 rounds"
HELD_SECONDS = 600.0
SLOW_ANSWER_SECONDS = 2.0  # machine time, below the 3 s that a prober waits for an answer


LATE = "no whole answer*"  # how a prober tells of a service that takes a connection and answers nothing


def seen_bad(service: Service, detail: str = "*", *, observer: str = "prober:*", by: str = "probers") -> Trace:
    """Probers saw *service* fail, as often as one of them must for a verdict.

    Args:
        service: on the primary that was in service.
        detail: what they say of it, a pattern.
        observer: who, a pattern.
        by: the same for people.
    """
    return Trace(
        what=f"{by} find that {_SPOKEN[service]} does not do its work",
        kind="evidence",
        like={"observer": observer, "service": service, "verdict": Verdict.UNHEALTHY, "detail": detail},
        least=3,
    )


def freezes(what: str, *services: Service) -> Act:
    """SIGSTOP of *services*: their ports take connections and nothing answers."""

    def do(scene: Scene) -> None:
        for service in services:
            scene.clusters.freeze_service(scene.cluster_id, service)

    return Act(what=f"SIGSTOP of {what}: it takes connections and answers nothing", do=do)


def kills(what: str, service: Service) -> Act:
    """SIGKILL of *service*."""
    return Act(what=what, do=lambda scene: scene.clusters.kill_service(scene.cluster_id, service))


KILLS_PRIMARY = Act(
    what="SIGKILL of ResourceManager, NameNode and Livy; containers on other nodes live on and write until EMR "
    "terminates the cluster",
    do=lambda scene: scene.clusters.kill_primary(scene.cluster_id),
)
FREEZES_PRIMARY = Act(
    what="SIGSTOP of ResourceManager, NameNode and Livy",
    do=lambda scene: scene.clusters.freeze_primary(scene.cluster_id),
)
SAFE_MODE = Act(
    what="HDFS goes into safe mode: it answers and takes no writes",
    do=lambda scene: scene.clusters.set_safe_mode(scene.cluster_id, True),
)


def _kill_all_but_yarn(scene: Scene) -> None:
    for service in (Service.LIVY, Service.NAME_NODE):
        scene.clusters.kill_service(scene.cluster_id, service)


def _kill_all_primaries(scene: Scene) -> None:
    for cluster_id in scene.serving:
        scene.clusters.kill_primary(cluster_id)


# For what needs a cluster that is still there when the new one is ready: EMR itself ends one whose primary is dead.
KILLS_ALL_BUT_YARN = Act(
    what="SIGKILL of Livy and the NameNode; EMR does not end a cluster whose ResourceManager lives",
    do=_kill_all_but_yarn,
)
KILLS_LIVY = kills("SIGKILL of Livy; YARN and the jobs it runs live on", Service.LIVY)
TAKES_OVER = "another incarnation takes over; clients of lost jobs are told by 410 and run them again"
GROWS = {
    "active-active": Otherwise(
        expect=failover(survivor_grows=True),
        must=f"{TAKES_OVER}; meanwhile managed scaling of the other half may start more instances, and no more than "
        "before when both serve again",
    )
}
MENDS = "Livy is restarted in place; ids and jobs are kept, nothing is launched"

ROWS: tuple[Fault, ...] = (
    Fault(
        name="kill-primary",
        acts=(KILLS_PRIMARY,),
        expect=failover(),
        must=TAKES_OVER,
        notices=PROBERS,
        struck=(seen_bad(Service.RESOURCE_MANAGER),),
        real=True,
        otherwise=GROWS,
    ),
    Fault(
        name="kill-all-primaries",
        acts=(
            Act(
                what="SIGKILL of ResourceManager, NameNode and Livy of every managed cluster at once",
                do=_kill_all_primaries,
            ),
        ),
        # The second one may be isolated before its turn comes, and that is told.
        expect=failover(
            times=2, launches=(2, 2), pages=(Page(metric=COMMON_CAUSE),), may=(Page(subject="left behind"),)
        ),
        must="a person is told that the cause is hardly the clusters; one after the other is replaced all the same",
        notices=PROBERS,
        struck=(seen_bad(Service.RESOURCE_MANAGER),),
        strategies=("active-active",),
    ),
    Fault(
        name="kill-livy",
        acts=(KILLS_LIVY,),
        expect=repair(),
        must=MENDS,
        notices=PROBERS,
        struck=(seen_bad(Service.LIVY),),
        real=True,
    ),
    Fault(
        name="hang-livy",
        acts=(freezes("Livy", Service.LIVY),),
        expect=repair(),
        must=MENDS,
        notices=PROBERS,
        struck=(seen_bad(Service.LIVY, LATE),),
        real=True,
        fastest=FASTEST_WITH_SOCKET_LIMITS,
    ),
    Fault(
        name="restart-livy",
        acts=(
            Act(
                what="somebody restarts Livy, which is away for a few seconds",
                do=lambda scene: scene.clusters.restart_livy(scene.cluster_id),
            ),
        ),
        expect=nothing(),
        must="nothing: Livy is back before 3 of 4 rounds are bad, and goes on with its jobs",
        notices="nobody has to",
        struck=(Trace(what="clients cannot submit meanwhile", kind="submit", like={"accepted": "False"}),),
        real=True,
        # A real Livy takes some eight seconds of the machine to come back: at speed 5 it would be away for 40.
        fastest_real=FASTEST_WITH_SOCKET_LIMITS,
    ),
    Fault(
        name="stop-resourcemanager",
        acts=(kills("the ResourceManager ends; Livy and HDFS live on", Service.RESOURCE_MANAGER),),
        expect=failover(),
        must=TAKES_OVER,
        notices=PROBERS,
        struck=(seen_bad(Service.RESOURCE_MANAGER),),
        real=True,
        otherwise=GROWS,
    ),
    Fault(
        name="hang-resourcemanager",
        acts=(freezes("the ResourceManager", Service.RESOURCE_MANAGER),),
        expect=failover(),
        must=TAKES_OVER,
        notices=PROBERS,
        struck=(seen_bad(Service.RESOURCE_MANAGER, LATE),),
        real=True,
        fastest=FASTEST_WITH_SOCKET_LIMITS,
    ),
    Fault(
        name="kill-namenode",
        acts=(kills("SIGKILL of the NameNode", Service.NAME_NODE),),
        expect=failover(),
        must=TAKES_OVER,
        notices=PROBERS,
        struck=(seen_bad(Service.NAME_NODE),),
        real=True,
    ),
    Fault(
        name="namenode-safemode",
        acts=(SAFE_MODE,),
        expect=failover(),
        must=TAKES_OVER,
        notices=f"{PROBERS}, which read the NameNode's state and not only whether it answers",
        struck=(seen_bad(Service.NAME_NODE, "file system in state*"),),
        real=True,
    ),
    Fault(
        name="no-nodemanagers",
        acts=(
            Act(
                what="every NodeManager ends: the ResourceManager answers and has no node to run anything on",
                do=lambda scene: scene.clusters.stop_nodes(scene.cluster_id),
            ),
        ),
        expect=failover(),
        must=TAKES_OVER,
        notices=f"{PROBERS}, which read the number of active nodes",
        struck=(seen_bad(Service.RESOURCE_MANAGER, "no active node"),),
        real=True,
    ),
    Fault(
        name="slow-services",
        acts=(
            Act(
                what=f"every answer of Livy, ResourceManager and NameNode takes {SLOW_ANSWER_SECONDS:g} s longer",
                do=lambda scene: scene.clusters.slow_services(scene.cluster_id, SLOW_ANSWER_SECONDS),
            ),
        ),
        expect=nothing(),
        must="nothing: slow is not dead, as long as it answers within the probers' 3 s",
        notices="nobody has to",
        struck=(
            Trace(
                what=f"clients wait for more than {SLOW_ANSWER_SECONDS:g} s until a job is accepted",
                kind="submit",
                like={"accepted": "True"},
                above={"seconds": SLOW_ANSWER_SECONDS},
                least=5,
            ),
        ),
        fastest=FASTEST_WITH_SOCKET_LIMITS,
    ),
    Fault(
        name="cancelled-before-fence",
        acts=(
            FREEZES_PRIMARY,
            Act(
                what="it goes on as if nothing had been",
                do=lambda scene: scene.clusters.thaw_primary(scene.cluster_id),
                after=Moment.LAUNCH,
                seconds=60,
            ),
        ),
        expect=cancel(),
        must="the failover is called off before the old incarnation is touched: it serves on with its jobs, and the "
        "new cluster is deleted",
        notices=f"{PROBERS}; `Fence` looks once more before it ends anything",
        struck=(seen_bad(Service.RESOURCE_MANAGER, LATE),),
        fastest=FASTEST_WITH_SOCKET_LIMITS,
    ),
    Fault(
        name="old-returns",
        acts=(
            Act(
                what="EMR does not get the cluster terminated",
                do=lambda scene: scene.clusters.hold_termination(scene.cluster_id),
            ),
            FREEZES_PRIMARY,
            Act(
                what="it goes on as if nothing had been",
                do=lambda scene: scene.clusters.thaw_primary(scene.cluster_id),
                after=Moment.CUT_OVER,
                seconds=30,
            ),
            Act(
                what="EMR can terminate it",
                do=lambda scene: scene.clusters.release_termination(scene.cluster_id),
                after=Moment.CUT_OVER,
                seconds=HELD_SECONDS,
            ),
        ),
        expect=failover(fence_bound=True),
        must=f"{TAKES_OVER}; the old one, back again, gets no new job and is ended",
        notices=PROBERS,
        struck=(
            seen_bad(Service.RESOURCE_MANAGER, LATE),
            Trace(
                what=f"the old cluster ends not sooner than {HELD_SECONDS:g} s after the cut-over",
                kind="cluster",
                like={"cluster": "{old}", "state": "TERMINATED*"},
                after=Moment.CUT_OVER,
                seconds=HELD_SECONDS,
            ),
        ),
        fastest=FASTEST_WITH_SOCKET_LIMITS,
    ),
    Fault(
        name="none",
        acts=(Act(what="nothing is broken", do=lambda scene: None),),
        expect=nothing(),
        must="nothing",
        notices="nobody has to",
        real=True,
    ),
)
