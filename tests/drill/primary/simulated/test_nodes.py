"""Containers: what jobs do, with or without somebody to tell."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from emr_drill.clock import Clock
from emr_drill.jobs.ledger import read
from emr_drill.primary.simulated import web
from emr_drill.primary.simulated.configuration import SUBMIT_PORT, Configuration
from emr_drill.primary.simulated.nodes import Nodes
from emr_drill.timing import Event, Timing
from tests.drill.primary.simulated.test_batches import until

APPLICATION = "application_1_0001"


class Told:
    """A ResourceManager that writes down what it is told."""

    def __init__(self) -> None:
        self.finished: list[tuple[str, int]] = []

    async def answer(self, request: web.Request) -> web.Answer:
        """What nodes send."""
        if request.path == "/finished":
            self.finished.append((request.json()["application"], request.json()["exit_code"]))
        return web.Answer(body={})


async def ask(nodes: Nodes, method: str, path: str, body: Any = None) -> Any:
    """What the ResourceManager asks of the nodes."""
    return (await nodes._answer(web.Request(method=method, path=path, body=json.dumps(body).encode()))).body


async def start(nodes: Nodes, *arguments: str, file: str = "s3://artifacts/job.py", at: float = 0.0) -> None:
    """Start a container."""
    container = {"application": APPLICATION, "file": file, "arguments": arguments, "submitted_at": at}
    await ask(nodes, "POST", "/containers", container)


def with_nodes(configuration: Configuration, test: Callable[[Nodes, Told], Awaitable[Any]]) -> Any:
    """Run *test* with nodes that have a ResourceManager."""

    async def run() -> Any:
        told = Told()
        server = await web.serve(told.answer, address=configuration.address, port=SUBMIT_PORT, idle_seconds=30)
        try:
            return await test(Nodes(configuration), told)
        finally:
            server.close()

    return asyncio.run(run())


@pytest.mark.parametrize(("ending", "exit_code", "event"), [("succeed", 0, "effect"), ("fail", 1, "failed")])
def test_a_job_leaves_one_line_and_ends_as_it_was_asked_to(
    configuration: Configuration, ending: str, exit_code: int, event: str
) -> None:
    async def test(nodes: Nodes, told: Told) -> Any:
        await start(nodes, "key", "5", ending)
        await until(lambda: told.finished)
        return told.finished

    assert with_nodes(configuration, test) == [(APPLICATION, exit_code)]
    assert [(entry.job, entry.application, entry.event) for entry in read(Path(configuration.ledger))] == [
        ("key", APPLICATION, event)
    ]


def test_a_job_lasts_as_long_as_it_was_asked_to_on_the_drills_clock(configuration: Configuration) -> None:
    began = Clock.from_json(configuration.clock).now()

    async def test(nodes: Nodes, told: Told) -> Any:
        await start(nodes, "key", "30", "succeed")
        await until(lambda: told.finished)

    with_nodes(configuration, test)

    assert read(Path(configuration.ledger))[0].at >= began + 30


@pytest.mark.parametrize("arguments", [(), ("key",), ("key", "soon", "succeed")])
def test_a_job_with_wrong_arguments_fails_and_leaves_nothing(
    configuration: Configuration, arguments: tuple[str, ...]
) -> None:
    async def test(nodes: Nodes, told: Told) -> Any:
        await start(nodes, *arguments)
        await until(lambda: told.finished)
        return told.finished

    assert with_nodes(configuration, test) == [(APPLICATION, 1)]
    assert read(Path(configuration.ledger)) == []


def test_the_canary_ends_when_the_timing_table_says_counted_from_its_submission(configuration: Configuration) -> None:
    clock = Clock.from_json(configuration.clock)
    lasts = Timing(seed=configuration.seed).draw(Event.CANARY_JOB, configuration.name)
    submitted = clock.now() - lasts + 5

    async def test(nodes: Nodes, told: Told) -> Any:
        await start(nodes, file="hdfs:///tmp/emr-dr/canary.py", at=submitted)
        await until(lambda: told.finished)
        return told.finished

    assert with_nodes(configuration, test) == [(APPLICATION, 0)]
    assert clock.now() >= submitted + lasts


def test_a_job_that_nobody_knows_succeeds(configuration: Configuration) -> None:
    async def test(nodes: Nodes, told: Told) -> Any:
        await start(nodes, file="s3://artifacts/spark-examples.jar")
        await until(lambda: told.finished)
        return told.finished

    assert with_nodes(configuration, test) == [(APPLICATION, 0)]


def test_a_container_writes_without_a_resource_manager(configuration: Configuration) -> None:
    async def run() -> None:
        nodes = Nodes(configuration)
        await start(nodes, "key", "5", "succeed")
        await until(lambda: read(Path(configuration.ledger)))

    asyncio.run(run())


def test_a_stopped_container_writes_nothing(configuration: Configuration) -> None:
    async def test(nodes: Nodes, _told: Told) -> Any:
        await start(nodes, "key", "20", "succeed")
        before = await ask(nodes, "GET", "/containers")
        await ask(nodes, "DELETE", f"/containers/{APPLICATION}")
        await asyncio.sleep(0.3)
        return before, await ask(nodes, "GET", "/containers")

    assert with_nodes(configuration, test) == ([APPLICATION], [])
    assert read(Path(configuration.ledger)) == []
