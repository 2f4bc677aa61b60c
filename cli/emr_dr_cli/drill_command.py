"""``emr-dr drill``."""

from __future__ import annotations

import json
import signal
import sys
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console

from emr_drill.faults import Fault


class Services(StrEnum):
    """What stands behind a cluster."""

    SIMULATED = "simulated"
    REAL = "real"


# The drill's default speeds: as fast as two cores carry it without the machine's own work showing in the figures'
# order of magnitude.  Figures to quote are measured at speed 5 (`make bench-drill`).
WIDTH_OF_A_LOG = 160
DEFAULT_SPEED = {Services.SIMULATED: 25.0, Services.REAL: 8.0}


def drill(
    services: Annotated[
        Services,
        typer.Option(help="simulated: answers like the real ones, in seconds.  real: Livy, YARN, HDFS, Spark."),
    ] = Services.SIMULATED,
    fault: Annotated[Fault, typer.Option(help="What to break.")] = Fault.KILL_PRIMARY,
    speed: Annotated[
        float | None, typer.Option(help="Seconds on the drill's clock for each second here.  [default: 25, real: 8]")
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides every random thing: the same seed is the same drill.")] = 1,
    block: Annotated[
        int, typer.Option(help="Loopback addresses 127.BLOCK.*: a second drill needs another block.")
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

    The state machines and function code are the very ones that `cdk deploy` would deploy.  Exit code 0: the system
    recovered, and no job was unreported, doubled or wrong.
    """
    from emr_drill.choose import job_file, primary_factory
    from emr_drill.report import render
    from emr_drill.run import Options, run

    signal.signal(signal.SIGTERM, _interrupt)
    console = Console(stderr=True)
    if not console.is_terminal:
        console = Console(stderr=True, width=WIDTH_OF_A_LOG)
    factory = primary_factory(services.value)
    report = run(
        Options(
            services=services.value,
            fault=fault,
            speed=speed or DEFAULT_SPEED[services],
            seed=seed,
            block=block,
            keep=keep,
            assembly=assembly,
            workdir=workdir,
        ),
        primaries=factory,
        job_file=job_file(services.value),
        console=console,
        quiet=quiet,
        on_report=lambda report: console.print(render(report)),
    )
    if json_file is not None:
        text = json.dumps(report.to_dict(), indent=2) + "\n"
        if str(json_file) == "-":
            sys.stdout.write(text)
        else:
            json_file.write_text(text)
    raise typer.Exit(0 if report.passed else 1)


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
