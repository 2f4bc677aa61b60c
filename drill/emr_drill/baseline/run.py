"""One drill of the baseline: the product's stand-in, jobs, clients and faults, and the recipe's script in its place."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import boto3
from rich.console import Console

from emr_drill import preflight
from emr_drill.addresses import Addresses
from emr_drill.baseline.probes import LIVY, NAME_NODE, RESOURCE_MANAGER, failed_services
from emr_drill.baseline.report import fill
from emr_drill.baseline.schedule import Schedule
from emr_drill.baseline.script import ENDING, Script
from emr_drill.baseline.site import LAUNCH_LIMIT_SECONDS, PORTS, Built, build
from emr_drill.choose import primary_ports
from emr_drill.clock import Clock
from emr_drill.errors import DrillError
from emr_drill.faults.model import Fault, Moment, Outcome
from emr_drill.faults.scene import Scene
from emr_drill.faults.table import find
from emr_drill.jobs import plan as plans
from emr_drill.jobs.stream import Stream
from emr_drill.jobs.submitter import Submitter
from emr_drill.memory import PeakMemory
from emr_drill.ports import PrimaryFactory
from emr_drill.progress import Progress, Story, job_footer
from emr_drill.rehearsal import END_LIMIT_SECONDS, POLLS_AT_FAULT, READY_LIMIT_SECONDS, RUNNING_AT_FAULT
from emr_drill.report import Report
from emr_drill.stand_in.server import StandIn
from emr_drill.timing import Timing
from emr_drill.workplace import workplace

if TYPE_CHECKING:
    from emr_drill.observe import Deployment

NAME = "script"
FAULTS = ("kill-primary", "hang-livy", "hang-resourcemanager", "az-blackhole", "restart-livy")
GENERATION, MANAGED_CLUSTER = 1, "a"
SERVICES = "simulated"
LOOK_SECONDS = 0.2  # machine time
# A restart of Livy takes five seconds and the script looks once a minute: eleven of twelve restarts it never sees.
# What it makes of one that it does see is the question, so that a fault that calls for nothing strikes this long before
# a look.  The product's probers look every ten seconds from three AZs, and most restarts are seen by one of them.
BEFORE_LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to run a drill of the baseline; see ``emr_drill.run.Options``."""

    fault: str
    speed: float = 25.0
    seed: int = 1
    block: int = 10
    stream: bool = False
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
    """Run a drill of the baseline and say what it found.

    Args:
        options: how.
        primaries: makes simulated machines behind clusters.
        job_file: URI of the workload's job.
        console: where progress goes.
        quiet: no progress.
        on_report: gets the report.

    Raises:
        DrillError: it could not run; nothing is left running.
    """
    if options.fault not in FAULTS:
        raise DrillError(f"the baseline is drilled with the faults {', '.join(FAULTS)}, got {options.fault!r}")
    fault = find(options.fault)
    addresses = Addresses(block=options.block)
    primaries.check()

    def tell(folder: Path) -> None:
        if not quiet:
            console.print(f"files of this drill (logs of services): {folder}", style="dim")

    with preflight.hold_block(addresses):
        preflight.check_ports(addresses, primary_ports(SERVICES))
        with workplace(options.workdir, tell=tell) as place:
            report = _Drill(options, fault, addresses, place.folder, primaries, job_file, console, quiet).run()
            on_report(report)
            # Files are needed if the drill itself failed: that the baseline loses jobs is what it is run for.
            place.needed = False
            return report


class _Drill:
    """The state of one run."""

    def __init__(
        self,
        options: Options,
        fault: Fault,
        addresses: Addresses,
        workdir: Path,
        primaries: PrimaryFactory,
        job_file: str,
        console: Console,
        quiet: bool,
    ) -> None:
        self.options = options
        self.fault = fault
        self.addresses = addresses
        self.workdir = workdir
        self.primaries = primaries
        self.job_file = job_file
        self.console = console
        self.quiet = quiet
        self.clock = Clock.start(speed=options.speed)
        self.report = Report(baseline=NAME, services=SERVICES, fault=fault.name, speed=options.speed, seed=options.seed)

    def run(self) -> Report:
        began = time.monotonic()
        memory = PeakMemory(marker=str(self.workdir))
        stand_in = StandIn(
            clock=self.clock,
            timing=Timing(seed=self.options.seed),
            addresses=self.addresses,
            workdir=self.workdir,
            primaries=self.primaries,
        )
        with stand_in, Progress(console=self.console, clock=self.clock, quiet=self.quiet) as progress:
            memory.start()
            try:
                self._live(stand_in, progress)
            finally:
                memory.stop()
        self.report.machine_seconds = round(time.monotonic() - began, 1)
        self.report.peak_memory_mib = memory.mib
        return self.report

    def _live(self, stand_in: StandIn, progress: Progress) -> None:
        story = Story(progress=progress)
        progress.watch(lambda: story.clusters(stand_in.clusters.states()))
        built = build(ec2=stand_in.client("ec2"), balancer=stand_in.client("elbv2"), region=stand_in.region)
        schedule = Schedule(
            clock=self.clock,
            timing=stand_in.timing,
            make=lambda sleep, say: self._script(stand_in, built, sleep, say),
            say=lambda text: progress.line("script", text),
        )
        self._first_cluster(stand_in, built, progress)
        submitter = Submitter(
            clock=self.clock, addresses=lambda: stand_in.load_balancers.dns_names()[built.host], file=self.job_file
        )
        progress.footer(lambda: job_footer(submitter, self.clock))
        stream = Stream(clock=self.clock, jobs=plans.stream(seed=self.options.seed), add=submitter.add)
        schedule.start()
        submitter.start()
        try:
            fault_at = self._break_it(stand_in, built, schedule, submitter, stream, progress)
        finally:
            stream.stop()
            submitter.stop()
            schedule.stop()
        fill(
            self.report,
            runs=schedule.runs,
            submitter=submitter,
            clusters=stand_in.clusters,
            workdir=self.workdir,
            fault_at=fault_at,
            clock=self.clock,
        )

    def _script(
        self, stand_in: StandIn, built: Built, sleep: Callable[[float], None], say: Callable[[str], None]
    ) -> Script:
        ports: dict[str, int] = dict(zip((LIVY, RESOURCE_MANAGER, NAME_NODE), PORTS, strict=True))
        return Script(
            site=built.site,
            emr=_client("emr", stand_in),
            balancer=_client("elbv2", stand_in),
            look=lambda address: failed_services(address, ports=ports),
            now=self.clock.now,
            sleep=sleep,
            say=say,
        )

    def _first_cluster(self, stand_in: StandIn, built: Built, progress: Progress) -> None:
        """What a person does once: launch a cluster, wait until it is ready, register it."""
        script = self._script(stand_in, built, self.clock.sleep, lambda text: progress.line("script", text))
        cluster_id = script.launch(next(iter(built.site.subnets)))
        self._wait(lambda: _state(stand_in, cluster_id) == "WAITING", LAUNCH_LIMIT_SECONDS, "the first cluster")
        script.register(script.address_when_known(cluster_id))
        self._wait(lambda: self._open(stand_in, built), READY_LIMIT_SECONDS, "the load balancer")
        progress.line("drill", f"clients use http://{built.host}:8998, plain TCP to the primary of {cluster_id}")

    def _break_it(
        self,
        stand_in: StandIn,
        built: Built,
        schedule: Schedule,
        submitter: Submitter,
        stream: Stream,
        progress: Progress,
    ) -> float:
        """The story of a drill, with the product's moments; returns when the fault struck."""
        plan = plans.make(seed=self.options.seed)
        chance = random.Random(f"fault {self.options.seed}")
        submitter.add(plan.before)
        progress.line("drill", f"submitting {len(plan.before)} jobs; every third one fails on purpose")
        if not self._until(
            lambda: (
                submitter.waiting == 0
                and submitter.running >= RUNNING_AT_FAULT
                and submitter.open_polls >= POLLS_AT_FAULT
                and any(one.finished for one in submitter.jobs)
            ),
            READY_LIMIT_SECONDS,
            f"{RUNNING_AT_FAULT} jobs running and {POLLS_AT_FAULT} polls open",
        ):
            return self.clock.now()
        self.clock.sleep(chance.uniform(0, 20))
        expected = self.fault.expect
        if expected.outcome is Outcome.NOTHING:
            self._wait_for_look(schedule)
        cluster = stand_in.clusters.states()[0]
        self.report.at_fault = {"jobs_running": submitter.running, "polls_open": submitter.open_polls}
        fault_at = self.clock.now()
        scene = Scene(
            stand_in=stand_in,
            deployment=cast("Deployment", None),  # none of these faults asks for it
            cluster_id=cluster.cluster_id,
            generation=GENERATION,
            managed_cluster=MANAGED_CLUSTER,
            availability_zone=cluster.availability_zone,
        )
        for act in self.fault.acts:
            assert act.after is Moment.FAULT and not act.seconds, "the baseline's faults are done at once"
            act.do(scene)
            progress.line("fault", f"{self.fault.name} on {cluster.name}: {act.what}")
        submitter.add(plan.during)
        if self.options.stream:
            stream.start()
        if expected.outcome is Outcome.NOTHING:
            self.clock.sleep(expected.watch_seconds)
        if self._until(
            lambda: self._well(stand_in, built, schedule, fault_at),
            expected.limit_seconds,
            "a look of the script that sees every service well, and an open front door",
        ):
            progress.line("drill", "the script sees every service well; submitting a few more jobs")
        submitter.add(plan.after)
        self._until(
            lambda: submitter.idle() and (stream.over or not self.options.stream),
            END_LIMIT_SECONDS,
            "a last word on every job",
        )
        self._until(lambda: self._settled(stand_in), END_LIMIT_SECONDS, "the end of what was replaced")
        return fault_at

    def _wait_for_look(self, schedule: Schedule) -> None:
        """Until shortly before the next look; if that is past, before the one after it."""

        def left() -> float:
            return schedule.runs.next_at - BEFORE_LOOK_SECONDS - self.clock.now()

        if self._until(lambda: left() > 0, READY_LIMIT_SECONDS, "a look that is still to come"):
            self.clock.sleep(left())

    def _well(self, stand_in: StandIn, built: Built, schedule: Schedule, fault_at: float) -> bool:
        well_at = schedule.runs.well_at
        return well_at is not None and well_at > fault_at and self._open(stand_in, built)

    def _open(self, stand_in: StandIn, built: Built) -> bool:
        """Whether every change has reached every node, and every registered target is healthy."""
        if stand_in.load_balancers.settled_at(kind="network") > self.clock.now():
            return False
        balancer: Any = stand_in.client("elbv2")
        for arn in built.site.groups.values():
            health = balancer.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
            states = [one["TargetHealth"]["State"] for one in health if one["TargetHealth"]["State"] != "draining"]
            if not states or any(state != "healthy" for state in states):
                return False
        return True

    def _settled(self, stand_in: StandIn) -> bool:
        """Whether no cluster is ending and none runs anything that could still write."""
        alive = [one for one in stand_in.clusters.states() if not one.state.startswith("TERMINATED")]
        if any(one.state in ENDING for one in alive):
            return False
        return not any(stand_in.clusters.applications_running(one.name) for one in alive)

    def _wait(self, true: Callable[[], bool], limit: float, what: str) -> None:
        if not self._until(true, limit, what):
            raise DrillError(f"the baseline's site does not come up: {self.report.problem}")

    def _until(self, true: Callable[[], bool], limit: float, what: str) -> bool:
        """Wait for something, at most *limit* seconds on the drill's clock; whether it came.

        The report carries what did not come; after that nothing is waited for any more.
        """
        deadline = self.clock.now() + limit
        while not true():
            if not self.report.problem and self.clock.now() > deadline:
                self.report.problem = f"waited {limit:.0f} s for {what}, in vain"
            if self.report.problem:
                return False
            time.sleep(LOOK_SECONDS)
        return True


def _state(stand_in: StandIn, cluster_id: str) -> str:
    return next(one.state for one in stand_in.clusters.states() if one.cluster_id == cluster_id)


def _client(service: str, stand_in: StandIn) -> Any:
    """A client as a script on a machine outside has it: its calls take simulated time, and are retried as usual."""
    return boto3.session.Session().client(
        service,  # type: ignore[call-overload]
        region_name=stand_in.region,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        endpoint_url=stand_in.endpoint,
    )
