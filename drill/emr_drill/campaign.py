"""Many drills: rows of the fault table over several seeds, each drill in a process of its own."""

from __future__ import annotations

import contextlib
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any

from emr_drill import preflight, strategies
from emr_drill.bench import Drills, commit, side_by_side
from emr_drill.errors import DrillError
from emr_drill.faults.model import FASTEST, Fault
from emr_drill.faults.table import FAULTS, chosen, find
from emr_drill.preflight import REPOSITORY
from emr_drill.report import was_too_busy
from emr_drill.result_files import machine

# What is kept of a drill's report: enough to see what happened, small enough to be committed.
KEPT = (
    "passed",
    "speed",
    "phases",
    "recovery_seconds",
    "emr_launch_seconds",
    "overhead_seconds",
    "isolated_seconds",
    "redundancy_seconds",
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
        strategy: what is deployed.
        speed: of each drill's clock; ``None`` for the highest that its row allows.
        first_block: address block of the first drill; the n-th one beside it takes the n-th block after it.
        at_once: how many drills run beside each other.
        assembly: a cloud assembly to deploy; ``None`` runs ``cdk synth`` once for all.
        earlier: results of drills that were run before and are not run again (:func:`still_good`).
        slow_beside: how many drills with a slow clock run beside the others, which they hardly disturb; 0 runs them in
            their turn.
    """

    faults: Sequence[Fault]
    seeds: Sequence[int]
    services: str
    strategy: str = strategies.DEFAULT
    speed: float | None
    first_block: int
    at_once: int
    assembly: Path | None = None
    earlier: Sequence[Mapping[str, Any]] = field(default=())
    slow_beside: int = 0

    @property
    def runs(self) -> list[tuple[str, int]]:
        """Name of the fault and seed of each drill; a whole table with the first seed comes first."""
        done = {(run["fault"], run["seed"]) for run in self.earlier}
        return [which for seed in self.seeds for fault in self.faults if (which := (fault.name, seed)) not in done]


def run(
    plan: Plan,
    *,
    workdir: Path,
    say: Callable[[dict[str, Any]], None],
    save: Callable[[dict[str, Any]], None] = lambda _: None,
) -> dict[str, Any]:
    """Run every drill of *plan*; a drill that cannot run counts as one that failed.

    Args:
        plan: which, and how.
        workdir: for the reports.
        say: gets the result of each drill, in order, with ``files``, where the logs of one that failed are.
        save: gets the content of the result file after each drill, so that an interruption loses one drill at most.

    Returns:
        The content of a result file.

    Raises:
        DrillError: the plan cannot be carried out; no drill is left running.
    """
    assembly = plan.assembly
    if assembly is None:
        assembly = workdir / "cdk.out"
        preflight.synthesize(assembly, context=strategies.strategy(plan.strategy).context)
    drills = Drills(workdir=workdir)
    origin = {"commit": commit(), "code": code(), "measured": datetime.now(tz=UTC).date().isoformat()}

    starts = Starts()

    def one(which: tuple[str, int], block: int) -> dict[str, Any]:
        name, seed = which
        starts.wait()
        words = ["--fault", name, "--seed", str(seed), "--services", plan.services]
        words += ["--strategy", plan.strategy]
        words += [] if plan.speed is None else ["--speed", f"{plan.speed:g}"]
        try:
            if not find(name).deploys_its_own:  # which such a row synthesizes for itself
                words += ["--assembly", str(assembly)]
            report = drills.run(f"{name} {seed}", words, block=block)
            return {**kept(report), **origin, "files": report["files"]}
        except DrillError as error:
            return {"fault": name, "seed": seed, "passed": False, "why": [str(error)], **origin}

    results = [dict(each) for each in plan.earlier]
    lock, stopping = threading.Lock(), threading.Event()

    def work(runs: Sequence[tuple[str, int]], first_block: int, at_once: int) -> None:
        measured = side_by_side(runs, one, drills=drills, first_block=first_block, at_once=at_once)
        with contextlib.closing(measured):
            for _, result in measured:
                with lock:
                    if stopping.is_set():
                        return  # a drill that was stopped shows nothing
                    say(result)
                    # Where a machine keeps its files is nothing for a document.
                    results.append({name: value for name, value in result.items() if name != "files"})
                    save(_content(plan, results))

    with ThreadPoolExecutor() as pool:
        working = [pool.submit(work, *each) for each in _pools(plan)]
        try:
            for each in as_completed(working):
                each.result()
        except BaseException:
            stopping.set()
            drills.stop()
            raise
    return _content(plan, results)


class Starts:
    """Keeps drills from starting together.

    A drill's start takes a core for a while; several at once take so long on few cores that those with a fast clock
    reach the time limits of what they deploy.

    Args:
        seconds: between two starts.
    """

    def __init__(self, *, seconds: float = 12.0) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self) -> None:
        """Wait for a turn to start."""
        with self._lock:
            now = time.monotonic()
            at = max(now, self._next)
            self._next = at + self._seconds
        time.sleep(at - now)


def _pools(plan: Plan) -> list[tuple[list[tuple[str, int]], int, int]]:
    """The drills that follow each other, the first address block for them, and how many of them run at once."""
    slow = [which for which in plan.runs if plan.slow_beside and find(which[0]).fastest < FASTEST]
    others = [which for which in plan.runs if which not in slow]
    return [
        (others, plan.first_block, plan.at_once),
        *([(slow, plan.first_block + plan.at_once, plan.slow_beside)] if slow else []),
    ]


def _content(plan: Plan, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A result file, its drills in the order of the table."""
    order = {(fault.name, seed): number for number, (seed, fault) in enumerate(product(plan.seeds, FAULTS.values()))}
    return {
        "what": f"the fault table of {plan.strategy} with {plan.services} services",
        "commit": commit(),
        "measured": datetime.now(tz=UTC).date().isoformat(),
        "machine": machine(),
        "services": plan.services,
        "strategy": plan.strategy,
        "seeds": list(plan.seeds),
        "runs": sorted(results, key=lambda run: order.get((run["fault"], run["seed"]), len(order))),
    }


# What a drill deploys, and what judges it.
CODE = ("lambda", "constructs", "stacks", "app.py", "cdk.json", "emr-dr.yaml", "drill")


def code(*more: str) -> str:
    """Identifies the code that a drill shows something of: the same text as long as none of it changes.

    What is in it besides the product's is named by *more*, paths in the repository.
    ``unknown`` where something of it is not committed: what nobody can look up later shows nothing.
    """
    paths = (*CODE, *more)
    trees = _git("rev-parse", *(f"HEAD:{path}" for path in paths))
    changed = _git("status", "--porcelain", "--", *paths)
    return "unknown" if trees is None or changed != "" else sha256(trees.encode()).hexdigest()[:12]


def _git(*arguments: str) -> str | None:
    """What git says; ``None`` if it refuses."""
    done = subprocess.run(["git", *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


def still_good(content: Mapping[str, Any], plan: Plan) -> list[Mapping[str, Any]]:
    """The drills of an earlier result file that need not be run again: of this plan, as they must be, of this code."""
    wanted, now = set(plan.runs), code()
    return [
        run
        for run in content["runs"]
        if run["passed"] and run.get("code") == now != "unknown" and (run["fault"], run["seed"]) in wanted
    ]


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
        "launched": len(report["incarnations"]) - report["managed_clusters"],
        "listed": row.get("listed", []),
        "why": report["why_failed"],
    }


# How much slower a drill is run again that says nothing.
SLOWER = 2.5


def says_nothing(run: Mapping[str, Any]) -> bool:
    """Whether a drill failed on a machine that was too busy for its speed: nobody can tell what that shows.

    One that made no report, as its stacks did not deploy, cannot tell how late the machine was: it says nothing either.
    """
    if run["passed"]:
        return False
    return "machine_late_seconds" not in run or was_too_busy(
        machine_late_seconds=float(run["machine_late_seconds"]), speed=float(run["speed"])
    )


def passed(content: Mapping[str, Any]) -> bool:
    """Whether every drill of a result file passed."""
    return all(result["passed"] for result in content["runs"])
