"""``emr-dr compare``."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown

from emr_dr_cli.options import BLOCK_RANGE, check_block, check_speed


def compare(
    block: Annotated[
        int,
        typer.Option(
            callback=check_block, help=f"Loopback addresses 127.BLOCK.* to use, and the next ones; {BLOCK_RANGE}."
        ),
    ] = 20,
    at_once: Annotated[int, typer.Option(help="How many drills run beside each other.", min=1, max=4)] = 2,
    speed: Annotated[
        float | None,
        typer.Option(
            callback=check_speed,
            help="Seconds on the drill's clock for each second here.  (Default: 5, and 2 where a fault makes sockets "
            "wait for their limits; no other figures are worth quoting.)",
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Drill each fault with the seeds 1 to this one.", min=1, max=20)] = 3,
) -> None:
    """Drill five faults with this product and with the published recipe's script, on the same stand-in.

    Both get the same faults, seeds, jobs and times; see emr_drill.baseline for what of the script is the recipe's.
    Takes about an hour a seed, two at once.  Writes docs/results/comparison.json and the table in the README.
    """
    from emr_drill.baseline import compare as comparison
    from emr_drill.baseline.results import comparison_table

    console = Console()
    with tempfile.TemporaryDirectory(prefix="emr-dr-compare-") as directory:
        content = comparison.compare(
            first_block=block,
            at_once=at_once,
            workdir=Path(directory),
            say=lambda text: console.print(text, markup=False),
            speed=speed,
            seeds=range(1, seeds + 1),
        )
    console.print(Markdown(comparison_table(content)))
