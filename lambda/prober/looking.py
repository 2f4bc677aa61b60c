"""Reading over HTTP: every read has one limit for everything, and many reads go on at once."""

from __future__ import annotations

import contextlib
import errno
import json
import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any

from dr_core.config import FunctionConfig
from dr_core.evidence import Reading, Service
from dr_core.readings import Answer, Answered, NotAnswered, NotAsked, certificates, paths, read_services
from dr_core.routing import HEALTH_PATH
from prober.trust import Peer, TlsConnection, Trust, distrust, of_front_door, of_primary

# A list of every application of a busy cluster; whoever sends more than this is not what we asked for.
_BODY_LIMIT = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one look shows.

    Attributes:
        services: of a primary; none of the front door.
        reached: whether anything answered as it should; of the front door.
        certificates: what is to be told of certificates.
    """

    services: Mapping[Service, Reading]
    reached: bool
    certificates: tuple[str, ...] = ()


class _Deadline:
    """Cuts a connection after a while, whatever it is doing; a socket's own limit starts anew with each byte."""

    def __init__(self, limit: float) -> None:
        self._connection: HTTPConnection | None = None
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
        if self._connection is not None:
            self._connection.close()

    def connect(self, connection: HTTPConnection) -> None:
        """Connect; bounded by the connection's own limit.  One that was connected before is closed."""
        if self._connection is not None:
            self._connection.close()
        self._connection = connection
        connection.connect()
        self._connected = connection.sock
        if isinstance(connection, TlsConnection):
            connection.shake_hands()

    def _cut(self) -> None:
        self.passed = True
        if self._connected is not None:
            # It may be closed in this moment; then the read ends all the same.  Not by the method of a socket that
            # speaks TLS, which forgets that it does: a read would go on in the clear.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._connected, socket.SHUT_RDWR)


def fetch(
    address: str,
    port: int,
    path: str,
    *,
    limit: float,
    method: str = "GET",
    body: Mapping[str, Any] | None = None,
    peer: Peer | None = None,
) -> Answer:
    """One request on a connection of its own.

    Args:
        address: IP address.
        port: port.
        path: with query.
        limit: seconds for everything from connecting to the last byte.
        method: HTTP method.
        body: sent as JSON.
        peer: who answers over TLS; ``None`` asks in the clear.  One whose certificate cannot be trusted is asked all
            the same, and the answer says so; nothing was sent until then.
    """
    headers = {"Accept": "application/json", "Connection": "close"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    with _Deadline(limit) as deadline:
        try:
            connection, certificate = _connected(deadline, address, port, limit=limit, peer=peer)
            connection.request(method, path, body=None if body is None else json.dumps(body), headers=headers)
            with connection.getresponse() as response:
                status, text = response.status, response.read(_BODY_LIMIT).decode("utf-8", errors="replace")
                missing = response.length
        except (ConnectionError, TimeoutError, HTTPException, ssl.SSLError) as error:
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
        return Answered(status=status, body=text, certificate=certificate)


def _connected(
    deadline: _Deadline, address: str, port: int, *, limit: float, peer: Peer | None
) -> tuple[HTTPConnection, str]:
    """A connection that requests may go out on, and what is to be told of the certificate."""
    if peer is None:
        plain = HTTPConnection(address, port, timeout=limit)
        deadline.connect(plain)
        return plain, ""

    def speaking(context: ssl.SSLContext) -> TlsConnection:
        connection = TlsConnection(address, port, timeout=limit, context=context, name=peer.name)
        deadline.connect(connection)
        return connection

    try:
        trusted = speaking(peer.trust.verifying)
    except ssl.SSLCertVerificationError as error:
        return speaking(peer.trust.blind), distrust(peer, address, port, error)
    return trusted, trusted.certificate


def _why(error: Exception, deadline: _Deadline, limit: float) -> str:
    if deadline.passed or isinstance(error, TimeoutError):
        return f"no whole answer within {limit:g} s"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, ssl.SSLError):
        return f"does not speak TLS: {error.reason or error}"
    return f"no answer: {type(error).__name__} {error}".rstrip()


def begin_looks(
    pool: Executor, addresses: Sequence[str], *, config: FunctionConfig, trust: Trust | None = None
) -> dict[str, dict[str, Future[Answer]]]:
    """Begin to read every service of every primary; :func:`end_looks` waits for the answers.

    Args:
        pool: where the reads go on.
        addresses: the primaries.
        config: names the ports of the services, and the seconds for each read.
        trust: whose certificates are believed.
    """
    ports, limit = config.ports, config.policy.read_limit_seconds
    numbers = {
        Service.LIVY: ports.livy,
        Service.RESOURCE_MANAGER: ports.resource_manager,
        Service.NAME_NODE: ports.name_node,
    }
    return {
        address: {
            path: pool.submit(
                fetch, address, numbers[service], path, limit=limit, peer=of_primary(config, trust, address)
            )
            for service, service_paths in paths().items()
            for path in service_paths
        }
        for address in addresses
    }


def end_looks(looks: Mapping[str, Mapping[str, Future[Answer]]]) -> dict[str, Seen]:
    """What the services of each address showed."""
    answers = {address: {path: future.result() for path, future in found.items()} for address, found in looks.items()}
    return {
        address: Seen(services=read_services(found), reached=True, certificates=certificates(found.values()))
        for address, found in answers.items()
    }


def resolve(pool: Executor, host: str, port: int, *, limit: float) -> list[str]:
    """Every address of *host*, sorted; none when the name cannot be resolved in time."""
    future = pool.submit(socket.getaddrinfo, host, port, socket.AF_INET, socket.SOCK_STREAM)
    try:
        return sorted({str(each[4][0]) for each in future.result(timeout=limit)})
    except OSError:  # no such name, and TimeoutError
        return []


def look_at_front_door(pool: Executor, *, config: FunctionConfig, trust: Trust | None = None) -> Seen:
    """The control: whether one address of the front door gives its fixed answer.

    One is enough: the address in a dead availability zone must not blind those who look from elsewhere.  A certificate
    that is not trusted blinds nobody either: the answer came, so that our own network is in order.
    """
    port, limit = config.front_door_port, config.policy.read_limit_seconds
    peer = of_front_door(config, trust)
    addresses = resolve(pool, config.front_door_host, port, limit=limit)
    asked = [pool.submit(fetch, address, port, HEALTH_PATH, limit=limit, peer=peer) for address in addresses]
    answers = [each.result() for each in asked]
    reached = any(isinstance(answer, Answered) and answer.status == 200 for answer in answers)
    return Seen(services={}, reached=reached, certificates=certificates(answers))
