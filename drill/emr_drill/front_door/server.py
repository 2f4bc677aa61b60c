"""The thread that all nodes run on, and the sockets that they listen on."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from emr_drill.errors import DrillError

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
T = TypeVar("T")

# Machine seconds that a call into the loop's thread may take.
CALL_LIMIT = 30.0


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


class FrontDoorServer:
    """One thread with one event loop for every node of every load balancer."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="front door", daemon=True)
        self._servers: dict[tuple[str, int], asyncio.Server] = {}
        self._serving: set[asyncio.Task[None]] = set()
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run *coroutine* on the loop's thread and wait for it.  Not to be called on that thread."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(CALL_LIMIT)

    @property
    def listening(self) -> set[tuple[str, int]]:
        """Addresses and ports that are listened on."""
        return set(self._servers)

    def listen(self, address: str, port: int, handler: Handler) -> None:
        """Serve connections to *address* and *port* with *handler*, which need not close them.

        Raises:
            DrillError: it cannot be bound; says what to do.
        """

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._serving.add(task)
            try:
                await handler(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                pass  # the client went away, or the drill ends
            finally:
                self._serving.discard(task)
                with contextlib.suppress(ConnectionError):
                    writer.close()

        async def start() -> asyncio.Server:
            return await asyncio.start_server(serve, address, port, backlog=512, reuse_address=True)

        try:
            self._servers[address, port] = self.call(start())
        except OSError as error:
            raise cannot_listen(address, port, error) from error

    def stop_listening(self, address: str, port: int) -> None:
        """Close the listening socket; open connections live on."""
        server = self._servers.pop((address, port))

        async def stop() -> None:
            server.close()

        self.call(stop())

    def close(self) -> None:
        """Close everything and end the thread.  May be called more than once."""
        if self.loop.is_closed():
            return

        async def stop() -> None:
            for server in self._servers.values():
                server.close()
            for task in list(self._serving):
                task.cancel()
            await asyncio.gather(*self._serving, return_exceptions=True)
            await asyncio.sleep(0)

        self.call(stop())
        self._servers.clear()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(CALL_LIMIT)
        self.loop.close()
