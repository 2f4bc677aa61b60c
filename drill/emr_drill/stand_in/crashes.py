"""Functions that die in the middle of things.

A crash is SIGKILL of the process that serves an invocation:

* ``before``: the handler has not begun;
* ``during``: an AWS call of the handler that changes something was carried out, and its answer is not back yet; if the
  handler makes no such call, as ``after``;
* ``after``: the handler has done everything, and its answer is not given.

Lambda then answers as it does for every process that ends (``Runtime.ExitError``), and asynchronous invocations are
tried again.  Each crash is in the journal: ``{"at", "kind": "function crash", "function", "step", "when", "call"}``,
where ``call`` is the call that was carried out last, ``<service>:<operation>``; empty if the process did not die with
one.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Protocol

from emr_drill.errors import DrillError
from emr_drill.stand_in.api_actions import action_of
from emr_drill.stand_in.http_server import Application
from emr_drill.stand_in.latency import calling_key

BEFORE, DURING, AFTER = "before", "during", "after"
MOMENTS = (BEFORE, DURING, AFTER)
# Operations that begin so only read; what an invoked function does is not known, so that this does not count either.
_READS = ("Describe", "List", "Get", "Query", "Scan", "BatchGet", "TransactGet", "Head", "Lookup", "Invoke")


class Killable(Protocol):
    """A process."""

    def kill(self) -> None: ...


class Journal(Protocol):
    """Where entries go."""

    def append(self, entry: dict[str, Any], /) -> None: ...


@dataclass(slots=True, kw_only=True)
class _Planned:
    """Crashes to come.

    Attributes:
        suffix: of the function's name.
        step: what ``step`` of the payload must be; None for any payload.
        when: ``before``, ``during`` or ``after``.
        left: how many more invocations are hit.
        calls: how many changing calls are carried out before a crash ``during``.
        action: which calls these are, a pattern; None for any.
    """

    suffix: str
    step: str | None
    when: str
    left: int
    calls: int
    action: str | None


@dataclass(slots=True, kw_only=True)
class Countdown:
    """The calls after which one invocation dies.

    Attributes:
        planned: where the crash comes from.
        function: that is invoked.
        step: of its payload.
        left: how many calls are still carried out.
    """

    planned: _Planned
    function: str
    step: str | None
    left: int

    def counts(self, action: str) -> bool:
        """Whether a call of *action* is one of them."""
        return _changes(action) and (self.planned.action is None or fnmatchcase(action, self.planned.action))


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """What happens to one invocation.

    Attributes:
        when: ``before``, ``during`` or ``after``.
        calls: what a crash ``during`` waits for.
    """

    when: str
    calls: Countdown


@dataclass(slots=True)
class _Doomed:
    process: Killable
    calls: Countdown


class Crashes:
    """The crashes of one drill.  Thread-safe."""

    def __init__(self, *, now: Callable[[], float], journal: Journal) -> None:
        self._now = now
        self._journal = journal
        self._lock = threading.Lock()
        self._planned: list[_Planned] = []
        self._doomed: dict[str, _Doomed] = {}

    def plan(
        self,
        suffix: str,
        step: str | None = None,
        when: str = DURING,
        times: int = 1,
        calls: int = 1,
        *,
        action: str | None = None,
    ) -> None:
        """Let the next *times* matching invocations crash.

        Args:
            suffix: of the function's name.
            step: what ``step`` of the payload must be; None for any payload.
            when: ``before``, ``during`` or ``after``.
            times: how many invocations.
            calls: how many changing calls are carried out before a crash ``during``.
            action: which calls these are, a pattern, for example ``cloudformation:*``; None for any.  An invocation
                that does not make them dies when it has done everything, and the next one is hit in its place.

        Raises:
            DrillError: there is no such moment.
        """
        if when not in MOMENTS:
            raise DrillError(f"a function crashes {', '.join(MOMENTS)} its work, got {when!r}")
        with self._lock:
            self._planned.append(_Planned(suffix=suffix, step=step, when=when, left=times, calls=calls, action=action))

    def clear(self) -> None:
        """Let nothing crash any more."""
        with self._lock:
            self._planned.clear()
            self._doomed.clear()

    def take(self, function: str, event: str) -> Crash | None:
        """The crash that hits this invocation, which is used up by it."""
        with self._lock:
            if not self._planned:
                return None
            step = _step(event)
            for planned in self._planned:
                if planned.left > 0 and function.endswith(planned.suffix) and planned.step in (None, step):
                    planned.left -= 1
                    break
            else:
                return None
        calls = Countdown(planned=planned, function=function, step=step, left=planned.calls)
        if planned.when != DURING:
            self._note(calls, call="")
        return Crash(when=planned.when, calls=calls)

    def doom(self, key: str, process: Killable, calls: Countdown) -> None:
        """Kill *process* when the AWS calls by access key *key* have counted *calls* down."""
        with self._lock:
            self._doomed[key] = _Doomed(process, calls)

    def spare(self, key: str) -> None:
        """Its invocation is over."""
        with self._lock:
            doomed = self._doomed.pop(key, None)
            if doomed is None or doomed.calls.left <= 0:
                return
            if doomed.calls.planned.action is not None:
                doomed.calls.planned.left += 1
        self._note(doomed.calls, call="")

    def _note(self, calls: Countdown, *, call: str) -> None:
        self._journal.append(
            {
                "at": self._now(),
                "kind": "function crash",
                "function": calls.function,
                "step": calls.step,
                "when": calls.planned.when,
                "call": call,
            }
        )

    def middleware(self, application: Application) -> Application:
        """*application*, whose changes kill the doomed before they learn of them."""

        def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            doomed = self._doomed.get(calling_key(environ)) if self._doomed else None
            if doomed is None:
                return application(environ, start_response)
            action = action_of(environ) or ""
            result = application(environ, start_response)
            if doomed.calls.counts(action):
                with self._lock:
                    doomed.calls.left -= 1
                    dies = doomed.calls.left == 0
                if dies:
                    self._note(doomed.calls, call=action)
                    doomed.process.kill()
            return result

        return answer


def _step(event: str) -> str | None:
    try:
        payload = json.loads(event)
    except ValueError:
        return None
    return payload.get("step") if isinstance(payload, dict) else None


def _changes(action: str) -> bool:
    operation = action.partition(":")[2]
    return bool(operation) and not operation.startswith(_READS)
