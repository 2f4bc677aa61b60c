"""Rows of the fault table: services of the primary in service."""

from __future__ import annotations

from emr_drill.faults.model import FASTEST_WITH_SOCKET_LIMITS, Act, Fault, Moment, cancel, failover, nothing, repair
from emr_drill.faults.scene import Scene
from emr_drill.ports import Service

PROBERS = "two probers, or one and the load balancer's health check, in 3 of 4 rounds"
SLOW_ANSWER_SECONDS = 2.0  # machine time, below the 3 s that a prober waits for an answer


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
TAKES_OVER = "another incarnation takes over; clients of lost jobs are told by 410 and run them again"
MENDS = "Livy is restarted in place; ids and jobs are kept, nothing is launched"

ROWS: tuple[Fault, ...] = (
    Fault(
        name="kill-primary",
        acts=(KILLS_PRIMARY,),
        expect=failover(),
        must=TAKES_OVER,
        notices=PROBERS,
        real=True,
    ),
    Fault(
        name="kill-livy",
        acts=(kills("SIGKILL of Livy; YARN and the jobs it runs live on", Service.LIVY),),
        expect=repair(),
        must=MENDS,
        notices=PROBERS,
        real=True,
    ),
    Fault(
        name="hang-livy",
        acts=(freezes("Livy", Service.LIVY),),
        expect=repair(),
        must=MENDS,
        notices=PROBERS,
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
        real=True,
    ),
    Fault(
        name="stop-resourcemanager",
        acts=(kills("the ResourceManager ends; Livy and HDFS live on", Service.RESOURCE_MANAGER),),
        expect=failover(),
        must=TAKES_OVER,
        notices=PROBERS,
        real=True,
    ),
    Fault(
        name="hang-resourcemanager",
        acts=(freezes("the ResourceManager", Service.RESOURCE_MANAGER),),
        expect=failover(),
        must=TAKES_OVER,
        notices=PROBERS,
        real=True,
        fastest=FASTEST_WITH_SOCKET_LIMITS,
    ),
    Fault(
        name="kill-namenode",
        acts=(kills("SIGKILL of the NameNode", Service.NAME_NODE),),
        expect=failover(),
        must=TAKES_OVER,
        notices=PROBERS,
        real=True,
    ),
    Fault(
        name="namenode-safemode",
        acts=(
            Act(
                what="HDFS goes into safe mode: it answers and takes no writes",
                do=lambda scene: scene.clusters.set_safe_mode(scene.cluster_id, True),
            ),
        ),
        expect=failover(),
        must=TAKES_OVER,
        notices=f"{PROBERS}, which read the NameNode's state and not only whether it answers",
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
                seconds=600,
            ),
        ),
        expect=failover(fence_bound=True),
        must=f"{TAKES_OVER}; the old one, back again, gets no new job and is ended",
        notices=PROBERS,
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
