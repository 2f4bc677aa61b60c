"""Functions that die in the middle of things.

A crash is SIGKILL of the process that serves an invocation:

* ``before``: the handler has not begun;
* ``during``: an AWS call of the handler that changes something was carried out, and its answer is not back yet; if the
  handler makes no such call, as ``after``;
* ``after``: the handler has done everything, and its answer is not given.

Lambda then answers as it does for every process that ends (``Runtime.ExitError``), and asynchronous invocations are
tried again.  Each crash is in the journal: ``{"at", "kind": "function crash", "function", "step", "when"}``.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
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
class Crash:
    """A planned crash.

    Attributes:
        suffix: of the function's name.
        step: what ``step`` of the payload must be; None for any payload.
        when: ``before``, ``during`` or ``after``.
        left: how many more invocations it hits.
        calls: how many changing calls are carried out before a crash ``during``.
    """

    suffix: str
    step: str | None
    when: str
    left: int
    calls: int


@dataclass(slots=True)
class _Doomed:
    process: Killable
    calls_left: int


class Crashes:
    """The crashes of one drill.  Thread-safe."""

    def __init__(self, *, now: Callable[[], float], journal: Journal) -> None:
        self._now = now
        self._journal = journal
        self._lock = threading.Lock()
        self._planned: list[Crash] = []
        self._doomed: dict[str, _Doomed] = {}

    def plan(self, suffix: str, step: str | None = None, when: str = DURING, times: int = 1, calls: int = 1) -> None:
        """Let the next *times* matching invocations crash.

        Args:
            suffix: of the function's name.
            step: what ``step`` of the payload must be; None for any payload.
            when: ``before``, ``during`` or ``after``.
            times: how many invocations.
            calls: how many changing calls are carried out before a crash ``during``.

        Raises:
            DrillError: there is no such moment.
        """
        if when not in MOMENTS:
            raise DrillError(f"a function crashes {', '.join(MOMENTS)} its work, got {when!r}")
        with self._lock:
            self._planned.append(Crash(suffix=suffix, step=step, when=when, left=times, calls=calls))

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
            for crash in self._planned:
                if crash.left > 0 and function.endswith(crash.suffix) and crash.step in (None, step):
                    crash.left -= 1
                    break
            else:
                return None
        self._journal.append(
            {"at": self._now(), "kind": "function crash", "function": function, "step": step, "when": crash.when}
        )
        return crash

    def doom(self, key: str, process: Killable, calls: int) -> None:
        """Kill *process* when the AWS calls by access key *key* have changed something *calls* times."""
        with self._lock:
            self._doomed[key] = _Doomed(process, calls)

    def spare(self, key: str) -> None:
        """Its invocation is over."""
        with self._lock:
            self._doomed.pop(key, None)

    def middleware(self, application: Application) -> Application:
        """*application*, whose changes kill the doomed before they learn of them."""

        def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            doomed = self._doomed.get(calling_key(environ)) if self._doomed else None
            if doomed is None:
                return application(environ, start_response)
            changes = _changes(action_of(environ))
            result = application(environ, start_response)
            if changes:
                with self._lock:
                    doomed.calls_left -= 1
                if doomed.calls_left == 0:
                    doomed.process.kill()
            return result

        return answer


def _step(event: str) -> str | None:
    try:
        payload = json.loads(event)
    except ValueError:
        return None
    return payload.get("step") if isinstance(payload, dict) else None


def _changes(action: str | None) -> bool:
    operation = (action or ":Get").partition(":")[2]
    return not operation.startswith(_READS)
