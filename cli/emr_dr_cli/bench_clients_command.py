"""``emr-dr bench-clients``."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown

from emr_dr_cli.options import BLOCK_RANGE, check_block
from emr_drill.errors import DrillError


def bench_clients(
    cases: Annotated[
        str | None,
        typer.Option(metavar="NAME,NAME,...", help="Only these cases.  (Default: all that can be run.)"),
    ] = None,
    go_on: Annotated[
        bool, typer.Option("--go-on", help="Leave out what the result file shows of this very code.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Decides the jobs and who runs which.")] = 1,
    block: Annotated[
        int, typer.Option(callback=check_block, help=f"Loopback addresses 127.BLOCK.*, {BLOCK_RANGE}.")
    ] = 20,
    workdir: Annotated[Path | None, typer.Option(help="Keep reports and logs of the cases there.")] = None,
) -> None:
    """Let Airflow, a Livy client from PyPI and curl run jobs on real Livy while things break, and compare.

    What each client believes of its jobs is compared with what the jobs did.  A control does the same behind plain TCP
    balancing.  Takes about an hour and a half on two cores that do nothing else.  Each case is written to
    docs/results/stock-clients.json as it ends, and the table in the README with it; exit code 1 if a client was told
    another job's state, or a batch was deleted that was not its own.
    """
    from emr_drill.clients import bench
    from emr_drill.clients.cases import CASES
    from emr_drill.clients.table import stock_clients_table

    names = [name.strip() for name in cases.split(",")] if cases else list(CASES)
    if unknown := [name for name in names if name not in CASES]:
        raise DrillError(f"there is no case {', '.join(unknown)}; there are {', '.join(CASES)}")
    console = Console()
    with tempfile.TemporaryDirectory(prefix="emr-dr-clients-") as directory:
        folder = workdir or Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        content = bench.run(
            names,
            block=block,
            seed=seed,
            workdir=folder.absolute(),
            go_on=go_on,
            say=lambda text: console.print(text, markup=False),
        )
    if content["cases"]:
        console.print(Markdown(stock_clients_table(content)))
    console.print(
        f"{bench.real_jobs(content)} jobs on real Livy (wanted: {bench.WANTED_JOBS}), {bench.polls(content)} polls on "
        f"simulated services (wanted: {bench.WANTED_POLLS})"
    )
    raise typer.Exit(0 if bench.passed(content) else 1)
