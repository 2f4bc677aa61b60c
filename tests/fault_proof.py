"""``python -m tests.fault_proof``: the fault table over several seeds, simulated and real, as result files.

``--sample`` runs a few rows that follow from the commit, in less than ten minutes on two cores, and writes nothing.
Exit code 1 if a row did not hold, or mending in place took longer than is promised.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from typing import Any

from rich.console import Console

from emr_dr_cli.interruption import interrupt_once
from emr_dr_cli.many_drills import run_many
from emr_drill import bench, campaign, results
from emr_drill.campaign import Plan
from emr_drill.faults.table import chosen, find

SEEDS = (1, 2, 3)


def _plan(arguments: argparse.Namespace, **changes: Any) -> Plan:
    values: dict[str, Any] = {
        "services": "simulated",
        "speed": None,
        "first_block": arguments.block,
        "at_once": arguments.at_once,
        "seeds": SEEDS,
    }
    return Plan(**{**values, **changes})


def _sample(arguments: argparse.Namespace, console: Console) -> bool:
    commit = bench.commit()
    rows = campaign.sample(commit)
    content = run_many(_plan(arguments, faults=rows, seeds=[bench.seed_of(commit)]), console=console)
    return campaign.passed(content)


def _measure(name: str, plan: Plan, console: Console) -> bool:
    """Run *plan* and write its result file."""
    content = run_many(plan, console=console)
    results.RESULTS.mkdir(parents=True, exist_ok=True)
    (results.RESULTS / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n")
    results.write()
    return campaign.passed(content)


def _prove(arguments: argparse.Namespace, console: Console) -> bool:
    held = [
        _measure("faults-simulated", _plan(arguments, faults=chosen("all", real=False)), console),
        _measure(
            "repair-hang-livy",
            _plan(arguments, faults=[find("hang-livy")], seeds=bench.seeds(bench.commit())),
            console,
        ),
    ]
    repaired = json.loads((results.RESULTS / "repair-hang-livy.json").read_text())
    median = results.repair_median(repaired)
    held.append(median <= results.PROMISED_REPAIR_SECONDS)
    console.print(f"hang-livy: mended after {median:.0f} s, median; promised {results.PROMISED_REPAIR_SECONDS:.0f} s")
    if shutil.which("java") and shutil.which("mvn"):
        # One at a time: each has a dozen Java machines of its own.
        plan = _plan(arguments, faults=chosen("all", real=True), services="real", seeds=SEEDS[:1], at_once=1)
        held.append(_measure("faults-real", plan, console))
    else:
        console.print("no Java or no Maven on this machine: the rows with real services were not run")
    return all(held)


def main() -> int:
    """Command line; 0 if every row held."""
    parser = argparse.ArgumentParser(prog="python -m tests.fault_proof", description=__doc__)
    parser.add_argument("--sample", action="store_true", help="a few rows that follow from the commit")
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
