"""Connections to targets: kept, closed and raced as by a real load balancer (A12)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from emr_drill.front_door import upstream
from emr_drill.front_door.http_messages import Head, read_head
from emr_drill.front_door.model import Target
from emr_drill.front_door.upstream import Pool, TargetError

from .world import HOST, LIMIT, free_port

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
REQUEST = b"GET / HTTP/1.1\r\n\r\n"


class Script:
    """A target that gives *answers*, one a request; it hangs up after the last, and where one is empty.

    Attributes:
        connections: how many were made.
        closed: set whenever the other side has closed one.
    """

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.connections = 0
        self.closed = asyncio.Event()
        self.target = Target(id=HOST, port=0)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await read_head(reader) is not None:
                answer = self.answers.pop(0) if self.answers else b""
                writer.write(answer)
                if not answer or not self.answers:
                    return
            self.closed.set()
        except ConnectionError:
            self.closed.set()
        finally:
            writer.close()


@asynccontextmanager
async def running(*answers: bytes) -> AsyncIterator[Script]:
    script = Script(*answers)
    server = await asyncio.start_server(script.serve, HOST, 0)
    script.target = Target(id=HOST, port=server.sockets[0].getsockname()[1])
    try:
        yield script
    finally:
        server.close()


async def ask(pool: Pool, script: Script, *, method: str = "GET", idle_timeout: float = LIMIT) -> tuple[Head, bytes]:
    return await pool.exchange(script.target, REQUEST, method=method, idle_timeout=idle_timeout)


def one_answer(answer: bytes, *, method: str = "GET", idle_timeout: float = LIMIT) -> tuple[str, bytes]:
    """Status and body of the answer of a target that says *answer* and hangs up."""

    async def main() -> tuple[str, bytes]:
        pool = Pool()
        async with running(answer) as script:
            try:
                head, body = await ask(pool, script, method=method, idle_timeout=idle_timeout)
            finally:
                pool.close()
            return head.second, body

    return asyncio.run(main())


def connections_for_two(first: bytes, *, method: str = "GET") -> int:
    """How many connections two requests take, the first of which is answered by *first*."""

    async def main() -> int:
        pool = Pool()
        async with running(first, OK, OK) as script:
            await ask(pool, script, method=method)
            await ask(pool, script)
            pool.close()
            return script.connections

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (OK, b"ok"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", b"ok"),
        (b"HTTP/1.0 200 OK\r\n\r\nok", b"ok"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + OK, b"ok"),
    ],
    ids=["length", "chunked", "until close", "after interim answers"],
)
def test_answer_is_taken_whole(answer: bytes, body: bytes) -> None:
    assert one_answer(answer) == ("200", body)


@pytest.mark.parametrize(("method", "status"), [("HEAD", "200"), ("GET", "204"), ("GET", "304")])
def test_answer_without_body_is_not_waited_for(method: str, status: str) -> None:
    """Whatever length it announces (RFC 9112, 6.3)."""
    answer = f"HTTP/1.1 {status} Said\r\nContent-Length: 500\r\n\r\n".encode()

    assert one_answer(answer, method=method) == (status, b"")


@pytest.mark.parametrize(
    ("first", "connections"),
    [
        (OK, 1),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 1),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 1),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 2),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", 2),
    ],
    ids=["length", "chunked", "no body", "close", "HTTP/1.0"],
)
def test_connection_is_used_again_if_the_target_keeps_it(first: bytes, connections: int) -> None:
    assert connections_for_two(first) == connections


def test_requests_at_the_same_time_have_connections_of_their_own() -> None:
    async def main() -> int:
        pool = Pool()
        async with running(OK, OK, OK) as script:
            await asyncio.gather(ask(pool, script), ask(pool, script))
            pool.close()
            return script.connections

    assert asyncio.run(main()) == 2


def test_each_target_has_connections_of_its_own() -> None:
    async def main() -> list[int]:
        pool = Pool()
        async with running(OK, OK) as one, running(OK, OK) as other:
            for script in (one, other):
                await ask(pool, script)
            pool.close()
            return [one.connections, other.connections]

    assert asyncio.run(main()) == [1, 1]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", "closed the connection without an answer"),
        (b"what?\r\n\r\n", "the target's answer broke off: a broken start line"),
        (b"GET / HTTP/1.1\r\n\r\n", "the target's answer is not HTTP/1.1"),
        (b"HTTP/1.1 OK fine\r\n\r\n", "the target's answer is not HTTP/1.1"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", "the target's answer broke off"),
    ],
    ids=["hang-up", "rubbish", "a request", "no status", "half a body"],
)
def test_target_that_does_not_answer_properly_is_502(answer: bytes, reason: str) -> None:
    with pytest.raises(TargetError, match=reason) as raised:
        one_answer(answer)

    assert raised.value.status == 502


def test_target_that_refuses_is_502() -> None:
    target = Target(id=HOST, port=free_port())
    with pytest.raises(TargetError, match=f"{target} refused") as raised:
        asyncio.run(Pool().exchange(target, REQUEST, method="GET", idle_timeout=LIMIT))

    assert raised.value.status == 502


@pytest.mark.parametrize(
    "begun", [b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"], ids=["in the head", "in the body"]
)
def test_target_that_falls_silent_is_504(begun: bytes) -> None:
    async def main() -> None:
        async with running(begun, OK) as script:
            await ask(Pool(), script, idle_timeout=0.05)

    with pytest.raises(TargetError, match=r"the target was silent for 0\.05 s") as raised:
        asyncio.run(main())
    assert raised.value.status == 504


def test_target_that_does_not_accept_is_504(monkeypatch: pytest.MonkeyPatch) -> None:
    """The network swallows it, as when an AZ is gone (A14)."""

    async def never(*arguments: Any, **named: Any) -> Any:
        await asyncio.Event().wait()

    async def main() -> None:
        monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", never)
        await Pool().exchange(Target(id=HOST, port=1), REQUEST, method="GET", idle_timeout=LIMIT)

    monkeypatch.setattr(upstream, "CONNECT_LIMIT", 0.05)
    with pytest.raises(TargetError, match=r"did not accept within 0\.05 s") as raised:
        asyncio.run(main())
    assert raised.value.status == 504


def after_the_target_closed(*, noticed_after: float) -> int:
    """Status of a request right after the target has closed an idle connection; 502 is the node's own."""

    async def main() -> int:
        pool = Pool(close_noticed_after=noticed_after)
        # The last answer of a script is followed by a hang-up.
        async with running(OK) as script, running(OK, OK) as other:
            await ask(pool, script)
            script.answers = [OK]
            for _ in range(5):  # until the end has arrived
                await asyncio.sleep(0)
            await ask(pool, other)
            try:
                head, _ = await ask(pool, script)
                return int(head.second)
            except TargetError as error:
                return error.status
            finally:
                pool.close()

    return asyncio.run(main())


def test_request_on_a_connection_that_the_target_just_closed_is_502() -> None:
    """The race of idle time-outs, which a service's time-out above the front door's prevents (A12)."""
    assert after_the_target_closed(noticed_after=LIMIT) == 502


def test_connection_that_the_target_closed_a_while_ago_is_not_used() -> None:
    assert after_the_target_closed(noticed_after=0) == 200


def test_idle_connection_is_closed_when_its_time_is_up() -> None:
    async def main() -> None:
        pool = Pool()
        async with running(OK, OK) as script:
            await ask(pool, script, idle_timeout=0.05)
            await asyncio.wait_for(script.closed.wait(), LIMIT)

    asyncio.run(main())


def test_connection_that_is_at_work_outlives_the_idle_time() -> None:
    """Time counts from the end of an answer, and no earlier one ends a later request."""

    async def main() -> int:
        pool = Pool()
        async with running(OK, OK, OK) as script:
            await ask(pool, script, idle_timeout=0.2)
            await ask(pool, script)
            await asyncio.sleep(0.3)
            await ask(pool, script)
            pool.close()
            return script.connections

    assert asyncio.run(main()) == 1


def test_closing_the_pool_closes_idle_connections() -> None:
    async def main() -> None:
        pool = Pool()
        async with running(OK, OK) as script:
            await ask(pool, script)
            pool.close()
            await asyncio.wait_for(script.closed.wait(), LIMIT)

    asyncio.run(main())


def test_request_that_is_given_up_takes_its_connection_along() -> None:
    """A client that hung up: a later request must not read the late answer."""

    async def main() -> None:
        pool = Pool()
        async with running(b"HTTP/1.1 200 OK\r\n", OK) as script:
            request = asyncio.create_task(ask(pool, script))
            while len(script.answers) == 2:
                await asyncio.sleep(0)
            request.cancel()
            await asyncio.wait_for(script.closed.wait(), LIMIT)

    asyncio.run(main())
