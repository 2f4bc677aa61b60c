"""One drill, from an empty machine to a report."""

from __future__ import annotations

import contextlib
import random
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from emr_drill import preflight
from emr_drill.addresses import Addresses
from emr_drill.choose import primary_ports
from emr_drill.clock import Clock
from emr_drill.collect import collect
from emr_drill.errors import DrillError
from emr_drill.faults import TEXTS, Fault, strike
from emr_drill.jobs import plan as plans
from emr_drill.jobs.submitter import Submitter
from emr_drill.memory import PeakMemory
from emr_drill.observe import Deployment, deployment_name
from emr_drill.owners import Issued, OwnerWatch
from emr_drill.ports import PrimaryFactory
from emr_drill.progress import Progress, Story, job_footer
from emr_drill.report import Report
from emr_drill.stand_in.assembly import ResourceEvent, deploy
from emr_drill.stand_in.server import StandIn
from emr_drill.timing import Timing
from emr_drill.workplace import LOG_FILE, logging_to, make_workdir

STRATEGY = "active-passive"
STACKS = ("Platform", "ActivePassive")
RUNNING_AT_FAULT, POLLS_AT_FAULT = 5, 3
# Limits on the drill's clock: past them the drill fails with a sentence instead of waiting for ever.
READY_LIMIT_SECONDS, RECOVERY_LIMIT_SECONDS, END_LIMIT_SECONDS = 600.0, 3600.0, 6000.0
LOOK_SECONDS, KEEP_LOOK_SECONDS = 0.2, 1.0  # machine time
# Real services run on machine time: a Spark job takes some 15 seconds of a core only to start and end.  So there are
# twenty jobs but fewer at once, they last longer on the drill's clock, and it takes longer until five of them run.
REAL_WAVES = {"long": 6, "short": 1, "during": 3, "after": 10}
REAL_DURATION_SCALE = 2.0
REAL_STARTING = 3
REAL_READY_LIMIT_SECONDS = 4000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to run a drill.

    Attributes:
        services: ``simulated`` or ``real``.
        fault: what to break.
        speed: seconds on the drill's clock for each second of the machine.
        seed: decides every random thing of the drill.
        block: second number of the loopback addresses.
        keep: leave everything running after the report until Ctrl-C.
        assembly: a cloud assembly to deploy; ``None`` runs ``cdk synth``.
        workdir: where the drill keeps its files; ``None`` for a temporary directory that is removed after a pass.
    """

    services: str = "simulated"
    fault: Fault = Fault.KILL_PRIMARY
    speed: float = 25.0
    seed: int = 1
    block: int = 10
    keep: bool = False
    assembly: Path | None = None
    workdir: Path | None = None


def run(
    options: Options,
    *,
    primaries: PrimaryFactory,
    job_file: str,
    console: Console,
    quiet: bool = False,
    on_report: Callable[[Report], None] = lambda report: None,
) -> Report:
    """Run a drill and say what it found.

    Args:
        options: how.
        primaries: makes the machines behind clusters; simulated or real.
        job_file: URI of the workload's job, as a cluster of *primaries* reads it.
        console: where progress goes.
        quiet: no progress.
        on_report: gets the report as soon as it is complete, before ``keep`` waits.

    Raises:
        DrillError: it could not run; nothing is left running.
    """
    addresses = Addresses(block=options.block)
    preflight.check_function_runtime()
    primaries.check()
    if options.assembly is not None:
        preflight.check_assembly(options.assembly, stacks=STACKS)
    with preflight.hold_block(addresses):
        preflight.check_ports(addresses, primary_ports(options.services))
        workdir = make_workdir(options.workdir)
        report = None
        try:
            with logging_to(workdir / LOG_FILE):
                report = _Drill(options, addresses, workdir, primaries, job_file, console, quiet, on_report).run()
                return report
        finally:
            if options.workdir is None and report is not None and report.passed:
                shutil.rmtree(workdir, ignore_errors=True)
            elif not quiet:
                console.print(f"files of this drill (logs of functions and services): {workdir}", style="dim")


def _tell_stack(progress: Progress, event: ResourceEvent) -> None:
    """A line for each change of a stack, and for each resource that fails."""
    if event.resource == event.stack:
        progress.line("stack", f"{event.stack}: {event.status}")
    elif event.status.endswith("_FAILED"):
        progress.line("stack", f"{event.stack}: {event.type} {event.resource}: {event.status}.  {event.reason}")


class _Drill:
    """The state of one run."""

    def __init__(
        self,
        options: Options,
        addresses: Addresses,
        workdir: Path,
        primaries: PrimaryFactory,
        job_file: str,
        console: Console,
        quiet: bool,
        on_report: Callable[[Report], None],
    ) -> None:
        self.options = options
        self.addresses = addresses
        self.workdir = workdir
        self.primaries = primaries
        self.job_file = job_file
        self.console = console
        self.quiet = quiet
        self.on_report = on_report
        self.report = Report(
            services=options.services, fault=options.fault.value, speed=options.speed, seed=options.seed
        )

    def run(self) -> Report:
        began = time.monotonic()
        assembly = self.options.assembly or self.workdir / "cdk.out"
        if self.options.assembly is None:
            if not self.quiet:
                self.console.print("synthesizing the stacks (cdk synth, with every policy check)", style="dim")
            preflight.synthesize(assembly)
        clock = Clock.start(speed=self.options.speed)
        memory = PeakMemory(marker=str(self.workdir))
        stand_in = StandIn(
            clock=clock,
            timing=Timing(seed=self.options.seed),
            addresses=self.addresses,
            workdir=self.workdir,
            primaries=self.primaries,
            region=preflight.region_of(assembly, stack=STACKS[-1]),
        )
        with stand_in, Progress(console=self.console, clock=clock, quiet=self.quiet) as progress:
            memory.start()
            try:
                self._live(stand_in, clock, progress, assembly)
            finally:
                memory.stop()
            self.report.machine_seconds = round(time.monotonic() - began, 1)
            self.report.peak_memory_mib = memory.mib
            self.on_report(self.report)
            if self.options.keep:
                self._stay(stand_in, progress)
        return self.report

    def _live(self, stand_in: StandIn, clock: Clock, progress: Progress, assembly: Path) -> None:
        progress.line("drill", f"deploying {' and '.join(STACKS)} into the stand-in at {stand_in.endpoint}")
        story = Story(progress=progress)
        progress.watch(lambda: story.clusters(stand_in.clusters.states()))
        progress.watch(lambda: story.notices(stand_in.journal))
        deploy(
            stand_in,
            assembly,
            stacks=list(STACKS),
            on_event=lambda event: _tell_stack(progress, event),
        )
        deployment = Deployment(stand_in=stand_in, name=deployment_name(stand_in, strategy=STRATEGY))
        progress.line("drill", f"deployed; clients use http://{deployment.config.front_door_host}:8998")
        progress.watch(lambda: story.record(deployment))
        submitter = Submitter(
            clock=clock,
            addresses=deployment.front_door_addresses,
            file=self.job_file,
            starting=REAL_STARTING if self.options.services == "real" else None,
        )
        progress.footer(lambda: job_footer(submitter, clock))
        watch = self._owner_watch(stand_in, clock, deployment, submitter)
        submitter.start()
        watch.start()
        try:
            fault_at = self._break_it(stand_in, clock, progress, deployment, submitter)
            watch.finish()
        finally:
            watch.stop()
            submitter.stop()
        collect(
            self.report,
            stand_in=stand_in,
            deployment=deployment,
            submitter=submitter,
            findings=watch.findings,
            ledger=self.workdir / "ledger.jsonl",
            fault_at=fault_at,
            clock=clock,
        )

    def _break_it(
        self, stand_in: StandIn, clock: Clock, progress: Progress, deployment: Deployment, submitter: Submitter
    ) -> float:
        """The story of a drill; returns when the fault struck."""
        if self.options.services == "real":
            plan = plans.make(seed=self.options.seed, scale=REAL_DURATION_SCALE, **REAL_WAVES)
            ready_limit = REAL_READY_LIMIT_SECONDS
        else:
            plan = plans.make(seed=self.options.seed)
            ready_limit = READY_LIMIT_SECONDS
        chance = random.Random(f"fault {self.options.seed}")
        submitter.add(plan.before)
        progress.line("drill", f"submitting {len(plan.before)} jobs; every third one fails on purpose")
        self._until(
            lambda: (
                submitter.waiting == 0
                and submitter.running >= RUNNING_AT_FAULT
                and submitter.open_polls >= POLLS_AT_FAULT
                and any(one.finished for one in submitter.jobs)
            ),
            clock,
            ready_limit,
            f"{RUNNING_AT_FAULT} jobs running and {POLLS_AT_FAULT} polls open",
        )
        if self.report.problem:
            return clock.now()
        clock.sleep(chance.uniform(0, 20))  # so that the fault finds probers, monitor and polls in any phase
        serving = next((item for item in deployment.incarnations() if item["state"] == "serving"), None)
        if serving is None:
            self.report.problem = "no incarnation is in service, so that there is nothing to break"
            return clock.now()
        self.report.at_fault = {"jobs_running": submitter.running, "polls_open": submitter.open_polls}
        fault_at = clock.now()
        strike(self.options.fault, stand_in=stand_in, cluster_id=serving["cluster_id"])
        progress.line("fault", f"{self.options.fault} on {serving['stack_name']}: {TEXTS[self.options.fault].what}")
        submitter.add(plan.during)
        generation = int(serving["generation"])
        if self.options.fault is not Fault.NONE and self._until(
            lambda: self._recovered(deployment, generation),
            clock,
            RECOVERY_LIMIT_SECONDS,
            "another incarnation in service",
        ):
            progress.line("drill", "another incarnation is in service; submitting a few more jobs")
        submitter.add(plan.after)
        self._until(submitter.idle, clock, END_LIMIT_SECONDS, "a last word on every job")
        if self.options.fault is not Fault.NONE and self._until(
            lambda: self._retired(deployment, generation),
            clock,
            END_LIMIT_SECONDS,
            f"the end of generation {generation}",
        ):
            progress.line("drill", f"generation {generation} is retired; asking for every id once more")
        return fault_at

    def _recovered(self, deployment: Deployment, generation: int) -> bool:
        done = [item for item in deployment.records("operation") if item.get("outcome") in ("failed over", "repaired")]
        failed = [item for item in deployment.records("operation") if item.get("outcome") == "failed"]
        if failed and not done:
            self.report.problem = f"the operation failed: {failed[-1].get('message', '')}"
        return bool(done) and any(
            item["state"] == "serving" and item["generation"] != generation for item in deployment.incarnations()
        )

    def _retired(self, deployment: Deployment, generation: int) -> bool:
        return any(
            item["generation"] == generation and item["state"] == "retired" for item in deployment.incarnations()
        )

    def _until(self, true: Callable[[], bool], clock: Clock, limit: float, what: str) -> bool:
        """Wait for something, at most *limit* seconds on the drill's clock; whether it came.

        The report carries what did not come; after that nothing is waited for any more.
        """
        deadline = clock.now() + limit
        while not true():
            if not self.report.problem and clock.now() > deadline:
                self.report.problem = f"waited {limit:.0f} s for {what}, in vain"
            if self.report.problem:
                return False
            time.sleep(LOOK_SECONDS)
        return True

    def _owner_watch(self, stand_in: StandIn, clock: Clock, deployment: Deployment, submitter: Submitter) -> OwnerWatch:
        def issued() -> list[Issued]:
            found = [
                Issued(id=batch.id, name=batch.name)
                for progress in list(submitter.jobs)
                for batch in progress.tries
                if batch.id is not None
            ]
            for item in deployment.incarnations():
                if item.get("canary_id") and item["state"] in ("serving", "retiring", "retired"):
                    found.append(Issued(id=item["canary_id"], name=item["canary_name"]))
            return found

        def may_be_gone(batch_id: int) -> bool:
            owner = deployment.owner(batch_id)
            return owner is not None and not stand_in.clusters.applications_running(owner)

        return OwnerWatch(
            clock=clock,
            nodes=deployment.load_balancer_nodes(),
            issued=issued,
            may_be_gone=may_be_gone,
            settled_at=lambda: stand_in.load_balancers.settled_at(kind="application"),
        )

    def _stay(self, stand_in: StandIn, progress: Progress) -> None:
        deployment = Deployment(stand_in=stand_in, name=deployment_name(stand_in, strategy=STRATEGY))
        address = deployment.front_door_addresses()[0]
        progress.line("drill", f"kept running; try: curl http://{address}:8998/batches")
        progress.line("drill", f"AWS endpoint: aws --endpoint-url {stand_in.endpoint} emr list-clusters")
        progress.line("drill", "Ctrl-C stops everything")
        with contextlib.suppress(KeyboardInterrupt):  # which is how a kept drill is meant to end
            while True:  # one endless wait would miss a signal that comes just before it
                time.sleep(KEEP_LOOK_SECONDS)


__all__ = ["DrillError", "Options", "run"]
