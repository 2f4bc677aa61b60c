"""Two operations at once: one of them stops in the middle of a step, at each of its calls, while the other works."""

from __future__ import annotations

import pytest

from .machine_play import Play
from .parts import OPERATIONS, Clock


def launches(play: Play) -> tuple[str, str]:
    """The executions of two launches that were asked for at once."""
    for name in ("a", "b"):
        play.request("Create", name, play.properties(name, version=0))
    first, second = (each for each in play.executions.running() if play.executions.machine_of(each) == OPERATIONS)
    return first, second


def zones(play: Play) -> dict[str, str]:
    """Where each managed cluster has an incarnation."""
    return {item["managed_cluster"]: item["availability_zone"] for item in play.world.items("incarnation")}


@pytest.mark.parametrize("pause_at", range(12))
def test_two_launches_at_once_do_not_share_a_zone(clock: Clock, monkeypatch: pytest.MonkeyPatch, pause_at: int) -> None:
    """A14: each chooses by what it read before the other wrote down its own choice."""
    play = Play(clock, monkeypatch)
    first, second = launches(play)
    while play.world.executions[first].get("state") != "Launch":
        play.step(first)
    play.step(first, pause_at=pause_at)
    while play.world.executions[second].get("state") != "Verify":
        play.step(second)
    for invocation in list(play.gate.paused):
        play.resume(invocation)
    while play.world.executions[first].get("state") != "Verify":
        play.step(first)
    assert play.world.violations == []
    assert len(set(zones(play).values())) == 2
