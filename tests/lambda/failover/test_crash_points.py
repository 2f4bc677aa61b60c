"""Every story of the controller, once for each call that changes something: the function that makes it dies there.

Dying right after one call is dying right before the next one of the same function: reads in between leave nothing
behind.  So each function dies before its first changing call, and after each of them.  Then either the machine calls
the step again, or its execution is over and others have to finish or undo what it had begun, with EventBridge's event
of that or without.
"""

from __future__ import annotations

from functools import cache

import pytest

from .gate import Invocation
from .machine_crashes import STORIES, TOLD_ONCE, WITH_STANDBY
from .machine_play import Play
from .machine_rest import left_over
from .parts import START, Clock

# The crash points of a story are told in so many tests, so that none takes long.
SLICES = 4
ALL = {**STORIES, **WITH_STANDBY, **TOLD_ONCE}
THEN = ("called again", "execution over", "nobody told")


def told(play: Play) -> str:
    """The story of a run that went wrong."""
    return "\n".join([*play.story[-120:], *play.world.violations])


@cache
def _begun(name: str) -> Play:
    """A play in which all that comes before a story has happened; it takes as long as many a story."""
    with pytest.MonkeyPatch.context() as patch:
        clock = Clock(now=START)
        patch.setattr("time.time", clock.time)
        patch.setattr("time.sleep", clock.sleep)
        play = Play(clock, patch, standby=ALL[name].standby)
        ALL[name].before(play)
    return play


class Run:
    """One telling of a story.

    Attributes:
        crash: the call with which a function dies, and whether it dies before it.
        then: one of ``THEN``.
        begins: the numbers of the changing calls that a function begins with, and whether an execution called it.
    """

    def __init__(
        self,
        name: str,
        clock: Clock,
        patch: pytest.MonkeyPatch,
        *,
        crash: tuple[int, bool] | None = None,
        then: str = "called again",
    ) -> None:
        self.play = play = _begun(name).copied(clock, patch)
        self.story = ALL[name]
        self.served = self._serving()
        self.begins: dict[int, bool] = {}
        self.then = then
        play.gate.changes = 0
        play.gate.crash = crash
        play.after.append(self._after)
        play.before = self._before
        self.story.begins(play)
        play.rest(heal_after=900)
        self.changes = play.gate.changes

    def _before(self, invocation: Invocation) -> None:
        """Note down with which changing call a function may begin, and whether it is one of an execution."""
        self.begins[self.play.gate.changes] = invocation.execution is not None

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

    def check(self, what: str) -> None:
        wrong = self.play.world.violations or left_over(self.play)
        if self.story.unchanged and self._serving() != self.served:
            wrong = [*wrong, f"{self.served} served, and now {self._serving()}"]
        assert not wrong, f"{what}\n{told(self.play)}\n" + "\n".join(wrong)


def crash_points(plain: Run, then: str) -> list[tuple[int, bool]]:
    """Every changing call after which a function may die in a story; before each first one, too.

    Where it is called again, dying before its first change is as if it had not been called.  And whoever no execution
    has called is always called again.
    """
    points, of_an_execution = [], False
    for number in range(plain.changes):
        of_an_execution = plain.begins.get(number, of_an_execution)
        if then == "called again" or of_an_execution:
            points.append((number, False))
        if then != "called again" and of_an_execution and number in plain.begins:
            points.append((number, True))
    return points


@pytest.mark.parametrize("name", ALL)
def test_a_story_ends_well(clock: Clock, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A11, A12, A14: nobody dies, every promise is kept, and a person has to help only where the story says so."""
    run = Run(name, clock, monkeypatch)
    run.check("nobody died")
    assert (run.play.asked > 0) == run.story.person, told(run.play)


@pytest.mark.parametrize("part", range(SLICES))
@pytest.mark.parametrize("then", THEN)
@pytest.mark.parametrize("name", [*STORIES, *WITH_STANDBY])
def test_a_function_may_die_anywhere(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, name: str, then: str, part: int
) -> None:
    """A14."""
    plain = Run(name, clock, monkeypatch)
    assert plain.changes >= 20
    for crash in crash_points(plain, then)[part::SLICES]:
        run = Run(name, clock, monkeypatch, crash=crash, then=then)
        where = f"{'before' if crash[1] else 'after'} changing call {crash[0]} of {plain.changes}"
        run.check(where)
        assert then != "called again" or run.ends() == plain.ends(), f"{where}\n{told(run.play)}"
