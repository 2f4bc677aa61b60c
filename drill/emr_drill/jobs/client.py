"""A plain Livy client: HTTP to the front door's name, nothing that knows of failovers."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

CONNECT_SECONDS = 5.0  # machine time, for each address
NO_ANSWER = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Secure:
    """How a client speaks TLS.

    Attributes:
        name: of the front door, which its certificate has to be for.
        context: whose certificates are trusted.
    """

    name: str
    context: ssl.SSLContext


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back.

    Attributes:
        status: HTTP status, 0 if the connection failed or broke before one came.
        body: the JSON body, ``None`` if there was none.
        error: what failed, when there is no status.
    """

    status: int
    body: Any = None
    error: str = ""

    @property
    def ambiguous(self) -> bool:
        """Whether the server may or may not have done what was asked: no answer, or one of a gateway."""
        return self.status in (NO_ANSWER, 500, 502, 503, 504)


class LivyClient:
    """One user of the front door.

    Args:
        addresses: gives the addresses that the front door's name has now; tried in order until one connects.
        port: Livy's port at the front door.
        keep: whether to keep the connection between calls.
        limit_seconds: time limit of one call, machine time.
        secure: how it speaks TLS; ``None`` if it does not.
    """

    def __init__(
        self,
        *,
        addresses: Callable[[], Sequence[str]],
        port: int = 8998,
        keep: bool = False,
        limit_seconds: float = 15,
        secure: Secure | None = None,
    ) -> None:
        self._secure = secure
        self._addresses = addresses
        self._port = port
        self._keep = keep
        self._limit_seconds = limit_seconds
        self._connection: http.client.HTTPConnection | None = None

    @property
    def connected(self) -> bool:
        """Whether a kept connection is open."""
        return self._connection is not None and self._connection.sock is not None

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Answer:
        """Send one request and read the answer; never raises for what the network or the server does."""
        try:
            connection = self._connect()
            connection.request(
                method,
                path,
                json.dumps(body).encode() if body is not None else None,
                {"Content-Type": "application/json", **({} if self._keep else {"Connection": "close"})},
            )
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return Answer(status=NO_ANSWER, error=f"{type(error).__name__}: {error}")
        if not self._keep or response.will_close:
            self.close()
        try:
            return Answer(status=response.status, body=json.loads(content) if content else None)
        except json.JSONDecodeError:
            return Answer(status=response.status, error=content[:200].decode(errors="replace"))

    def close(self) -> None:
        """Close the kept connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> http.client.HTTPConnection:
        if self.connected:
            assert self._connection is not None
            return self._connection
        error: OSError = ConnectionError("the front door's name has no address")
        for address in self._addresses():
            connection = http.client.HTTPConnection(address, self._port, timeout=CONNECT_SECONDS)
            try:
                connection.connect()
                if (secure := self._secure) is not None:
                    connection.sock = secure.context.wrap_socket(connection.sock, server_hostname=secure.name)
            except OSError as failure:
                error = failure
                continue
            connection.sock.settimeout(self._limit_seconds)
            self._connection = connection
            return connection
        raise error
