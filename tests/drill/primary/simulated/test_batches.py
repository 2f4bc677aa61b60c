"""Livy's way through YARN, with a ResourceManager that a test plays."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from emr_drill.clock import Clock
from emr_drill.primary.simulated import web
from emr_drill.primary.simulated.batches import LOOKUP_SECONDS, Batch, Batches
from emr_drill.primary.simulated.configuration import SUBMIT_PORT, Configuration
from emr_drill.primary.simulated.name_node import NameNode
from tests.drill.primary.conftest import LIMIT_SECONDS

JOB = {"file": "s3://artifacts/job.py", "name": "one"}


class Yarn:
    """A ResourceManager that takes applications and says of them what the test says."""

    def __init__(self) -> None:
        self.applications: dict[str, dict[str, str]] = {}
        self.killed: list[str] = []

    async def answer(self, request: web.Request) -> web.Answer:
        """What Livy asks."""
        if request.method == "POST":
            number = len(self.applications) + 1
            self.applications[request.json()["tags"]] = {
                "id": f"application_1_{number:04d}",
                "state": "ACCEPTED",
                "final": "UNDEFINED",
            }
        if request.method == "DELETE":
            self.killed.append(request.path.rsplit("/", 1)[1])
        return web.Answer(body=self.applications)

    def say(self, state: str, final: str) -> None:
        """From now on every application is in this state."""
        for application in self.applications.values():
            application.update(state=state, final=final)


async def until(true: Callable[[], object]) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while not true():
        assert time.monotonic() < deadline, "it did not become true"
        await asyncio.sleep(0.01)


def with_yarn(configuration: Configuration, test: Callable[[Batches, Yarn], Awaitable[None]]) -> None:
    """Run *test* with batches that have a NameNode and a ResourceManager."""

    async def run() -> None:
        yarn = Yarn()
        servers = [
            await web.serve(handler, address=configuration.address, port=port, idle_seconds=30)
            for handler, port in (
                (NameNode(configuration).answer, configuration.name_node_port),
                (yarn.answer, SUBMIT_PORT),
            )
        ]
        batches = Batches(configuration)
        batches.start()
        try:
            await test(batches, yarn)
        finally:
            for server in servers:
                server.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("state", "final", "expected"),
    [
        ("RUNNING", "UNDEFINED", "running"),
        ("FINISHED", "SUCCEEDED", "success"),
        ("FINISHED", "FAILED", "dead"),
        ("KILLED", "KILLED", "killed"),
    ],
)
def test_a_batch_is_in_the_state_that_yarn_says(
    configuration: Configuration, state: str, final: str, expected: str
) -> None:
    async def test(batches: Batches, yarn: Yarn) -> None:
        batch = batches.create(JOB)
        await until(lambda: batch.app_id)
        assert batch.state == "starting"
        yarn.say(state, final)
        await until(lambda: batch.state == expected)

    with_yarn(configuration, test)


def test_deleting_a_batch_kills_its_application(configuration: Configuration) -> None:
    async def test(batches: Batches, yarn: Yarn) -> None:
        batch = batches.create(JOB)
        await until(lambda: batch.app_id)
        await batches.delete(batch)
        assert (yarn.killed, batches.all()) == ([batch.app_id], [])

    with_yarn(configuration, test)


def test_a_clean_stop_leaves_batches_running_with_recovery(configuration: Configuration) -> None:
    async def test(batches: Batches, yarn: Yarn) -> None:
        batch = batches.create(JOB)
        await until(lambda: batch.app_id)
        await batches.shut_down()
        assert yarn.killed == []

    with_yarn(configuration, test)


def test_a_clean_stop_ends_batches_without_recovery(configuration: Configuration) -> None:
    async def test(batches: Batches, yarn: Yarn) -> None:
        batch = batches.create(JOB)
        await until(lambda: batch.app_id)
        await batches.shut_down()
        assert yarn.killed == [batch.app_id]

    with_yarn(dataclasses.replace(configuration, recovery_store=None), test)


def test_a_finished_batch_vanishes_when_its_time_is_over(configuration: Configuration) -> None:
    async def test(batches: Batches, yarn: Yarn) -> None:
        batch = batches.create(JOB)
        await until(lambda: batch.app_id)
        assert batches.get("one") is batch
        yarn.say("FINISHED", "SUCCEEDED")
        await until(lambda: not batches.all())

    with_yarn(dataclasses.replace(configuration, retain_seconds=1), test)


def test_a_recovered_batch_whose_application_is_not_found_is_dead_in_the_end(configuration: Configuration) -> None:
    async def test(batches: Batches, _yarn: Yarn) -> None:
        (batch,) = batches.all()
        assert batch.state == "recovering"
        batch.since -= LOOKUP_SECONDS
        await until(lambda: batch.state == "dead")

    async def before() -> None:
        Batches(configuration).create(JOB)

    asyncio.run(before())
    with_yarn(configuration, test)


def test_a_recovered_batch_finds_its_application(configuration: Configuration) -> None:
    async def test(batches: Batches, yarn: Yarn) -> None:
        (batch,) = batches.all()
        yarn.applications[batch.tag] = {"id": "application_1_0001", "state": "RUNNING", "final": "UNDEFINED"}
        await until(lambda: batch.state == "running")

    async def before() -> None:
        Batches(configuration).create(JOB)

    asyncio.run(before())
    with_yarn(configuration, test)


def test_without_a_name_node_a_batch_is_dead_after_a_while(configuration: Configuration) -> None:
    async def run() -> Batch:
        batches = Batches(configuration)
        batches.start()
        batch = batches.create(JOB)
        await until(lambda: batch.ended)
        return batch

    found: Any = asyncio.run(run())
    assert (found.state, found.app_id) == ("dead", None)


def test_time_is_the_drills(configuration: Configuration) -> None:
    async def run() -> float:
        return Batches(configuration).create(JOB).since

    before = Clock.from_json(configuration.clock).now()
    assert before <= asyncio.run(run()) <= Clock.from_json(configuration.clock).now()
