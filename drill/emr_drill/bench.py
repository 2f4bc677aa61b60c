"""The recovery benchmark: drills with simulated services at speed 5 over fixed seeds and one that nobody chose.

Results are files (commit, machine, seeds, raw times); every figure that a document quotes is generated from them.
The figure with a promise is the *overhead*: recovery minus EMR's own launch of the new cluster.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import queue
import statistics
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from emr_drill import results
from emr_drill.addresses import LAST_BLOCK
from emr_drill.errors import DrillError
from emr_drill.preflight import REPOSITORY
from emr_drill.result_files import machine

T = TypeVar("T")
R = TypeVar("R")

SPEED = 5.0
SEEDS = (1, 2, 3, 4, 5)
RESULTS = REPOSITORY / "docs" / "results" / "recovery-active-passive.json"
PROMISED_MEDIAN_SECONDS, PROMISED_WORST_SECONDS = 150.0, 165.0
# What the promise is made of.
BUDGET = {"detect": 45.0, "decide": 10.0, "launch_slack": 15.0, "verify": 60.0, "cut_over": 35.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether the promise was kept."""

    median: float
    worst: float

    @property
    def kept(self) -> bool:
        """Median and worst case both within what is promised."""
        return self.median <= PROMISED_MEDIAN_SECONDS and self.worst <= PROMISED_WORST_SECONDS


def commit() -> str:
    """The commit that is measured."""
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def seed_of(commit_id: str) -> int:
    """A seed that follows from the commit, so that nobody can pick it."""
    return 1000 + int(hashlib.sha256(commit_id.encode()).hexdigest()[:6], 16) % 100_000


def seeds(commit_id: str) -> tuple[int, ...]:
    """The seeds of a benchmark of *commit_id*."""
    return (*SEEDS, seed_of(commit_id))


class Drills:
    """Runs drills, each in a process of its own, and can end them all."""

    def __init__(self, *, workdir: Path) -> None:
        self._workdir = workdir
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def measure(self, seed: int, *, block: int) -> dict[str, Any]:
        """Run one drill of the benchmark and return its JSON report.

        Raises:
            DrillError: it could not run, or :meth:`stop` was called.
        """
        return self.run(f"seed {seed}", ["--speed", str(SPEED), "--seed", str(seed)], block=block)

    def run(self, name: str, arguments: Sequence[str], *, block: int) -> dict[str, Any]:
        """Run one drill and return its JSON report.

        Args:
            name: what to call it where it fails.
            arguments: of ``emr-dr drill``.
            block: its address block.

        Raises:
            DrillError: it could not run, or :meth:`stop` was called.
        """
        output = self._workdir / f"{name.replace(' ', '-')}.json"
        command = [sys.executable, "-m", "emr_dr_cli", "drill", *arguments]
        command += ["--block", str(block), "--quiet", "--json", str(output)]
        with self._lock:
            if self._stopped:
                raise DrillError("the benchmark was stopped")
            # In a session of its own: Ctrl-C is for the benchmark, which tells its drills once.
            process = subprocess.Popen(
                command,
                cwd=REPOSITORY,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
            self._running.add(process)
        try:
            _, errors = process.communicate()
        finally:
            with self._lock:
                self._running.discard(process)
        if not output.exists():
            raise DrillError(
                f"the drill with {name} gave no report (exit code {process.returncode}):\n{errors.strip()[-2000:]}"
            )
        report: dict[str, Any] = json.loads(output.read_text())
        return report

    def stop(self) -> None:
        """Interrupt every drill and let none begin; each ends what it started by itself."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                process.terminate()


def launch_slack(report: dict[str, Any]) -> float:
    """The part of phase `launch` that is ours: the phase minus EMR's launch."""
    return float(report["phases"].get("launch", 0.0)) - float(report["emr_launch_seconds"] or 0.0)


def summarize(reports: Sequence[dict[str, Any]]) -> Verdict:
    """Median and worst overhead; a drill that did not recover counts as endless."""
    values = [
        float("inf")
        if report["overhead_seconds"] is None or not report["passed"]
        else float(report["overhead_seconds"])
        for report in reports
    ]
    return Verdict(median=statistics.median(values), worst=max(values))


def result_file(reports: Sequence[dict[str, Any]], commit_id: str) -> dict[str, Any]:
    """The content of a result file."""
    verdict = summarize(reports)
    return {
        "what": "active-passive, kill-primary, simulated services",
        "commit": commit_id,
        "measured": datetime.now(tz=UTC).date().isoformat(),
        "machine": machine(),
        "speed": SPEED,
        "promised": {"median": PROMISED_MEDIAN_SECONDS, "worst": PROMISED_WORST_SECONDS, "budget": BUDGET},
        "overhead_median": _finite(verdict.median),
        "overhead_worst": _finite(verdict.worst),
        "drills": [
            {
                name: report[name]
                for name in (
                    "seed",
                    "passed",
                    "phases",
                    "recovery_seconds",
                    "emr_launch_seconds",
                    "overhead_seconds",
                    "jobs",
                    "at_fault",
                    "invariants_broken",
                    "machine_seconds",
                )
            }
            | {"launch_slack": round(launch_slack(report), 1)}
            for report in reports
        ],
    }


def _finite(seconds: float) -> float | None:
    """JSON has no infinity."""
    return seconds if math.isfinite(seconds) else None


def _line(seed: int, report: dict[str, Any]) -> str:
    ending = "passed" if report["passed"] else f"FAILED: {report['problem'] or report['invariants_broken']}"
    return f"seed {seed}: overhead {report['overhead_seconds']} s, phases {report['phases']}, {ending}"


def side_by_side(
    items: Sequence[T], measure: Callable[[T, int], R], *, drills: Drills, first_block: int, at_once: int
) -> Generator[tuple[T, R], None, None]:
    """Run a drill for each of *items*, some beside each other, and give what each found in the order of *items*.

    Close it (``contextlib.closing``) where the caller may be interrupted between two of them.

    Args:
        items: what to run drills for.
        measure: runs one; gets the item and the address block.
        drills: what *measure* runs them with; stopped if one fails or the caller ends.
        first_block: address block of the first drill; the n-th one beside it takes the n-th block after it.
        at_once: how many drills run beside each other.

    Raises:
        DrillError: a drill could not run, or there are not enough blocks; no drill is left running.
    """
    if first_block + at_once - 1 > LAST_BLOCK:
        raise DrillError(
            f"{at_once} drills beside each other need the address blocks {first_block} to {first_block + at_once - 1}, "
            f"but the last one is {LAST_BLOCK}: begin at {LAST_BLOCK - at_once + 1} or below"
        )
    blocks: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(at_once):
        blocks.put(first_block + number)

    def one(item: T) -> R:
        block = blocks.get()
        try:
            return measure(item, block)
        finally:
            blocks.put(block)

    with ThreadPoolExecutor(max_workers=at_once) as pool:
        try:
            yield from zip(items, pool.map(one, items), strict=True)
        except BaseException:
            drills.stop()
            raise


def run(*, first_block: int, at_once: int, workdir: Path, say: Callable[[str], None]) -> tuple[dict[str, Any], Verdict]:
    """Measure every seed, write the result file and the tables made from it.

    Args:
        first_block: address block of the first drill; the n-th one beside it takes the n-th block after it.
        at_once: how many drills run beside each other.
        workdir: for the reports.
        say: gets a line for each drill, in the seeds' order.

    Raises:
        DrillError: a drill could not run; no other is left running.
    """
    drills = Drills(workdir=workdir)
    commit_id = commit()
    reports = []
    measured = side_by_side(
        seeds(commit_id),
        lambda seed, block: drills.measure(seed, block=block),
        drills=drills,
        first_block=first_block,
        at_once=at_once,
    )
    with contextlib.closing(measured):
        for seed, report in measured:
            reports.append(report)
            say(_line(seed, report))
    content = result_file(reports, commit_id)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(content, indent=2) + "\n")
    results.write()
    return content, summarize(reports)
