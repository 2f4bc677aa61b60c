"""Retirements that run beside something else, and planned ones: of an incarnation that works and may have jobs."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from dr_core.record import Incarnation, IncarnationState, Slot
from dr_core.steps import RetirementStep
from failover.calls import StepAnswer

from .parts import RETIREMENTS, LostAnswerError
from .scenarios import launched
from .world import World

RETIREMENT = {"retirement": "a-retire-g1", "managed_cluster": "a", "generation": 1, "planned": True}


def switched_over(world: World, *, batches: tuple[int, ...] = (), **extra: str) -> dict[str, Any]:
    """The request of the retirement of generation 1, which works on *batches*, after a switchover replaced it."""
    launched(world)
    assert world.run_operation(world.request("switchover", "op2", **{"reason": "upgrade", **extra})) == "CutOverDone"
    give_jobs(world, *batches)
    return dict(RETIREMENT)


def give_jobs(world: World, *batches: int) -> None:
    """Let generation 1 work on *batches*, each with an application of its own."""
    cluster = world.cluster(1)
    cluster.batches[:] = batches
    cluster.applications[:] = [f"application_1_{batch}" for batch in batches]


def drained(world: World) -> dict[str, Any]:
    """The request of the same retirement, whose incarnation has nothing left to do and stays up for clients."""
    request = switched_over(world)
    assert world.run_retirement(request, until="Linger") == "Linger"
    return request


def draining(
    world: World, generation: int, slot: int, *, serving_to: float | None = None, **values: Any
) -> Incarnation:
    """Another incarnation that holds *slot* and is retired as planned, without a stack of its own."""
    incarnation = Incarnation(
        **{
            "generation": generation,
            "managed_cluster": "a",
            "state": IncarnationState.RETIRING,
            "slot": slot,
            "serving_from": world.clock.now - 5000,
            "serving_to": world.clock.now if serving_to is None else serving_to,
            **values,
        }
    )
    world.put(incarnation.to_item())
    world.put(Slot(number=slot, generation=generation).to_item())
    return incarnation


def call(world: World, machine: str, step: str, request: dict[str, Any]) -> StepAnswer:
    """One call of a step, called again as the machine does when its answer was lost."""
    try:
        answer = world.step(machine, step, request)
    except LostAnswerError:
        answer = world.step(machine, step, request)
    assert isinstance(answer, StepAnswer)
    return answer


class Retirements:
    """The retirements of a world, which run beside what a test does."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._positions: dict[str, int] = {}

    def running(self) -> set[int]:
        """The generations that are being retired."""
        return {
            json.loads(each["input"])["request"]["generation"]
            for each in self._world.executions.values()
            if each.get("machine") == RETIREMENTS and each["status"] == "RUNNING"
        }

    def work(self) -> None:
        """One call of the present step of each."""
        for arn, execution in list(self._world.executions.items()):
            if execution.get("machine") != RETIREMENTS or execution["status"] != "RUNNING":
                continue
            position = self._positions.setdefault(arn, 0)
            request = json.loads(execution["input"])["request"]
            try:
                answer = call(self._world, "retirement", list(RetirementStep)[position], request)
            except ClientError:  # the machine calls again
                continue
            if answer.status == "done":
                self._positions[arn] = position + 1
                if position + 1 == len(RetirementStep):
                    execution["status"] = "SUCCEEDED"
