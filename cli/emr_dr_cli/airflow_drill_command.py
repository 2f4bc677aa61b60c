"""``emr-dr airflow-drill``: what ``emr-dr airflow-matrix`` runs for each deployment, in a process of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from emr_dr_cli.options import WIDTH_OF_A_LOG, check_block


def airflow_drill(
    strategy: Annotated[str, typer.Argument(help="What is deployed.")],
    file: Annotated[Path, typer.Option("--file", help="The result file.")],
    groups: Annotated[str, typer.Option(metavar="NAME,NAME,...", help="Groups of cases.")],
    operators: Annotated[str, typer.Option(metavar="NAME,NAME", help="Operators.")] = "ours,stock",
    releases: Annotated[str, typer.Option(metavar="NAME,NAME", help="Releases of Airflow.")] = "3.0.6,2.11.0",
    copies: Annotated[int, typer.Option(min=1, help="Runs of each case and client.")] = 1,
    services: Annotated[str, typer.Option(help="simulated or real.")] = "simulated",
    speed: Annotated[float, typer.Option(help="Of the drill's clock.")] = 5.0,
    seed: Annotated[int, typer.Option(help="Decides where faults strike.")] = 1,
    block: Annotated[int, typer.Option(callback=check_block, help="Loopback addresses 127.BLOCK.*.")] = 40,
    workdir: Annotated[Path | None, typer.Option(help="Keep the drill's files there.")] = None,
) -> None:
    """Run groups of cases on one deployment; each group is written to the result file as it ends."""
    from emr_drill.airflow_matrix import bench
    from emr_drill.airflow_matrix.cases import Group
    from emr_drill.airflow_matrix.clients import Operator, clients
    from emr_drill.airflow_matrix.drilled import Options

    bench.drill(
        Options(
            strategy=strategy,
            groups=[Group(name) for name in groups.split(",")],
            clients=clients(tuple(Operator(name) for name in operators.split(",")), tuple(releases.split(","))),
            copies=copies,
            services=services,
            speed=speed,
            seed=seed,
            block=block,
            workdir=workdir,
        ),
        file=file,
        console=Console(stderr=True, width=WIDTH_OF_A_LOG),
    )
