"""HTTP as the simulated services speak it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from emr_drill.primary.simulated import livy, web

PORT = 8998


async def echo(request: web.Request) -> web.Answer:
    """What came in, as JSON."""
    return web.Answer(body=[request.method, request.path, dict(request.query), request.body.decode()])


def run(test: Callable[[], Awaitable[Any]], address: str, *, idle_seconds: float = 30.0) -> Any:
    """Run *test* beside a server that echoes."""

    async def both() -> Any:
        server = await web.serve(echo, address=address, port=PORT, idle_seconds=idle_seconds)
        try:
            return await test()
        finally:
            server.close()

    return asyncio.run(both())


async def talk(address: str, *parts: bytes) -> bytes:
    """Send *parts* and read until the server closes."""
    reader, writer = await asyncio.open_connection(address, PORT)
    for part in parts:
        writer.write(part)
    received = await reader.read()
    writer.close()
    return received


def test_a_request_arrives_whole(address: str) -> None:
    answer = run(lambda: web.call("POST", address, PORT, "/a%20b?x=1&y=", {"k": 1}), address)

    assert answer == (200, ["POST", "/a b", {"x": "1", "y": ""}, '{"k": 1}'])


def test_a_chunked_body_arrives_whole(address: str) -> None:
    """Proxies send bodies in chunks."""
    request = (
        b"POST / HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    )

    assert run(lambda: talk(address, request), address).endswith(b'["POST","/",{},"abcde"]')


def test_a_connection_takes_several_requests(address: str) -> None:
    first, last = b"GET /1 HTTP/1.1\r\n\r\n", b"GET /2 HTTP/1.1\r\nConnection: close\r\n\r\n"

    assert run(lambda: talk(address, first, last), address).count(b"HTTP/1.1 200 OK") == 2


def test_an_idle_connection_is_closed(address: str) -> None:
    """A fake that never closes hides the race between a client's request and the server's close."""
    request = b"GET / HTTP/1.1\r\n\r\n"

    assert run(lambda: talk(address, request), address, idle_seconds=0.05).startswith(b"HTTP/1.1 200 OK")


def test_livy_closes_idle_connections_after_half_a_minute() -> None:
    assert livy.IDLE_SECONDS == 30


def test_head_gets_no_body(address: str) -> None:
    received = run(lambda: talk(address, b"HEAD / HTTP/1.1\r\nConnection: close\r\n\r\n"), address)

    assert received.endswith(b"\r\n\r\n")


def test_what_is_not_http_is_hung_up_on(address: str) -> None:
    assert run(lambda: talk(address, b"nonsense\r\n\r\n"), address) == b""


def test_a_call_that_nobody_takes_is_an_error_of_the_network(address: str) -> None:
    with pytest.raises(OSError, match=r"refused|Connect call failed"):
        asyncio.run(web.call("GET", address, PORT, "/"))
