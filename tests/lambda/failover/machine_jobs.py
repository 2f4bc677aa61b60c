"""Jobs that still reach an incarnation after it left the balanced group, as late as they may.

The load balancer's nodes learn of a change some time after the call that made it, and until then new jobs go where
they went before.  Livy takes such a job as long as it answers, and its application appears in YARN later still.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dr_core.evidence import Service
from dr_core.retirement_plan import SETTLE_SECONDS, SUBMIT_SECONDS

from . import invariants_routing
from .parts import Cluster

if TYPE_CHECKING:
    from .machine_world import MachineWorld

# How long such a job runs, if nobody ends it.
LATE_JOB_SECONDS = 60.0


@dataclass
class LateJob:
    """One such job.

    Attributes:
        cluster: where it comes to.
        batch_id: what Livy calls it.
        arrives: when it reaches Livy.
        appears: when YARN lists its application.
        ends: when that ends by itself.
        taken: whether Livy took it.
        runs: whether its application has appeared.
    """

    cluster: Cluster
    batch_id: int
    arrives: float
    appears: float
    ends: float
    taken: bool = False
    runs: bool = False

    @property
    def application(self) -> str:
        """Id of its application."""
        return f"application_late_{self.batch_id}"


def after_leaving(world: MachineWorld, address: str) -> None:
    """What follows when the target at *address* has left the balanced group."""
    cluster = world.living(address)
    if cluster is None or "emr-dr:generation" not in cluster.tags:
        return
    # Nobody knows of a cluster that has the address of a dead one before its launch has looked: as in live_on.
    if world.memory.joined.get(address) != int(cluster.tags["emr-dr:generation"]):
        return
    known = sum(each.cluster is cluster for each in world.late_jobs)
    arrives = world.clock.now + SETTLE_SECONDS - 1
    appears = arrives + SUBMIT_SECONDS - 1
    world.late_jobs.append(
        LateJob(
            cluster=cluster,
            batch_id=(1 if cluster.bad_seed else cluster.first_id) + 10 + known,
            arrives=arrives,
            appears=appears,
            ends=appears + LATE_JOB_SECONDS,
        )
    )


def go_on(world: MachineWorld) -> None:
    """What the clock brings about."""
    now = world.clock.now
    for job in [each for each in world.late_jobs if now >= each.arrives]:
        cluster = job.cluster
        lives = not world.cluster_state(cluster).startswith("TERMINATED")
        if not job.taken and lives and Service.LIVY not in world.bad_services(cluster.address):
            job.taken = True
            cluster.batches.append(job.batch_id)
            world.issued.add((int(cluster.tags["emr-dr:generation"]), job.batch_id))
        if not job.taken or (job.runs and now >= job.ends):
            world.late_jobs.remove(job)
            _end(world, job)
        elif not job.runs and now >= job.appears:
            job.runs = lives and cluster.address not in world.unhealthy  # spark-submit runs on the primary
            if job.runs:
                cluster.applications.append(job.application)
                invariants_routing.after_application(world, cluster, job.application)
            job.ends = max(job.ends, now + LATE_JOB_SECONDS)
            if not job.runs:
                world.late_jobs.remove(job)
                _end(world, job)


def _end(world: MachineWorld, job: LateJob) -> None:
    cluster = job.cluster
    if job.batch_id in cluster.batches:
        cluster.batches.remove(job.batch_id)
        world.jobs_ended[int(cluster.tags["emr-dr:generation"])] = world.clock.now
    if job.application in cluster.applications and not cluster.stubborn:
        cluster.applications.remove(job.application)
