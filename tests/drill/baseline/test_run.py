"""One drill of the baseline; what it starts is replaced, what it decides is not (A13)."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self, cast

import pytest
from rich.console import Console

from emr_drill.baseline import run as baseline
from emr_drill.baseline.run import FAULTS, Options
from emr_drill.baseline.schedule import Runs
from emr_drill.baseline.site import Built
from emr_drill.errors import DrillError
from emr_drill.faults.model import Moment
from emr_drill.faults.table import find
from emr_drill.jobs.plan import Job
from emr_drill.ports import Service
from emr_drill.report import Report
from emr_drill.stand_in.emr import ClusterSeen

from ..drill_world import Primaries
from .cloud import SITE


def free_block() -> int:
    """One that no drill and no other test worker uses."""
    return 90 - int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or "0") % 4


class World:
    """A stand-in, its clusters, a schedule with its script, and a submitter, in one; a test changes it."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.journal: list[dict[str, Any]] = []
        self.clusters = self
        self.load_balancers = self
        self.outages = self
        self.timing = None
        self.region = "us-east-1"
        self.health = ["healthy"]
        self.state = "WAITING"
        self.looks_well = True
        self.next_look = 60.0
        self.fault_at: float | None = None
        self.filled: dict[str, Any] = {}
        self.runs = Runs()
        self.jobs: list[Any] = []
        self.added: list[str] = []
        self.arguments: dict[str, Any] = {}
        self.submissions: list[Any] = []

    # StandIn

    def stand_in(self, **arguments: Any) -> Self:
        self.arguments = arguments
        return self

    def __enter__(self) -> Self:
        self.log.append("started")
        return self

    def __exit__(self, *_: object) -> None:
        self.log.append("stopped")

    def client(self, service: str) -> Self:
        return self

    def describe_target_health(self, TargetGroupArn: str) -> dict[str, Any]:
        return {"TargetHealthDescriptions": [{"TargetHealth": {"State": state}} for state in self.health]}

    def settled_at(self, *, kind: str) -> float:
        assert kind == "network"
        return float("-inf")

    def dns_names(self) -> dict[str, list[str]]:
        return {"door": ["127.90.1.3"]}

    def states(self) -> list[ClusterSeen]:
        return [ClusterSeen("j-1", "g1", "us-east-1a", "127.90.1.10", self.state)]

    def applications_running(self, name: str) -> bool:
        return False

    # Faults

    def strike(self, text: str) -> None:
        self.log.append(text)
        self.fault_at = self.now()
        if self.looks_well:
            self.runs.well_at = self.now() + 1

    def kill_primary(self, cluster_id: str) -> None:
        self.strike(f"killed {cluster_id}")

    def freeze_service(self, cluster_id: str, service: Service) -> None:
        self.strike(f"froze {service} of {cluster_id}")

    def restart_livy(self, cluster_id: str) -> None:
        self.strike(f"restarted Livy of {cluster_id}")

    def black_hole_zone(self, zone: str) -> None:
        self.strike(f"lost {zone}")

    def now(self) -> float:
        return float(self.arguments["clock"].now())

    # Script and Schedule

    def script(self, **_: Any) -> Self:
        return self

    def launch(self, zone: str) -> str:
        self.log.append(f"launched in {zone}")
        return "j-1"

    def address_when_known(self, cluster_id: str) -> str:
        return "127.90.1.10"

    def register(self, address: str) -> None:
        self.log.append(f"registered {address}")

    def schedule(self, *, make: Callable[..., Any], **_: Any) -> Any:
        make(lambda seconds: None, lambda text: None)
        return SimpleNamespace(
            runs=self.runs,
            start=self.begin,
            stop=lambda: self.log.append("schedule ended"),
        )

    def begin(self) -> None:
        self.log.append("schedule began")
        self.runs.next_at = self.now() + self.next_look

    # Submitter

    def submitter(self, *, addresses: Callable[[], list[str]], **_: Any) -> Any:
        assert addresses() == ["127.90.1.3"]
        return self.clients

    @property
    def clients(self) -> Any:
        return SimpleNamespace(
            start=lambda: self.log.append("submitting"),
            stop=lambda: self.log.append("ended submitting"),
            add=self.add,
            waiting=0,
            running=9,
            open_polls=4,
            jobs=self.jobs,
            idle=lambda: True,
        )

    def add(self, jobs: Iterable[Job]) -> None:
        wave = [job.key.partition("-")[0] for job in jobs]
        self.added += wave
        self.jobs += [SimpleNamespace(finished=True) for _ in wave]

    def fill(self, report: Report, **arguments: Any) -> None:
        self.filled = arguments
        report.recovered = not report.problem


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setattr(baseline, "StandIn", made.stand_in)
    monkeypatch.setattr(baseline, "build", lambda **_: Built(site=SITE, host="door", balancer_arn="arn:door"))
    monkeypatch.setattr(baseline, "Script", made.script)
    monkeypatch.setattr(baseline, "Schedule", made.schedule)
    monkeypatch.setattr(baseline, "Submitter", made.submitter)
    monkeypatch.setattr(baseline, "fill", made.fill)
    monkeypatch.setattr(baseline, "_client", lambda service, stand_in: None)
    monkeypatch.setattr(baseline, "LOOK_SECONDS", 0.001)
    return made


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=300)


Drill = Callable[..., Report]


@pytest.fixture
def drill(world: World, console: Console) -> Drill:
    """Runs a drill at a speed at which its limits are over at once."""

    def begin(fault: str = "kill-primary", **options: Any) -> Report:
        given: dict[str, Any] = {"block": free_block(), "speed": 1e5, **options}
        return baseline.run(Options(fault=fault, **given), primaries=Primaries(), job_file="job.py", console=console)

    return begin


def shown(console: Console) -> str:
    return cast(io.StringIO, console.file).getvalue()


def test_a_drill_builds_breaks_waits_and_reports(drill: Drill, world: World) -> None:
    report = drill()

    assert report.recovered
    assert (report.baseline, report.fault, report.services) == ("script", "kill-primary", "simulated")
    assert world.log == [
        "started",
        "launched in us-east-1a",
        "registered 127.90.1.10",
        "schedule began",
        "submitting",
        "killed j-1",
        "ended submitting",
        "schedule ended",
        "stopped",
    ]


def test_jobs_are_the_products(drill: Drill, world: World) -> None:
    drill()

    assert {wave: world.added.count(wave) for wave in world.added} == {"before": 15, "during": 4, "after": 8}


def test_a_stream_comes_on_top_if_asked_for(drill: Drill, world: World) -> None:
    drill(stream=True)

    assert world.added.count("stream") == 30


@pytest.mark.parametrize(
    ("fault", "struck"),
    [
        ("kill-primary", "killed j-1"),
        ("hang-livy", "froze livy of j-1"),
        ("hang-resourcemanager", "froze resource_manager of j-1"),
        ("az-blackhole", "lost us-east-1a"),
        ("restart-livy", "restarted Livy of j-1"),
    ],
)
def test_faults_are_the_products(drill: Drill, world: World, fault: str, struck: str) -> None:
    world.next_look = 60.0
    drill(fault)

    assert struck in world.log


def test_a_fault_that_calls_for_nothing_strikes_before_a_look(drill: Drill, world: World) -> None:
    """Else eleven of twelve restarts would be seen by nobody, and say nothing of what one failed look does."""
    world.next_look = 3600.0
    drill("restart-livy", speed=1e4)

    assert world.fault_at is not None
    assert world.runs.next_at - world.fault_at <= baseline.BEFORE_LOOK_SECONDS


def test_any_other_fault_waits_for_no_look(drill: Drill, world: World) -> None:
    world.next_look = 1e7
    drill("hang-livy", speed=1e4)

    assert world.fault_at is not None
    assert world.runs.next_at - world.fault_at > baseline.BEFORE_LOOK_SECONDS


def test_a_schedule_without_another_look_is_a_problem(drill: Drill, world: World) -> None:
    world.next_look = -1e9

    assert "waited 600 s for a look that is still to come" in drill("restart-livy").problem


def test_every_fault_of_the_baseline_is_done_at_once() -> None:
    """What waits for something of the product cannot be done to the baseline."""
    for name in FAULTS:
        assert all(act.after is Moment.FAULT and not act.seconds for act in find(name).acts)


def test_other_faults_are_refused_before_anything_starts(drill: Drill, world: World) -> None:
    with pytest.raises(DrillError, match=r"the baseline is drilled with the faults kill-primary, hang-livy.*, got 'x'"):
        drill("x")
    assert world.log == []


def test_when_the_fault_struck_is_told(drill: Drill, world: World) -> None:
    drill()

    assert world.fault_at is not None
    assert 0 <= world.fault_at - world.filled["fault_at"] < 1e4
    assert world.filled["runs"] is world.runs


def test_what_the_fault_met_is_told(drill: Drill) -> None:
    assert drill().at_fault == {"jobs_running": 9, "polls_open": 4}


def test_a_script_that_never_sees_everything_well_is_a_problem(drill: Drill, world: World) -> None:
    world.looks_well = False
    report = drill()

    assert not report.recovered
    assert report.problem.startswith("waited 3600 s for a look of the script that sees every service well")


def test_a_look_before_the_fault_is_no_recovery(drill: Drill, world: World) -> None:
    world.looks_well = False
    world.runs.well_at = 1.0  # long ago

    assert not drill().recovered


def test_a_front_door_that_is_not_open_is_no_recovery(
    drill: Drill, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = world.strike

    def strike(text: str) -> None:
        plain(text)
        world.health = ["healthy", "unhealthy"]

    monkeypatch.setattr(world, "strike", strike)

    assert not drill().recovered


@pytest.mark.parametrize("state", ["draining", "initial"])
def test_a_site_that_does_not_come_up_cannot_be_drilled(drill: Drill, world: World, state: str) -> None:
    world.health = [state]

    with pytest.raises(DrillError, match=r"site does not come up: waited .* for the load balancer"):
        drill()
    assert world.log[-1] == "stopped"


def test_a_first_cluster_that_never_waits_for_work_cannot_be_drilled(drill: Drill, world: World) -> None:
    world.state = "STARTING"

    with pytest.raises(DrillError, match="the first cluster"):
        drill()


def test_files_are_removed_unless_somebody_asked_for_them(drill: Drill, world: World, tmp_path: Path) -> None:
    drill()
    assert not world.arguments["workdir"].exists()

    drill(workdir=tmp_path / "work")
    assert (tmp_path / "work").is_dir()


def test_files_of_a_drill_that_failed_are_kept_and_named(drill: Drill, world: World, console: Console) -> None:
    world.state = "STARTING"
    with pytest.raises(DrillError):
        drill()

    assert str(world.arguments["workdir"]) in shown(console)
    world.arguments["workdir"].rmdir()
