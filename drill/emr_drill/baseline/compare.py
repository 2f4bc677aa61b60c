"""The product and the baseline, side by side: the same faults, seeds, jobs, times and moments, from one run.

Every drill is a process of its own, and only its JSON report is read; what is compared comes from the clients' log and
the ledger, never from what a system says of itself.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from emr_drill import preflight, results
from emr_drill.baseline.run import FAULTS, NAME
from emr_drill.bench import Drills, commit, side_by_side
from emr_drill.faults.table import find
from emr_drill.preflight import REPOSITORY
from emr_drill.result_files import machine

OURS = "ours"
SYSTEMS = (OURS, NAME)
# As for the recovery benchmark, and slower where a fault makes sockets wait for their limits, which run on machine
# time: a row of the fault table says how fast its drills may be.  Both systems are drilled at the same speed.
SPEED = 5.0
SEEDS = (1, 2, 3)
RESULTS = REPOSITORY / "docs" / "results" / "comparison.json"
COUNTS = ("submitted", "lost", "resubmitted", "repeated", "disturbed", "unreported", "doubled", "wrong")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One drill of the comparison."""

    fault: str
    seed: int
    system: str

    @property
    def name(self) -> str:
        """What it is called where it fails."""
        return f"{self.fault} {self.system} seed {self.seed}"

    def arguments(self, *, speed: float, assembly: Path) -> list[str]:
        """Arguments of ``emr-dr drill``."""
        found = ["--fault", self.fault, "--seed", str(self.seed), "--speed", str(speed), "--stream"]
        return found + (["--assembly", str(assembly)] if self.system == OURS else ["--baseline", self.system])


def speed_for(fault: str, asked: float | None = None) -> float:
    """The speed at which both systems are drilled with *fault*: what was *asked* for, else as above."""
    return asked if asked is not None else min(SPEED, find(fault).fastest)


def runs(*, faults: Sequence[str] = FAULTS, seeds: Sequence[int] = SEEDS) -> list[Run]:
    """Every drill of a comparison; the two systems follow each other, so that the machine is the same for both."""
    return [Run(fault=fault, seed=seed, system=system) for fault in faults for seed in seeds for system in SYSTEMS]


def line_of(run: Run, report: Mapping[str, Any]) -> dict[str, Any]:
    """What the comparison keeps of a report.

    Raises:
        ValueError: the report is not of that drill.
    """
    known = (report["fault"], report["seed"], report.get("baseline") or OURS)
    if known != (run.fault, run.seed, run.system):
        raise ValueError(f"the report of {run.name} is one of {known[0]} {known[2]} seed {known[1]}")
    return {
        "seed": run.seed,
        "speed": report["speed"],
        "recovery_seconds": report["submits_again_seconds"],
        "submits_refused": report["submits_refused"],
        "jobs": {name: report["jobs"].get(name, 0) for name in COUNTS},
        "clusters_launched": max(0, len(report["incarnations"]) - 1),
        "problem": report["problem"],
        "machine_seconds": report["machine_seconds"],
    }


def result_file(
    found: Sequence[tuple[Run, Mapping[str, Any]]], *, commit_id: str, seeds: Sequence[int]
) -> dict[str, Any]:
    """The content of the result file."""
    lines: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for run, report in found:
        lines.setdefault(run.fault, {system: [] for system in SYSTEMS})[run.system].append(line_of(run, report))
    return {
        "what": "active-passive and the published recipe's script, simulated services, the same faults and seeds",
        "commit": commit_id,
        "measured": datetime.now(tz=UTC).date().isoformat(),
        "machine": machine(),
        "seeds": list(seeds),
        "faults": lines,
    }


def compare(
    *,
    first_block: int,
    at_once: int,
    workdir: Path,
    say: Callable[[str], None],
    speed: float | None = None,
    seeds: Sequence[int] = SEEDS,
    faults: Sequence[str] = FAULTS,
) -> dict[str, Any]:
    """Run every drill, write the result file and the tables made from it.

    Args:
        first_block: address block of the first drill; the n-th one beside it takes the n-th block after it.
        at_once: how many drills run beside each other.
        workdir: for the assembly and the reports.
        say: gets a line for each drill.
        speed: of every drill's clock; ``None`` for the one that each fault is measured at.
        seeds: each fault is drilled with each of them.
        faults: rows of the fault table.

    Raises:
        DrillError: a drill could not run; no other is left running.
    """
    assembly = workdir / "cdk.out"
    preflight.synthesize(assembly)
    drills = Drills(workdir=workdir)
    commit_id = commit()
    found: list[tuple[Run, Mapping[str, Any]]] = []
    measured = side_by_side(
        runs(faults=faults, seeds=seeds),
        lambda run, block: drills.run(
            run.name, run.arguments(speed=speed_for(run.fault, speed), assembly=assembly), block=block
        ),
        drills=drills,
        first_block=first_block,
        at_once=at_once,
    )
    with contextlib.closing(measured):
        for run, report in measured:
            found.append((run, report))
            say(_told(run, line_of(run, report)))
    content = result_file(found, commit_id=commit_id, seeds=seeds)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(content, indent=2) + "\n")
    results.write()
    return content


def _told(run: Run, line: Mapping[str, Any]) -> str:
    counts = ", ".join(f"{name} {number}" for name, number in line["jobs"].items())
    recovery = "never" if line["recovery_seconds"] is None else f"{line['recovery_seconds']:.0f} s"
    problem = f"; {line['problem']}" if line["problem"] else ""
    return f"{run.name}: recovery {recovery}, {line['submits_refused']} submits refused, {counts}{problem}"
