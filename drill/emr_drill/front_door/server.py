"""The thread that all nodes run on, and the sockets that they listen on."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from emr_drill.errors import DrillError

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
T = TypeVar("T")

# Machine seconds that a call into the loop's thread may take.
CALL_LIMIT = 30.0
# How long a connection on the loopback interface can take at most; who waits longer is not let in.
FULL_AFTER = 0.1
LONGEST_QUEUE = 16


def check_address(address: str, port: int = 0) -> None:
    """Make sure that this machine can listen on *address* and *port* (0: any port).

    Raises:
        DrillError: it cannot; says what to do.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise cannot_listen(address, port, error) from error


def cannot_listen(address: str, port: int, error: OSError) -> DrillError:
    """What to tell a person whose machine cannot listen on *address* and *port*."""
    if error.errno == errno.EADDRINUSE:
        return DrillError(
            f"cannot listen on {address}:{port}: port {port} is in use there. Stop what uses it "
            f"(Linux: ss -ltnp 'sport = :{port}'; macOS: lsof -nP -iTCP:{port}), or give the drill another block of "
            "addresses"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return DrillError(
            f"cannot listen on {address}: this machine does not have that loopback address. "
            f"macOS: sudo ifconfig lo0 alias {address} up. Linux has all of 127.0.0.0/8 unless lo was changed"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return DrillError(
            f"cannot listen on {address}:{port}: not allowed; choose ports of 1024 or more in the settings"
        )
    return DrillError(f"cannot listen on {address}:{port}: {error}")


class Plug:
    """A bound port whose queue of connections is full: the kernel drops every further attempt."""

    def __init__(self, address: str, port: int) -> None:
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._fillers: list[socket.socket] = []
        try:
            self._listener.bind((address, port))
            self._listener.listen(0)
            # A queue of length 0 takes one connection on Linux; systems that take more are filled, too.
            for _ in range(LONGEST_QUEUE):
                self._fillers.append(filler := socket.socket())
                filler.settimeout(FULL_AFTER)
                filler.connect((address, port))
        except TimeoutError:
            pass  # full
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the port free."""
        for one in (*self._fillers, self._listener):
            one.close()


class FrontDoorServer:
    """One thread with one event loop for every node of every load balancer."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="front door", daemon=True)
        self._servers: dict[tuple[str, int], asyncio.Server] = {}
        self._handlers: dict[tuple[str, int], Handler] = {}
        self._speaking: dict[tuple[str, int], ssl.SSLContext | None] = {}
        self._plugs: dict[tuple[str, int], Plug] = {}
        self._serving: dict[asyncio.Task[None], str] = {}
        self._silent: dict[str, list[asyncio.StreamWriter]] = {}
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run *coroutine* on the loop's thread and wait for it.  Not to be called on that thread."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(CALL_LIMIT)

    @property
    def listening(self) -> set[tuple[str, int]]:
        """Addresses and ports that are listened on, silent ones too."""
        return set(self._handlers)

    def speaks(self, address: str, port: int) -> ssl.SSLContext | None:
        """What TLS is spoken with on *address* and *port*; ``None`` if none is."""
        return self._speaking.get((address, port))

    def listen(self, address: str, port: int, handler: Handler, tls: ssl.SSLContext | None = None) -> None:
        """Serve connections to *address* and *port* with *handler*, which need not close them, over *tls* if given.

        Raises:
            DrillError: it cannot be bound; says what to do.
        """
        self._handlers[address, port] = handler
        self._speaking[address, port] = tls
        try:
            self._open(address, port)
        except BaseException:
            del self._handlers[address, port], self._speaking[address, port]
            raise

    def stop_listening(self, address: str, port: int) -> None:
        """Close the listening socket; open connections live on."""
        del self._handlers[address, port], self._speaking[address, port]
        self._shut(address, port)

    def silence(self, address: str) -> None:
        """Let *address* be as one that nobody is at: it takes no connection, and what is connected hears nothing more.

        The sockets stay bound, and the kernel ignores who knocks: a client's attempt ends with its own time-out.
        """
        if address in self._silent:
            return
        self._silent[address] = []
        for port in self._ports(address):
            self._shut(address, port)
            self._open(address, port)

        async def hush() -> None:
            for task, place in list(self._serving.items()):
                if place == address:
                    task.cancel()

        self.call(hush())

    def unsilence(self, address: str) -> None:
        """Let *address* answer again; connections from before break."""
        if address not in self._silent:
            return
        held = self._silent.pop(address)
        for port in self._ports(address):
            self._shut(address, port)
            self._open(address, port)

        async def drop() -> None:
            for writer in held:
                writer.transport.abort()

        self.call(drop())

    def _ports(self, address: str) -> list[int]:
        return [port for place, port in self._handlers if place == address]

    def _open(self, address: str, port: int) -> None:
        try:
            if address in self._silent:
                self._plugs[address, port] = Plug(address, port)
            else:
                self._servers[address, port] = self.call(self._start(address, port))
        except OSError as error:
            raise cannot_listen(address, port, error) from error

    def _shut(self, address: str, port: int) -> None:
        if (plug := self._plugs.pop((address, port), None)) is not None:
            plug.close()
        if (server := self._servers.pop((address, port), None)) is not None:

            async def stop() -> None:
                server.close()

            self.call(stop())

    async def _start(self, address: str, port: int) -> asyncio.Server:
        handler = self._handlers[address, port]

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._serving[task] = address
            try:
                await handler(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                pass  # the client went away, the drill ends, or the address fell silent
            finally:
                del self._serving[task]
                if address in self._silent:
                    self._silent[address].append(writer)  # kept open, and never read from or written to again
                    with contextlib.suppress(RuntimeError):
                        writer.transport.pause_reading()  # type: ignore[attr-defined]
                else:
                    with contextlib.suppress(ConnectionError):
                        writer.close()

        return await asyncio.start_server(
            serve, address, port, backlog=512, reuse_address=True, ssl=self._speaking[address, port]
        )

    def close(self) -> None:
        """Close everything and end the thread.  May be called more than once."""
        if self.loop.is_closed():
            return

        async def stop() -> None:
            for server in self._servers.values():
                server.close()
            for held in self._silent.values():
                for writer in held:
                    writer.transport.abort()
            self._silent.clear()
            for task in list(self._serving):
                task.cancel()
            await asyncio.gather(*self._serving, return_exceptions=True)
            await asyncio.sleep(0)

        self.call(stop())
        for plug in self._plugs.values():
            plug.close()
        self._plugs.clear()
        self._servers.clear()
        self._handlers.clear()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(CALL_LIMIT)
        self.loop.close()
