"""A telling that goes on from a copy is the one that was told from the start."""

from __future__ import annotations

import pytest

from .machine_telling import Telling, from_the_start, told
from .parts import Clock


def _all_of(telling: Telling) -> list[object]:
    """What a telling has come to, and everything on the way."""
    play = telling.play
    return [play.story, play.gate.calls, play.world.items("incarnation"), play.world.executions, play.world.notices]


@pytest.mark.parametrize("then", ["called again", "execution over", "nobody told"])
@pytest.mark.parametrize("name", ["launch that fails", "recovers"])
def test_a_death_is_told_the_same_from_a_copy(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, name: str, then: str
) -> None:
    """At its first call, at its last one, and at one in the middle."""
    plain = told(name)
    points = plain.crash_points(then)
    for crash in (points[0], points[len(points) // 2], points[-1]):
        from_a_copy = plain.with_death(crash, then, clock, monkeypatch)

        whole = from_the_start(name, clock, monkeypatch)
        whole.play.gate.crash, whole.then = crash, then
        whole.begin()
        whole.end()

        assert whole.play.gate.crashed is not None
        assert _all_of(from_a_copy) == _all_of(whole)


def test_a_telling_leaves_what_it_was_copied_from_as_it_is(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = told("launch that fails")
    before = [_all_of(part.copied(Clock())) for _, part in plain.parts]

    plain.with_death(plain.crash_points("execution over")[0], "execution over", clock, monkeypatch)

    assert [_all_of(part) for _, part in plain.parts] == before
