"""``python -m tests.fault_proof``: the fault table over several seeds, simulated and real, as result files.

``--sample`` runs a few rows that follow from the commit, in less than ten minutes on two cores, and writes nothing.
The whole proof takes hours; each drill is written down at its end, and ``--go-on`` leaves out what an earlier run has
shown of the same product code.
Exit code 1 if a row did not hold, or mending in place took longer than is promised.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from emr_dr_cli.interruption import interrupt_once
from emr_dr_cli.many_drills import run_many
from emr_drill import bench, campaign, result_files, results
from emr_drill.campaign import Plan
from emr_drill.faults.model import WARM
from emr_drill.faults.table import chosen, find

SEEDS = (1, 2, 3)
# Mending in place is promised in seconds of a clock that nobody hurries.
UNSCALED = 1.0
# Drills at speed 2 take a tenth of a core.
SLOW_BESIDE = 5
REAL = {
    "faults-real": "active-passive",
    "faults-active-active-real": "active-active",
    "faults-warm-standby-real": WARM,
}
PARTS = ("simulated", "repair", "active-active", "other-half", "warm-standby", "standby", "real")


def _plan(arguments: argparse.Namespace, **changes: Any) -> Plan:
    values: dict[str, Any] = {
        "services": "simulated",
        "speed": None,
        "first_block": arguments.block,
        "at_once": arguments.at_once,
        "slow_beside": SLOW_BESIDE,
        "seeds": SEEDS,
    }
    return Plan(**{**values, **changes})


def _sample(arguments: argparse.Namespace, console: Console) -> bool:
    commit = bench.commit()
    rows = campaign.sample(commit)
    seeds = [bench.seed_of(commit)]
    content = run_many(_plan(arguments, faults=rows, seeds=seeds), console=console)
    held = all(run["passed"] or campaign.says_nothing(run) for run in content["runs"])
    for fault in [find(str(run["fault"])) for run in content["runs"] if campaign.says_nothing(run)]:
        console.print(f"{fault.name}: this machine may have been too busy for its speed; once more, alone and slower")
        plan = _plan(arguments, faults=[fault], seeds=seeds, at_once=1, speed=fault.fastest / campaign.SLOWER)
        held = campaign.passed(run_many(plan, console=console)) and held
    return held


def _measure(name: str, plan: Plan, console: Console, *, go_on: bool) -> bool:
    """Run *plan* and write its result file."""
    file = results.RESULTS / f"{name}.json"
    if go_on and file.exists():
        plan = replace(plan, earlier=campaign.still_good(json.loads(file.read_text()), plan))
    results.RESULTS.mkdir(parents=True, exist_ok=True)
    content = run_many(plan, console=console, save=lambda so_far: _save(file, so_far))
    _save(file, content)
    return campaign.passed(content)


def _save(file: Path, content: dict[str, Any]) -> None:
    result_files.write(file, json.dumps(content, indent=1) + "\n")
    results.write()


def _prove(arguments: argparse.Namespace, console: Console) -> bool:
    parts = {
        "simulated": _simulated,
        "repair": _repair,
        "active-active": _active_active,
        "other-half": _other_half,
        "warm-standby": _warm_standby,
        "standby": _standby,
        "real": _real,
    }
    wanted = [parts[arguments.only]] if arguments.only else list(parts.values())
    return all([part(arguments, console) for part in wanted])


def _simulated(arguments: argparse.Namespace, console: Console) -> bool:
    plan = _plan(arguments, faults=chosen("all", real=False))
    return _measure("faults-simulated", plan, console, go_on=arguments.go_on)


def _repair(arguments: argparse.Namespace, console: Console) -> bool:
    plan = _plan(
        arguments, faults=[find("hang-livy")], speed=UNSCALED, seeds=bench.seeds(bench.commit()), slow_beside=6
    )
    held = _measure("repair-hang-livy", plan, console, go_on=arguments.go_on)
    median = results.repair_median(json.loads((results.RESULTS / "repair-hang-livy.json").read_text()))
    console.print(f"hang-livy: mended after {median:.0f} s, median; promised {results.PROMISED_REPAIR_SECONDS:.0f} s")
    return held and median <= results.PROMISED_REPAIR_SECONDS


def _active_active(arguments: argparse.Namespace, console: Console) -> bool:
    strategy = "active-active"
    rows = chosen("all", real=False, strategy=strategy)
    plan = _plan(arguments, faults=rows, strategy=strategy, seeds=SEEDS[:1])
    return _measure("faults-active-active", plan, console, go_on=arguments.go_on)


def _other_half(arguments: argparse.Namespace, console: Console) -> bool:
    """How soon the half that is left has all the traffic, at the speed at which figures are measured."""
    plan = _plan(
        arguments,
        faults=[find(name) for name in results.OTHER_HALF_FAULTS],
        strategy="active-active",
        speed=bench.SPEED,
        seeds=(*range(1, 10), bench.seed_of(bench.commit())),
        slow_beside=0,
    )
    held = _measure("recovery-active-active", plan, console, go_on=arguments.go_on)
    return held and results.kept_other_half(json.loads((results.RESULTS / "recovery-active-active.json").read_text()))


def _warm_standby(arguments: argparse.Namespace, console: Console) -> bool:
    rows = chosen("all", real=False, strategy=WARM)
    plan = _plan(arguments, faults=rows, strategy=WARM, seeds=SEEDS[:1])
    return _measure("faults-warm-standby", plan, console, go_on=arguments.go_on)


def _standby(arguments: argparse.Namespace, console: Console) -> bool:
    """How soon a standby has all the traffic, at the speed at which figures are measured."""
    seeds = (*range(1, 5), bench.seed_of(bench.commit()))
    plan = _plan(arguments, faults=[find("kill-primary")], strategy=WARM, speed=bench.SPEED, seeds=seeds, slow_beside=0)
    held = _measure("recovery-warm-standby", plan, console, go_on=arguments.go_on)
    return held and results.kept_standby(json.loads((results.RESULTS / "recovery-warm-standby.json").read_text()))


def _real(arguments: argparse.Namespace, console: Console) -> bool:
    if not (shutil.which("java") and shutil.which("mvn")):
        console.print("no Java or no Maven on this machine: the rows with real services were not run")
        return True
    held = True
    for name, strategy in REAL.items():
        # One at a time: each has a dozen Java machines of its own.
        faults = chosen("all", real=True, strategy=strategy)
        plan = _plan(
            arguments,
            faults=faults,
            strategy=strategy,
            services="real",
            seeds=SEEDS[:1],
            at_once=1,
            slow_beside=0,
        )
        held &= _measure(name, plan, console, go_on=arguments.go_on)
    return held


def main() -> int:
    """Command line; 0 if every row held."""
    parser = argparse.ArgumentParser(prog="python -m tests.fault_proof", description=__doc__)
    parser.add_argument("--sample", action="store_true", help="a few rows that follow from the commit")
    parser.add_argument("--go-on", action="store_true", help="only what no result file shows of this code")
    parser.add_argument("--only", choices=PARTS, help="one part of the proof")
    parser.add_argument("--at-once", type=int, default=2, help="how many drills run beside each other")
    parser.add_argument("--block", type=int, default=40, help="first address block")
    arguments = parser.parse_args()
    interrupt_once()
    console = Console(stderr=True, width=None if sys.stderr.isatty() else 160)
    try:
        return 0 if (_sample if arguments.sample else _prove)(arguments, console) else 1
    except KeyboardInterrupt:
        console.print("interrupted; everything that was started has been stopped", style="yellow")
        return 130


if __name__ == "__main__":
    sys.exit(main())
