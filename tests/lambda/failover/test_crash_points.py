"""Every story of the controller, once for each call that changes something: the function that makes it dies there.

Dying right after one call is dying right before the next one of the same function: reads in between leave nothing
behind.  So each function dies before its first changing call, and after each of them.  Then either the machine calls
the step again, or its execution is over and others have to finish or undo what it had begun, with EventBridge's event
of that or without.
"""

from __future__ import annotations

import pytest

from .machine_crashes import ALL, STORIES, WITH_STANDBY
from .machine_telling import from_the_start, told
from .parts import Clock

# The crash points of a story are told in so many tests, so that none takes long; all but the first are left to
# `make test-long`.
SLICES = 16
PARTS = [0, *(pytest.param(part, marks=pytest.mark.long) for part in range(1, SLICES))]
THEN = ("called again", "execution over", "nobody told")


@pytest.mark.parametrize("name", ALL)
def test_a_story_ends_well(clock: Clock, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A11, A12, A14: nobody dies, every promise is kept, and a person has to help only where the story says so."""
    telling = from_the_start(name, clock, monkeypatch)
    telling.begin()
    telling.end()
    telling.check("nobody died")
    assert (telling.play.asked > 0) == telling.story.person, telling.told()


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("then", THEN)
@pytest.mark.parametrize("name", [*STORIES, *WITH_STANDBY])
def test_a_function_may_die_anywhere(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, name: str, then: str, part: int
) -> None:
    """A14."""
    plain = told(name)
    changes = plain.whole.changes
    assert changes >= 20
    for crash in plain.crash_points(then)[part::SLICES]:
        telling = plain.with_death(crash, then, clock, monkeypatch)
        where = f"{'before' if crash[1] else 'after'} changing call {crash[0]} of {changes}"
        telling.check(where)
        assert then != "called again" or telling.ends() == plain.whole.ends(), f"{where}\n{telling.told()}"
