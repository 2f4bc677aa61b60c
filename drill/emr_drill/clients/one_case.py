"""``python -m emr_drill.clients.one_case NAME --block N --json FILE``: one case of the benchmark, by itself."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console

from emr_drill import run as drill
from emr_drill.choose import job_file, primary_factory
from emr_drill.clients import control
from emr_drill.clients.cases import CASES, CONTROL, Case
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


def main() -> int:
    """Command line; 0 if there is a report."""
    from emr_dr_cli.interruption import interrupt_once

    parser = argparse.ArgumentParser(prog="python -m emr_drill.clients.one_case", description=__doc__)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--block", type=int, default=10)
    parser.add_argument("--assembly", type=Path)
    parser.add_argument("--workdir", type=Path)
    parser.add_argument("--json", type=Path, required=True)
    arguments = parser.parse_args()
    interrupt_once()
    report = run(
        CASES[arguments.case],
        seed=arguments.seed,
        block=arguments.block,
        assembly=arguments.assembly,
        workdir=arguments.workdir,
        console=Console(stderr=True, width=160),
    )
    arguments.json.write_text(json.dumps(report.to_dict(), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
