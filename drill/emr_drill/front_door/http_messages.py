"""Reading and writing HTTP/1.1 messages, no more than a load balancer needs: bodies are taken whole."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus

HEAD_LIMIT = 64 * 1024
BODY_LIMIT = 32 * 1024 * 1024
# Headers about one connection only (RFC 9110, 7.6.1), and the two that say how long a body is: each side gets its own.
HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "content-length"}
)

Headers = tuple[tuple[str, str], ...]


class MessageError(Exception):
    """What arrived is no HTTP/1.1 message, or one that is too long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Start line and headers.

    Attributes:
        first: method, or version of an answer.
        second: target, or status code.
        third: version, or reason.
        headers: in order, names as sent.
    """

    first: str
    second: str
    third: str
    headers: Headers

    def get(self, name: str) -> str | None:
        """Value of the first header called *name*."""
        return next((value for header, value in self.headers if header.lower() == name), None)

    @property
    def keeps_alive(self) -> bool:
        """Whether the sender leaves the connection open after this message."""
        connection = (self.get("connection") or "").lower()
        version = self.first if self.first.startswith("HTTP/") else self.third
        return "keep-alive" in connection if version == "HTTP/1.0" else "close" not in connection


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """The next message's head; None if the other side closed instead.

    Raises:
        MessageError: not an HTTP head.
        ConnectionError: the connection broke.
    """
    try:
        data = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial.strip():
            raise MessageError("the connection was closed within a message's head") from error
        return None
    except asyncio.LimitOverrunError as error:
        raise MessageError(f"a head of more than {HEAD_LIMIT} bytes") from error
    lines = data.decode("latin-1").strip("\r\n").split("\r\n")
    first, _, rest = lines[0].partition(" ")
    second, _, third = rest.partition(" ")
    headers = []
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise MessageError(f"a broken header line {line[:80]!r}")
        headers.append((name, value.strip()))
    if not first or not second or (third and not first.startswith("HTTP/") and not third.startswith("HTTP/1.")):
        raise MessageError(f"a broken start line {lines[0][:80]!r}")
    return Head(first=first, second=second, third=third, headers=tuple(headers))


async def read_body(reader: asyncio.StreamReader, head: Head, *, until_close: bool) -> bytes:
    """The body that belongs to *head*.

    Args:
        reader: the connection, right after the head.
        head: the message's head.
        until_close: whether a body of unstated length ends with the connection (answers) or is empty (requests).

    Raises:
        MessageError: broken or too long.
        ConnectionError, asyncio.IncompleteReadError: the connection ended within the body.
    """
    length = head.get("content-length")
    if "chunked" in (head.get("transfer-encoding") or "").lower():
        if length is not None:
            raise MessageError("both Content-Length and Transfer-Encoding")
        return await _read_chunks(reader)
    if length is not None:
        if not length.isdigit() or int(length) > BODY_LIMIT:
            raise MessageError(f"a body of length {length[:20]!r}; the limit is {BODY_LIMIT}")
        return await reader.readexactly(int(length))
    if not until_close:
        return b""
    body = await reader.read(BODY_LIMIT + 1)
    while more := await reader.read(BODY_LIMIT + 1 - len(body)):
        body += more
    if len(body) > BODY_LIMIT:
        raise MessageError(f"a body of more than {BODY_LIMIT} bytes")
    return body


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while True:
        size = (await reader.readuntil(b"\r\n")).split(b";")[0].strip()
        try:
            count = int(size, 16)
        except ValueError as error:
            raise MessageError(f"a broken chunk length {size[:20]!r}") from error
        if len(body) + count > BODY_LIMIT:
            raise MessageError(f"a body of more than {BODY_LIMIT} bytes")
        if count == 0:
            while (await reader.readuntil(b"\r\n")) != b"\r\n":
                pass  # trailers are dropped
            return body
        body += await reader.readexactly(count)
        await reader.readexactly(2)


def without_hop_by_hop(headers: Headers) -> list[tuple[str, str]]:
    """*headers* that go on to the other side."""
    return [(name, value) for name, value in headers if name.lower() not in HOP_BY_HOP]


def encode(start_line: str, headers: list[tuple[str, str]], body: bytes) -> bytes:
    """A message, ready to send."""
    lines = [start_line, *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def phrase(status: int) -> str:
    """The usual reason phrase of *status*."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
