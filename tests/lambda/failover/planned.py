"""Planned retirements: of an incarnation that was replaced, works, and may have jobs."""

from __future__ import annotations

from typing import Any

from dr_core.record import Incarnation, IncarnationState, Slot

from .scenarios import launched
from .world import World

RETIREMENT = {"retirement": "a-retire-g1", "managed_cluster": "a", "generation": 1, "planned": True}


def switched_over(world: World, *, batches: tuple[int, ...] = ()) -> dict[str, Any]:
    """The request of the retirement of generation 1, which works on *batches*, after a switchover replaced it."""
    launched(world)
    assert world.run_operation(world.request("switchover", "op2", reason="upgrade")) == "CutOverDone"
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
