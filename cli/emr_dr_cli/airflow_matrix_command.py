"""``emr-dr airflow-matrix``."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown

from emr_dr_cli.options import BLOCK_RANGE, check_block
from emr_drill.choose import SERVICES
from emr_drill.errors import DrillError


def airflow_matrix(
    services: Annotated[str, typer.Option(help="simulated, or real Livy, YARN, HDFS and Spark.")] = "simulated",
    strategies: Annotated[
        str, typer.Option(metavar="NAME,NAME,...", help="What is deployed.")
    ] = "active-passive,active-active",
    groups: Annotated[
        str | None, typer.Option(metavar="NAME,NAME,...", help="Only these groups of cases.  (Default: all.)")
    ] = None,
    operators: Annotated[str, typer.Option("--operator", metavar="NAME,NAME", help="ours, stock.")] = "ours,stock",
    releases: Annotated[
        str | None,
        typer.Option(metavar="NAME,NAME", help="Of Airflow.  (Default: both; with real services the first.)"),
    ] = None,
    seeds: Annotated[str, typer.Option(metavar="N,N,...", help="A deployment for each.")] = "1,2",
    copies: Annotated[int, typer.Option(min=1, help="Runs of each case and client on a deployment.")] = 2,
    speed: Annotated[float, typer.Option(help="Of the drill's clock.")] = 5.0,
    go_on: Annotated[
        bool, typer.Option("--go-on", help="Leave out what the result file shows of this very code.")
    ] = False,
    block: Annotated[
        int, typer.Option(callback=check_block, help=f"Loopback addresses 127.BLOCK.*, {BLOCK_RANGE}.")
    ] = 40,
    workdir: Annotated[Path | None, typer.Option(help="Keep logs there.")] = None,
) -> None:
    """Run Airflow tasks through every failure, with the operator of this project and with the stock one.

    Each task has its own way to the drill's front door, on which its requests meet what its case is about; what befalls
    clusters is done by rows of the fault table.  Each group of cases is written to docs/results/airflow-matrix.json as
    it ends, and the tables in docs/airflow.md and in the README with it; exit code 1 if a run with our operator is not
    right (disturbed is as good where Livy forgot the job unseen), or sent a DELETE for a batch that was not its own.
    """
    from emr_drill.airflow_matrix import bench
    from emr_drill.airflow_matrix.cases import Group
    from emr_drill.airflow_matrix.clients import RELEASES, Operator
    from emr_drill.airflow_matrix.table import airflow_matrix_table, runs_of

    plan = bench.Plan(
        strategies=_chosen("--strategies", strategies, bench.Plan().strategies),
        groups=[Group(name) for name in _chosen("--groups", groups, Group)] if groups else tuple(Group),
        operators=[Operator(name) for name in _chosen("--operator", operators, Operator)],
        releases=(
            _chosen("--releases", releases, RELEASES) if releases else RELEASES[: 1 if services == "real" else None]
        ),
        seeds=_seeds(seeds),
        copies=copies,
        services=_chosen("--services", services, SERVICES)[0],
        speed=speed,
    )
    console = Console()
    with tempfile.TemporaryDirectory(prefix="emr-dr-airflow-") as directory:
        folder = workdir or Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        content = bench.run(
            plan,
            block=block,
            workdir=folder.absolute(),
            go_on=go_on,
            say=lambda text: console.print(text, markup=False),
        )
    console.print(Markdown(airflow_matrix_table(content)))
    console.print(
        f"runs with our operator: {runs_of(content, 'simulated')} simulated (wanted: {bench.WANTED_SIMULATED}), "
        f"{runs_of(content, 'real')} on real Livy (wanted: {bench.WANTED_REAL})"
    )
    raise typer.Exit(0 if bench.passed(content) else 1)


def _chosen(option: str, text: str, allowed: Iterable[str]) -> list[str]:
    """The names in *text*, all of which are *allowed*."""
    names, known = text.split(","), [str(each) for each in allowed]
    if unknown := [name for name in names if name not in known]:
        raise DrillError(
            f"{option} got {', '.join(map(repr, unknown))}; allowed: {', '.join(known)}, with commas between"
        )
    return names


def _seeds(text: str) -> list[int]:
    try:
        return [int(seed) for seed in text.split(",")]
    except ValueError:
        raise DrillError(f"--seeds got {text!r}; allowed: whole numbers with commas between, as in 1,2") from None
