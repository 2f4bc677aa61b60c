"""Lines to the front door: each task has one of its own, on which its requests meet the mishaps of its case.

A line is a port of this machine, so that whose request it is needs no word of the client, and the same mishap meets any
operator in any mode.  An answer says that its connection is closed: a client that keeps one from poll to poll would
always reach the server that it reached before.  It is kept only while a client asks for one batch after the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import threading
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field

from emr_drill.airflow_matrix.cases import Action, Mishap, Request
from emr_drill.front_door.http_messages import (
    HEAD_LIMIT,
    Head,
    MessageError,
    encode,
    phrase,
    read_body,
    read_head,
    without_hop_by_hop,
)

HOST = "127.0.0.1"
# Machine seconds; as the load balancer has it.
IDLE_SECONDS = 25.0
KEPT = frozenset({Request.PROBE, Request.NAME})
# Longer than the load balancer takes to answer for a silent server.
ANSWER_SECONDS = 90.0
LOOK_SECONDS = 1.0
PAGE = b"<html><body>Welcome</body></html>"
END_STATES = frozenset({"success", "dead", "killed", "error"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request: when it came (the machine's monotonic clock), what it was for, and the status that its client got.

    *batch* is the id that it was about; *status* is 0 where no answer came.
    """

    at: float
    request: Request
    status: int
    batch: int | None = None


@dataclass(slots=True, kw_only=True)
class Line:
    """One task's way to the front door.

    Attributes:
        key: of its job.
        mishaps: still to come.
        port: of this machine; what the client is given.
        seen: every request, in order.
        batches: ids of the batches that the front door gave it, whether or not its client was told.
        names: that its client gave them.
        held: whether a request waits for the fault.
        met: whether a mishap has happened.
    """

    key: str
    mishaps: list[Mishap]
    port: int = 0
    seen: list[Seen] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    held: bool = False
    met: bool = False
    _skipped: dict[int, int] = field(default_factory=dict)
    _left: dict[int, int] = field(default_factory=dict)
    _until: dict[int, float] = field(default_factory=dict)

    def polls(self) -> int:
        """How many polls were answered with a state."""
        return sum(one.request is Request.POLL and one.status == 200 for one in list(self.seen))

    def mishap(self, request: Request, now: float) -> tuple[int, Mishap] | None:
        """What befalls the next request of a kind, and its number; ``None`` if it goes through."""
        for number, one in enumerate(self.mishaps):
            if one.request is not request:
                continue
            if one.seconds:
                if number in self._until:
                    if now < self._until[number]:
                        return number, one
                    continue
            elif self._left.get(number, one.times) == 0:
                continue
            if self._skipped.get(number, 0) < one.after:
                self._skipped[number] = self._skipped.get(number, 0) + 1
                return None
            self.met = True
            if one.seconds:
                self._until[number] = now + one.seconds
            else:
                self._left[number] = self._left.get(number, one.times) - 1
            return number, one
        return None


class Exchange:
    """Every line of a drill, carried by one thread.

    Args:
        addresses: gives the front door's addresses.
        port: Livy's there.
    """

    def __init__(self, *, addresses: Callable[[], Sequence[str]], port: int = 8998) -> None:
        self._addresses = addresses
        self._port = port
        self._turn = 0
        self._loop = asyncio.new_event_loop()
        self._struck = asyncio.Event()
        self._servers: dict[str, asyncio.Server] = {}
        self._returning: set[asyncio.Future[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="lines", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Close every line."""
        if not self._thread.is_alive():
            return
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=20)
        self._loop.close()

    def open(self, key: str, mishaps: Sequence[Mishap]) -> Line:
        """A line for the job called *key*."""
        line = Line(key=key, mishaps=list(mishaps))
        self._do(self._listen(line))
        return line

    def strike(self) -> None:
        """The fault has struck: what waits for it goes on."""
        self._loop.call_soon_threadsafe(self._struck.set)

    def again(self) -> None:
        """Another fault is waited for."""
        self._loop.call_soon_threadsafe(self._struck.clear)

    def _do(self, work: Awaitable[None]) -> None:
        async def done() -> None:
            await work

        asyncio.run_coroutine_threadsafe(done(), self._loop).result(timeout=30)

    async def _listen(self, line: Line) -> None:
        def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Awaitable[None]:
            return self._serve(line, reader, writer)

        server = await asyncio.start_server(serve, HOST, line.port, limit=HEAD_LIMIT)
        line.port = server.sockets[0].getsockname()[1]
        self._servers[line.key] = server

    async def _close(self) -> None:
        for server in self._servers.values():
            server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0)  # so that what was closed is

    async def _serve(self, line: Line, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward = Onward(self._next_address, self._port)
        try:
            while True:
                async with asyncio.timeout(IDLE_SECONDS if onward.used else None):
                    head = await read_head(reader)
                if head is None:
                    break
                body = await read_body(reader, head, until_close=False)
                if not await self._answer(line, head, body, writer, onward):
                    break
        except (OSError, MessageError, TimeoutError, asyncio.IncompleteReadError):
            pass  # a client that was killed, or that has nothing more to ask for
        finally:
            onward.close()
            writer.close()

    def _next_address(self) -> str:
        addresses = self._addresses()
        self._turn += 1
        return addresses[self._turn % len(addresses)]

    async def _answer(self, line: Line, head: Head, body: bytes, writer: asyncio.StreamWriter, onward: Onward) -> bool:
        """Deal with one request; whether the connection goes on."""
        request, batch = what_for(head, line.batches)
        name = _name(body) if request is Request.SUBMIT else None
        if name is not None:
            line.names.add(name)
        at = time.monotonic()
        found = line.mishap(request, at)
        status, content, headers = 0, b"", [("Content-Type", "text/html")]
        match found:
            case (_, Mishap(action=Action.AWAY, seconds=seconds)):
                await self._go_away(line, seconds)
            case (_, Mishap(action=Action.HANG, seconds=seconds)):
                await asyncio.sleep(seconds)
            case (_, Mishap(action=Action.STATUS, status=given)):
                status, content = given, b"<html>no</html>"
            case _:
                action = found[1].action if found else None
                if action is Action.ASK_AFTER:
                    await self._hold(line)
                elif action is Action.GHOST:
                    await onward.ask("POST", "/batches", json.dumps({"name": name}).encode())
                elif action is Action.FORGET and batch is not None:
                    await _forget(batch, onward)
                status, content, answered = await self._pass_on(line, request, head, body, onward)
                if action is Action.ANSWER_AFTER:
                    await self._hold(line)
                    status, content = 502, b"<html>Bad Gateway</html>"
                elif action is Action.TAKEN and found:
                    status, content = found[1].status, b"<html>Bad Gateway</html>"
                elif action is Action.PAGE and status:
                    status, content = 200, PAGE
                else:
                    headers = answered
        line.seen.append(Seen(at=at, request=request, status=status, batch=batch))
        if not status:
            return False
        kept = head.keeps_alive and request in KEPT
        headers = [*headers, ("Content-Length", str(len(content))), ("Connection", "keep-alive" if kept else "close")]
        writer.write(encode(f"HTTP/1.1 {status} {phrase(status)}", headers, content))
        await writer.drain()
        return kept

    async def _pass_on(
        self, line: Line, request: Request, head: Head, body: bytes, onward: Onward
    ) -> tuple[int, bytes, list[tuple[str, str]]]:
        try:
            answer, content = await onward.ask(head.first, head.second, body, without_hop_by_hop(head.headers))
        except (OSError, MessageError, asyncio.IncompleteReadError):
            onward.close()
            return 0, b"", []
        if (batch := given(line.names, request, answer, content)) is not None:
            line.batches.append(batch)
        return int(answer.second), content, without_hop_by_hop(answer.headers)

    async def _hold(self, line: Line) -> None:
        line.held = True
        try:
            await self._struck.wait()
        finally:
            line.held = False

    async def _go_away(self, line: Line, seconds: float) -> None:
        """Refuse connections for a while."""
        server = self._servers[line.key]
        if not server.is_serving():
            return
        server.close()

        async def come_back() -> None:
            await asyncio.sleep(seconds)
            await self._listen(line)

        task = asyncio.ensure_future(come_back())
        self._returning.add(task)  # nobody else keeps it
        task.add_done_callback(self._returning.discard)


class Onward:
    """A connection to the front door, made when it is needed.

    Args:
        address: gives the next address.
        port: Livy's.
    """

    def __init__(self, address: Callable[[], str], port: int) -> None:
        self._address = address
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.used = False

    async def ask(
        self, method: str, path: str, body: bytes = b"", headers: Sequence[tuple[str, str]] = ()
    ) -> tuple[Head, bytes]:
        """One request and its answer.

        Raises:
            OSError, MessageError, asyncio.IncompleteReadError: no whole answer came.
        """
        async with asyncio.timeout(ANSWER_SECONDS):
            if self._streams is None:
                self._streams = await asyncio.open_connection(self._address(), self._port, limit=HEAD_LIMIT)
            reader, writer = self._streams
            self.used = True
            own = [("Content-Length", str(len(body)))]
            if not headers:
                own += [("Host", "front-door"), ("Content-Type", "application/json")]
            writer.write(encode(f"{method} {path} HTTP/1.1", [*headers, *own], body))
            await writer.drain()
            head = await read_head(reader)
            if head is None:
                raise ConnectionError("the front door closed the connection")
            content = b"" if method == "HEAD" else await read_body(reader, head, until_close=True)
        if not head.keeps_alive:
            self.close()
        return head, content

    def close(self) -> None:
        """Close it; the next request makes another."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def _forget(batch: int, onward: Onward) -> None:
    """Wait until a batch has ended, then delete it: what Livy does when its time is over."""
    while True:
        head, content = await onward.ask("GET", f"/batches/{batch}")
        if head.second == "200" and json.loads(content)["state"] in END_STATES:
            break
        await asyncio.sleep(LOOK_SECONDS)
    await onward.ask("DELETE", f"/batches/{batch}")


def _name(body: bytes) -> str | None:
    """The name that a client gives the batch that it submits."""
    with contextlib.suppress(ValueError, AttributeError):
        return str(name) if (name := json.loads(body).get("name")) is not None else None
    return None


def given(names: Collection[str], request: Request, answer: Head, content: bytes) -> int | None:
    """Id of the batch that an answer shows to be this client's; ``None`` if it shows none that is new.

    A busy Livy has a job and answers its submit when nobody waits for that any more: its client finds it by its name.

    Args:
        names: that it gave its batches.
        request: what was asked for.
        answer: its first line and headers.
        content: its body, packed as Livy packs it for whoever takes that (Livy 0.8.0 does, for Python's clients).
    """
    submitted = request is Request.SUBMIT and answer.second == "201"
    if not submitted and not (request is Request.PROBE and answer.second == "200"):
        return None
    with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError, OSError, EOFError):
        batch = json.loads(gzip.decompress(content) if answer.get("content-encoding") == "gzip" else content)
        if submitted or batch["name"] in names:
            return int(batch["id"])
    return None


def what_for(head: Head, own: Sequence[int]) -> tuple[Request, int | None]:
    """What a request is for, and the batch that it is about.

    Args:
        head: the request's.
        own: ids of the batches of this client.
    """
    parts = [part for part in head.second.partition("?")[0].split("/") if part]
    if head.first == "POST":
        return Request.SUBMIT, None
    if len(parts) < 2 or not parts[1].isdigit():
        return Request.NAME, None
    batch = int(parts[1])
    if head.first == "DELETE":
        return Request.DELETE, batch
    if batch not in own:
        return Request.PROBE, batch
    return (Request.LOG if parts[2:] == ["log"] else Request.POLL), batch
