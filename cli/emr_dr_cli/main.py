"""``emr-dr``: rehearse a failover on one machine.

Exit codes: 0 the drill passed; 1 it ran and the system did not do what it promises; 2 it could not run (the message
says what to do); 130 interrupted.
"""

from __future__ import annotations

import sys
from typing import NoReturn

import typer
from rich.console import Console

from emr_dr_cli import bench_command, drill_command, real_services_command
from emr_drill.errors import DrillError

app = typer.Typer(
    help="Disaster recovery for Amazon EMR on EC2: rehearse it here, before the AZ does it for you.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("drill")(drill_command.drill)
app.command("bench-drill")(bench_command.bench_drill)
app.add_typer(real_services_command.app, name="real-services")


def main() -> NoReturn:
    """Run the command line."""
    errors = Console(stderr=True)
    try:
        app(standalone_mode=False)
    except DrillError as error:
        errors.print(f"cannot run: {error}", style="red", highlight=False, markup=False)
        sys.exit(2)
    except (KeyboardInterrupt, typer.Abort):
        errors.print("interrupted; everything that was started has been stopped", style="yellow")
        sys.exit(130)
    except typer.Exit as leave:
        sys.exit(leave.exit_code)
    except Exception as error:
        if type(error).__name__ in ("UsageError", "BadParameter", "NoSuchOption", "MissingParameter"):
            show = getattr(error, "show", None)
            if show is not None:
                show()
            sys.exit(2)
        raise
    sys.exit(0)
