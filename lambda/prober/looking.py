"""Reading over HTTP: every read has one limit for everything, and many reads go on at once."""

from __future__ import annotations

import contextlib
import errno
import json
import socket
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future
from http.client import HTTPConnection, HTTPException
from typing import Any

from dr_core.config import ServicePorts
from dr_core.evidence import Reading, Service
from dr_core.readings import Answer, Answered, NotAnswered, NotAsked, paths, read_services
from dr_core.routing import HEALTH_PATH

# A list of every application of a busy cluster; whoever sends more than this is not what we asked for.
_BODY_LIMIT = 8 * 1024 * 1024


class _Deadline:
    """Cuts a connection after a while, whatever it is doing; a socket's own limit starts anew with each byte."""

    def __init__(self, connection: HTTPConnection, limit: float) -> None:
        self._connection = connection
        # Kept here, as the connection forgets its socket once the headers said that no request follows.
        self._connected: socket.socket | None = None
        self._timer = threading.Timer(limit, self._cut)
        self._timer.daemon = True
        self.passed = False

    def __enter__(self) -> _Deadline:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._connection.close()

    def connect(self) -> None:
        """Connect; bounded by the connection's own limit."""
        self._connection.connect()
        self._connected = self._connection.sock

    def _cut(self) -> None:
        self.passed = True
        if self._connected is not None:
            # It may be closed in this moment; then the read ends all the same.
            with contextlib.suppress(OSError):
                self._connected.shutdown(socket.SHUT_RDWR)


def fetch(
    address: str, port: int, path: str, *, limit: float, method: str = "GET", body: Mapping[str, Any] | None = None
) -> Answer:
    """One request on a connection of its own.

    Args:
        address: IP address.
        port: port.
        path: with query.
        limit: seconds for everything from connecting to the last byte.
        method: HTTP method.
        body: sent as JSON.
    """
    connection = HTTPConnection(address, port, timeout=limit)
    headers = {"Accept": "application/json", "Connection": "close"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    with _Deadline(connection, limit) as deadline:
        try:
            deadline.connect()
            connection.request(method, path, body=None if body is None else json.dumps(body), headers=headers)
            with connection.getresponse() as response:
                status, text = response.status, response.read(_BODY_LIMIT).decode("utf-8", errors="replace")
                missing = response.length
        except (ConnectionError, TimeoutError, HTTPException) as error:
            return NotAnswered(detail=_why(error, deadline, limit))
        except OSError as error:
            # The neighbour's absence is told of the address; everything else (no descriptor, no route) is ours.
            if error.errno == errno.EHOSTUNREACH:
                return NotAnswered(detail=_why(error, deadline, limit))
            return NotAsked(detail=f"could not ask: {error}")
        if deadline.passed:
            return NotAnswered(detail=f"no whole answer within {limit:g} s")
        if missing:
            return NotAnswered(detail=f"answer broken off, {missing} bytes missing")
        return Answered(status=status, body=text)


def _why(error: Exception, deadline: _Deadline, limit: float) -> str:
    if deadline.passed or isinstance(error, TimeoutError):
        return f"no whole answer within {limit:g} s"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    return f"no answer: {type(error).__name__} {error}".rstrip()


def begin_looks(
    pool: Executor, addresses: Sequence[str], *, ports: ServicePorts, limit: float
) -> dict[str, dict[str, Future[Answer]]]:
    """Begin to read every service of every primary; :func:`end_looks` waits for the answers.

    Args:
        pool: where the reads go on.
        addresses: the primaries.
        ports: of the services.
        limit: seconds for each read.
    """
    numbers = {
        Service.LIVY: ports.livy,
        Service.RESOURCE_MANAGER: ports.resource_manager,
        Service.NAME_NODE: ports.name_node,
    }
    return {
        address: {
            path: pool.submit(fetch, address, numbers[service], path, limit=limit)
            for service, service_paths in paths().items()
            for path in service_paths
        }
        for address in addresses
    }


def end_looks(looks: Mapping[str, Mapping[str, Future[Answer]]]) -> dict[str, dict[Service, Reading]]:
    """What the services of each address showed."""
    return {
        address: read_services({path: future.result() for path, future in futures.items()})
        for address, futures in looks.items()
    }


def resolve(pool: Executor, host: str, port: int, *, limit: float) -> list[str]:
    """Every address of *host*, sorted; none when the name cannot be resolved in time."""
    future = pool.submit(socket.getaddrinfo, host, port, socket.AF_INET, socket.SOCK_STREAM)
    try:
        return sorted({str(each[4][0]) for each in future.result(timeout=limit)})
    except OSError:  # no such name, and TimeoutError
        return []


def reaches_front_door(pool: Executor, host: str, port: int, *, limit: float) -> bool:
    """The control: whether one address of the front door gives its fixed answer.

    One is enough: the address in a dead availability zone must not blind those who look from elsewhere.
    """
    addresses = resolve(pool, host, port, limit=limit)
    answers = [pool.submit(fetch, address, port, HEALTH_PATH, limit=limit) for address in addresses]
    return any(isinstance(answer, Answered) and answer.status == 200 for answer in [each.result() for each in answers])
