"""Connections from a node of the application load balancer to targets, kept open for the next request.

The race of idle time-outs is real here.  A node keeps a connection until its own idle time-out passes.  If the
target closes first, the node does not know at once: a request that goes out on such a connection gets 502, because
the load balancer cannot tell whether the target has acted on it and must not send it again ("Edit attributes for your
Application Load Balancer": keep the target's time-out longer than the load balancer's).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict

from emr_drill.front_door.http_messages import HEAD_LIMIT, Head, MessageError, read_body, read_head
from emr_drill.front_door.model import Target
from emr_drill.front_door.tls import blind

# Machine seconds.  AWS: a target that does not accept within 10 s is a 504.
CONNECT_LIMIT = 10.0
# How long a node takes a pooled connection for open after the target closed it, in machine seconds.  On AWS it is the
# time that a packet travels, far too short to be met in a test; long enough here that a wrong idle time-out shows, and
# short enough that connections to a service that was restarted are gone when it is back.
CLOSE_NOTICED_AFTER = 0.5


class TargetError(Exception):
    """The target did not answer; *status* is what the client gets."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class _Reader(asyncio.StreamReader):
    """A stream reader that remembers when the other side closed."""

    def __init__(self, *, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(limit=HEAD_LIMIT, loop=loop)
        self._clock = loop.time
        self.closed_at: float | None = None

    def feed_eof(self) -> None:
        self.closed_at = self.closed_at or self._clock()
        super().feed_eof()

    def set_exception(self, exc: Exception) -> None:
        self.closed_at = self.closed_at or self._clock()
        super().set_exception(exc)


class Connection:
    """One connection to a target."""

    def __init__(self, reader: _Reader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.expiry: asyncio.TimerHandle | None = None

    def abort(self) -> None:
        """Close it now."""
        if self.expiry is not None:
            self.expiry.cancel()
        self.writer.transport.abort()


class Pool:
    """The idle connections of one node.  Belongs to one event loop.

    Args:
        close_noticed_after: see :data:`CLOSE_NOTICED_AFTER`.
    """

    def __init__(self, *, close_noticed_after: float = CLOSE_NOTICED_AFTER) -> None:
        self._close_noticed_after = close_noticed_after
        self._idle: defaultdict[Target, list[Connection]] = defaultdict(list)
        self._tls = blind()

    def close(self) -> None:
        """Close every idle connection."""
        for connections in self._idle.values():
            for connection in connections:
                connection.abort()
        self._idle.clear()

    async def exchange(
        self, target: Target, request: bytes, *, method: str, idle_timeout: float, encrypted: bool = False
    ) -> tuple[Head, bytes]:
        """Send *request* to *target*, over TLS if *encrypted*, and return its answer's head and body.

        Raises:
            TargetError: 502 if it refused, closed or sent rubbish; 504 if it did not accept within 10 s or was silent
                for *idle_timeout* machine seconds.
        """
        connection = self._take(target) or await self._connect(target, encrypted=encrypted)
        try:
            head, body = await _talk(connection, request, method=method, idle_timeout=idle_timeout)
        except BaseException:
            connection.abort()
            raise
        if head.keeps_alive and connection.reader.closed_at is None and _has_length(head, method):
            self._keep(target, connection, idle_timeout)
        else:
            connection.abort()
        return head, body

    def _take(self, target: Target) -> Connection | None:
        now = asyncio.get_running_loop().time()
        connections = self._idle[target]
        while connections:
            connection = connections.pop()
            closed_at = connection.reader.closed_at
            if closed_at is None or now - closed_at < self._close_noticed_after:
                if connection.expiry is not None:
                    connection.expiry.cancel()
                return connection
            connection.abort()
        return None

    def _keep(self, target: Target, connection: Connection, idle_timeout: float) -> None:
        def expire() -> None:
            with contextlib.suppress(ValueError):
                self._idle[target].remove(connection)
            connection.abort()

        connection.expiry = asyncio.get_running_loop().call_later(idle_timeout, expire)
        self._idle[target].append(connection)

    async def _connect(self, target: Target, *, encrypted: bool) -> Connection:
        loop = asyncio.get_running_loop()
        reader = _Reader(loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        try:
            async with asyncio.timeout(CONNECT_LIMIT):
                tls = self._tls if encrypted else None
                transport, _ = await loop.create_connection(lambda: protocol, target.id, target.port, ssl=tls)
        except TimeoutError as error:
            raise TargetError(504, f"{target} did not accept within {CONNECT_LIMIT:g} s") from error
        except OSError as error:
            raise TargetError(502, f"{target} refused: {error}") from error
        return Connection(reader, asyncio.StreamWriter(transport, protocol, reader, loop))


async def _talk(connection: Connection, request: bytes, *, method: str, idle_timeout: float) -> tuple[Head, bytes]:
    try:
        async with asyncio.timeout(idle_timeout):
            connection.writer.write(request)
            await connection.writer.drain()
            head = await read_head(connection.reader)
            while head is not None and head.second.startswith("1"):
                head = await read_head(connection.reader)
        if head is None:
            raise TargetError(502, "the target closed the connection without an answer")
        if not head.first.startswith("HTTP/1.") or not head.second.isdigit():
            raise TargetError(502, "the target's answer is not HTTP/1.1")
        if not _may_have_body(head, method):
            return head, b""
        async with asyncio.timeout(idle_timeout):
            return head, await read_body(connection.reader, head, until_close=True)
    except TimeoutError as error:
        raise TargetError(504, f"the target was silent for {idle_timeout:g} s") from error
    except (OSError, MessageError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise TargetError(502, f"the target's answer broke off: {error}") from error


def _may_have_body(head: Head, method: str) -> bool:
    return method != "HEAD" and head.second not in ("204", "304")


def _has_length(head: Head, method: str) -> bool:
    """Whether the end of the body was marked otherwise than by closing the connection."""
    return (
        not _may_have_body(head, method)
        or head.get("content-length") is not None
        or "chunked" in (head.get("transfer-encoding") or "").lower()
    )
