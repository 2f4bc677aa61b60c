"""Promises about what keeps automatic operations back: the pause, the block, the budget and the turn.

Each is looked at where it has to hold: the monitor reads the controls as its round begins, and Reassess reads all of
them once more, so that nothing is launched that was forbidden when Reassess began.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dr_core.controls import Controls, Turn
from dr_core.launch_plan import DAY_SECONDS
from dr_core.requests import Reason
from dr_core.restraints import START_SECONDS

from . import facts
from .parts import OPERATIONS

if TYPE_CHECKING:
    from .machine_world import MachineWorld


def after_start(world: MachineWorld, name: str, request: Mapping[str, Any]) -> None:
    """Look at an execution that was just started: none by itself while it was paused since the round began."""
    acting = world.gate.current
    controls = _controls(world)
    if acting is None or not facts.automatic(request) or not controls.get("paused"):
        return
    if float(controls["paused_at"]) < acting.began:
        world.wrong(f"{name} starts by itself, although a person has paused automatic operations")


def after_automatic_launch(world: MachineWorld, item: Mapping[str, Any], operation: Mapping[str, Any]) -> Iterator[str]:
    """Look at an incarnation that an automatic operation has just begun to launch."""
    generation, policy = item["generation"], world.deployment.config.policy
    asked = operation["entered"].get("Reassess")
    controls = _controls(world)
    if asked is None:
        yield f"generation {generation} is launched without a second look"
        return
    since = float(asked)
    if controls.get("paused") and float(controls["paused_at"]) < since:
        yield f"generation {generation} is launched by itself, although a person has paused automatic operations"
    counted = [
        float(time)
        for each in world.items("managed-cluster")
        for time in each.get("automatic_failovers", ())
        if max(since - policy.block_window_seconds, float(controls.get("acknowledged_at") or 0)) < float(time) < since
    ]
    if len(counted) >= policy.failovers_before_block:
        yield f"generation {generation} is launched by itself after {len(counted)} failovers that nobody took note of"
    today = [
        each
        for each in world.items("incarnation")
        if each.get("reason") == Reason.UNHEALTHY and world.clock.now - float(each["created_at"]) < DAY_SECONDS
    ]
    if len(today) > policy.launches_per_day:
        yield f"generation {generation} is launch {len(today)} of automatic operations in 24 hours"


def one_automatic_operation_at_a_time(world: MachineWorld) -> Iterator[str]:
    """The turn is not taken from an operation that runs, or may be about to.

    One that has done nothing for minutes does not exist, as Step Functions begins an execution at once; when it begins
    later than that nevertheless, the monitor may have looked before.
    """
    item = world.record.items.get((Turn.KIND, Turn.ID))
    if item is None or (world.memory.turn is not None and item["operation"] == world.memory.turn["operation"]):
        return
    before, world.memory.turn = world.memory.turn, item
    if before is None or before["managed_cluster"] == item["managed_cluster"]:
        return
    operation = world.record.items.get(("operation", before["operation"]), {})
    execution = world.execution(OPERATIONS, before["operation"])
    if operation.get("outcome") is not None or (execution in world.executions and not facts.runs(world, execution)):
        return
    began = min((float(each) for each in operation.get("entered", {}).values()), default=None)
    if world.clock.now - float(before["since"]) < START_SECONDS or (
        began is not None and began < facts.acting_since(world)
    ):
        yield f"{item['operation']} takes the turn of {before['operation']}, which works on {before['managed_cluster']}"


def _controls(world: MachineWorld) -> Mapping[str, Any]:
    return world.record.items.get((Controls.KIND, Controls.ID), {})


ALWAYS: tuple[Any, ...] = (one_automatic_operation_at_a_time,)
