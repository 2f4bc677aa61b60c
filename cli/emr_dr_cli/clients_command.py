"""``emr-dr clients``."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

app = typer.Typer(help="Stock clients for drills: Airflow, a Livy client from PyPI, curl.", no_args_is_help=True)


@app.callback()
def _commands() -> None:
    """Stock clients for drills: Airflow, a Livy client from PyPI, curl."""


@app.command()
def install(
    early: Annotated[
        bool, typer.Option("--early", help="Airflow 3.3.1 too, in which tests then load the DAGs (200 MB).")
    ] = False,
) -> None:
    """Fetch Airflow 3.0.6 and 2.11.0 and a Livy client from PyPI into build/clients (once, about 600 MB).

    Needs Python 3.11.
    """
    from emr_drill.clients.environments import install as fetch
    from emr_drill.clients.kinds import EARLY_KIND, KINDS

    console = Console(stderr=True)
    fetch((*KINDS, EARLY_KIND) if early else KINDS, say=lambda text: console.print(text, style="dim"))
