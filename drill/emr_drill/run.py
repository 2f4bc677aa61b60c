"""One drill, from an empty machine to a report."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from emr_drill import preflight, strategies
from emr_drill.addresses import Addresses
from emr_drill.choose import primary_ports
from emr_drill.clients import environments
from emr_drill.clients.drilled import StockDrill
from emr_drill.clients.plan import ClientPlan
from emr_drill.clock import Clock
from emr_drill.collect import collect
from emr_drill.deploys import Deploys
from emr_drill.destroying import destroy, judge
from emr_drill.encryption import Encryption
from emr_drill.errors import DrillError
from emr_drill.faults.table import chosen, find
from emr_drill.inventory import Thing, inventory
from emr_drill.jobs import plan as plans
from emr_drill.jobs.source import JobSource
from emr_drill.jobs.stream import Stream
from emr_drill.jobs.submitter import Submitter
from emr_drill.memory import PeakMemory
from emr_drill.observe import Deployment, deployment_name
from emr_drill.ports import PrimaryFactory
from emr_drill.progress import Progress, Story, job_footer
from emr_drill.rehearsal import Rehearsal
from emr_drill.report import Report
from emr_drill.stand_in import there_already
from emr_drill.stand_in.assembly import ResourceEvent, deploy, stack_name
from emr_drill.stand_in.server import StandIn
from emr_drill.strategies import strategy
from emr_drill.timing import Timing
from emr_drill.workplace import workplace

KEEP_LOOK_SECONDS = 1.0  # machine time
# How many jobs may start at once on real services, each of which costs some seconds of a core.
REAL_STARTING = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to run a drill.

    Attributes:
        services: ``simulated`` or ``real``.
        strategy: what is deployed, a name of :data:`emr_drill.strategies.STRATEGIES`.
        fault: what to break, the name of a row of the fault table.
        speed: seconds on the drill's clock for each second of the machine.
        seed: decides every random thing of the drill.
        block: second number of the loopback addresses.
        stream: whether jobs come in a stream from the fault on, besides the waves, as where systems are compared.
        keep: leave everything running after the report until Ctrl-C.
        assembly: a cloud assembly to deploy; ``None`` runs ``cdk synth``.
        zone: AZ in which a managed cluster is struck; ``None`` for any.
        clients: stock clients that run the jobs, and which; ``None`` for the drill's own submitter.
        tls: whether clients and probers speak TLS with the front door, whose certificate is made for this drill.
        cluster_tls: with *tls*: whether services on clusters speak TLS, too.
        workdir: where the drill keeps its files; ``None`` for a temporary directory that is removed after a pass.
    """

    services: str = "simulated"
    strategy: str = strategies.DEFAULT
    fault: str = "kill-primary"
    speed: float = 25.0
    seed: int = 1
    block: int = 10
    stream: bool = False
    keep: bool = False
    assembly: Path | None = None
    clients: ClientPlan | None = None
    tls: bool = False
    cluster_tls: bool = False
    workdir: Path | None = None
    zone: str | None = None


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
        DrillError: it could not run, or no row or strategy has that name; nothing is left running.
    """
    stacks = strategy(options.strategy).stacks
    # Which rows the table runs with real services is a question of time; where stock clients are what is looked at,
    # whoever chose the row has answered it.
    chosen(options.fault, real=options.services == "real" and options.clients is None, strategy=options.strategy)
    if options.clients is not None:
        environments.check(options.clients.kinds)
    addresses = Addresses(block=options.block)
    preflight.check_function_runtime()
    primaries.check()
    if options.tls and (options.clients is not None or options.assembly is not None):
        raise DrillError(
            "--tls brings settings and an authority of its own, which stock clients and an assembly that is there do "
            "not know: leave --jobs and --assembly out"
        )
    if options.cluster_tls and options.services == "real":
        raise DrillError("real services speak no TLS here: leave --cluster-tls out")
    if options.assembly is not None:
        if (row := find(options.fault)).deploys_its_own:
            raise DrillError(
                f"{options.fault} deploys settings of its own ({', '.join(row.settings) or 'a certificate'}), which "
                f"{options.assembly} need not have: leave --assembly out"
            )
        preflight.check_assembly(options.assembly, stacks=stacks)

    def tell(folder: Path) -> None:
        if not quiet:
            console.print(f"files of this drill (logs of functions and services): {folder}", style="dim")

    with preflight.hold_block(addresses):
        preflight.check_ports(addresses, primary_ports(options.services))
        with workplace(options.workdir, tell=tell) as place:
            report = _Drill(options, addresses, place.folder, primaries, job_file, console, quiet, on_report).run()
            place.needed = not report.passed
            return report


def _tell_stack(progress: Progress, event: ResourceEvent) -> None:
    """A line for each change of a stack, for each resource that fails, and for each managed cluster."""
    if event.resource == event.stack:
        progress.line("stack", f"{event.stack}: {event.status}")
    elif event.status.endswith("_FAILED"):
        progress.line("stack", f"{event.stack}: {event.type} {event.resource}: {event.status}.  {event.reason}")
    elif event.type.startswith("Custom::") and event.status.startswith("UPDATE_"):
        progress.line("stack", f"{event.stack}: {event.resource}: {event.status}")


def _address(deployment: Deployment) -> str:
    """Where clients find Livy."""
    config = deployment.config
    return f"{config.front_door_scheme}://{config.front_door_name or config.front_door_host}:{config.front_door_port}"


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
        self.deleted = False
        self.fault = find(options.fault).under(options.strategy)
        self.strategy = strategy(options.strategy)
        self.encryption = (
            Encryption.make(workdir, clusters=options.cluster_tls) if options.tls or self.fault.tls else None
        )
        self.report = Report(
            strategy=options.strategy,
            services=options.services,
            fault=options.fault,
            speed=options.speed,
            seed=options.seed,
            files=str(workdir),
        )

    def run(self) -> Report:
        began = time.monotonic()
        assembly = self.options.assembly or self.workdir / "cdk.out"
        settings = (*self.strategy.context, *self.fault.settings)
        if self.encryption is not None:
            settings = (*settings, *self.encryption.context)
        if self.options.assembly is None:
            if not self.quiet:
                self.console.print("synthesizing the stacks (cdk synth, with every policy check)", style="dim")
            preflight.synthesize(assembly, context=settings)
        changed = self.workdir / "cdk.out.changed"
        if self.fault.change:
            preflight.synthesize(changed, context=(*settings, *self.fault.change))
        clock = Clock.start(speed=self.options.speed)
        memory = PeakMemory(marker=str(self.workdir))
        stand_in = StandIn(
            clock=clock,
            timing=Timing(seed=self.options.seed),
            addresses=self.addresses,
            workdir=self.workdir,
            primaries=self.primaries,
            region=preflight.region_of(assembly, stack=self.strategy.stack),
        )
        with stand_in, Progress(console=self.console, clock=clock, quiet=self.quiet) as progress:
            memory.start()
            try:
                self._live(stand_in, clock, progress, assembly, changed)
            finally:
                memory.stop()
            self.report.machine_seconds = round(time.monotonic() - began, 1)
            self.report.peak_memory_mib = memory.mib
            self.on_report(self.report)
            if self.options.keep:
                self._stay(stand_in, progress)
        return self.report

    def _live(self, stand_in: StandIn, clock: Clock, progress: Progress, assembly: Path, changed: Path) -> None:
        progress.line(
            "drill", f"deploying {' and '.join(self.strategy.stacks)} into the stand-in at {stand_in.endpoint}"
        )
        story = Story(progress=progress)
        progress.watch(lambda: story.clusters(stand_in.clusters.states()))
        progress.watch(lambda: story.notices(stand_in.journal))
        if self.encryption is not None:
            self.encryption.begin(stand_in)
            stand_in.encryption = self.encryption
        before = self._deploy(stand_in, progress, assembly)
        deployment = Deployment(
            stand_in=stand_in, name=deployment_name(stand_in, strategy=self.strategy.deployment_ending)
        )
        progress.line("drill", f"deployed; clients use {_address(deployment)}")
        progress.watch(lambda: story.record(deployment))
        stock = None
        if self.options.clients is not None:
            stock = StockDrill(self.options, stand_in, deployment, clock, workdir=self.workdir, file=self.job_file)
        submitter: JobSource = stock.clients if stock else self._submitter(deployment, clock)
        progress.footer(lambda: job_footer(submitter, clock))
        stream = None if stock else self._stream(clock, submitter, shared=len(deployment.config.managed_clusters) > 1)
        rehearsal = Rehearsal(
            services=self.options.services,
            seed=self.options.seed,
            fault=self.fault,
            report=self.report,
            stand_in=stand_in,
            clock=clock,
            progress=progress,
            deployment=deployment,
            submitter=submitter,
            stream=stream,
            zone=self.options.zone,
            deploys=self._deploys(stand_in, progress, assembly, changed) if self.fault.change else None,
            standby=self.strategy.standby,
            plan=stock.waves if stock else None,
        )
        watch = rehearsal.owner_watch()
        submitter.start()
        watch.start()
        try:
            timeline = rehearsal.run()
            watch.finish()
        finally:
            watch.stop()
            if stream is not None:
                stream.stop()
            submitter.stop()
        collect(
            self.report,
            stand_in=stand_in,
            deployment=deployment,
            submitter=submitter,
            findings=watch.findings,
            ledger=self.workdir / "ledger.jsonl",
            fault=self.fault,
            timeline=timeline,
            clock=clock,
            standby=self.strategy.standby,
            stock=stock.judge(self.report) if stock else None,
        )
        # After a problem the drill says no more than that; a deletion would wait for what did not come either.
        if self.fault.remains is not None and not self.report.problem:
            name = stack_name(assembly, self.strategy.stack)
            progress.line("drill", f"deleting stack {name}")
            deletion = destroy(stand_in=stand_in, clock=clock, deployment=deployment, stack=name, before=before)
            progress.line("stack", f"{name}: {deletion.status}")
            judge(self.report, self.fault, deletion)
            self.deleted = True

    def _deploy(self, stand_in: StandIn, progress: Progress, assembly: Path) -> frozenset[Thing]:
        """Deploy the strategy and what it needs; all that there was before its own stack, if that will be deleted."""

        def tell(event: ResourceEvent) -> None:
            _tell_stack(progress, event)

        before: frozenset[Thing] = frozenset()
        there_already.make(stand_in, assembly, stack=strategies.PLATFORM, say=lambda text: progress.line("drill", text))
        if self.fault.remains is not None:
            needed = [stack for stack in self.strategy.stacks if stack != self.strategy.stack]
            deploy(stand_in, assembly, stacks=needed, on_event=tell)
            before = inventory(stand_in)
        deploy(stand_in, assembly, stacks=list(self.strategy.stacks), on_event=tell)
        return before

    def _submitter(self, deployment: Deployment, clock: Clock) -> Submitter:
        return Submitter(
            clock=clock,
            addresses=deployment.front_door_addresses,
            file=self.job_file,
            starting=REAL_STARTING if self.options.services == "real" else None,
            secure=self.encryption.secure() if self.encryption else None,
        )

    def _stream(self, clock: Clock, submitter: JobSource, *, shared: bool) -> Stream | None:
        """Jobs that come from the fault on besides the waves, *shared* if another managed cluster takes some."""
        if (load := self.fault.load) is not None:
            jobs = plans.steady(seed=self.options.seed)
            return Stream(clock=clock, jobs=jobs, add=submitter.add, seconds=load.every)
        if shared and self.options.services == "simulated":
            jobs = plans.flow(seed=self.options.seed)
            return Stream(clock=clock, jobs=jobs, add=submitter.add, seconds=plans.FLOW_EVERY_SECONDS)
        if self.options.stream:
            return Stream(clock=clock, jobs=plans.stream(seed=self.options.seed), add=submitter.add)
        return None

    def _deploys(self, stand_in: StandIn, progress: Progress, assembly: Path, changed: Path) -> Deploys:
        return Deploys(
            stand_in=stand_in,
            stacks=self.strategy.stacks,
            before=assembly,
            after=changed,
            on_event=lambda event: _tell_stack(progress, event),
            say=lambda text: progress.line("stack", text),
        )

    def _stay(self, stand_in: StandIn, progress: Progress) -> None:
        if not self.deleted:
            deployment = Deployment(
                stand_in=stand_in, name=deployment_name(stand_in, strategy=self.strategy.deployment_ending)
            )
            address = deployment.front_door_addresses()[0]
            curl = f"curl http://{address}:8998/batches"
            if self.encryption is not None:
                curl = self.encryption.curl(address)
            progress.line("drill", f"kept running; try: {curl}")
        progress.line("drill", f"AWS endpoint: aws --endpoint-url {stand_in.endpoint} emr list-clusters")
        progress.line("drill", "Ctrl-C stops everything")
        with contextlib.suppress(KeyboardInterrupt):  # which is how a kept drill is meant to end
            while True:  # one endless wait would miss a signal that comes just before it
                time.sleep(KEEP_LOOK_SECONDS)


__all__ = ["DrillError", "Options", "run"]
