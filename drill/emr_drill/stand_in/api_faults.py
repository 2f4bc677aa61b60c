"""AWS calls that are refused, slow, or whose answer is lost.

Meant are the product's calls: those of functions, of state machines and of CloudFormation on behalf of a stack.  The
drill's own calls and those of the stand-in's other parts never fail (``X-Stand-In-Internal``).

Each call that a fault hits is in the journal: ``{"at", "kind": "api fault", "action", "what"}``.
"""

from __future__ import annotations

import hashlib
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import Any, Protocol, TypeVar

from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError

from emr_drill.clock import Clock
from emr_drill.errors import DrillError
from emr_drill.stand_in.api_actions import Error, Refusal, action_of, encoded, refused
from emr_drill.stand_in.http_server import Application
from emr_drill.stand_in.latency import internal

T = TypeVar("T")
BREAK, SERVER_ERROR = "connection", "500"


class Journal(Protocol):
    """Where entries go."""

    def append(self, entry: dict[str, Any], /) -> None: ...


@dataclass(slots=True, kw_only=True)
class _Fault:
    """What happens to calls that match.

    Attributes:
        patterns: of actions, ``elasticmapreduce:*``.
        share: of the matching calls that are hit.
        left: how many more are hit; None for all.
        refusal: answered instead of doing it.
        away: nobody answers, nothing is done.
        late: seconds longer that it takes, simulated.
        loses: done, and answered by ``connection`` (it breaks) or ``500``.
    """

    patterns: Sequence[str]
    share: float = 1.0
    left: int | None = None
    refusal: Refusal | None = None
    away: bool = False
    late: float = 0.0
    loses: str | None = None

    @property
    def what(self) -> str:
        """In a word, for the journal."""
        if self.refusal is not None:
            return str(self.refusal)
        return "away" if self.away else "answer lost" if self.loses else "late"


class ApiFaults:
    """The faults of one drill.  Thread-safe.

    Actions are ``<service>:<operation>`` with the service's signing name and the API's operation, for example
    ``cloudformation:CreateStack`` or ``lambda:Invoke``; ``*`` stands for anything: ``elasticmapreduce:*``.
    """

    def __init__(self, *, clock: Clock, journal: Journal, seed: int) -> None:
        self._clock = clock
        self._journal = journal
        self._seed = seed
        self._lock = threading.Lock()
        self._faults: list[_Fault] = []
        self._counts: Counter[str] = Counter()

    # What the drill does.

    def throttle(self, actions: str | Sequence[str], share: float = 1.0) -> None:
        """Answer a share of the calls with the error by which the service throttles.

        Raises:
            DrillError: *share* is not above 0 and at most 1, or an action is not one.
        """
        if not 0 < share <= 1:
            raise DrillError(f"a share of calls is above 0 and at most 1, got {share}")
        self._add(actions, share=share, refusal=Refusal.THROTTLED)

    def deny(self, actions: str | Sequence[str]) -> None:
        """Answer calls with the error of a caller who lacks the permission."""
        self._add(actions, refusal=Refusal.DENIED)

    def lose_answer(self, action: str, count: int = 1, *, how: str = BREAK) -> None:
        """Carry out the next *count* calls, and let the caller not know it.

        Args:
            action: one action, or a pattern.
            count: how many answers are lost.
            how: ``connection`` (it breaks before the answer) or ``500`` (an error without a word).

        Raises:
            DrillError: *how* is neither, or *action* is no action.
        """
        if how not in (BREAK, SERVER_ERROR):
            raise DrillError(f"an answer is lost by {BREAK!r} or by {SERVER_ERROR!r}, got {how!r}")
        self._add(action, left=count, loses=how)

    def delay(self, actions: str | Sequence[str], seconds: float) -> None:
        """Let calls take *seconds* of simulated time longer."""
        self._add(actions, late=seconds)

    def away(self, service: str) -> None:
        """Let nobody answer for a service: connections to it end without an answer, and nothing is done.

        Args:
            service: signing name, for example ``dynamodb``.
        """
        self._add(f"{service}:*", away=True)

    def clear(self) -> None:
        """End every fault."""
        with self._lock:
            self._faults.clear()

    def _add(self, actions: str | Sequence[str], **fault: Any) -> None:
        patterns = (actions,) if isinstance(actions, str) else tuple(actions)
        for pattern in patterns:
            if pattern.count(":") != 1 or pattern.startswith(":") or pattern.endswith(":"):
                raise DrillError(f"an action is <service>:<operation>, for example dynamodb:PutItem, got {pattern!r}")
        with self._lock:
            self._faults.append(_Fault(patterns=patterns, **fault))

    # What calls ask.

    @property
    def active(self) -> bool:
        """Whether there is any fault."""
        return bool(self._faults)

    def hits(self, action: str) -> list[_Fault]:
        """The faults that hit this call of *action*, which counts as one; first what keeps it from being done."""
        found = []
        with self._lock:
            for fault in self._faults:
                if fault.left == 0 or not any(fnmatchcase(action, pattern) for pattern in fault.patterns):
                    continue
                self._counts[action] += 1
                if fault.share < 1 and self._chance(action) >= fault.share:
                    continue
                found.append(fault)
            found.sort(key=lambda fault: (not fault.away, fault.refusal is None))
            if found and (found[0].away or found[0].refusal):
                found = [one for one in found if one is found[0] or one.late]
            for fault in found:
                if fault.left is not None:
                    fault.left -= 1
        for fault in found:
            self._journal.append({"at": self._clock.now(), "kind": "api fault", "action": action, "what": fault.what})
        return found

    def call(self, action: str, work: Callable[[], T]) -> T:
        """A call of *action* that a part of the stand-in makes for the product, without HTTP.

        Raises:
            ClientError: it is refused; or carried out and answered by 500.
            EndpointConnectionError: the service is away.
            ConnectionClosedError: carried out, and the connection broke.
        """
        hits = self.hits(action) if self.active else []
        self._wait(hits)
        for fault in hits:
            if fault.away:
                raise EndpointConnectionError(endpoint_url=action)
            if fault.refusal is not None:
                raise _client_error(refused(fault.refusal, action), action)
        result = work()
        for fault in hits:
            if fault.loses == BREAK:
                raise ConnectionClosedError(endpoint_url=action)
            if fault.loses:
                raise _client_error(Error(code="500", message="Internal Server Error", status=500), action)
        return result

    def _wait(self, hits: Sequence[_Fault]) -> None:
        self._clock.sleep(sum(fault.late for fault in hits))

    def _chance(self, action: str) -> float:
        digest = hashlib.sha256(f"{self._seed}|{action}|{self._counts[action]}".encode()).digest()
        return int.from_bytes(digest[:8], "big") / 2**64

    def middleware(self, application: Application) -> Application:
        """*application* with the faults between it and its callers."""

        def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            action = action_of(environ) if self.active and not internal(environ) else None
            hits = self.hits(action) if action else []
            if not hits or action is None:
                return application(environ, start_response)
            self._wait(hits)
            for fault in hits:
                if fault.away:
                    _break(environ)
                if fault.refusal is not None:
                    error = refused(fault.refusal, action)
                    headers, body = encoded(error, action.partition(":")[0])
                    return _answer(start_response, error.status, headers, body)
            lost = next((fault.loses for fault in hits if fault.loses), None)
            if lost is None:
                return application(environ, start_response)
            _exhaust(application(environ, lambda *_: None))
            if lost == BREAK:
                _break(environ)
            return _answer(start_response, 500, {}, b"")

        return answer


def _client_error(error: Error, action: str) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": error.code, "Message": error.message},
            "ResponseMetadata": {
                "HTTPStatusCode": error.status,
                "RequestId": "",
                "HostId": "",
                "HTTPHeaders": {},
                "RetryAttempts": 0,
            },
        },
        action.partition(":")[2],
    )


def _answer(start_response: Any, status: int, headers: dict[str, str], body: bytes) -> Iterable[bytes]:
    start_response(f"{status} {HTTPStatus(status).phrase}", [*headers.items(), ("Content-Length", str(len(body)))])
    return [body]


def _exhaust(answer: Iterable[bytes]) -> None:
    for _ in answer:
        pass
    close = getattr(answer, "close", None)
    if close is not None:
        close()


def _break(environ: dict[str, Any]) -> None:
    """End the caller's connection without an answer.

    Raises:
        ConnectionResetError: always; werkzeug's server takes it for a caller that went away, and says nothing.
    """
    connection: socket.socket = environ["werkzeug.socket"]
    connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionResetError("the drill broke this connection")
