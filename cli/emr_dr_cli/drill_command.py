"""``emr-dr drill``."""

from __future__ import annotations

import json
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from emr_dr_cli.options import BLOCK_RANGE, check_block, check_speed
from emr_drill.errors import DrillError
from emr_drill.faults import TEXTS, Fault

if TYPE_CHECKING:
    from emr_drill.report import Report


class Services(StrEnum):
    """What stands behind a cluster."""

    SIMULATED = "simulated"
    REAL = "real"


WIDTH_OF_A_LOG = 160
STANDARD_OUTPUT = "-"
# The drill's default speeds: as fast as two cores carry it without the machine's own work showing in the figures'
# order of magnitude.  Figures to quote are measured at speed 5 (`make bench-drill`).
DEFAULT_SPEED = {Services.SIMULATED: 25.0, Services.REAL: 10.0}


def drill(
    services: Annotated[
        Services,
        typer.Option(help="simulated: answers like the real ones, in seconds.  real: Livy, YARN, HDFS, Spark."),
    ] = Services.SIMULATED,
    fault: Annotated[
        Fault,
        typer.Option(help="What to break.  " + "  ".join(f"{fault}: {text.what}." for fault, text in TEXTS.items())),
    ] = Fault.KILL_PRIMARY,
    speed: Annotated[
        float | None,
        typer.Option(
            callback=check_speed, help="Seconds on the drill's clock for each second here.  (Default: 25, real: 10.)"
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides every random thing: the same seed is the same drill.")] = 1,
    block: Annotated[
        int,
        typer.Option(
            callback=check_block, help=f"Loopback addresses 127.BLOCK.*, {BLOCK_RANGE}: a second drill needs another."
        ),
    ] = 10,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the report there as JSON; `-` for standard output.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running to look at, until Ctrl-C.")] = False,
    assembly: Annotated[
        Path | None, typer.Option(help="Deploy this cloud assembly instead of synthesizing one (`cdk synth`).")
    ] = None,
    workdir: Annotated[Path | None, typer.Option(help="Keep the drill's files there.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress, only the summary.")] = False,
) -> None:
    """Deploy the synthesized stacks into a stand-in for AWS, run jobs, break something, and report what happened.

    The state machines and function code are the very ones that `cdk deploy` would deploy.

    Exit codes: 0 the system recovered, and no job was unreported, doubled or wrong; 1 it did not keep that promise;
    2 the drill could not run; 130 interrupted.
    """
    from emr_drill.choose import job_file, primary_factory
    from emr_drill.report import render
    from emr_drill.run import Options, run

    _check_writable(json_file)
    console = Console(stderr=True)
    if not console.is_terminal:
        console = Console(stderr=True, width=WIDTH_OF_A_LOG)

    def show(report: Report) -> None:
        console.print(render(report))
        if json_file is not None:
            _write(json.dumps(report.to_dict(), indent=2) + "\n", json_file)

    report = run(
        Options(
            services=services.value,
            fault=fault,
            speed=DEFAULT_SPEED[services] if speed is None else speed,
            seed=seed,
            block=block,
            keep=keep,
            assembly=assembly,
            workdir=workdir,
        ),
        primaries=primary_factory(services.value),
        job_file=job_file(services.value),
        console=console,
        quiet=quiet,
        on_report=show,
    )
    raise typer.Exit(0 if report.passed else 1)


def _check_writable(json_file: Path | None) -> None:
    """Find out before the drill, not after it, that its report cannot be kept."""
    if json_file is None or str(json_file) == STANDARD_OUTPUT:
        return
    folder = json_file.parent
    if not folder.is_dir():
        why = f"{folder} is no directory"
    elif json_file.is_dir():
        why = "it is a directory"
    elif not os.access(json_file if json_file.exists() else folder, os.W_OK):
        why = "permission denied"
    else:
        return
    raise DrillError(f"cannot write the report to {json_file}: {why}; give --json another path")


def _write(text: str, json_file: Path) -> None:
    if str(json_file) == STANDARD_OUTPUT:
        sys.stdout.write(text)
        sys.stdout.flush()
    else:
        json_file.write_text(text)
