"""What is so in a world, for the promises that look at it, and what they remember of their last look."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dr_core.requests import Kind, Reason

from .parts import Cluster

if TYPE_CHECKING:
    from .machine_world import MachineWorld

UP = ("launching", "verifying", "standby", "serving")


@dataclass
class Memory:
    """What was so at the last look.

    Attributes:
        leases: who held the lease of each managed cluster.
        serving: which generation served as each managed cluster.
        generations: those that were in the record.
        states: of each generation.
        retired_at: when each generation was called retired.
        outcomes: of each operation.
        ends_requested: the generations whose end was asked for.
        closed: the generations whose ids answer 410, and whether the bound of the fence had passed by then.
        joined: which generation it was that joined the balanced group with an address.
        turn: the item that said whose turn it was.
        strangers: how what is not ours looked.
        standby_since: since when each generation that stands by does.
        standby_launches: the generations that were launched to stand by.
    """

    leases: dict[str, str | None] = field(default_factory=dict)
    serving: dict[str, int | None] = field(default_factory=dict)
    generations: set[int] = field(default_factory=set)
    states: dict[int, str] = field(default_factory=dict)
    retired_at: dict[int, float] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    ends_requested: set[int] = field(default_factory=set)
    closed: dict[int, bool] = field(default_factory=dict)
    joined: dict[str, int] = field(default_factory=dict)
    turn: Mapping[str, Any] | None = None
    strangers: Any = None
    standby_since: dict[int, float] = field(default_factory=dict)
    standby_launches: set[int] = field(default_factory=set)


def runs(world: MachineWorld, execution: str) -> bool:
    """Whether an execution has not ended."""
    return bool(world.executions.get(execution, {}).get("status") == "RUNNING")


def request_of(world: MachineWorld, execution: str) -> dict[str, Any]:
    """What an execution was asked to do."""
    found: dict[str, Any] = json.loads(world.executions[execution]["input"])["request"]
    return found


def acting_request(world: MachineWorld) -> dict[str, Any]:
    """What the execution whose step acts now was asked to do; empty if somebody else acts."""
    acting = world.gate.current
    return request_of(world, acting.execution) if acting is not None and acting.execution is not None else {}


def acting_since(world: MachineWorld) -> float:
    """When the function that acts now was called."""
    acting = world.gate.current
    return acting.began if acting is not None else world.clock.now


def automatic(request: Mapping[str, Any]) -> bool:
    """Whether it is a failover that nobody asked for."""
    return bool(request.get("kind") == Kind.FAILOVER and request.get("reason") == Reason.UNHEALTHY)


def incarnation(world: MachineWorld, generation: int) -> Mapping[str, Any]:
    """The item of a generation; empty if there is none."""
    return world.record.items.get(("incarnation", f"g{generation:06d}"), {})


def managed_cluster(world: MachineWorld, item: Mapping[str, Any]) -> Mapping[str, Any]:
    """The item of the managed cluster that an incarnation belongs to."""
    return world.record.items[("managed-cluster", item["managed_cluster"])]


def owner(world: MachineWorld, address: str) -> Mapping[str, Any] | None:
    """The youngest incarnation with this address that is not retired."""
    found = [
        item
        for item in world.items("incarnation")
        if item.get("primary_address") == address and item["state"] != "retired"
    ]
    return max(found, key=lambda item: int(item["generation"]), default=None)


def was_ours(world: MachineWorld, address: str, *, since: float) -> bool:
    """Whether an incarnation had this address that was retired after *since*."""
    return any(
        item.get("primary_address") == address and world.memory.retired_at.get(int(item["generation"]), 0.0) >= since
        for item in world.items("incarnation")
    )


def generation_of(cluster: Cluster) -> int | None:
    """The generation that a cluster belongs to, if it is ours."""
    generation = cluster.tags.get("emr-dr:generation")
    return int(generation) if generation is not None else None


def sick_since(world: MachineWorld, item: Mapping[str, Any], since: float) -> bool:
    """Whether an incarnation was unhealthy at some time from *since* on, or seen so by enough vantage points.

    One whose cluster ends, whoever ends it, counts as unhealthy.
    """
    generation = int(item["generation"])
    cluster = world.cluster_of(generation)
    if cluster is None or cluster.ended_at is not None or not world.works(cluster.address):
        return True
    return world.sick_at.get(generation, float("-inf")) >= since


def write_off(world: MachineWorld, generation: int) -> None:
    """Note down that the jobs of one that left as planned come to no good end, if nobody waits for their end yet."""
    begun = any(
        f":{execution}-".rpartition(":")[2].partition("-retire-g")[2].startswith(f"{generation}-")
        for execution in world.executions
    )
    if generation in world.left_as_planned and not begun:
        world.written_off.add(generation)


def others_healthy(world: MachineWorld, item: Mapping[str, Any], *, since: float) -> bool:
    """Whether another one of the same managed cluster was healthy in the balanced group at some time from then on."""
    others = [
        each.get("primary_address")
        for each in world.items("incarnation")
        if each["managed_cluster"] == item["managed_cluster"]
        and each["generation"] != item["generation"]
        and each["state"] != "retired"
    ]
    healthy = world.healthy("balanced")
    return any(each in healthy or world.healthy_at.get(each or "", float("-inf")) >= since for each in others)
