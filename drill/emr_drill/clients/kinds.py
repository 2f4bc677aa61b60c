"""Which clients there are, and how each is set up."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from emr_drill.jobs.plan import Job

AIRFLOW_VERSIONS = ("3.0.6", "2.11.0")
# Loads the DAGs before MWAA's users do: what it warns of is to be put right in time.  No drill uses it.
EARLY_AIRFLOW_VERSION = "3.3.1"
# Farther apart than the idle time-outs of the front door (25 s) and of Livy itself (30 s), as no limit of a socket is
# scaled with the drill's clock: Airflow's hook keeps its connection from poll to poll, and only where it was closed
# meanwhile can the next poll come to another server, which is how the fault hides in quick tests.
POLL_AFTER_IDLE_SECONDS = 33
POLL_OFTEN_SECONDS = 5
# Simulated seconds: the sample DAG's "one retry after 5 minutes".
RETRY_DELAY_SECONDS = 300.0
RETRIES = 1
# In the connection's extra: without it a task waits for ever for a server that is silent.
REQUEST_LIMIT_SECONDS = 10


class Program(StrEnum):
    """What a client is."""

    AIRFLOW = "airflow"
    PYTHON = "python"
    CURL = "curl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One way in which jobs are run.

    Attributes:
        name: for reports.
        program: what runs them.
        version: of Airflow.
        deferrable: whether its tasks are deferred.
        polling: seconds between two polls, machine time.
        retries: how often a job is run again that its client takes for failed.
    """

    name: str
    program: Program
    version: str = ""
    deferrable: bool = False
    polling: int = POLL_OFTEN_SECONDS
    retries: int = RETRIES


def _airflow(version: str) -> tuple[Kind, Kind]:
    return (
        Kind(name=f"airflow-{version}", program=Program.AIRFLOW, version=version, polling=POLL_AFTER_IDLE_SECONDS),
        Kind(name=f"airflow-{version}-deferrable", program=Program.AIRFLOW, version=version, deferrable=True),
    )


KINDS: tuple[Kind, ...] = (
    *(kind for version in AIRFLOW_VERSIONS for kind in _airflow(version)),
    Kind(name="python-livy", program=Program.PYTHON),
    Kind(name="curl", program=Program.CURL),
)
EARLY_KIND = Kind(name=f"airflow-{EARLY_AIRFLOW_VERSION}", program=Program.AIRFLOW, version=EARLY_AIRFLOW_VERSION)
AIRFLOW_KINDS = tuple(kind for kind in KINDS if kind.program is Program.AIRFLOW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """A job and who runs it.

    Attributes:
        job: the job.
        kind: who runs it.
        killed_after: machine seconds after which its client kills it; ``None`` to let it run.
    """

    job: Job
    kind: Kind
    killed_after: int | None = None


def assign(jobs: Sequence[Job], kinds: Sequence[Kind], *, seed: int) -> list[Kind]:
    """Who runs which of *jobs*: every kind as often as the others, in an order that has nothing to do with the jobs'.

    Args:
        jobs: the jobs.
        kinds: who there is.
        seed: decides the order.
    """
    chance = random.Random(f"clients {seed}")
    order: list[Kind] = []
    while len(order) < len(jobs):
        turn = list(kinds)
        chance.shuffle(turn)
        order += turn
    return order[: len(jobs)]
