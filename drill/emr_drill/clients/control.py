"""The control: the same clients and jobs behind plain TCP balancing, where each of two Livys numbers from 0.

That is what active-active with published parts comes to (docs/requirements.md, A2 and A4): two clusters, one target
group with both primaries, a TCP listener.  The load balancer, the clusters, Livy and its settings are those of the
script's site (:mod:`emr_drill.baseline.site`); nothing is broken, and nobody watches.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from rich.console import Console

from emr_drill import preflight
from emr_drill.addresses import Addresses
from emr_drill.baseline.script import Script
from emr_drill.baseline.site import LAUNCH_LIMIT_SECONDS, Built, build
from emr_drill.choose import primary_ports
from emr_drill.clients import environments
from emr_drill.clients.drilled import LEDGER, servers, told
from emr_drill.clients.flow import LIVY_PORT, StockClients
from emr_drill.clients.judgement import judge
from emr_drill.clients.listing import Listing
from emr_drill.clients.plan import EVERY_CLIENT, ClientPlan
from emr_drill.clock import Clock
from emr_drill.errors import DrillError
from emr_drill.jobs.ledger import read
from emr_drill.ports import PrimaryFactory
from emr_drill.progress import Progress, Story, job_footer
from emr_drill.rehearsal import END_LIMIT_SECONDS, READY_LIMIT_SECONDS
from emr_drill.report import Report
from emr_drill.stand_in.server import StandIn
from emr_drill.timing import Timing
from emr_drill.waiting import until
from emr_drill.workplace import workplace

NAME = "plain"
CLUSTERS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to run it; see ``emr_drill.run.Options``."""

    services: str = "real"
    speed: float = 5.0
    seed: int = 1
    block: int = 10
    clients: ClientPlan = field(default_factory=lambda: EVERY_CLIENT)
    workdir: Path | None = None


def run(options: Options, *, primaries: PrimaryFactory, job_file: str, console: Console, quiet: bool = False) -> Report:
    """Run the control and say what became of the jobs.

    Args:
        options: how.
        primaries: makes the machines behind clusters.
        job_file: URI of the workload's job.
        console: where progress goes.
        quiet: no progress.

    Raises:
        DrillError: it could not run; nothing is left running.
    """
    addresses = Addresses(block=options.block)
    primaries.check()
    environments.check(options.clients.kinds)

    def tell(folder: Path) -> None:
        if not quiet:
            console.print(f"files of this drill (logs of services): {folder}", style="dim")

    with preflight.hold_block(addresses):
        preflight.check_ports(addresses, primary_ports(options.services))
        with workplace(options.workdir, tell=tell) as place:
            report = _Control(options, addresses, place.folder, primaries, job_file).run(console, quiet=quiet)
            place.needed = False
            return report


class _Control:
    """The state of one run."""

    def __init__(
        self, options: Options, addresses: Addresses, workdir: Path, primaries: PrimaryFactory, job_file: str
    ) -> None:
        self.options = options
        self.workdir = workdir
        self.job_file = job_file
        self.clock = Clock.start(speed=options.speed)
        self.stand_in = StandIn(
            clock=self.clock,
            timing=Timing(seed=options.seed),
            addresses=addresses,
            workdir=workdir,
            primaries=primaries,
        )
        self.report = Report(
            baseline=NAME, services=options.services, fault="none", speed=options.speed, seed=options.seed
        )

    def run(self, console: Console, *, quiet: bool) -> Report:
        began = time.monotonic()
        with self.stand_in, Progress(console=console, clock=self.clock, quiet=quiet) as progress:
            story = Story(progress=progress)
            progress.watch(lambda: story.clusters(self.stand_in.clusters.states()))
            built = self._build()
            self._run_jobs(built, progress)
        self.report.machine_seconds = round(time.monotonic() - began, 1)
        return self.report

    def _build(self) -> Built:
        """A load balancer with two clusters behind it."""
        built = build(
            ec2=self.stand_in.client("ec2"), balancer=self.stand_in.client("elbv2"), region=self.stand_in.region
        )
        script = Script(
            site=built.site,
            emr=_client("emr", self.stand_in),
            balancer=_client("elbv2", self.stand_in),
            look=lambda address: [],
            now=self.clock.now,
            sleep=self.clock.sleep,
            say=lambda text: None,
        )
        for zone in list(built.site.subnets)[:CLUSTERS]:
            script.launch(zone)
        self._wait(
            lambda: [one.state for one in self.stand_in.clusters.states()] == ["WAITING"] * CLUSTERS,
            LAUNCH_LIMIT_SECONDS,
            "two clusters",
        )
        balancer: Any = self.stand_in.client("elbv2")
        group = built.site.groups[LIVY_PORT]
        targets = [{"Id": one.address} for one in self.stand_in.clusters.states()]
        balancer.register_targets(TargetGroupArn=group, Targets=targets)
        self._wait(lambda: self._open(balancer, group), READY_LIMIT_SECONDS, "the load balancer")
        return built

    def _open(self, balancer: Any, group: str) -> bool:
        """Whether both targets are healthy for every node."""
        if self.stand_in.load_balancers.settled_at(kind="network") > self.clock.now():
            return False
        health = balancer.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return [one["TargetHealth"]["State"] for one in health] == ["healthy"] * CLUSTERS

    def _run_jobs(self, built: Built, progress: Progress) -> None:
        options = self.options
        waves = options.clients.waves(seed=options.seed, speed=options.speed)
        listing = Listing(clock=self.clock, servers=lambda: servers(self.stand_in))
        clients = StockClients(
            clock=self.clock,
            addresses=lambda: self.stand_in.load_balancers.dns_names()[built.host],
            file=self.job_file,
            workdir=self.workdir / "clients",
            kinds=options.clients.kinds,
            choose=options.clients.chooser(seed=options.seed),
            listing=listing,
        )
        progress.line("drill", f"clients use http://{built.host}:{LIVY_PORT}, plain TCP to either primary")
        progress.footer(lambda: job_footer(clients, self.clock))
        clients.start()
        try:
            for wave in (waves.before, waves.during, waves.after):
                clients.add(wave)
            if not until(self.clock, clients.idle, END_LIMIT_SECONDS):
                self.report.problem = f"waited {END_LIMIT_SECONDS:.0f} s for a last word on every job, in vain"
            until(self.clock, self.stand_in.clusters.quiet, END_LIMIT_SECONDS)  # so that the ledger is complete
        finally:
            clients.stop()
        found = judge(clients.stock_jobs, listing.batches, read(self.workdir / LEDGER))
        self.report.jobs = found.counts.to_dict()
        self.report.complaints = found.complaints
        self.report.clients = told(found)

    def _wait(self, true: Callable[[], bool], limit: float, what: str) -> None:
        if not until(self.clock, true, limit):
            raise DrillError(f"the control does not come up: waited {limit:.0f} s for {what}, in vain")


def _client(service: str, stand_in: StandIn) -> Any:
    """A client as a script on a machine outside has it."""
    return boto3.session.Session().client(
        service,  # type: ignore[call-overload]
        region_name=stand_in.region,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        endpoint_url=stand_in.endpoint,
    )
