"""``emr-dr``: rehearse a failover on one machine.

Exit codes: 0 the drill passed; 1 it ran and the system does not do what it promises; 2 it could not run (the message
says what to do); 130 interrupted.
"""

from __future__ import annotations

import sys
from typing import NoReturn

import typer
from rich.console import Console

from emr_dr_cli import (
    airflow_drill_command,
    airflow_matrix_command,
    bench_clients_command,
    bench_command,
    client_case_command,
    clients_command,
    compare_command,
    drill_command,
    real_services_command,
)
from emr_dr_cli.interruption import interrupt_once, was_interrupted
from emr_drill.errors import DrillError

COULD_NOT_RUN, INTERRUPTED = 2, 130

app = typer.Typer(
    help="Disaster recovery for Amazon EMR on EC2: rehearse it here, before the AZ does it for you.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("drill")(drill_command.drill)
app.command("bench-drill")(bench_command.bench_drill)
app.command("bench-clients")(bench_clients_command.bench_clients)
app.command("client-case", hidden=True)(client_case_command.client_case)
app.command("airflow-matrix")(airflow_matrix_command.airflow_matrix)
app.command("airflow-drill", hidden=True)(airflow_drill_command.airflow_drill)
app.command("compare")(compare_command.compare)
app.add_typer(real_services_command.app, name="real-services")
app.add_typer(clients_command.app, name="clients")


def main() -> NoReturn:
    """Run the command line."""
    interrupt_once()
    try:
        app()
    except Exception as error:
        if was_interrupted(error):
            _say(f"interrupted, and while what was started was being stopped: {error!r}", style="yellow")
            sys.exit(INTERRUPTED)
        if not isinstance(error, DrillError):
            raise
        _say(f"cannot run: {error}", style="red")
        sys.exit(COULD_NOT_RUN)
    except SystemExit as leave:  # typer ends like this, whatever happened
        if leave.code == INTERRUPTED:
            _say("interrupted; everything that was started has been stopped", style="yellow")
        raise
    sys.exit(0)


def _say(text: str, *, style: str) -> None:
    # Without line breaks of our own: a command in the text must be fit to be copied.
    Console(stderr=True).print(text, style=style, highlight=False, markup=False, soft_wrap=True)
