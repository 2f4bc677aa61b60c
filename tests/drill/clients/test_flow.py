"""Jobs go to stock clients, and what these do comes back (A6)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from emr_drill.clients.flow import CHEAP_SPARK, StockClients
from emr_drill.clients.kinds import Assigned, Kind, Program
from emr_drill.clients.listing import Listing
from emr_drill.clock import Clock
from emr_drill.jobs.plan import Job
from tests.drill.clients.livy_server import HOST, LivyServer

SHELL = Kind(name="curl", program=Program.CURL, polling=0, retries=1)
LIMIT_SECONDS = 30.0
Run = Callable[..., StockClients]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Runs jobs by curl on a server until each has its last word."""
    started: list[StockClients] = []

    def go(server: LivyServer, *keys: str, killed: int | None = None, starting: int = 4) -> StockClients:
        clock = Clock.start(speed=1000)  # so that nobody waits before a second try

        def choose(jobs: Sequence[Job]) -> list[Assigned]:
            return [Assigned(job=job, kind=SHELL, killed_after=killed) for job in jobs]

        clients = StockClients(
            clock=clock,
            addresses=lambda: [HOST],
            file="file:///job.py",
            workdir=tmp_path,
            kinds=[SHELL],
            choose=choose,
            listing=Listing(clock=clock, servers=lambda: [("a", HOST)], port=server.port),
            starting=starting,
            port=server.port,
        )
        started.append(clients)
        clients.start()
        clients.add([Job(key=key, seconds=10, fails=False, keeps_connection=False) for key in keys])
        limit = time.monotonic() + LIMIT_SECONDS
        while not clients.idle() and time.monotonic() < limit:
            time.sleep(0.05)
        assert clients.idle(), clients.events
        return clients

    yield go
    for clients in started:
        clients.stop()


def test_a_job_runs_to_its_end(run: Run) -> None:
    server = LivyServer("running", "success")
    clients = run(server, "k")

    (job,) = clients.stock_jobs
    assert (job.verdict, job.tries[0].told, job.tries[0].id) == ("success", "success", 1001000000)
    assert [(one.accepted, one.id, one.name) for one in clients.submissions] == [(True, 1001000000, "k-try1")]
    assert server.batches[1001000000] == {
        "file": "file:///job.py",
        "args": ["k", "10", "succeed"],
        "conf": dict(CHEAP_SPARK),
        "name": "k-try1",
    }


def test_a_shell_loop_asks_again_after_a_5xx_and_believes_a_dead_batch(run: Run) -> None:
    (job,) = run(LivyServer("running", 502, 504, "dead"), "k").stock_jobs

    assert (job.verdict, job.tries[0].told, job.tries[0].disturbed_polls) == ("failed", "failure", 2)


def test_a_lost_job_is_run_again(run: Run) -> None:
    (job,) = run(LivyServer("success", stories={"k-try1": ["running", 410]}), "k").stock_jobs

    assert [one.told for one in job.tries] == ["lost", "success"]
    assert (job.retries, job.verdict) == (1, "success")


def test_a_refused_post_is_told_and_tried_again(run: Run) -> None:
    clients = run(LivyServer("success", refuse=1), "k")

    assert clients.stock_jobs[0].refused == 1
    assert [(one.accepted, one.status) for one in clients.submissions] == [(False, 503), (True, 201)]


def test_a_job_can_be_killed_by_its_client(run: Run) -> None:
    server = LivyServer("running")
    (job,) = run(server, "k", killed=1).stock_jobs

    assert (job.tries[0].told, server.deleted) == ("stopped", [1001000000])


def test_an_application_is_learnt_from_the_server(run: Run) -> None:
    """Which also gives the next job its turn."""
    server = LivyServer("running", *["running"] * 30, "success")
    clients = run(server, "k", "other", starting=1)
    clients.stop()

    assert {batch.application for job in clients.jobs for batch in job.tries} == {
        "application_1_1001000000",
        "application_1_1001000001",
    }


def test_a_job_that_is_to_be_killed_is_not_run_again(run: Run) -> None:
    """Who kills a job does not want it."""
    (job,) = run(LivyServer(410), "k", killed=30).stock_jobs

    assert ([one.told for one in job.tries], job.verdict) == (["lost"], "failed")
