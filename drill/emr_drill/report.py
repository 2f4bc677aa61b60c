"""What a drill found out, for machines (JSON) and for people."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from emr_drill.faults.judging import RowResult
from emr_drill.survivors import SurvivorSeen

PHASES = ("detect", "decide", "launch", "verify", "cut_over")
PHASE_TEXTS = {
    "detect": "fault to claim",
    "decide": "look again, isolate, try to repair",
    "launch": "a new cluster in another AZ",
    "verify": "canary job, two vantage points, routes",
    "cut_over": "fence the old one, traffic to the new one",
}
# Phases come from the machine's history and recovery from the submitter's log: two sources that must agree this well.
PHASE_SUM_TOLERANCE_SECONDS = 5.0
# On the drill's clock: as long as a round of the probers.
BUSY_SECONDS = 10.0


def was_too_busy(*, machine_late_seconds: float, speed: float) -> bool:
    """Whether a machine that woke a drill so late cannot keep up with a clock of that speed."""
    return machine_late_seconds * speed > BUSY_SECONDS


@dataclass(slots=True, kw_only=True)
class IncarnationLine:
    """One incarnation of the report; times are simulated seconds since the drill began."""

    managed_cluster: str
    generation: int
    availability_zone: str
    first_id: int
    last_id: int
    serving_from: float | None
    serving_to: float | None
    end: str


@dataclass(slots=True, kw_only=True)
class OperationLine:
    """One operation of the report; phases in simulated seconds."""

    kind: str
    reason: str
    outcome: str
    phases: dict[str, float]


@dataclass(slots=True, kw_only=True)
class Report:
    """Everything that a drill found out.  All times are simulated seconds.

    ``machine_seconds`` is how long the drill took on this machine; with real services the services' own work is part
    of the simulated times too (it is not scaled), which is why figures are measured with simulated services.
    ``baseline`` names what was rehearsed instead of the product, empty for the product itself.  ``submits_refused``
    counts the POSTs after the fault that did not bring a job in, and ``submits_again_seconds`` runs from the fault to
    the first one accepted after which none was refused, or taken and lost: both come from the clients' log alone, and
    mean the same for every fault and every system.  ``isolated_seconds`` runs from the fault until the first submit
    after which none was refused or went to the one that was struck; ``redundancy_seconds`` until as many incarnations
    as before were in service again.  ``survivor`` is what managed scaling might start of the half that was not struck,
    where the settings give it more room while it serves alone.  ``files`` is where the logs of functions and services
    are, if they were kept.  ``clients`` is what became of the jobs of each stock client, if those ran them
    (:mod:`emr_drill.clients`).
    ``permissions_checked`` counts what AWS calls of the product were looked up for in the policies of their roles; one
    that a policy does not allow fails the drill.
    ``machine_late_seconds`` is by how much the machine woke the drill too late at worst, unscaled.
    """

    strategy: str = "active-passive"
    baseline: str = ""
    managed_clusters: int = 1
    services: str
    fault: str
    speed: float
    seed: int
    recovered: bool = False
    phases: dict[str, float] = field(default_factory=dict)
    recovery_seconds: float | None = None
    emr_launch_seconds: float | None = None
    overhead_seconds: float | None = None
    isolated_seconds: float | None = None
    redundancy_seconds: float | None = None
    survivor: SurvivorSeen | None = None
    submits_refused: int = 0
    submits_again_seconds: float | None = None
    jobs: dict[str, int] = field(default_factory=dict)
    incarnations: list[IncarnationLine] = field(default_factory=list)
    operations: list[OperationLine] = field(default_factory=list)
    invariants_broken: list[str] = field(default_factory=list)
    inert_types: list[str] = field(default_factory=list)
    permissions_checked: int = 0
    at_fault: dict[str, int] = field(default_factory=dict)
    owner_checks: dict[str, int] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    applications: dict[str, str] = field(default_factory=dict)
    machine_seconds: float = 0.0
    machine_late_seconds: float = 0.0
    peak_memory_mib: int = 0
    pages: list[str] = field(default_factory=list)
    fault_row: RowResult | None = None
    clients: dict[str, Any] = field(default_factory=dict)
    problem: str = ""
    files: str = ""

    @property
    def passed(self) -> bool:
        """Whether the system did what it promises: the fault's row held.  The drill's exit code."""
        return not self.why_failed

    @property
    def why_failed(self) -> list[str]:
        """A sentence for each thing that is not as it must be; empty if the drill passed."""
        why = [self.problem] if self.problem else []
        if self.fault_row is None:  # a baseline has no row, and a drill that did not come to its fault has none
            if not self.recovered:
                why.append("the system did not recover")
            why += [
                f"{self.jobs[name]} jobs {name}" for name in ("unreported", "doubled", "wrong") if self.jobs.get(name)
            ]
        elif not self.fault_row.held:
            why.append(f"{self.fault}: what must happen: {self.fault_row.must}")
            why += self.fault_row.did_not_hold
        return why + self.invariants_broken

    def to_dict(self) -> dict[str, Any]:
        """The JSON report."""
        row = self.fault_row
        return {
            **asdict(self),
            "fault_row": None if row is None else {**asdict(row), "held": row.held},
            "why_failed": self.why_failed,
            "passed": self.passed,
        }


def render(report: Report) -> RenderableType:
    """The summary that a person reads."""
    return Group(
        _headline(report),
        _phase_table(report),
        _job_table(report),
        _incarnation_table(report),
        *_remarks(report),
    )


def _headline(report: Report) -> Panel:
    if report.passed:
        clean = "no job unreported, doubled or wrong"
        # With nothing broken there is no recovery to measure.
        text = f"recovered in {_seconds(report.recovery_seconds)}: {clean}" if report.phases else f"it works: {clean}"
        if report.overhead_seconds is not None:
            text += (
                f"\n{_seconds(report.emr_launch_seconds)} of that is EMR launching a cluster, "
                f"{_seconds(report.overhead_seconds)} is ours"
            )
        if report.fault_row is not None:
            listed = "".join(f"\nlisted: {one}" for one in report.fault_row.listed)
            text = f"{report.fault}: as it must be: {report.fault_row.must}\n{text}{listed}"
        return Panel(Text(text), title="the drill passed", border_style="green", expand=False)
    why = [*report.why_failed]
    return Panel(Text("\n".join(why)), title="the drill FAILED", border_style="red", expand=False)


def _phase_table(report: Report) -> Table:
    table = Table(title=f"recovery after {report.fault}, seconds on the drill's clock", title_justify="left")
    table.add_column("phase")
    table.add_column("seconds", justify="right")
    table.add_column("what happens in it")
    for name in PHASES:
        if name in report.phases:
            table.add_row(name, f"{report.phases[name]:.0f}", PHASE_TEXTS[name])
    table.add_section()
    for name, seconds, meaning in (
        ("recovery", report.recovery_seconds, "fault to the first job accepted, none refused after it"),
        (
            "isolated",
            report.isolated_seconds,
            "fault to the moment when the sick one got no new job any more",
        ),
        ("redundancy", report.redundancy_seconds, "fault to the moment when as many served as before"),
    ):
        if seconds is not None or name == "recovery":
            table.add_row(name, _seconds(seconds, ""), meaning)
    return table


JOB_TEXTS = {
    "submitted": "logical jobs asked for",
    "succeeded": "told success, and their effect is in the ledger",
    "failed": "told failure, their own fault (every third one fails on purpose)",
    "lost": "tries that went down with a cluster; their clients were told by 410, or by `broken`",
    "broken": "of those, told failure by the Livy of a cluster that could not run them",
    "resubmitted": "run again after that",
    "repeated": "of those, already done by the old cluster when it died (at-least-once: keep outputs idempotent)",
    "disturbed": "clients that gave up although their job lived",
    "unreported": "lost, and nobody told the client",
    "doubled": "still wrote after their client was told to run again",
    "wrong": "another job's state, or success without its effect",
}
BAD = {"unreported", "doubled", "wrong"}


def _job_table(report: Report) -> Table:
    table = Table(title="what became of every job", title_justify="left")
    table.add_column("jobs")
    table.add_column("count", justify="right")
    table.add_column("meaning")
    for name, meaning in JOB_TEXTS.items():
        count = report.jobs.get(name, 0)
        style = ("red" if count else "green") if name in BAD else ""
        table.add_row(name, str(count), meaning, style=style)
    return table


def _incarnation_table(report: Report) -> Table:
    table = Table(title="incarnations", title_justify="left")
    for heading in ("managed cluster", "generation", "AZ", "ids", "in service from", "to", "end"):
        table.add_column(heading)
    for line in report.incarnations:
        table.add_row(
            line.managed_cluster,
            str(line.generation),
            line.availability_zone,
            f"{line.first_id} to {line.last_id}",
            _seconds(line.serving_from),
            _seconds(line.serving_to),
            line.end,
        )
    return table


def _remarks(report: Report) -> list[RenderableType]:
    lines: list[RenderableType] = []
    if report.owner_checks:
        asked = report.owner_checks.get("asked", 0)
        whole = report.owner_checks.get("whole_rounds", 0)
        lines.append(
            Text(
                f"every issued id was asked for through every load-balancer node, {whole} times because a change of "
                f"rules or targets had taken effect and in turns in between: {asked} answers compared"
            )
        )
    if report.survivor is not None:
        seen = report.survivor
        raised = "never more" if seen.raised_seconds is None else f"{seen.raised_seconds:.0f} s after the fault"
        lines.append(
            Text(
                f"managed scaling of the other half: at most {seen.before} instances at the fault, {seen.during} while "
                f"it served alone ({raised}), {seen.after} at the end"
            )
        )
    if report.services == "real":
        lines.append(Text(f"{len(report.applications)} YARN application ids seen by clients"))
    lines += [Text(complaint, style="yellow") for complaint in report.complaints]
    if was_too_busy(machine_late_seconds=report.machine_late_seconds, speed=report.speed):
        late = report.machine_late_seconds * report.speed
        lines.append(
            Text(
                f"this machine was too busy for speed {report.speed:g}: it woke the drill up to {late:.0f} s too late "
                "on the drill's clock, which makes probers and functions late too; trust neither failure nor figure",
                style="yellow",
            )
        )
    if report.permissions_checked:
        lines.append(
            Text(
                f"IAM: {report.permissions_checked} permissions that AWS calls of functions and of CloudFormation take "
                "were looked up in the deployed policies of their roles"
            )
        )
    if report.inert_types:
        lines.append(
            Text(
                "not covered by this drill (accepted by the stand-in, but nothing stands behind them): "
                + ", ".join(report.inert_types),
                style="dim",
            )
        )
    clock = f"{report.machine_seconds:.0f} s on this machine at speed {report.speed:g}, seed {report.seed}"
    lines.append(
        Text(clock + (f", peak memory {report.peak_memory_mib} MiB" if report.peak_memory_mib else ""), style="dim")
    )
    return lines


def _seconds(value: float | None, unit: str = " s") -> str:
    return "-" if value is None else f"{value:.0f}{unit}"
