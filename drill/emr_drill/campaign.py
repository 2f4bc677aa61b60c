"""Many drills: rows of the fault table over several seeds, each drill in a process of its own."""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from emr_drill import preflight
from emr_drill.bench import Drills, commit, side_by_side
from emr_drill.errors import DrillError
from emr_drill.faults.model import FASTEST, Fault
from emr_drill.faults.table import chosen

# What is kept of a drill's report: enough to see what happened, small enough to be committed.
KEPT = (
    "passed",
    "speed",
    "phases",
    "recovery_seconds",
    "emr_launch_seconds",
    "overhead_seconds",
    "submits_refused",
    "submits_again_seconds",
    "jobs",
    "pages",
    "at_fault",
    "machine_seconds",
    "machine_late_seconds",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Which drills to run, and how.

    Attributes:
        faults: the rows.
        seeds: each row is run with each of them.
        services: ``simulated`` or ``real``.
        speed: of each drill's clock; ``None`` for the highest that its row allows.
        first_block: address block of the first drill; the n-th one beside it takes the n-th block after it.
        at_once: how many drills run beside each other.
        assembly: a cloud assembly to deploy; ``None`` runs ``cdk synth`` once for all.
    """

    faults: Sequence[Fault]
    seeds: Sequence[int]
    services: str
    speed: float | None
    first_block: int
    at_once: int
    assembly: Path | None = None

    @property
    def runs(self) -> list[tuple[str, int]]:
        """Name of the fault and seed of each drill; a whole table with the first seed comes first."""
        return [(fault.name, seed) for seed in self.seeds for fault in self.faults]


def run(plan: Plan, *, workdir: Path, say: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Run every drill of *plan*; a drill that cannot run counts as one that failed.

    Args:
        plan: which, and how.
        workdir: for the reports.
        say: gets the result of each drill, in order, with ``files``, where the logs of one that failed are.

    Returns:
        The content of a result file.

    Raises:
        DrillError: the plan cannot be carried out; no drill is left running.
    """
    assembly = plan.assembly
    if assembly is None:
        assembly = workdir / "cdk.out"
        preflight.synthesize(assembly)
    drills = Drills(workdir=workdir)

    def one(which: tuple[str, int], block: int) -> dict[str, Any]:
        name, seed = which
        words = ["--fault", name, "--seed", str(seed), "--services", plan.services]
        words += [] if plan.speed is None else ["--speed", f"{plan.speed:g}"]
        try:
            report = drills.run(f"{name} {seed}", [*words, "--assembly", str(assembly)], block=block)
            return {**kept(report), "files": report["files"]}
        except DrillError as error:
            return {"fault": name, "seed": seed, "passed": False, "why": [str(error)]}

    results = []
    measured = side_by_side(plan.runs, one, drills=drills, first_block=plan.first_block, at_once=plan.at_once)
    with contextlib.closing(measured):
        for _, result in measured:
            say(result)
            # Where a machine keeps its files is nothing for a document.
            results.append({name: value for name, value in result.items() if name != "files"})
    return {
        "what": f"the fault table with {plan.services} services",
        "commit": commit(),
        "measured": datetime.now(tz=UTC).date().isoformat(),
        "machine": {"system": platform.system(), "python": platform.python_version(), "cores": os.cpu_count()},
        "services": plan.services,
        "seeds": list(plan.seeds),
        "runs": results,
    }


SAMPLE_ROWS = 8


def sample(commit_id: str) -> list[Fault]:
    """Some rows that follow from a commit, so that nobody can pick them and every row has its turn.

    Rows that need a slow clock are left out: one of them takes as long as a whole sample may.
    """
    fast = [fault for fault in chosen("all", real=False) if fault.fastest >= FASTEST]
    return sorted(fast, key=lambda fault: sha256(f"{commit_id} {fault.name}".encode()).digest())[:SAMPLE_ROWS]


def kept(report: Mapping[str, Any]) -> dict[str, Any]:
    """What a result file keeps of the JSON report of one drill."""
    row = report["fault_row"] or {}
    return {
        "fault": report["fault"],
        "seed": report["seed"],
        **{name: report[name] for name in KEPT},
        "operations": [one["outcome"] for one in report["operations"] if one["reason"] != "bootstrap"],
        "launched": len(report["incarnations"]) - 1,
        "listed": row.get("listed", []),
        "why": report["why_failed"],
    }


def passed(content: Mapping[str, Any]) -> bool:
    """Whether every drill of a result file passed."""
    return all(result["passed"] for result in content["runs"])
