"""``emr-dr client-case``: what ``emr-dr bench-clients`` runs for each of its cases, in a process of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from emr_dr_cli.options import WIDTH_OF_A_LOG, check_block
from emr_drill.errors import DrillError


def client_case(
    case: Annotated[str, typer.Argument(help="Name of the case.")],
    json_file: Annotated[Path, typer.Option("--json", help="Write the report there.")],
    seed: Annotated[int, typer.Option(help="Decides the jobs and who runs which.")] = 1,
    block: Annotated[int, typer.Option(callback=check_block, help="Loopback addresses 127.BLOCK.*.")] = 10,
    assembly: Annotated[Path | None, typer.Option(help="Deploy this cloud assembly.")] = None,
    workdir: Annotated[Path | None, typer.Option(help="Keep the drill's files there.")] = None,
) -> None:
    """Run one case of the stock clients' benchmark and write its report; 0 if there is one."""
    from emr_drill.clients import one_case
    from emr_drill.clients.cases import CASES

    if case not in CASES:
        raise DrillError(f"there is no case {case}; there are {', '.join(CASES)}")
    report = one_case.run(
        CASES[case],
        seed=seed,
        block=block,
        assembly=assembly,
        workdir=workdir,
        console=Console(stderr=True, width=WIDTH_OF_A_LOG),
    )
    json_file.write_text(json.dumps(report.to_dict(), indent=1) + "\n")
