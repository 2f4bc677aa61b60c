"""The stories of the controller, told: once as they are, and once for each call with which a function may die.

Up to its death a telling is the same as the one in which nobody dies, so it is not told again: that one leaves a copy
of itself before each round in which something changes, and a telling with a death goes on from the copy before it.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise

import pytest

from .gate import Invocation
from .machine_crashes import ALL, Story
from .machine_play import Play
from .machine_rest import left_over
from .parts import START, Clock


class Telling:
    """One telling of a story.

    Attributes:
        then: what follows when a function has died, one of ``test_crash_points.THEN``.
        begins: the numbers of the changing calls that a function begins with, and whether an execution called it.
    """

    def __init__(self, story: Story, play: Play) -> None:
        self.story, self.play = story, play
        self.served = self._serving()
        self.begins: dict[int, bool] = {}
        self.then = "called again"
        play.gate.changes = 0
        play.after.append(self._after)
        play.before = self._before

    def __deepcopy__(self, memo: dict[int, object]) -> Telling:
        copied = memo[id(self)] = Telling.__new__(Telling)
        copied.story, copied.served, copied.then = self.story, self.served, self.then
        copied.begins = dict(self.begins)
        copied.play = copy.deepcopy(self.play, memo)
        return copied

    @property
    def changes(self) -> int:
        """How many calls have changed something so far."""
        return self.play.gate.changes

    def copied(self, clock: Clock) -> Telling:
        """The same once more, by *clock*, as far as it is told."""
        clock.now = self.play.world.clock.now
        return copy.deepcopy(self, self.play.shared(clock))

    def begin(self) -> None:
        """What the story begins with; then rounds of the play follow."""
        self.story.begins(self.play)
        self.play.begin_rest(heal_after=900)

    def end(self) -> None:
        """The rest of it."""
        while self.play.goes_on():
            pass

    def _before(self, invocation: Invocation) -> None:
        """Note down with which changing call a function may begin, and whether it is one of an execution."""
        self.begins[self.changes] = invocation.execution is not None

    def _after(self, play: Play, invocation: Invocation) -> None:
        """Let the execution of the function that died be over, if that is what follows."""
        if self.then == "called again" or play.gate.crashed is not invocation or invocation.execution is None:
            return
        play.executions.abort(invocation.execution)
        if self.then == "nobody told":
            play.lose(play.executions.events.pop())
        self.then = "called again"

    def _serving(self) -> dict[str, object]:
        return {item["id"]: item.get("serving_generation") for item in self.play.world.items("managed-cluster")}

    def ends(self) -> dict[str, str]:
        """How it ended, as CloudFormation sees it."""
        return {name: resource.state for name, resource in self.play.resources.items()}

    def told(self) -> str:
        """What happened, for people."""
        return "\n".join([*self.play.story[-120:], *self.play.world.violations])

    def check(self, what: str) -> None:
        """Fail if a promise was not kept, or something is left to do."""
        wrong = self.play.world.violations or left_over(self.play)
        if self.story.unchanged and self._serving() != self.served:
            wrong = [*wrong, f"{self.served} served, and now {self._serving()}"]
        assert not wrong, f"{what}\n{self.told()}\n" + "\n".join(wrong)


@cache
def _before_all(name: str) -> Play:
    """A play in which all that comes before a story has happened; it takes as long as many a story."""
    with pytest.MonkeyPatch.context() as patch:
        clock = Clock(now=START)
        patch.setattr("time.time", clock.time)
        patch.setattr("time.sleep", clock.sleep)
        play = Play(clock, patch, standby=ALL[name].standby)
        ALL[name].before(play)
    return play


def from_the_start(name: str, clock: Clock, patch: pytest.MonkeyPatch) -> Telling:
    """A telling of which nothing is told yet."""
    return Telling(ALL[name], _before_all(name).copied(clock, patch))


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A story that was told to its end while nobody died.

    Attributes:
        whole: how it went.
        parts: copies from the first change on: how many changing calls had been made, and the telling by then.
    """

    whole: Telling
    parts: tuple[tuple[int, Telling], ...]

    def crash_points(self, then: str) -> list[tuple[int, bool]]:
        """Every changing call after which a function may die; before each first one, too.

        Where it is called again, dying before its first change is as if it had not been called.  And whoever no
        execution has called is always called again.
        """
        points, of_an_execution = [], False
        for number in range(self.whole.changes):
            of_an_execution = self.whole.begins.get(number, of_an_execution)
            if then == "called again" or of_an_execution:
                points.append((number, False))
            if then != "called again" and of_an_execution and number in self.whole.begins:
                points.append((number, True))
        return points

    def with_death(self, crash: tuple[int, bool], then: str, clock: Clock, patch: pytest.MonkeyPatch) -> Telling:
        """The telling in which a function dies with the call *crash*, before it or after, to its end."""
        telling = next(part for changes, part in reversed(self.parts) if changes <= crash[0]).copied(clock)
        telling.play.takes_part(patch)
        telling.play.gate.crash, telling.then = crash, then
        if telling.play.resting is None:
            telling.begin()
        telling.end()
        return telling


@lru_cache(maxsize=1)  # many copies, of the story whose turn it is
def told(name: str) -> Told:
    """The story with this name."""
    with pytest.MonkeyPatch.context() as patch:
        clock = Clock(now=START)
        patch.setattr("time.time", clock.time)
        patch.setattr("time.sleep", clock.sleep)
        whole = from_the_start(name, clock, patch)
        whole.begin()
        changes = [whole.changes]
        while whole.play.goes_on():
            changes.append(whole.changes)
        changes.append(whole.changes)

        # Once more, now that the rounds are known in which something changes.
        again = from_the_start(name, clock, patch)
        parts = [(0, again.copied(Clock()))]
        again.begin()
        for before, after in pairwise(changes):
            assert again.changes == before
            if after > before:
                parts.append((before, again.copied(Clock())))
            again.play.goes_on()
        assert again.changes == whole.changes
    return Told(whole=whole, parts=tuple(parts))
