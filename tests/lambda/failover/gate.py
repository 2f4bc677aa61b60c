"""The gate through which every call of the code under test passes on its way to AWS, and what may happen there.

Only one thread runs at any time: a function that is to be interrupted in the middle runs in a thread of its own, which
hands the turn back at the chosen call and gets it again when the test says so.  So every interleaving is the test's
choice, and the same choices give the same run.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from botocore.exceptions import ReadTimeoutError

from .fakes import client_error
from .parts import Clock


class Fault(StrEnum):
    """What may happen to one call.

    Attributes:
        REFUSED: throttled or denied, no effect.
        LOST: it takes effect, and its answer never arrives.
        REPEATED: the answer was lost and the SDK made the call once more.
        SLOW: it takes half a minute.
        KILLED_BEFORE: the function dies before it takes effect.
        KILLED_AFTER: the function dies after it took effect.
    """

    REFUSED = "refused"
    LOST = "lost"
    REPEATED = "repeated"
    SLOW = "slow"
    KILLED_BEFORE = "killed before"
    KILLED_AFTER = "killed after"


class KilledError(BaseException):
    """Stands for SIGKILL: no ``except Exception`` of the code under test sees it."""


SLOW_SECONDS = 30.0
# The longest time that a function of the controller may take.
FUNCTION_SECONDS = 180.0


class Turns:
    """Whose turn it is: that of an invocation in a thread of its own, or everybody else's."""

    def __init__(self) -> None:
        self.may_run, self.has_stopped = threading.Semaphore(0), threading.Semaphore(0)


@dataclass(eq=False)
class Invocation:
    """One call of a function.

    Attributes:
        name: of the function and what it does, for people.
        work: what it does.
        faults: by the number of the call, from 0.
        pause_at: number of the call before which it is interrupted; ``None`` = it is not.
        execution: ARN of the execution that made it, if one did.
        machine: which machine that is of.
        step: the step that it carries out.
        event: what it was called with, to be called again if it dies.
        effects: what it changed so far, for people.
    """

    name: str
    work: Callable[[], Any]
    faults: Mapping[int, Fault] = field(default_factory=dict)
    pause_at: int | None = None
    execution: str | None = None
    machine: str = ""
    step: str = ""
    event: dict[str, Any] | None = None
    calls: int = 0
    changing: int = 0
    began: float = 0.0
    finished: bool = False
    result: Any = None
    error: BaseException | None = None
    thread: threading.Thread | None = None
    doomed: bool = False
    effects: list[str] = field(default_factory=list)
    turns: Turns | None = None  # of one that is interrupted


class Gate:
    """Runs invocations and decides about each of their calls."""

    def __init__(self, clock: Clock, *, after: Callable[[str], None]) -> None:
        self._clock, self._after = clock, after
        self.broken: set[str] = set()  # names of calls that are refused until further notice
        self.current: Invocation | None = None
        self.paused: list[Invocation] = []
        self.errors: list[str] = []  # what functions raised, for people
        self.invocations = 0
        self.calls = 0
        self.changes = 0
        # The changing call, from 0, with which the function that makes it dies, and whether it does so before.
        self.crash: tuple[int, bool] | None = None
        self.crashed: Invocation | None = None

    def call(self, name: str, effect: Callable[[], Any], *, changes: bool, repeats: bool = True) -> Any:
        """Make one call; a fake calls this with what its *effect* is and whether that *changes* anything.

        The SDK *repeats* it after a lost answer, or does not.
        """
        invocation = self.current
        if invocation is None:
            return effect()
        number = invocation.calls
        invocation.calls += 1
        invocation.changing += changes
        self.calls += 1
        dies = changes and self.crash is not None and self.crash[0] == self.changes
        self.changes += changes
        if dies:
            self.crashed = invocation
        if dies and self.crash is not None and self.crash[1]:
            raise KilledError(name)
        if invocation.pause_at == number:
            self._pause(invocation)
        fault = invocation.faults.get(number)
        if fault is Fault.SLOW:
            self._clock.now += SLOW_SECONDS
        if fault is Fault.KILLED_BEFORE or self._clock.now > invocation.began + FUNCTION_SECONDS:
            raise KilledError(name)
        if fault is Fault.REFUSED or name in self.broken:
            raise client_error("ThrottlingException", "Rate exceeded", name)
        answer = self._effect(name, effect, changes, invocation)
        if fault is Fault.REPEATED and changes and repeats:
            answer = self._effect(name, effect, changes, invocation)
        if dies or fault is Fault.KILLED_AFTER:
            raise KilledError(name)
        if fault is Fault.LOST:
            raise ReadTimeoutError(endpoint_url=name)
        return answer

    def _effect(self, name: str, effect: Callable[[], Any], changes: bool, invocation: Invocation) -> Any:
        try:
            return effect()
        finally:
            if changes:
                invocation.effects.append(name)
                self._after(name)

    def run(self, invocation: Invocation) -> bool:
        """Run it to its end or to its pause; whether it ended."""
        invocation.began = self._clock.now
        self.invocations += 1
        if invocation.pause_at is None:
            before, self.current = self.current, invocation
            try:
                self._work(invocation)
            finally:
                self.current = before
            return True
        invocation.turns = Turns()
        invocation.thread = threading.Thread(target=self._in_thread, args=(invocation,), daemon=True)
        invocation.thread.start()
        return self._give_turn(invocation)

    def resume(self, invocation: Invocation, *, calls: int | None) -> bool:
        """Let a paused invocation make some more *calls*, or run to its end; whether it ended."""
        self.paused.remove(invocation)
        invocation.pause_at = None if calls is None else invocation.calls - 1 + calls
        return self._give_turn(invocation)

    def kill(self, invocation: Invocation) -> None:
        """End a paused invocation without another call."""
        invocation.doomed = True
        self.resume(invocation, calls=None)

    def _give_turn(self, invocation: Invocation) -> bool:
        assert invocation.turns is not None
        before, self.current = self.current, invocation
        invocation.turns.may_run.release()
        invocation.turns.has_stopped.acquire()
        self.current = before
        if invocation.finished and invocation.thread is not None:
            invocation.thread.join()
        elif not invocation.finished:
            self.paused.append(invocation)
        return invocation.finished

    def _pause(self, invocation: Invocation) -> None:
        assert invocation.turns is not None
        invocation.turns.has_stopped.release()
        invocation.turns.may_run.acquire()
        if invocation.doomed:
            raise KilledError("paused")

    def _in_thread(self, invocation: Invocation) -> None:
        assert invocation.turns is not None
        invocation.turns.may_run.acquire()
        self._work(invocation)
        invocation.turns.has_stopped.release()

    def _work(self, invocation: Invocation) -> None:
        try:
            invocation.result = invocation.work()
        except (Exception, KilledError) as error:  # noqa: BLE001 - as the runtime does: whatever it raised, it ended
            self.errors.append(f"{invocation.name}: {error!r}")
            invocation.error = error
        invocation.finished = True
