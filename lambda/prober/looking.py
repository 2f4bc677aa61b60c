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
from dataclasses import dataclass, replace
from http.client import HTTPConnection, HTTPException
from typing import Any

from dr_core.config import FunctionConfig
from dr_core.evidence import Reading, Service
from dr_core.readings import Answer, Answered, NotAnswered, NotAsked, certificates, paths, read_services
from dr_core.routing import HEALTH_PATH
from prober.trust import Peer, TlsConnection, Trust, distrust, of_front_door, of_primary

# A list of every application of a busy cluster; whoever sends more than this is not what we asked for.
_BODY_LIMIT = 8 * 1024 * 1024
# What OpenSSL calls a first answer that "doesn't look like TLS" (its ssl3_get_record); HTTP in the clear, say.
_NOT_TLS = "WRONG_VERSION_NUMBER"


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
        """Connect; bounded by the connection's own limit.  One that was connected before is closed.

        Raises:
            TimeoutError: the time was up before it was connected.
        """
        if self._connection is not None:
            self._connection.close()
        self._connection = connection
        connection.connect()
        self._connected = connection.sock
        if self.passed:
            raise TimeoutError  # nobody cuts this one any more
        if isinstance(connection, TlsConnection):
            connection.shake_hands()

    def _cut(self) -> None:
        self.passed = True
        if self._connected is not None:
            # It may be closed in this moment; then the read ends all the same.  Not by the method of a socket that
            # speaks TLS, which forgets that it does: a read would go on in the clear.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._connected, socket.SHUT_RDWR)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """What is asked; see :func:`fetch`."""

    method: str
    path: str
    body: Mapping[str, Any] | None
    limit: float


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
        limit: seconds for everything from connecting to the last byte; once more when a certificate that was trusted
            until then turns out not to be.
        method: HTTP method.
        body: sent as JSON.
        peer: who answers over TLS; ``None`` asks in the clear.  One whose certificate cannot be trusted is asked all
            the same, and the answer says so; nothing was sent until then.
    """
    request = _Request(method=method, path=path, body=body, limit=limit)
    if peer is not None:
        return _fetch_over_tls(peer, address, port, request)
    with _Deadline(limit) as deadline:
        return _ask(deadline, HTTPConnection(address, port, timeout=limit), request)


def _fetch_over_tls(peer: Peer, address: str, port: int, request: _Request) -> Answer:
    """Ask with trust, or without it whoever has shown a certificate that cannot be trusted.

    A service must have the same time whatever certificate it has.  So the request without trust has a limit of its own
    the first time; later it comes first, and the certificate is looked at in what is left of the limit.
    """
    limit, distrusted = request.limit, peer.trust.distrusted

    def speaking(context: ssl.SSLContext) -> TlsConnection:
        return TlsConnection(address, port, timeout=limit, context=context, name=peer.name)

    told = distrusted.get((address, port))
    if told is None:
        try:
            with _Deadline(limit) as deadline:
                return _ask(deadline, speaking(peer.trust.verifying), request)
        except ssl.SSLCertVerificationError as error:
            told = distrusted[address, port] = distrust(peer, address, port, error)
        with _Deadline(limit) as deadline:
            return replace(_ask(deadline, speaking(peer.trust.blind), request), certificate=told)
    with _Deadline(limit) as deadline:
        answer = _ask(deadline, speaking(peer.trust.blind), request)
        if isinstance(answer, Answered) and not deadline.passed:
            again = speaking(peer.trust.verifying)
            try:
                deadline.connect(again)
                told = again.certificate
                distrusted.pop((address, port), None)
            except ssl.SSLCertVerificationError as error:
                told = distrusted[address, port] = distrust(peer, address, port, error)
            except OSError:
                pass  # what was seen last stands
    return replace(answer, certificate=told)


def _ask(deadline: _Deadline, connection: HTTPConnection, request: _Request) -> Answer:
    """Ask on a new connection, and tell what its certificate gives to tell.

    Raises:
        ssl.SSLCertVerificationError: the certificate cannot be trusted; nothing was sent.
    """
    answer = _exchange(deadline, connection, request)
    return replace(answer, certificate=connection.certificate) if isinstance(connection, TlsConnection) else answer


def _exchange(deadline: _Deadline, connection: HTTPConnection, request: _Request) -> Answer:
    headers = {"Accept": "application/json", "Connection": "close"}
    if request.body is not None:
        headers["Content-Type"] = "application/json"
    try:
        deadline.connect(connection)
        body = None if request.body is None else json.dumps(request.body)
        connection.request(request.method, request.path, body=body, headers=headers)
        with connection.getresponse() as response:
            status, text = response.status, response.read(_BODY_LIMIT).decode("utf-8", errors="replace")
            missing = response.length
    except ssl.SSLCertVerificationError:
        raise
    except (ConnectionError, TimeoutError, HTTPException) as error:
        return NotAnswered(detail=_why(error, deadline, request.limit))
    except OSError as error:
        # The neighbour's absence is told of the address; everything else (no descriptor, no route) is ours.
        if deadline.passed or error.errno == errno.EHOSTUNREACH or _is_of_no_use(error):
            return NotAnswered(detail=_why(error, deadline, request.limit))
        if isinstance(error, ssl.SSLError):
            # An alert, a cipher, a key: a load balancer, which speaks TLS otherwise, may well agree with it.
            return NotAsked(detail=f"does not agree with us on how to speak TLS: {error.reason or error}")
        return NotAsked(detail=f"could not ask: {error}")
    if deadline.passed:
        return NotAnswered(detail=f"no whole answer within {request.limit:g} s")
    if missing:
        return NotAnswered(detail=f"answer broken off, {missing} bytes missing")
    return Answered(status=status, body=text)


def _is_of_no_use(error: OSError) -> bool:
    """Whether nobody at all could have spoken TLS with it: something else was answered, or the connection closed."""
    return isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError) or (
        isinstance(error, ssl.SSLError) and error.reason == _NOT_TLS
    )


def _why(error: Exception, deadline: _Deadline, limit: float) -> str:
    if deadline.passed or isinstance(error, TimeoutError):
        return f"no whole answer within {limit:g} s"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, ssl.SSLError) and error.reason == _NOT_TLS:
        return f"does not speak TLS: {error.reason}"
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
