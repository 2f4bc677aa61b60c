"""Executions that ended before their last state: what the function for ended executions and the next operation do."""

from __future__ import annotations

import pytest

from dr_core.record import IncarnationState, Outcome
from dr_core.steps import OperationStep
from failover.execution_ended import tidy_up

from .parts import LostAnswerError
from .scenarios import ended, failing, hanging, launched, never_nobody_in_service, second_half, settled, shape
from .world import World

AFTER_A_FAILOVER = {
    "serves": True,
    "lease": None,
    "targets": [("balanced", 1), ("nn-a", 1), ("rm-a", 1)],
    "slots": [False, False, False, True],
    "routed": 1,
    "stacks": 1,
    "clusters": 1,
    "protected": 1,
}


@pytest.mark.parametrize("event_arrives", [True, False])
@pytest.mark.parametrize("step", list(OperationStep))
def test_the_next_failover_ends_well_wherever_the_last_one_stopped(
    world: World, step: OperationStep, event_arrives: bool
) -> None:
    """A14: no state of an interrupted failover is a trap; EventBridge's event may be lost."""
    request = failing(launched(world))
    world.run_operation(request, until=step)
    world.step("operation", step, request)
    event = ended(world, request)
    if event_arrives:
        tidy_up(world.deployment, event)
    world.clock.now += 120
    assert world.run_operation(world.request("failover", "op3", reason="unhealthy")) == "CutOverDone"
    world.run_started_retirements()
    end = shape(settled(world))
    assert {**end, "states": None} == {**AFTER_A_FAILOVER, "states": None}
    assert end["states"][-1:] == ["serving"]
    assert set(end["states"][:-1]) == {"retired"}
    assert never_nobody_in_service(world)


def test_an_interrupted_cut_over_is_finished_by_the_next_failover(world: World) -> None:
    """What is in the balanced group already is proved: launching another one would take eight minutes more."""
    request = failing(launched(world))
    world.run_operation(request, until="CutOver")
    world.step("operation", "CutOver", request)
    tidy_up(world.deployment, ended(world, request))
    assert world.incarnation(2).state is IncarnationState.VERIFYING
    assert world.run_operation(world.request("failover", "op3", reason="unhealthy")) == "CutOverDone"
    assert world.managed_cluster().serving_generation == 2


def test_a_switchover_leaves_what_serves_until_its_own_cut_over(world: World) -> None:
    """An interrupted failover's incarnation in the balanced group may be the only healthy one."""
    request = failing(launched(world))
    world.run_operation(request, until="CutOver")
    world.step("operation", "CutOver", request)
    ended(world, request)
    assert world.run_operation(world.request("switchover", "op3", reason="upgrade")) == "CutOverDone"
    world.run_started_retirements()
    assert never_nobody_in_service(world)
    assert settled(world)["states"] == {1: "retired", 2: "retired", 3: "serving"}


UNTIL_REPAIR = list(OperationStep)[: list(OperationStep).index(OperationStep.REPAIR) + 1]
BOTH_HALVES = ["10.0.1.1", "10.0.3.90"]


@pytest.mark.parametrize("event_arrives", [True, False])
@pytest.mark.parametrize("calls", [1, 2])
@pytest.mark.parametrize("step", UNTIL_REPAIR)
def test_a_repair_ends_well_wherever_the_last_one_stopped(
    world: World, step: OperationStep, calls: int, event_arrives: bool
) -> None:
    """A14: Livy may have been restarted by then or not; the next operation finds out, and both halves serve."""
    launched(world)
    second_half(world)
    before = settled(world)
    request = hanging(world)
    world.run_operation(request, until=step)
    for _ in range(calls):
        world.step("operation", step, request)
        world.clock.now += 10
    event = ended(world, request)
    if event_arrives:
        tidy_up(world.deployment, event)
    world.clock.now += 120
    end = world.run_operation(world.request("failover", "op3", reason="unhealthy"))
    assert end == ("Repaired" if world.operation("op3").repair_step_id else "Cancelled")
    assert sorted(world.targets["balanced"]) == BOTH_HALVES
    assert world.incarnation(1).isolated_at is None
    assert {**settled(world), "targets": {}} == {**before, "targets": {}}
    assert never_nobody_in_service(world)


def test_a_repair_may_lose_the_answer_of_any_call(world: World) -> None:
    """A14: one restart, both halves in service, and the lease free."""
    launched(world)
    second_half(world)
    request = hanging(world)
    begin = lost = 0
    for lost in range(1, 40):
        world.clock.now += 3600
        world.livy_fails = {"10.0.1.1"}
        operation = f"op{lost + 1}"
        begin, restarts = world.calls, len(world.cluster(1).steps)
        world.lose_call = begin + lost
        assert world.run_operation({**request, "operation": operation}) == "Repaired"
        assert world.operation(operation).outcome is Outcome.REPAIRED
        assert len(world.cluster(1).steps) == restarts + 1
        assert sorted(world.targets["balanced"]) == BOTH_HALVES
        assert (world.incarnation(1).isolated_at, world.managed_cluster().lease) == (None, None)
        if world.calls - begin < lost:
            break
    assert world.calls - begin < lost


@pytest.mark.parametrize("event_arrives", [True, False])
@pytest.mark.parametrize("lost", range(1, 6))
def test_a_failover_that_died_while_it_was_called_off_leaves_the_old_one_in_service(
    world: World, lost: int, event_arrives: bool
) -> None:
    """A14: whichever call of its last look was its last one."""
    request = failing(launched(world))
    assert world.run_operation(request, until="Fence") == "Fence"
    world.unhealthy.clear()
    world._look_around()
    world.lose_call = world.calls + lost
    with pytest.raises(LostAnswerError):
        world.step("operation", "Fence", request)
    event = ended(world, request)
    if event_arrives:
        tidy_up(world.deployment, event)
    world.clock.now += 120
    assert world.run_operation(world.request("failover", "op3", reason="unhealthy")) == "Cancelled"
    world.run_started_retirements()
    end = settled(world)
    assert (end["serving"], end["lease"], end["stacks"]) == (1, None, ["emr-dr-active-passive-a-g1"])
    assert end["targets"]["balanced"] == ["10.0.1.1"]
    assert world.incarnation(1).terminate_requested_at is None
