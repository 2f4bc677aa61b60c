"""HTTP/1.1 on asyncio streams: the little that the simulated services need, in both directions.

Idle connections are closed after a while, as the real servers do: a client that keeps one for longer meets a closed
connection, and a load balancer in between must know it (a fake that never closes hides both faults).
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

LARGEST_HEAD = 64 * 1024
CALL_SECONDS = 5.0  # machine time


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request.

    Attributes:
        method: upper case.
        path: decoded path without the query.
        query: the query's last value for each name.
        headers: lower-case names.
        body: raw body.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            ValueError: it is none.
        """
        return json.loads(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer; *body* is sent as JSON."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Awaitable[Answer]]


async def serve(
    handler: Handler,
    *,
    address: str,
    port: int,
    idle_seconds: float,
    slowness: Callable[[], float] = lambda: 0.0,
    certificate: str = "",
) -> asyncio.Server:
    """Answer requests on *address* and *port*.

    Args:
        handler: answers one request.
        address: where to listen.
        port: where to listen.
        idle_seconds: idle connections are closed after so many seconds of machine time.
        slowness: how many seconds of machine time each answer takes longer, asked for each.
        certificate: file with key and chain that TLS is spoken with; in the clear without.
    """
    tls: ssl.SSLContext | None = None
    if certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = await asyncio.wait_for(_read_request(reader), idle_seconds)
                if request is None:
                    break
                answer = await handler(request)
                if (late := slowness()) > 0:
                    await asyncio.sleep(late)
                keep = request.headers.get("connection", "").lower() != "close"
                writer.write(_encoded(answer, head_only=request.method == "HEAD", keep=keep))
                await writer.drain()
                if not keep:
                    break
        except (TimeoutError, OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the client is gone, silent for too long, or does not speak HTTP: close
        finally:
            writer.close()

    return await asyncio.start_server(connection, address, port, limit=LARGEST_HEAD, ssl=tls)


async def call(
    method: str, address: str, port: int, path: str, body: Any = None, *, secure: bool = False
) -> tuple[int, Any]:
    """Send one request, to another service of the same primary; status and JSON body of the answer.

    Over TLS if *secure*, whoever's certificate that is: what is simulated of Hadoop's clients ends there.

    Raises:
        OSError: nobody listens there, or no answer came in time.
    """
    async with asyncio.timeout(CALL_SECONDS):
        tls: ssl.SSLContext | None = None
        if secure:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        reader, writer = await asyncio.open_connection(address, port, limit=LARGEST_HEAD, ssl=tls)
        try:
            content = b"" if body is None else json.dumps(body).encode()
            writer.write(
                f"{method} {path} HTTP/1.1\r\nHost: {address}:{port}\r\nConnection: close\r\n"
                f"Content-Length: {len(content)}\r\n\r\n".encode()
                + content
            )
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            received = await reader.read()
        except asyncio.IncompleteReadError as error:
            raise ConnectionResetError("the connection broke before the answer came") from error
        finally:
            writer.close()
    return int(head.split(" ", 2)[1]), json.loads(received) if received else None


async def _read_request(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if "chunked" in headers.get("transfer-encoding", "").lower():
        body = await _read_chunks(reader)
    else:
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    parts = urlsplit(target)
    return Request(
        method=method.upper(),
        path=unquote(parts.path),
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        headers=headers,
        body=body,
    )


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int((await reader.readline()).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readline()
    while (await reader.readline()).strip():
        pass  # trailers
    return body


def _encoded(answer: Answer, *, head_only: bool, keep: bool) -> bytes:
    content = b"" if answer.body is None else json.dumps(answer.body, separators=(",", ":")).encode()
    headers = {
        "Content-Type": "application/json;charset=utf-8",
        "Content-Length": str(len(content)),
        **({} if keep else {"Connection": "close"}),
        **answer.headers,
    }
    head = f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
    return head.encode("latin-1") + (b"" if head_only else content)
