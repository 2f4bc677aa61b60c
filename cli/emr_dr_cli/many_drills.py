"""Several drills one after the other or beside each other: ``emr-dr drill --fault all``."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from emr_dr_cli.fault_tables import line, result_table
from emr_drill import campaign
from emr_drill.campaign import Plan


def run_many(
    plan: Plan, *, console: Console, save: Callable[[dict[str, Any]], None] = lambda _: None
) -> dict[str, Any]:
    """Run *plan*, with a line for each drill and a table at the end; the content of a result file.

    Args:
        plan: which drills.
        console: for lines and table.
        save: gets the content of the result file after each drill.

    Raises:
        DrillError: the plan cannot be carried out; no drill is left running.
    """
    earlier = f"; {len(plan.earlier)} were run before" if plan.earlier else ""
    console.print(f"{len(plan.runs)} drills, {plan.at_once} at a time{earlier}", style="dim")

    def say(result: dict[str, Any]) -> None:
        console.print(line(result), style="" if result["passed"] else "red", markup=False, highlight=False)

    with tempfile.TemporaryDirectory(prefix="emr-dr-drills-") as directory:
        content = campaign.run(plan, workdir=Path(directory), say=say, save=save)
    console.print(result_table(content))
    return content
