"""``emr-dr bench-drill``."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from emr_dr_cli.options import BLOCK_RANGE, check_block


def bench_drill(
    block: Annotated[
        int,
        typer.Option(
            callback=check_block, help=f"Loopback addresses 127.BLOCK.* to use, and the next ones; {BLOCK_RANGE}."
        ),
    ] = 20,
    at_once: Annotated[int, typer.Option(help="How many drills run beside each other.", min=1, max=4)] = 2,
) -> None:
    """Measure the recovery overhead: drills at speed 5 over seeds 1 to 5 and one derived from the commit.

    Takes about five minutes a seed, two at once.  Writes docs/results/recovery-active-passive.json and the table in the
    README; exit code 1 if the promise is not kept.
    """
    from emr_drill import bench

    console = Console()
    with tempfile.TemporaryDirectory(prefix="emr-dr-bench-") as directory:
        content, verdict = bench.run(
            first_block=block,
            at_once=at_once,
            workdir=Path(directory),
            say=lambda text: console.print(text, markup=False),
        )
    console.print(_table(content))
    promised = content["promised"]
    console.print(
        f"overhead: median {verdict.median:.0f} s (promised {promised['median']:.0f}), worst {verdict.worst:.0f} s "
        f"(promised {promised['worst']:.0f}): {'kept' if verdict.kept else 'NOT KEPT'}",
        style="green" if verdict.kept else "red",
    )
    raise typer.Exit(0 if verdict.kept else 1)


def _table(content: dict[str, Any]) -> Table:
    budget = content["promised"]["budget"]
    table = Table(title="seconds on the drill's clock, by phase")
    table.add_column("seed", justify="right")
    for name, limit in budget.items():
        table.add_column(f"{name}\n(budget {limit:.0f})", justify="right")
    table.add_column("overhead", justify="right")
    for drill in content["drills"]:
        phases = {**drill["phases"], "launch_slack": drill["launch_slack"]}
        table.add_row(
            str(drill["seed"]),
            *[f"{phases[name]:.0f}" if name in phases else "-" for name in budget],
            "-" if drill["overhead_seconds"] is None else str(drill["overhead_seconds"]),
        )
    return table
