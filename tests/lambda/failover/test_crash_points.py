"""Every story of the controller, once for each call that changes something: the function that makes it dies there.

Dying right after one call is dying right before the next one of the same function: reads in between leave nothing
behind.  So each function dies before its first changing call, and after each of them.  Then either the machine calls
the step again, or its execution is over and others have to finish or undo what it had begun.
"""

from __future__ import annotations

import pytest

from .gate import Invocation
from .machine_crashes import QUIET_STORIES, STORIES
from .machine_play import Play, left_over
from .parts import START, Clock


def told(play: Play) -> str:
    """The story of a run that went wrong."""
    return "\n".join([*play.story[-120:], *play.world.violations])


class Run:
    """One telling of a story; *crash* is the call with which a function dies, *dies* whether its execution does too."""

    def __init__(
        self,
        name: str,
        clock: Clock,
        patch: pytest.MonkeyPatch,
        *,
        crash: tuple[int, bool] | None = None,
        dies: bool = False,
    ) -> None:
        clock.now = START
        self.play = play = Play(clock, patch)
        self.story = {**STORIES, **QUIET_STORIES}[name]
        story = self.story
        story.before(play)
        self.served = self._serving()
        self.firsts: set[int] = set()
        self.dies = dies
        play.gate.changes = 0
        play.gate.crash = crash
        follows = play.after

        def after(invocation: Invocation) -> None:
            follows(invocation)
            if self.dies and play.gate.crashed is invocation and invocation.execution is not None:
                self.dies = False
                play.executions.abort(invocation.execution)

        play.after = after
        play.before = lambda invocation: self.firsts.add(play.gate.changes)
        story.begins(play)
        play.after, begun = after, play.after

        def both(invocation: Invocation) -> None:
            after(invocation)
            if begun is not after:
                begun(invocation)

        play.after = both
        play.rest(heal_after=900)
        self.changes = play.gate.changes

    def _serving(self) -> dict[str, object]:
        return {item["id"]: item.get("serving_generation") for item in self.play.world.items("managed-cluster")}

    def ends(self) -> dict[str, str]:
        """How it ended, as CloudFormation sees it."""
        return {name: resource.state for name, resource in self.play.resources.items()}

    def check(self, what: str, *, unchanged: bool = False) -> None:
        wrong = self.play.world.violations or left_over(self.play)
        if unchanged and self._serving() != self.served:
            wrong = [*wrong, f"{self.served} served, and now {self._serving()}"]
        assert not wrong, f"{what}\n{told(self.play)}\n" + "\n".join(wrong)


@pytest.mark.parametrize("name", [*STORIES, *QUIET_STORIES])
def test_a_story_ends_well(clock: Clock, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A11, A12, A14: nobody dies, and every promise is kept."""
    run = Run(name, clock, monkeypatch)
    run.check("nobody died", unchanged=run.story.unchanged)


@pytest.mark.parametrize("dies", [False, True], ids=["called again", "execution over"])
@pytest.mark.parametrize("name", STORIES)
def test_a_function_may_die_anywhere(clock: Clock, monkeypatch: pytest.MonkeyPatch, name: str, dies: bool) -> None:
    """A14."""
    plain = Run(name, clock, monkeypatch)
    assert plain.changes >= 20
    points = [(number, False) for number in range(plain.changes)]
    if dies:  # where the step is called again, dying before its first change is as if it had not been called
        points += [(number, True) for number in sorted(plain.firsts) if number < plain.changes]
    for crash in points:
        run = Run(name, clock, monkeypatch, crash=crash, dies=dies)
        where = f"{'before' if crash[1] else 'after'} changing call {crash[0]} of {plain.changes}"
        run.check(where)
        assert dies or run.ends() == plain.ends(), f"{where}\n{told(run.play)}"
