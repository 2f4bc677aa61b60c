"""Which jobs a drill submits, and when.

Three waves: *before* the fault a burst of long and short jobs, so that many are running when it strikes; *during* the
outage a few that wait in line for the front door; *after* the recovery a few more.  Every third job fails on purpose:
a client that was told "success" for one of those was told another job's state.

Where systems are compared, a *stream* comes on top: a job every twenty seconds from the fault on, whatever happens, so
that whoever ends a cluster at any moment ends jobs with it, and every refusal is seen.

Where a person asks for a change, there is a *load*: more than twenty jobs run when the change begins, some of them for
longer than a cluster that is replaced waits for them, and all the time until it is over another one comes.

Where another managed cluster serves on, it is a *flow*: a short job every two seconds, as an outage that is over within
seconds is not seen by a client that comes once in a while.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

LONG_SECONDS = (110.0, 260.0)
SHORT_SECONDS = (10.0, 30.0)
# Of the stream: some six run at any moment, for ten minutes.
STREAM_SECONDS = (60.0, 180.0)
STREAM_EVERY_SECONDS, STREAM_JOBS = 20.0, 30
# Of the flow: until a sick half is surely isolated.
FLOW_EVERY_SECONDS, FLOW_JOBS = 2.0, 50
# Of a load: jobs of minutes, and what comes all the time.
LOADED_SECONDS = (240.0, 800.0)
STEADY_SECONDS = (10.0, 120.0)
STEADY_JOBS = 600  # more than come until any change is over


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A logical job: one thing that somebody wants done.

    Attributes:
        key: unique name of the job.
        seconds: how long it runs, simulated seconds.
        fails: whether it ends with an error of its own.
        keeps_connection: whether its client polls on one kept connection (as a synchronous task does) or connects
            anew for each poll (as a deferred one does).
        again: how long it runs when it is run again, as one does that goes on from a checkpoint; ``None`` for as long
            as the first time.
    """

    key: str
    seconds: float
    fails: bool
    keeps_connection: bool
    again: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The waves of jobs; see the module."""

    before: tuple[Job, ...]
    during: tuple[Job, ...]
    after: tuple[Job, ...]

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Every job of the plan."""
        return self.before + self.during + self.after


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What runs while a person asks for a change.

    Attributes:
        running: how many jobs must run when the change begins.
        jobs: how many are submitted before that, of minutes each.
        overlong: how many of them run for ``overlong_seconds``, and go on from a checkpoint when they are run again.
        overlong_seconds: longer than any drain limit of the drill.
        again_seconds: how long those run then.
        every: simulated seconds between two more jobs, from the change on until it is over.
    """

    running: int = 20
    jobs: int = 26
    overlong: int = 0
    overlong_seconds: float = 2700.0
    again_seconds: float = 60.0
    every: float = 12.0


def make(*, seed: int, long: int = 9, short: int = 6, during: int = 4, after: int = 8, scale: float = 1.0) -> Plan:
    """The jobs of the drill with this *seed*.

    Args:
        seed: decides durations and which jobs keep their connection.
        long: jobs before the fault that run for minutes.
        short: jobs before the fault that run for seconds.
        during: jobs submitted during the outage.
        after: jobs submitted after the recovery.
        scale: multiplies every duration; real services run on machine time and want shorter ones.
    """
    chance = random.Random(f"jobs {seed}")
    number = 0

    def job(wave: str, seconds: tuple[float, float]) -> Job:
        nonlocal number
        number += 1
        return Job(
            key=f"{wave}-{number:02d}",
            seconds=round(chance.uniform(*seconds) * scale, 1),
            fails=number % 3 == 0,
            keeps_connection=number % 2 == 0,
        )

    first = [job("before", LONG_SECONDS) for _ in range(long)] + [job("before", SHORT_SECONDS) for _ in range(short)]
    return Plan(
        before=tuple(first),
        during=tuple(job("during", SHORT_SECONDS) for _ in range(during)),
        after=tuple(job("after", SHORT_SECONDS) for _ in range(after)),
    )


def loaded(load: Load, *, seed: int) -> Plan:
    """The jobs of a *load* before and after the change; :func:`steady` has those in between."""
    plan = make(seed=seed, long=0, short=6, during=0, after=8)
    chance = random.Random(f"load {seed}")
    first = [
        Job(
            key=f"loaded-{number:02d}",
            seconds=round(chance.uniform(*LOADED_SECONDS), 1),
            fails=number % 3 == 0,
            keeps_connection=number % 2 == 0,
        )
        for number in range(1, load.jobs + 1)
    ]
    overlong = [
        Job(
            key=f"overlong-{number}",
            seconds=load.overlong_seconds,
            fails=False,
            keeps_connection=number % 2 == 0,
            again=load.again_seconds,
        )
        for number in range(1, load.overlong + 1)
    ]
    return Plan(before=(*overlong, *first, *plan.before), during=(), after=plan.after)


def steady(*, seed: int) -> tuple[Job, ...]:
    """The jobs that come all the time while a change is made, in order."""
    return _in_a_row("steady", STEADY_JOBS, STEADY_SECONDS, seed=seed)


def stream(*, seed: int) -> tuple[Job, ...]:
    """The jobs of the stream with this *seed*, in order."""
    return _in_a_row("stream", STREAM_JOBS, STREAM_SECONDS, seed=seed)


def flow(*, seed: int) -> tuple[Job, ...]:
    """The jobs of the flow with this *seed*, in order."""
    return _in_a_row("flow", FLOW_JOBS, SHORT_SECONDS, seed=seed)


def _in_a_row(name: str, count: int, seconds: tuple[float, float], *, seed: int) -> tuple[Job, ...]:
    chance = random.Random(f"{name} {seed}")
    return tuple(
        Job(
            key=f"{name}-{number:02d}",
            seconds=round(chance.uniform(*seconds), 1),
            fails=number % 3 == 0,
            keeps_connection=number % 2 == 0,
        )
        for number in range(1, count + 1)
    )
