"""Two functions that work at once: the one stops before each of its calls while others work, and goes on after that."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from failover.execution_ended import tidy_up

from .gate import Invocation
from .machine_crashes import both, in_safe_mode
from .machine_play import Play
from .machine_rest import left_over
from .parts import OPERATIONS, START, Clock


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


# An operation that is stopped in the middle of a step, and the step goes on nevertheless.


def _unhealthy(play: Play) -> None:
    in_safe_mode(play)
    play.monitor()


def _by_hand(play: Play) -> None:
    play.ask_for("failover", "a")


def _upgrade(play: Play) -> None:
    play.request("Update", "a", play.properties("a", version=1))


BEGINNINGS: dict[str, Callable[[Play], None]] = {"failover": _unhealthy, "by hand": _by_hand, "switchover": _upgrade}
STEPS = (("failover", "Fence"), ("failover", "CutOver"), ("by hand", "Fence"), ("switchover", "CutOver"))


def _running(play: Play) -> str:
    return next(each for each in play.executions.running() if play.executions.machine_of(each) == OPERATIONS)


@cache
def moments(beginning: str, step: str) -> list[tuple[Play, int]]:
    """Plays that stand before a call of *step*, with the number of calls that it makes: its first and last ones."""
    found: list[tuple[Play, int]] = []
    with pytest.MonkeyPatch.context() as patch:
        clock = Clock(now=START)
        patch.setattr("time.time", clock.time)
        patch.setattr("time.sleep", clock.sleep)
        play = Play(clock, patch)
        both(play)
        BEGINNINGS[beginning](play)
        arn = _running(play)
        calls: list[int] = []
        play.after.append(lambda _, invocation: calls.append(invocation.calls))
        while play.world.executions[arn].get("state") != step:
            play.step(arn)
        while play.world.executions[arn].get("state") == step and play.world.executions[arn]["status"] == "RUNNING":
            hooks, play.after = play.after, []
            before = play.copied(Clock(), patch)
            play.takes_part(patch)
            play.after = hooks
            play.step(arn)
            found.append((before, calls[-1]))
    return [found[0], *found[-2:]] if len(found) > 3 else found


def _stopped(play: Play, arn: str) -> None:
    play.executions.abort(arn)
    play.deliver(play.executions.events.pop())


def _stopped_halfway(play: Play, arn: str) -> None:
    """Whoever tidies up dies after what he changes first; the event comes again later."""
    play.executions.abort(arn)
    event = play.executions.events.pop()
    invocation = Invocation(
        name="execution_ended", work=lambda: tidy_up(play.world.deployment, event), event=event, pause_at=0
    )
    play.run(invocation)
    while not invocation.finished and not invocation.effects:
        play.resume(invocation, calls=1)
    if not invocation.finished:
        play.gate.kill(invocation)
        play.ended(invocation)


def _stopped_unnoticed(play: Play, arn: str) -> None:
    """Nobody is told, and the reconciliation finds what was left."""
    play.executions.abort(arn)
    play.lose(play.executions.events.pop())
    play.world.pass_time(130)
    play.reconcile()


def _updated(play: Play, arn: str) -> None:
    play.request("Update", "a", play.properties("a", version=2))
    _goes_on(play, arn)


def _deleted(play: Play, arn: str) -> None:
    play.request("Delete", "a", play.resources["a"].properties)
    _goes_on(play, arn)


def _reconciled(play: Play, arn: str) -> None:
    play.world.pass_time(60)
    play.reconcile()


def _goes_on(play: Play, arn: str) -> None:
    """What follows from it, as far as it gets in a minute."""
    until = play.world.clock.now + 60
    while play.executions.events:
        play.deliver(play.executions.events.pop())
    others = [each for each in play.executions.running() if each != arn]
    while others and play.executions.due(others[0]) < until:
        play.step(others[0])
        others = [each for each in play.executions.running() if each != arn]


MEANWHILE: dict[str, Callable[[Play, str], None]] = {
    "stopped": _stopped,
    "stopped halfway": _stopped_halfway,
    "stopped unnoticed": _stopped_unnoticed,
    "updated": _updated,
    "deleted": _deleted,
    "reconciled": _reconciled,
}


@pytest.mark.parametrize("meanwhile", MEANWHILE)
@pytest.mark.parametrize(("beginning", "step"), STEPS)
def test_a_step_that_goes_on_after_its_execution_was_stopped_does_no_harm(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, beginning: str, step: str, meanwhile: str
) -> None:
    """A14: every promise is kept, and all ends well; before each of its calls."""
    for before, calls in moments(beginning, step):
        for pause_at in range(calls):
            play = before.copied(clock, monkeypatch)
            arn = _running(play)
            assert not play.step(arn, pause_at=pause_at)
            (paused,) = play.gate.paused
            MEANWHILE[meanwhile](play, arn)
            if paused in play.gate.paused:  # a newer request ends the functions of an older one
                play.resume(paused)
            play.rest(heal_after=600)
            wrong = play.world.violations or left_over(play)
            assert not wrong, "\n".join([f"{step} stopped before call {pause_at}", *play.story[-120:], *wrong])


# A round of the monitor that lasts.


@cache
def third_failover_asked_for() -> tuple[Play, int]:
    """A play in which a second automatic failover is about to cut over, and a third one seems to be needed."""
    with pytest.MonkeyPatch.context() as patch:
        clock = Clock(now=START)
        patch.setattr("time.time", clock.time)
        patch.setattr("time.sleep", clock.sleep)
        play = Play(clock, patch)
        both(play)
        _dies(play, 1)
        play.monitor()
        play.finish(_running(play))
        play.world.pass_time(60)
        _dies(play, 2)
        play.monitor()
        second = _running(play)
        while play.world.executions[second].get("state") != "CutOver":
            play.step(second)
        _dies(play, 3)
        again = play.copied(Clock(), patch)
        calls: list[int] = []
        again.after.append(lambda _, invocation: calls.append(invocation.calls))
        again.monitor()
    return play, calls[0]


def _dies(play: Play, generation: int) -> None:
    cluster = play.world.cluster_of(generation)
    assert cluster is not None
    play.world.befall(cluster, "dies")


def test_no_third_failover_follows_from_what_was_read_before_the_second(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A12: two automatic failovers, and the next one waits for a person, whatever the monitor read before."""
    before, calls = third_failover_asked_for()
    for pause_at in range(calls + 4):  # it makes some more when it starts one
        play = before.copied(clock, monkeypatch)
        second = _running(play)
        ended = play.monitor(pause_at=pause_at)
        play.finish(second)
        assert ended == (not play.gate.paused)
        for invocation in list(play.gate.paused):
            play.resume(invocation)
        started = [each for each in play.executions.running() if play.executions.machine_of(each) == OPERATIONS]
        for arn in started:
            play.finish(arn)
        assert play.world.violations == [], "\n".join([*play.story[-60:], *play.world.violations])
        assert max(int(item["generation"]) for item in play.world.items("incarnation")) == 4
