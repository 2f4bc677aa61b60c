"""The HTTP server in front of moto: a free port, and nothing left when it stops.

moto's own server cannot choose a free port without a race, and leaves threads that wait on kept-alive connections.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any, cast

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import ThreadedWSGIServer

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]

HOST = "127.0.0.1"
SHUTDOWN_POLL_SECONDS = 0.05  # how soon the accepting thread notices that it shall stop


class _QuietHandler(MotoRequestHandler):
    """Logs nothing: a drill makes thousands of requests."""

    def log(self, type: str, message: str, *args: Any) -> None:
        logging.getLogger("emr_drill.http").debug(message, *args)


class _ConnectionTracker(ThreadedWSGIServer):
    """Knows its open connections, so that it can end the threads that wait on them."""

    def __init__(self, application: Application) -> None:
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(HOST, 0, cast(Any, application), _QuietHandler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        with self._open_lock:
            self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        with self._open_lock:
            connections = list(self._open)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:  # the client was faster
                continue


def moto_application() -> Application:
    """All of moto's services as one WSGI application."""
    return cast(Application, DomainDispatcherApplication(create_backend_app))


class HttpServer:
    """Serves one WSGI application, each connection in a thread."""

    def __init__(self, application: Application) -> None:
        """Bind a free port of the loopback interface; connections wait until :meth:`start`."""
        self._server = _ConnectionTracker(application)
        self._thread = threading.Thread(
            target=lambda: self._server.serve_forever(SHUTDOWN_POLL_SECONDS), daemon=True, name="stand-in http"
        )

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Answer requests from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more and close every connection.  May be called more than once."""
        if self._thread.ident is None:
            self._server.server_close()
            return
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.close_connections()
