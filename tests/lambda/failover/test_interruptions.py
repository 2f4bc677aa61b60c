"""Executions that ended before their last state: what the function for ended executions and the next operation do."""

from __future__ import annotations

import pytest

from dr_core.record import IncarnationState
from dr_core.steps import OperationStep
from failover.execution_ended import tidy_up

from .scenarios import ended, failing, launched, never_nobody_in_service, settled, shape
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
