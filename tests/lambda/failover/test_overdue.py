"""A retirement that does not get on: whom it is told, when and how often."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dr_core.metrics import RETIREMENT_OVERDUE
from failover.errors import InvariantError
from failover.overdue import tell_if_overdue

from .scenarios import failed_over, retirement_call
from .world import World


def overdue(written: str) -> list[dict[str, Any]]:
    """The lines of the metric in what was *written*."""
    return [each for each in map(json.loads, written.splitlines()) if RETIREMENT_OVERDUE in each]


def standing(world: World, step: str) -> dict[str, Any]:
    """The request of a retirement that stands at *step* and cannot get on."""
    request = failed_over(world)
    world.run_retirement(request, until=step)
    match step:
        case "AwaitFenced":
            # Nobody else is healthy in service.
            world.targets["balanced"] = {"10.0.1.1": world.clock.now - 100}
            world.unhealthy.discard("10.0.1.1")
        case "CloseIds":
            world.record.items["incarnation", "g000001"].pop("fenced_at")
        case _:
            world.delete_fails = 1000
    call(world, step, request)
    return request


def call(world: World, step: str, request: dict[str, Any]) -> None:
    """One call of a step that waits or raises."""
    try:
        assert world.step("retirement", step, request).status == "wait"
    except InvariantError:
        assert step == "AwaitFenced"


@pytest.mark.parametrize("step", ["AwaitFenced", "CloseIds", "DeleteStack"])
def test_a_retirement_that_does_not_get_on_raises_an_alarm(
    world: World, step: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """After half an hour, not before, and once: also where a step only ever raises, and nobody hears of that."""
    request = standing(world, step)
    told = len(world.notices)
    world.clock.now += 1799
    call(world, step, request)
    assert overdue(capsys.readouterr().out) == []
    world.clock.now += 1
    for _ in range(3):
        call(world, step, request)
    (written,) = overdue(capsys.readouterr().out)
    assert (written[RETIREMENT_OVERDUE], written["managed_cluster"]) == ([1], "a")
    (notice,) = world.notices[told:]
    assert notice["subject"] == f"emr-dr-active-passive: retirement {request['retirement']} takes long"
    assert f"{step} is not over after 30 minutes (" in notice["message"]


def test_each_state_has_a_word_of_its_own(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """A retirement that got on and stands again is told again."""
    request = standing(world, "CloseIds")
    world.clock.now += 1800
    call(world, "CloseIds", request)
    world.record.items["incarnation", "g000001"]["fenced_at"] = world.clock.now
    assert world.step("retirement", "CloseIds", request).status == "done"
    world.delete_fails = 1000
    call(world, "DeleteStack", request)
    world.clock.now += 1800
    call(world, "DeleteStack", request)
    assert len(overdue(capsys.readouterr().out)) == 2


def test_two_calls_at_once_tell_once(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Each read the record before the other wrote."""
    request = standing(world, "DeleteStack")
    world.clock.now += 1800
    late = retirement_call(world, request, step="DeleteStack")
    call(world, "DeleteStack", request)
    tell_if_overdue(late, "late")
    assert len(overdue(capsys.readouterr().out)) == 1


def test_a_step_that_is_done_late_is_not_overdue(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """There is nothing for a person to do."""
    request = standing(world, "DeleteStack")
    world.delete_fails = 0
    world.clock.now += 1800
    while world.step("retirement", "DeleteStack", request).status == "wait":
        capsys.readouterr()
    assert overdue(capsys.readouterr().out) == []
