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

from emr_dr_cli.options import BLOCK_RANGE, WIDTH_OF_A_LOG, check_block, check_seeds, check_speed
from emr_dr_cli.planned_options import planned_row
from emr_drill.errors import DrillError
from emr_drill.faults.table import FAULTS, chosen, speed_of

if TYPE_CHECKING:
    from emr_drill.report import Report


OFTEN = ("kill-primary", "kill-livy", "hang-livy", "az-blackhole", "no-capacity-all", "terminate-by-user", "none")


class Services(StrEnum):
    """What stands behind a cluster."""

    SIMULATED = "simulated"
    REAL = "real"


class Strategy(StrEnum):
    """What is deployed."""

    ACTIVE_PASSIVE = "active-passive"
    ACTIVE_ACTIVE = "active-active"
    ACTIVE_PASSIVE_WARM = "active-passive-warm"


class Jobs(StrEnum):
    """What runs the jobs."""

    OWN = "own"
    AIRFLOW = "airflow"
    CLIENTS = "clients"


class Baseline(StrEnum):
    """What the product is compared with."""

    SCRIPT = "script"


STANDARD_OUTPUT = "-"


def _list_faults(asked: bool) -> None:
    """Print the table and end, if *asked*."""
    if not asked:
        return
    from emr_dr_cli.fault_tables import fault_table

    console = Console()
    console.print(fault_table())
    raise typer.Exit(0)


def drill(
    context: typer.Context,
    zone: Annotated[
        str | None, typer.Argument(metavar="[AZ]", help="With --evacuate: which AZ, such as us-east-1a.")
    ] = None,
    services: Annotated[
        Services,
        typer.Option(help="simulated: answers like the real ones, in seconds.  real: Livy, YARN, HDFS, Spark."),
    ] = Services.SIMULATED,
    strategy: Annotated[
        Strategy,
        typer.Option(
            help="active-passive: one managed cluster.  active-active: two, both in service.  active-passive-warm: "
            "one with a warm standby (standby: warm)."
        ),
    ] = Strategy.ACTIVE_PASSIVE,
    fault: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="What to break: a row of the fault table, some with commas between them, or `all`.  Often used: "
            f"{', '.join(OFTEN)}.  --list-faults explains all {len(FAULTS)}.",
        ),
    ] = "kill-primary",
    upgrade: Annotated[
        bool,
        typer.Option(
            "--upgrade",
            help="Break nothing: deploy a changed setting while jobs run.  Every managed cluster moves in turn, no "
            "submit is refused.  The row `upgrade`; --fault rollback and --fault bad-upgrade are the ways back.",
        ),
    ] = False,
    switchover: Annotated[
        bool,
        typer.Option(
            "--switchover",
            help="Break nothing: a person moves a managed cluster to a new incarnation while jobs run, which end "
            "first.  The row `switchover`.",
        ),
    ] = False,
    evacuate: Annotated[
        bool,
        typer.Option(
            "--evacuate",
            help="Break nothing: a person leaves an AZ at once; give the AZ after it, or none for any that serves.  "
            "What runs there is named, then ended.  The row `evacuate`.",
        ),
    ] = False,
    list_faults: Annotated[
        bool,
        typer.Option(
            "--list-faults", is_eager=True, callback=_list_faults, help="Show what can be broken and what must happen."
        ),
    ] = False,
    speed: Annotated[
        float | None,
        typer.Option(
            callback=check_speed,
            help="Seconds on the drill's clock for each second here.  (Default: 25, real: 10, 2 where a fault makes "
            "sockets wait for their limits.)",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides every random thing: the same seed is the same drill.")] = 1,
    seeds: Annotated[
        str | None,
        typer.Option(
            metavar="N,N,...", callback=check_seeds, help="A drill with each of these seeds, in place of --seed."
        ),
    ] = None,
    at_once: Annotated[
        int, typer.Option(help="With several drills: how many run beside each other.", min=1, max=8)
    ] = 1,
    block: Annotated[
        int,
        typer.Option(
            callback=check_block, help=f"Loopback addresses 127.BLOCK.*, {BLOCK_RANGE}: a second drill needs another."
        ),
    ] = 10,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the report there as JSON; `-` for standard output.")
    ] = None,
    baseline: Annotated[
        Baseline | None,
        typer.Option(
            help="Drill this in place of the product, on the same stand-in.  script: the published recipe's script."
        ),
    ] = None,
    tls: Annotated[
        bool,
        typer.Option(
            "--tls",
            help="With encryption in transit: the front door has a certificate of an authority that is made for this "
            "drill, and clients and probers trust that one alone.",
        ),
    ] = False,
    cluster_tls: Annotated[
        bool,
        typer.Option("--cluster-tls", help="--tls, and Livy, ResourceManager and NameNode of clusters speak it, too."),
    ] = False,
    stream: Annotated[
        bool, typer.Option("--stream", help="Submit a job every 20 s from the fault on, besides the usual ones.")
    ] = False,
    jobs: Annotated[
        Jobs,
        typer.Option(
            help="What runs the jobs.  own: the drill's submitter.  airflow: stock LivyOperators in two versions of "
            "Airflow.  clients: these, a Livy client from PyPI, and curl.  (`emr-dr clients install` fetches them.)"
        ),
    ] = Jobs.OWN,
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running to look at, until Ctrl-C.")] = False,
    assembly: Annotated[
        Path | None, typer.Option(help="Deploy this cloud assembly instead of synthesizing one (`cdk synth`).")
    ] = None,
    workdir: Annotated[Path | None, typer.Option(help="Keep the drill's files there.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress, only the summary.")] = False,
) -> None:
    """Deploy the synthesized stacks into a stand-in for AWS, run jobs, break something, and report what happened.

    The state machines and function code are the very ones that `cdk deploy` would deploy.

    Exit codes: 0 what must come of the fault came of it, and no job was unreported, doubled or wrong; 1 not so;
    2 the drill could not run; 130 interrupted.
    """
    from emr_dr_cli.many_drills import run_many
    from emr_drill.baseline import run as baseline_run
    from emr_drill.campaign import Plan, passed
    from emr_drill.choose import job_file, primary_factory
    from emr_drill.clients.plan import AIRFLOW_PLAN, EVERY_CLIENT
    from emr_drill.report import render
    from emr_drill.run import Options, run

    _check_writable(json_file)
    console = Console(stderr=True)
    if not console.is_terminal:
        console = Console(stderr=True, width=WIDTH_OF_A_LOG)

    given = context.get_parameter_source("fault")
    asked = planned_row(
        {"upgrade": upgrade, "switchover": switchover, "evacuate": evacuate},
        zone=zone,
        fault=fault if given is not None and given.name == "COMMANDLINE" else None,
    )
    fault = asked or fault
    rows = chosen(fault, real=services is Services.REAL and jobs is Jobs.OWN, strategy=strategy.value)
    many = [int(one) for one in seeds.split(",")] if seeds else [seed]
    if len(rows) * len(many) > 1:
        if zone is not None:
            raise DrillError(f"{zone} is for one drill, and this would run several: leave the AZ or the seeds out")
        if tls or cluster_tls:
            raise DrillError("--tls is for one drill, and this would run several: leave it out, or name one fault")
        if keep or stream or baseline or workdir is not None or jobs is not Jobs.OWN:
            raise DrillError(
                "--keep, --workdir, --stream, --jobs and --baseline are for one drill, and this would run several: "
                "leave them out (`emr-dr compare` drills the product and its baseline with several faults)"
            )
        plan = Plan(
            faults=rows,
            seeds=many,
            services=services.value,
            strategy=strategy.value,
            speed=speed,
            first_block=block,
            at_once=at_once,
            assembly=assembly,
        )
        content = run_many(plan, console=console)
        if json_file is not None:
            _write(json.dumps(content, indent=1) + "\n", json_file)
        raise typer.Exit(0 if passed(content) else 1)
    (row,) = rows

    def show(report: Report) -> None:
        console.print(render(report))
        if json_file is not None:
            _write(json.dumps(report.to_dict(), indent=2) + "\n", json_file)

    if baseline is not None:
        if (
            tls
            or cluster_tls
            or services is Services.REAL
            or keep
            or assembly is not None
            or strategy is not Strategy.ACTIVE_PASSIVE
        ):
            raise DrillError(
                "--baseline has simulated services, deploys nothing and ends, and knows one cluster: leave the other "
                "option out"
            )
        baseline_report = baseline_run.run(
            baseline_run.Options(
                fault=row.name,
                speed=speed_of(row, real=False, asked=speed),
                seed=many[0],
                block=block,
                stream=stream,
                workdir=workdir,
            ),
            primaries=primary_factory(services.value),
            job_file=job_file(services.value),
            console=console,
            quiet=quiet,
            on_report=show,
        )
        raise typer.Exit(0 if baseline_report.passed else 1)
    report = run(
        Options(
            services=services.value,
            strategy=strategy.value,
            fault=row.name,
            speed=speed_of(row, real=services is Services.REAL, asked=speed),
            seed=many[0],
            block=block,
            stream=stream,
            tls=tls or cluster_tls,
            cluster_tls=cluster_tls,
            keep=keep,
            assembly=assembly,
            clients={Jobs.AIRFLOW: AIRFLOW_PLAN, Jobs.CLIENTS: EVERY_CLIENT}.get(jobs),
            workdir=workdir,
            zone=zone,
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
