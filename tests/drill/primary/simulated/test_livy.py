"""Livy's REST interface, held to the answers of a real server (0.8.0)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emr_drill.primary.simulated import web
from emr_drill.primary.simulated.batches import Batches
from emr_drill.primary.simulated.configuration import Configuration
from emr_drill.primary.simulated.livy import Livy
from tests.drill.primary.simulated.conftest import sample, shape

JOB = {"file": "s3://artifacts/job.py", "args": ["one", "10", "succeed"], "name": "one"}
FIRST_ID = 1_002_000_000

Send = Callable[..., tuple[int, Any]]


def session(configuration: Configuration, talk: Callable[[Send], Any]) -> Any:
    """Run *talk* with a server whose batches never get anywhere, as no cluster is behind it."""

    async def run() -> Any:
        livy = Livy(configuration, Batches(configuration))

        async def send(method: str, path: str, body: Any = None, **query: str) -> tuple[int, Any]:
            content = b"" if body is None else json.dumps(body).encode()
            answer = await livy.answer(web.Request(method=method, path=path, query=query, body=content))
            return answer.status, answer.body

        return await talk(send)  # type: ignore[arg-type]

    return asyncio.run(run())


@pytest.fixture
def seeded(configuration: Configuration) -> Configuration:
    """A server that numbers from FIRST_ID."""
    assert configuration.recovery_store is not None
    file = Path(configuration.recovery_store) / "v1" / "batch" / "state"
    file.parent.mkdir(parents=True)
    file.write_text(f'{{"nextSessionId":{FIRST_ID}}}')
    return configuration


def test_a_batch_looks_like_a_real_one(seeded: Configuration) -> None:
    async def talk(send: Any) -> Any:
        await send("POST", "/batches", JOB)
        return (await send("GET", f"/batches/{FIRST_ID}"))[1]

    real = sample("livy-batch-yarn-cluster-success")
    assert session(seeded, talk).keys() == real.keys()


def test_a_post_is_answered_with_the_new_batch(seeded: Configuration) -> None:
    async def talk(send: Any) -> Any:
        return await send("POST", "/batches", JOB)

    status, batch = session(seeded, talk)
    assert (status, batch["id"], batch["name"], batch["state"]) == (201, FIRST_ID, "one", "starting")


def test_the_list_looks_like_a_real_one(seeded: Configuration) -> None:
    async def talk(send: Any) -> Any:
        await send("POST", "/batches", JOB)
        return (await send("GET", "/batches"))[1]

    assert session(seeded, talk).keys() == sample("livy-batches-yarn").keys()


def test_an_empty_list_is_the_real_ones(seeded: Configuration) -> None:
    async def talk(send: Any) -> Any:
        return await send("GET", "/batches"), await send("GET", "/sessions")

    empty = sample("livy-batches-empty")
    assert session(seeded, talk) == ((200, empty), (200, empty))


def test_the_list_comes_in_pages(seeded: Configuration) -> None:
    async def talk(send: Any) -> Any:
        for name in "abc":
            await send("POST", "/batches", {**JOB, "name": name})
        return (await send("GET", "/batches", **{"from": "1", "size": "1"}))[1]

    page = session(seeded, talk)
    assert ([one["name"] for one in page["sessions"]], page["from"], page["total"]) == (["b"], 1, 3)


def test_a_name_in_use_is_refused_and_costs_an_id(seeded: Configuration) -> None:
    async def talk(send: Any) -> Any:
        await send("POST", "/batches", JOB)
        refused = await send("POST", "/batches", JOB)
        return refused, (await send("POST", "/batches", {**JOB, "name": "two"}))[1]["id"]

    text = f"Rejected, Reason: Duplicate session name: Some(one) for session {FIRST_ID + 1}"
    assert session(seeded, talk) == ((400, {"msg": text}), FIRST_ID + 2)


def test_a_batch_without_a_file_is_refused_and_holds_its_name_all_the_same(seeded: Configuration) -> None:
    """A 400 does not mean that nothing was created."""

    async def talk(send: Any) -> Any:
        refused = await send("POST", "/batches", {"name": "one"})
        return refused[0], (await send("GET", "/batches/one"))[1]["state"], (await send("POST", "/batches", JOB))[0]

    assert session(seeded, talk) == (400, "starting", 400)


def test_a_number_is_no_name(seeded: Configuration) -> None:
    async def talk(send: Any) -> Any:
        return await send("POST", "/batches", {**JOB, "name": "12"})

    assert session(seeded, talk)[0] == 400


@pytest.mark.parametrize("body", [b"{", b"[]"])
def test_a_body_that_is_no_object_is_refused(seeded: Configuration, body: bytes) -> None:
    async def run() -> int:
        livy = Livy(seeded, Batches(seeded))
        return (await livy.answer(web.Request(method="POST", path="/batches", body=body))).status

    assert asyncio.run(run()) == 400


@pytest.mark.parametrize("path", ["", "/state", "/log"])
@pytest.mark.parametrize("identifier", [str(FIRST_ID), f"0{FIRST_ID}", "one"])
def test_a_batch_answers_to_its_id_and_its_name(seeded: Configuration, identifier: str, path: str) -> None:
    async def talk(send: Any) -> Any:
        await send("POST", "/batches", JOB)
        return await send("GET", f"/batches/{identifier}{path}")

    status, body = session(seeded, talk)
    assert (status, body["id"]) == (200, FIRST_ID)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize(("identifier", "shown"), [("7", "7"), ("007", "7"), ("nobody", "nobody")])
def test_an_unknown_batch_is_not_found(seeded: Configuration, method: str, identifier: str, shown: str) -> None:
    async def talk(send: Any) -> Any:
        return await send(method, f"/batches/{identifier}")

    assert session(seeded, talk) == (404, {"msg": f"Session '{shown}' not found."})


def test_a_deleted_batch_is_gone(seeded: Configuration) -> None:
    async def talk(send: Any) -> Any:
        await send("POST", "/batches", JOB)
        return await send("DELETE", "/batches/one"), (await send("GET", f"/batches/{FIRST_ID}"))[0]

    assert session(seeded, talk) == ((200, {"msg": "deleted"}), 404)


def test_the_log_looks_like_a_real_one(seeded: Configuration) -> None:
    async def talk(send: Any) -> Any:
        await send("POST", "/batches", JOB)
        return (await send("GET", f"/batches/{FIRST_ID}/log"))[1]

    expected = {**sample("livy-batch-log"), "id": FIRST_ID}
    assert session(seeded, talk) == expected


def test_a_part_of_the_log_can_be_asked_for(seeded: Configuration) -> None:
    async def talk(send: Any) -> Any:
        await send("POST", "/batches", JOB)
        return (await send("GET", f"/batches/{FIRST_ID}/log", **{"from": "1", "size": "1"}))[1]["log"]

    assert session(seeded, talk) == ["\nstderr: "]


def test_the_version_is_that_of_emr_7(seeded: Configuration) -> None:
    async def talk(send: Any) -> Any:
        return (await send("GET", "/version"))[1]

    found = session(seeded, talk)
    assert (shape(found), found["version"]) == (shape(sample("livy-version")), "0.8.0-incubating")


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [("POST", "/sessions", 400), ("GET", "/sessions/1", 404), ("GET", "/nothing", 404), ("PUT", "/batches/one", 404)],
)
def test_what_it_does_not_do_it_refuses(seeded: Configuration, method: str, path: str, expected: int) -> None:
    async def talk(send: Any) -> Any:
        await send("POST", "/batches", JOB)
        return (await send(method, path))[0]

    assert session(seeded, talk) == expected


def test_a_new_server_on_the_same_store_goes_on(seeded: Configuration) -> None:
    async def first(send: Any) -> Any:
        await send("POST", "/batches", JOB)

    async def second(send: Any) -> Any:
        state = (await send("GET", f"/batches/{FIRST_ID}/state"))[1]["state"]
        return state, (await send("POST", "/batches", {**JOB, "name": "two"}))[1]["id"]

    session(seeded, first)

    assert session(seeded, second) == ("recovering", FIRST_ID + 1)
