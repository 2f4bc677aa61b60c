"""Which jobs stock clients are given in a drill."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from emr_drill.clients.kinds import AIRFLOW_KINDS, KINDS, Assigned, Kind, assign
from emr_drill.jobs.plan import Job, Plan

# Machine seconds: clients, Spark and the sockets between them run on machine time.
LONG_SECONDS = (80.0, 130.0)
SHORT_SECONDS = (3.0, 9.0)
# Late enough that YARN runs the job and that a connection which was kept from the submit has been closed as idle, and
# before a synchronous task polls for the second time (emr_drill.clients.kinds).
KILL_SECONDS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientPlan:
    """How many jobs of which length, and who runs them.

    Half of the jobs fail on purpose, so that a state that is another job's is likely to be a false one.

    Attributes:
        kinds: the clients.
        long: jobs before the fault that still run when it strikes.
        short: jobs before it that have ended then.
        during: jobs after it, while the system is not as it was.
        after: jobs when it is again.
        killed: of the long jobs, counted from the first, every so many-th is killed by its client; 0 for none.
        pollers: clients besides them that ask for any id that was given (:mod:`emr_drill.clients.polls`).
    """

    kinds: Sequence[Kind] = AIRFLOW_KINDS
    long: int = 10
    short: int = 8
    during: int = 6
    after: int = 12
    killed: int = 0
    pollers: int = 0

    def waves(self, *, seed: int, speed: float) -> Plan:
        """The jobs; their lengths are on the clock of a drill at *speed*."""
        chance = random.Random(f"stock jobs {seed}")
        number = 0

        def wave(name: str, count: int, seconds: tuple[float, float]) -> list[Job]:
            nonlocal number
            fails = [each % 2 == 0 for each in range(count)]
            chance.shuffle(fails)
            jobs = []
            for each in fails:
                number += 1
                lasts = round(chance.uniform(*seconds) * speed, 1)
                jobs.append(Job(key=f"{name}-{number:03d}", seconds=lasts, fails=each, keeps_connection=False))
            return jobs

        before = wave("long", self.long, LONG_SECONDS) + wave("short", self.short, SHORT_SECONDS)
        return Plan(
            before=tuple(before),
            during=tuple(wave("during", self.during, SHORT_SECONDS)),
            after=tuple(wave("after", self.after, SHORT_SECONDS)),
        )

    def chooser(self, *, seed: int) -> Chooser:
        """Says who runs which job."""
        return Chooser(self, seed=seed)


class Chooser:
    """Says who runs which job, as they come.

    Args:
        plan: what there is.
        seed: decides the order of clients.
    """

    def __init__(self, plan: ClientPlan, *, seed: int) -> None:
        self._plan = plan
        self._seed = seed
        self._calls = 0
        self._long = 0

    def __call__(self, jobs: Sequence[Job]) -> list[Assigned]:
        """Who runs each of *jobs*."""
        self._calls += 1
        kinds = assign(jobs, self._plan.kinds, seed=self._seed * 100 + self._calls)
        return [self._assigned(job, kind) for job, kind in zip(jobs, kinds, strict=True)]

    def _assigned(self, job: Job, kind: Kind) -> Assigned:
        killed = None
        if job.key.startswith("long") and self._plan.killed:
            self._long += 1
            killed = KILL_SECONDS if self._long % self._plan.killed == 0 else None
        return Assigned(job=job, kind=kind, killed_after=killed)


AIRFLOW_PLAN = ClientPlan()
EVERY_CLIENT = ClientPlan(kinds=KINDS)
