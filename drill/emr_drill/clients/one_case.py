"""One case of the benchmark of stock clients, by itself."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from emr_drill import run as drill
from emr_drill.choose import job_file, primary_factory
from emr_drill.clients import control
from emr_drill.clients.cases import CONTROL, Case
from emr_drill.report import Report, render


def run(case: Case, *, seed: int, block: int, assembly: Path | None, workdir: Path | None, console: Console) -> Report:
    """Run *case*.

    Args:
        case: which.
        seed: decides jobs and who runs them.
        block: address block.
        assembly: a cloud assembly to deploy; ``None`` synthesizes one.
        workdir: where files are kept; ``None`` for a temporary directory.
        console: where progress goes.

    Raises:
        DrillError: it could not run.
    """
    primaries, file = primary_factory(case.services), job_file(case.services)
    if case.system == CONTROL:
        return control.run(
            control.Options(
                services=case.services, speed=case.speed, seed=seed, block=block, clients=case.plan, workdir=workdir
            ),
            primaries=primaries,
            job_file=file,
            console=console,
        )
    return drill.run(
        drill.Options(
            services=case.services,
            strategy=case.strategy,
            fault=case.fault,
            speed=case.speed,
            seed=seed,
            block=block,
            assembly=assembly,
            clients=case.plan,
            workdir=workdir,
        ),
        primaries=primaries,
        job_file=file,
        console=console,
        on_report=lambda report: console.print(render(report)),
    )
