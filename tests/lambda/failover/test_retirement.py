"""Whole retirements: of one incarnation and of a whole managed cluster."""

from __future__ import annotations

from typing import Any

import pytest

from dr_core.steps import RETIREMENT_WAIT_SECONDS, RetirementStep

from .parts import START, Clock, LostAnswerError
from .planned import RETIREMENT, give_jobs, switched_over
from .scenarios import deletion, failed_over, failing, launched, never_nobody_in_service, settled, shape
from .world import World, rule_of


def test_a_planned_retirement_ends_the_cluster_too(world: World) -> None:
    """Fence did not: a switchover's old incarnation is ended by its retirement."""
    launched(world).run_operation(world.request("switchover", "op2", reason="upgrade"))
    assert world.terminated == []
    world.run_started_retirements()
    assert world.terminated == ["emr-dr-active-passive-a-g1"]
    assert settled(world)["states"] == {1: "retired", 2: "serving"}


def test_a_cluster_that_emr_forgot_is_gone(world: World) -> None:
    """EMR forgets clusters after two months."""
    request = failed_over(world)
    del world.clusters["j-1"]
    for stack in world.stacks.values():
        if stack.name.endswith("g1"):
            stack.cluster, stack.deleting = None, True
    assert world.run_retirement(request) == "Retired"


def test_a_retired_incarnation_needs_nothing(world: World) -> None:
    """Started again under the same name, a retirement ends at once."""
    request = failed_over(world)
    world.run_retirement(request)
    calls = world.calls
    assert world.run_retirement(request) == "Retired"
    assert world.calls == calls


def _deleted(world: World, *, twice: bool = False) -> dict[str, Any]:
    launched(world).run_operation(failing(world))
    world.run_retirement(deletion(world), twice=twice)
    return settled(world)


def test_a_deletion_leaves_nothing(world: World) -> None:
    """Delete = retire all."""
    end = _deleted(world)
    assert end["targets"] == {}
    assert end["stacks"] == end["clusters"] == []
    assert end["serving"] is None
    assert set(end["states"].values()) == {"retired"}
    assert set(end["slots"].values()) == {None}
    assert [each["succeeded"] for each in world.answers] == [True]


def test_a_deletion_may_repeat_every_step(world: World) -> None:
    """One answer, nothing left."""
    end = _deleted(world, twice=True)
    assert end["stacks"] == []
    assert len(world.answers) == 1


def test_a_deletion_ends_well_whichever_answer_is_lost(world: World, clock: Clock) -> None:
    """The function may die after any call."""
    launched(world)
    first = world.calls
    world.run_retirement(deletion(world))
    end, total = shape(settled(world)), world.calls
    for lost in range(first + 1, total + 1):
        clock.now = START
        other = World(clock)
        other.create_managed_cluster()
        other.lose_call = lost
        launched(other).run_retirement(deletion(other))
        assert shape(settled(other)) == end, f"answer of call {lost} lost"


def test_a_deletion_in_the_middle_of_a_launch_leaves_nothing(world: World) -> None:
    """A stack may be deleted while it is being created."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Launch")
    for _ in range(4):
        world.step("operation", "Launch", request)
        world.clock.now += 10
    assert world.run_retirement(deletion(world)) == "Retired"
    end = settled(world)
    assert end["stacks"] == end["clusters"] == []


RETIRED = {1: "retired", 2: "serving"}


class Watcher:
    """Runs the planned retirement of generation 1, and looks after each call whether a promise was broken."""

    def __init__(self, world: World, *, jobs_end_after: float | None, evicted_after: float | None = None) -> None:
        self.world = world
        self.jobs_end_after, self.evicted_after = jobs_end_after, evicted_after
        switched_over(world, batches=(1001000007,))
        self.began = world.clock.now

    def run(self, *, twice: bool = False) -> dict[str, Any]:
        for step in RetirementStep:
            while True:
                self._let_time_work()
                status = self._call(step)
                if twice:
                    status = self._call(step)
                if status == "done":
                    break
                self.world.clock.now += RETIREMENT_WAIT_SECONDS[step]
        return settled(self.world)

    def _let_time_work(self) -> None:
        passed = self.world.clock.now - self.began
        if self.jobs_end_after is not None and passed >= self.jobs_end_after:
            give_jobs(self.world)
        if self.evicted_after is not None and passed >= self.evicted_after:
            item = self.world.incarnation(1).to_item()
            self.world.put({"evicted_at": self.world.clock.now, **item})

    def _call(self, step: str) -> str:
        ran = list(self.world.cluster(1).applications)
        try:
            answer = self.world.step("retirement", step, RETIREMENT)
        except LostAnswerError:
            self.world.clock.now += 5
            answer = self.world.step("retirement", step, RETIREMENT)
        self._look(step, ran)
        return str(answer.status)

    def _look(self, step: str, ran: list[str]) -> None:
        world, old = self.world, self.world.incarnation(1)
        policy = world.deployment.config.policy
        open_ids = rule_of(1) in str(world.rules)
        alive = world.cluster(1).ended_at is None
        cut = old.evicted_at is not None
        killed = bool(ran) and not world.cluster(1).applications
        if killed:
            assert cut or world.clock.now - (old.serving_to or 0) >= policy.drain_limit_seconds, (
                "killed before its time"
            )
        if not (open_ids and alive):
            assert old.drained_at is not None, f"{step} before the drain was over"
            assert cut or world.clock.now - old.drained_at >= policy.linger_seconds, (
                f"{step} before the linger was over"
            )
        if not open_ids:
            assert old.fenced_at is not None, f"{step}: 410 before it was fenced"
            ended = world.cluster_state(world.cluster(1)) == "TERMINATED"
            assert ended or not world.cluster(1).applications, f"{step}: 410 while an application runs"
        assert never_nobody_in_service(world)


PLANS: list[dict[str, Any]] = [
    {"jobs_end_after": 0},
    {"jobs_end_after": 500},
    {"jobs_end_after": None, "evicted_after": 300},
    {"jobs_end_after": 100, "evicted_after": 300},
]


def _another(clock: Clock) -> World:
    clock.now = START
    world = World(clock)
    world.create_managed_cluster()
    return world


@pytest.mark.parametrize("plan", PLANS, ids=str)
def test_a_planned_retirement_takes_nothing_away_too_early(world: World, plan: dict[str, Any]) -> None:
    """B6, B11, A14: no job is killed that may end, no 410 before its time, and nothing is left in the end."""
    end = Watcher(world, **plan).run()
    assert end["states"] == RETIRED
    assert end["stacks"] == ["emr-dr-active-passive-a-g2"]
    assert end["slots"] == {1: None, 2: 2, 3: None, 4: None}


def test_jobs_that_never_end_are_ended_in_the_end(world: World) -> None:
    """A14: after the limit and the linger."""
    end = Watcher(world, jobs_end_after=None).run()
    policy = world.deployment.config.policy
    assert end["states"] == RETIRED
    fenced_at = world.incarnation(1).fenced_at or 0
    serving_to = world.incarnation(1).serving_to or 0
    assert fenced_at - serving_to >= policy.drain_limit_seconds + policy.linger_seconds


@pytest.mark.parametrize("plan", PLANS, ids=str)
def test_every_step_of_a_planned_retirement_may_be_called_twice(
    world: World, clock: Clock, plan: dict[str, Any]
) -> None:
    """A14: a repeated step changes nothing."""
    assert Watcher(world, **plan).run(twice=True) == Watcher(_another(clock), **plan).run()


@pytest.mark.parametrize("plan", PLANS, ids=str)
def test_a_planned_retirement_ends_well_whichever_answer_is_lost(
    world: World, clock: Clock, plan: dict[str, Any]
) -> None:
    """A14: the function may die after any call."""
    switched_over(world)
    first = world.calls
    whole = _another(clock)
    end = Watcher(whole, **plan).run()
    for lost in range(first + 1, whole.calls + 1):
        other = _another(clock)
        other.lose_call = lost
        assert Watcher(other, **plan).run() == end, f"answer of call {lost} of {whole.calls} lost"


@pytest.mark.parametrize("plan", PLANS, ids=str)
@pytest.mark.parametrize("step", list(RetirementStep))
def test_no_step_called_out_of_turn_takes_anything_away(world: World, plan: dict[str, Any], step: str) -> None:
    """A14: whatever calls it."""
    watcher = Watcher(world, **plan)
    before = settled(world)
    watcher._call(step)
    assert settled(world) == before
