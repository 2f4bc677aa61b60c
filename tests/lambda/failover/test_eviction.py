"""Evictions: one draining incarnation makes room for a failover, and only one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dr_core.metrics import SLOT_EVICTED
from failover.eviction import evict_one

from .parts import START, Clock, LostAnswerError
from .planned import Retirements, call, drained, draining, switched_over
from .safety import retirements
from .scenarios import failing, never_nobody_in_service, settled
from .world import World, rule_of


def full(world: World) -> World:
    """A world in which generation 1 drains, 2 serves, and the other slots are taken by what does not drain."""
    switched_over(world, batches=(1001000007,))
    draining(world, 50, 3, state="serving")
    draining(world, 51, 4, terminate_requested_at=world.clock.now)
    return world


def test_one_that_drains_makes_room(world: World) -> None:
    """A12: a failover goes before the end of old jobs."""
    assert evict_one(full(world).deployment) == "emr-dr-active-passive-a-g1 has to give its slot up"
    assert world.incarnation(1).evicted_at == world.clock.now
    assert [world.incarnation(each).evicted_at for each in (2, 50, 51)] == [None, None, None]


def test_nobody_else_has_to_go_as_long_as_one_is_on_its_way(world: World) -> None:
    """A12: the failover asks every two seconds, and needs one slot."""
    full(world)
    draining(world, 52, 4)
    evict_one(world.deployment)
    before, calls = world.incarnation(1), world.calls
    world.clock.now += 2
    assert evict_one(world.deployment) == "emr-dr-active-passive-a-g1 gives its slot up"
    assert (world.incarnation(1), world.incarnation(52).evicted_at, world.calls) == (before, None, calls)


def test_nobody_is_evicted_where_nobody_drains(world: World) -> None:
    """What serves keeps its slot."""
    full(world)
    draining(world, 1, 1, state="serving")
    calls = world.calls
    assert evict_one(world.deployment) is None
    assert world.calls == calls


def test_people_are_told_what_it_costs(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Once."""
    full(world)
    capsys.readouterr()
    told = len(world.notices)
    for _ in range(2):
        evict_one(world.deployment)
    (notice,) = world.notices[told:]
    assert notice["subject"] == "emr-dr-active-passive: emr-dr-active-passive-a-g1 has to make room for a failover"
    assert "all 4 are taken. emr-dr-active-passive-a-g1 (j-1) was replaced and only waits" in notice["message"]
    assert "its batch ids answer 410" in notice["message"]
    written = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each[SLOT_EVICTED] for each in written if SLOT_EVICTED in each] == [[1]]


def test_people_are_told_of_results_that_nobody_read_yet(world: World) -> None:
    """A job that succeeded may run again."""
    drained(world)
    evict_one(world.deployment)
    message = world.notices[-1]["message"]
    assert "only stays up so that clients read their results" in message
    assert "also for a job that succeeded and whose result was not read yet" in message


@pytest.mark.parametrize("status", ["FAILED", "ABORTED"])
def test_a_retirement_that_was_lost_is_started_again(world: World, status: str) -> None:
    """A14: else nothing would ever come free."""
    full(world)
    next(each for each in world.executions.values() if each.get("name") == "a-retire-g1")["status"] = status
    evict_one(world.deployment)
    assert retirements(world) == ["a-retire-g1", "a-retire-g1-2"]
    (again,) = (each for each in world.executions.values() if each.get("name") == "a-retire-g1-2")
    assert json.loads(again["input"])["request"]["planned"] is True


def test_one_that_was_retired_meanwhile_is_not_touched(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A14: a stale read."""
    full(world)
    incarnations = world.record.incarnations()
    monkeypatch.setattr(world.record, "incarnations", lambda: incarnations)
    world.put({**world.incarnation(1).to_item(), "state": "retired"})
    evict_one(world.deployment)
    assert world.incarnation(1).evicted_at is None


def test_an_eviction_in_the_making_is_not_made_twice(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two failovers at once: the first time stands."""
    full(world)
    incarnations = world.record.incarnations()
    evict_one(world.deployment)
    first = world.incarnation(1)
    world.clock.now += 5
    monkeypatch.setattr(world.record, "incarnations", lambda: incarnations)
    evict_one(world.deployment)
    assert world.incarnation(1) == first


def _evicted(world: World) -> dict[str, Any]:
    request = switched_over(world, batches=(1001000007,))
    try:
        evict_one(world.deployment)
    except LostAnswerError:
        evict_one(world.deployment)
    assert world.run_retirement(request) == "Retired"
    return settled(world)


def test_an_eviction_frees_the_slot_whichever_answer_is_lost(world: World, clock: Clock) -> None:
    """A14: the function may die after any call, and is called again."""
    switched_over(world)
    first = world.calls
    clock.now = START
    whole = World(clock)
    whole.create_managed_cluster()
    end = _evicted(whole)
    assert end["slots"] == {1: None, 2: 2, 3: None, 4: None}
    assert rule_of(1) not in str(end["rules"])
    for lost in range(first + 1, whole.calls + 1):
        clock.now = START
        other = World(clock)
        other.create_managed_cluster()
        other.lose_call = lost
        assert _evicted(other) == end, f"answer of call {lost} lost"


def test_an_eviction_frees_the_slot_in_time_for_the_failover(world: World) -> None:
    """A12: Route waits three minutes for a slot."""
    request = switched_over(world, batches=(1001000007,))
    world.clock.now += 3600
    evict_one(world.deployment)
    began = world.clock.now
    world.run_retirement(request, until="DeleteStack")
    assert world.clock.now - began <= 60
    assert settled(world)["slots"][1] is None


def _failed_over_with_every_slot_taken(world: World, *, lose: int | None = None) -> tuple[float, range]:
    """Run a failover beside the drain of generation 1; how many seconds Verify and Route lasted, and their calls."""
    switched_over(world, batches=(1001000007,))
    for generation, slot in ((50, 3), (51, 4)):
        draining(world, generation, slot, managed_cluster="b", state="serving")
    beside = Retirements(world)
    request = failing(world, "op3")
    world.run_operation(request, until="Verify")
    world.lose_call = lose
    began, first = world.clock.now, world.calls + 1
    lasted, calls = 0.0, range(0)
    for step in ("Verify", "Route", "Fence", "CutOver"):
        world._look_around()
        answer = call(world, "operation", step, request)
        for _ in range(300):
            if answer.status != "wait":
                break
            beside.work()
            world.clock.now += 2
            world._look_around()
            answer = call(world, "operation", step, request)
        assert answer.status == "done", answer.message
        if step == "Route":
            lasted, calls = world.clock.now - began, range(first, world.calls + 1)
    for _ in range(20):
        beside.work()
        world.clock.now += 60
    return lasted, calls


def test_a_failover_that_finds_every_slot_taken_gets_one(world: World) -> None:
    """A12: in a minute or two, and nothing that is routed to somebody is taken away before its time."""
    lasted, _ = _failed_over_with_every_slot_taken(world)
    assert lasted <= 120
    end = settled(world)
    assert (end["serving"], end["slots"]) == (3, {1: 3, 2: None, 3: 50, 4: 51})
    assert rule_of(3) in str(world.rules["id-1"])
    assert {generation: state for generation, state in end["states"].items() if generation < 50} == {
        1: "retired",
        2: "retired",
        3: "serving",
    }
    assert never_nobody_in_service(world)


def test_a_failover_gets_its_slot_whichever_answer_is_lost(world: World, clock: Clock) -> None:
    """A14: the functions of both machines may die after any call."""
    _, calls = _failed_over_with_every_slot_taken(world)
    end = {**settled(world), "rules": None}
    for lost in calls:
        other = _another(clock)
        _failed_over_with_every_slot_taken(other, lose=lost)
        assert {**settled(other), "rules": None} == end, f"answer of call {lost} lost"


def _another(clock: Clock) -> World:
    clock.now = START
    world = World(clock)
    world.create_managed_cluster()
    return world
