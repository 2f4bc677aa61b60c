"""``emr-dr real-services``."""

from __future__ import annotations

import typer
from rich.console import Console

app = typer.Typer(help="Real Livy, Hadoop and Spark for drills.", no_args_is_help=True)


@app.callback()
def _commands() -> None:
    """Real Livy, Hadoop and Spark for drills."""


@app.command()
def install() -> None:
    """Fetch Livy and Hadoop from Maven Central and Spark from PyPI into build/real (once, about 600 MB).

    Needs Java 11 or 17 and Maven.  Another build of Livy is used if EMR_DR_LIVY_HOME names its directory.
    """
    from emr_drill.real.install import install as fetch

    console = Console(stderr=True)
    fetch(say=lambda text: console.print(text, style="dim"))
