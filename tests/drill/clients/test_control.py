"""The control: two Livys that number from 0 behind plain TCP balancing (A2, A4)."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from emr_drill.choose import job_file
from emr_drill.clients import control
from emr_drill.clients.control import Options
from emr_drill.clients.kinds import Kind, Program
from emr_drill.clients.plan import ClientPlan
from emr_drill.errors import DrillError
from emr_drill.primary.primary import SimulatedPrimaryFactory
from tests.drill.baseline.test_run import free_block

SHELL = Kind(name="curl", program=Program.CURL, polling=1, retries=0)


@pytest.mark.long
def test_clients_are_told_of_other_jobs(tmp_path: Path) -> None:
    """Each poll is a connection of its own, and every second one comes to the other Livy."""
    report = control.run(
        Options(
            services="simulated",
            speed=40,
            block=free_block(),
            clients=ClientPlan(kinds=[SHELL], long=0, short=12, during=0, after=0),
            workdir=tmp_path / "drill",
        ),
        primaries=SimulatedPrimaryFactory(),
        job_file=job_file("simulated"),
        console=Console(file=io.StringIO()),
        quiet=True,
    )

    assert report.problem == ""
    assert report.baseline == "plain"
    assert report.jobs["submitted"] == 12
    assert report.jobs["wrong"] + report.jobs["disturbed"] > 0, report.complaints
    assert report.clients["by_kind"]["curl"]["submitted"] == 12


def test_a_block_that_is_taken_is_refused(tmp_path: Path) -> None:
    from emr_drill import preflight
    from emr_drill.addresses import Addresses

    block = free_block()
    with (
        preflight.hold_block(Addresses(block=block)),
        pytest.raises(DrillError, match="another drill runs"),
    ):
        control.run(
            Options(services="simulated", block=block, clients=ClientPlan(kinds=[SHELL])),
            primaries=SimulatedPrimaryFactory(),
            job_file=job_file("simulated"),
            console=Console(file=io.StringIO()),
        )
