"""One drill of the matrix: a deployment, and one group of cases after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from emr_drill import preflight
from emr_drill.addresses import Addresses
from emr_drill.airflow_matrix.cases import (
    CASES,
    DIES_AFTER_ANSWER,
    DIES_AFTER_END,
    POSITION_LIMIT_SECONDS,
    ROWS,
    Case,
    Group,
    Request,
)
from emr_drill.airflow_matrix.clients import Client
from emr_drill.airflow_matrix.crew import Crew, Task
from emr_drill.airflow_matrix.lines import Exchange
from emr_drill.airflow_matrix.verdict import outcome, strangers
from emr_drill.choose import primary_ports
from emr_drill.clock import Clock
from emr_drill.deploys import Deploys
from emr_drill.errors import DrillError
from emr_drill.faults.planned import SETTINGS, SPARK_DEFAULT
from emr_drill.faults.scene import Scene
from emr_drill.faults.table import find
from emr_drill.jobs.ledger import EFFECT, Entry, read
from emr_drill.observe import Deployment, deployment_name, request_of
from emr_drill.ports import PrimaryFactory
from emr_drill.progress import Progress, Story
from emr_drill.scenery import find_scene
from emr_drill.stand_in.assembly import deploy
from emr_drill.stand_in.server import StandIn
from emr_drill.strategies import strategy
from emr_drill.timing import Timing
from emr_drill.waiting import LOOK_SECONDS, until
from emr_drill.workplace import workplace

LEDGER = "ledger.jsonl"
# On the drill's clock: until one thing or another has come about.
END_LIMIT_SECONDS, SETTLE_LIMIT_SECONDS = 6000.0, 6000.0
AT_ONCE: Mapping[str, int] = {"simulated": 6, "real": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to run it.

    Attributes:
        strategy: what is deployed.
        groups: which cases, in order.
        clients: who runs each of them.
        copies: how many times.
        services: ``simulated`` or ``real``.
        speed: of the drill's clock.
        seed: decides where the fault strikes, and the stand-in's times.
        block: address block.
        workdir: where files are kept; ``None`` for a temporary directory.
    """

    strategy: str
    groups: Sequence[Group]
    clients: Sequence[Client]
    copies: int = 1
    services: str = "simulated"
    speed: float = 5.0
    seed: int = 1
    block: int = 40
    workdir: Path | None = None


def run(
    options: Options,
    *,
    primaries: PrimaryFactory,
    job_file: str,
    console: Console,
    on_group: Callable[[Group, list[dict[str, Any]]], None],
) -> None:
    """Run every group, and tell of its runs as soon as they have ended.

    Raises:
        DrillError: it could not run; nothing is left running.
    """
    addresses = Addresses(block=options.block)
    preflight.check_function_runtime()
    primaries.check()
    with preflight.hold_block(addresses):
        preflight.check_ports(addresses, primary_ports(options.services))
        with workplace(options.workdir, tell=lambda folder: console.print(f"files: {folder}", style="dim")) as place:
            _Drill(options, addresses, place.folder, primaries, job_file).run(console, on_group)
            place.needed = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """What befell a cluster.

    Attributes:
        cluster: its name.
        at: when, on the machine's clock.
        clock_at: when, on the drill's.
    """

    cluster: str
    at: float
    clock_at: float


class _Drill:
    """The state of one run."""

    def __init__(
        self, options: Options, addresses: Addresses, workdir: Path, primaries: PrimaryFactory, job_file: str
    ) -> None:
        self.options = options
        self.workdir = workdir
        self.job_file = job_file
        self.strategy = strategy(options.strategy)
        self.before, self.changed = workdir / "cdk.out", workdir / "cdk.out.changed"
        settings = (*self.strategy.context, *SETTINGS)
        preflight.synthesize(self.before, context=settings)
        if Group.UPGRADE in options.groups:
            preflight.synthesize(self.changed, context=(*settings, *SPARK_DEFAULT))
        self.clock = Clock.start(speed=options.speed)
        self.stand_in = StandIn(
            clock=self.clock,
            timing=Timing(seed=options.seed),
            addresses=addresses,
            workdir=workdir,
            primaries=primaries,
            region=preflight.region_of(self.before, stack=self.strategy.stack),
        )

    def run(self, console: Console, on_group: Callable[[Group, list[dict[str, Any]]], None]) -> None:
        with self.stand_in, Progress(console=console, clock=self.clock, quiet=False) as progress:
            story = Story(progress=progress)
            progress.watch(lambda: story.clusters(self.stand_in.clusters.states()))
            deploy(self.stand_in, self.before, stacks=list(self.strategy.stacks), on_event=lambda event: None)
            deployment = Deployment(
                stand_in=self.stand_in, name=deployment_name(self.stand_in, strategy=self.strategy.deployment_ending)
            )
            progress.watch(lambda: story.record(deployment))
            crew = Crew(
                clock=self.clock,
                exchange=(exchange := Exchange(addresses=deployment.front_door_addresses)),
                file=self.job_file,
                workdir=self.workdir / "clients",
                releases=list(dict.fromkeys(client.release for client in self.options.clients)),
                at_once=AT_ONCE[self.options.services],
            )
            try:
                crew.start()
                for group in self.options.groups:
                    self._wait(lambda: settled(deployment), SETTLE_LIMIT_SECONDS, "a deployment at rest")
                    on_group(group, _Act(self, deployment, crew, exchange, progress).run(group))
            finally:
                crew.stop()

    def _wait(self, true: Callable[[], bool], limit: float, what: str) -> None:
        if not until(self.clock, true, limit):
            raise DrillError(f"waited {limit:.0f} s for {what}, in vain")


class _Act:
    """One group: its tasks start, the fault strikes, and every task has its last word."""

    def __init__(
        self, drill: _Drill, deployment: Deployment, crew: Crew, exchange: Exchange, progress: Progress
    ) -> None:
        self.drill = drill
        self.deployment = deployment
        self.crew = crew
        self.exchange = exchange
        self.progress = progress
        self.deploys = Deploys(
            stand_in=drill.stand_in,
            stacks=drill.strategy.stacks,
            before=drill.before,
            after=drill.changed,
            on_event=lambda event: None,
            say=lambda text: progress.line("stack", text),
        )

    def run(self, group: Group) -> list[dict[str, Any]]:
        began = time.monotonic()
        plan = jobs(group, self.drill.options)
        self.exchange.again()
        self.progress.line("drill", f"{group}: {len(plan)} tasks")
        # Each real job is a Java machine or two: twenty at once, and Livy answers no submit within a client's limit.
        in_turn = group is Group.WIRE and self.drill.options.services == "real"
        tasks = self.crew.run(plan, lambda: True, in_turn=in_turn)
        strike = self._strike(group, tasks)
        clock = self.drill.clock
        until(clock, lambda: all(task.finished for task in tasks), END_LIMIT_SECONDS)
        # Whatever still runs may still write.
        until(clock, self.drill.stand_in.clusters.quiet, END_LIMIT_SECONDS)
        until(clock, lambda: not self.deploys.under_way, END_LIMIT_SECONDS)
        self.progress.line("drill", f"{group}: over after {time.monotonic() - began:.0f} s of the machine")
        return self._judged(tasks, strike)

    def _strike(self, group: Group, tasks: Sequence[Task]) -> Strike | None:
        """Let it happen; ``None`` where nothing befalls a cluster."""
        if group is Group.WIRE:
            return None
        latest = time.monotonic() + POSITION_LIMIT_SECONDS
        while not self._in_position(tasks) and time.monotonic() < latest:
            time.sleep(LOOK_SECONDS)
        scene = self._scene(group)
        struck = next(
            str(one["stack_name"]) for one in self.deployment.incarnations() if one["generation"] == scene.generation
        )
        strike = Strike(cluster=struck, at=time.monotonic(), clock_at=self.drill.clock.now())
        for act in find(ROWS[group]).under(self.drill.options.strategy).acts:
            self.progress.line("fault", f"{group}: {act.what}")
            act.do(scene)
        self.exchange.strike()
        return strike

    def _in_position(self, tasks: Sequence[Task]) -> bool:
        if not all(task.in_position for task in tasks):
            return False
        ended = {entry.job for entry in read(self.drill.workdir / LEDGER) if entry.event == EFFECT}
        return all(task.key in ended for task in tasks if task.case.name == DIES_AFTER_END)

    def _scene(self, group: Group) -> Scene:
        row = find(ROWS[group]).under(self.drill.options.strategy)
        return find_scene(
            stand_in=self.drill.stand_in,
            deployment=self.deployment,
            seed=self.drill.options.seed,
            managed_cluster=row.managed_cluster,
            deploys=self.deploys,
        )

    def _judged(self, tasks: Sequence[Task], strike: Strike | None) -> list[dict[str, Any]]:
        entries = read(self.drill.workdir / LEDGER)
        owners = {batch: task.key for task in self.crew.tasks.values() for batch in task.line.batches}
        result = []
        for task in tasks:
            own = [entry for entry in entries if entry.job == task.key]
            seen = list(task.line.seen)
            struck = self._was_struck(task, strike)
            result.append(
                {
                    "case": came_about(
                        task.case, own, strike if struck else None, again_at=self._again_at(task, strike)
                    ),
                    "operator": str(task.client.operator),
                    "mode": task.client.mode,
                    "release": task.client.release,
                    "struck": struck,
                    "outcome": str(outcome(task.said, own, killed=task.case.killed_after is not None)),
                    "said": task.said.state,
                    "effects": sum(entry.event == EFFECT for entry in own),
                    "batches": len(task.line.batches),
                    "tries": task.tries,
                    "strangers": strangers(task.key, seen, owners),
                    "deletes": sum(one.request is Request.DELETE for one in seen),
                    "reason": task.reason,
                }
            )
        return result

    def _again_at(self, task: Task, strike: Strike | None) -> float:
        if strike is None:
            return 0.0
        later = (one.at for one in task.line.seen if one.request is Request.SUBMIT and one.at > strike.at)
        return strike.clock_at + (next(later, strike.at) - strike.at) * self.drill.clock.speed

    def _was_struck(self, task: Task, strike: Strike | None) -> bool:
        """Whether what the case is about befell this run: in active-active, half of the jobs are on the other half."""
        if strike is None:
            return task.line.met
        first = next(iter(task.line.batches), None)
        if first is None or self.deployment.owner(first) != strike.cluster:
            return False
        if task.case.killed_after is not None:  # the cluster was dead already, and not yet when it was polled
            return all(one.at > strike.at for one in task.line.seen if one.request is Request.DELETE)
        return any(one.at > strike.at for one in task.line.seen) or task.case.held


def came_about(case: Case, entries: Sequence[Entry], strike: Strike | None, *, again_at: float) -> str:
    """Name of the case that it was in the end: the job of a cluster that dies may end before anybody can be told.

    Nobody knows of such an end, and the job is run again.  One that ends when it has been given to another cluster is
    no such case: then there were two at once, and the old one was not fenced.

    Args:
        case: that it was to be.
        entries: of the ledger, those of its job.
        strike: what befell its cluster; ``None`` if nothing did.
        again_at: when it was given to a cluster once more, on the drill's clock; when the fault struck if it was not.
    """
    if case.group is not Group.DIES or case.killed_after is not None or strike is None:
        return case.name
    if any(one.event == EFFECT and one.incarnation == strike.cluster and one.at <= again_at for one in entries):
        return DIES_AFTER_END
    return DIES_AFTER_ANSWER if case.name == DIES_AFTER_END else case.name


def jobs(group: Group, options: Options) -> list[tuple[str, Case, Client]]:
    """Key, case and client of each job of a group; those that wait for the fault come last.

    Where only one of two managed clusters is struck there are twice as many, as half of them are on the other one.
    """
    copies = options.copies
    if group is not Group.WIRE and options.strategy == "active-active" and options.services == "simulated":
        copies *= 2
    cases = sorted((case for case in CASES.values() if case.group is group), key=lambda case: case.held)
    return [
        (f"{case.name}-{client.name}-s{options.seed}c{copy}", case, client)
        for case in cases
        for copy in range(1, copies + 1)
        for client in options.clients
    ]


def settled(deployment: Deployment) -> bool:
    """Whether every managed cluster serves and no operation runs."""
    serving = [one for one in deployment.incarnations() if one["state"] == "serving"]
    running = [
        one for one in deployment.records("operation") if not one.get("outcome") and "retirement" not in request_of(one)
    ]
    return len(serving) == len(deployment.config.managed_clusters) and not running
