"""The steps that a flow asks for, and what it is sent back.

Times are seconds since 1970, all by the clock of who carries the flow out.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")

NO_ANSWER = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Send one request.

    Attributes:
        method: ``GET``, ``POST`` or ``DELETE``.
        path: below Livy's root, with its query.
        body: sent as JSON; none if ``None``.
        headers: beside those of the connection.
    """

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Let time pass, seconds."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """Write a sentence to the task's log; as a warning if *warning*."""

    text: str
    warning: bool = False


Step = Ask | Wait | Say


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of a step.  After anything but an :class:`Ask` only the time is of use.

    Attributes:
        at: when.
        status: HTTP status, 0 if none came.
        body: the JSON body, ``None`` if there was none or it was no JSON.
        text: the beginning of the body, or what failed.
        delivered: whether the request may have reached a server; ``False`` only where that is certain.
    """

    at: float
    status: int = NO_ANSWER
    body: Any = None
    text: str = ""
    delivered: bool = True

    @property
    def summary(self) -> str:
        """A few words for a log."""
        return f"{self.status or 'no answer'}: {self.text[:300]}" if self.text else str(self.status or "no answer")


Flow = Generator[Step, Answer, T]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long things are waited for, seconds.

    Attributes:
        polling_seconds: between two polls of a batch that is well.
        outage_seconds: how long the front door, or the owner of a batch, may fail to answer before the task gives up.
        settle_seconds: between a submit without a clear answer and the look for its batch: a request that a server
            had taken by then has a batch.
        ghost_seconds: how long a batch that was adopted may stay without an application.  Livy gives an application
            120 s to show up (``livy.server.yarn.app-lookup-timeout``) and calls the batch dead then.
        again_seconds: before a question is put again; doubled each time.
        longest_again_seconds: what that grows to.
    """

    polling_seconds: float = 10.0
    outage_seconds: float = 3600.0
    settle_seconds: float = 3.0
    ghost_seconds: float = 180.0
    again_seconds: float = 2.0
    longest_again_seconds: float = 30.0

    def pause(self, times: int) -> Wait:
        """What to wait before a question is put again that was put *times* times (from 0) in vain."""
        grown: float = self.again_seconds * 2.0 ** min(times, 10)
        return Wait(seconds=min(grown, self.longest_again_seconds))
