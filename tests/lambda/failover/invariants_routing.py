"""Promises about ids: they lead to their owner, and answer 410 when nothing of it runs and its results were read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from . import facts
from .parts import Cluster

if TYPE_CHECKING:
    from .machine_world import MachineWorld


def ids_lead_to_their_owner(world: MachineWorld) -> Iterator[str]:
    """No client-visible id points at a wrong owner, and none answers 410 before its owner is fenced.

    Looked at until the cluster has ended: what a retirement calls retired may still run.
    """
    for generation, batch_id in tuple(world.issued):
        item = facts.incarnation(world, generation)
        address = item.get("primary_address")
        found = world.routes(batch_id)
        if found == ("410",):
            yield from _answers_410(world, item, batch_id)
        else:
            yield from _leads_to_its_owner(world, generation, address, found, f"id {batch_id}")
        named = world.routes(batch_id, header=True)
        if named != ("410",):
            yield from _leads_to_its_owner(world, generation, address, named, "a name")


def _answers_410(world: MachineWorld, item: Mapping[str, Any], batch_id: int) -> Iterator[str]:
    generation = int(item["generation"])
    cluster = world.cluster_of(generation)
    if generation not in world.memory.closed:
        if not fenced(world, item):
            yield f"id {batch_id} of generation {generation} answers 410, and its applications may live"
        world.memory.closed[generation] = _overdue(world, item, cluster)
    if not _results_were_read(world, item):
        yield f"id {batch_id} of generation {generation} answers 410 before its client could read the result"
    if item["state"] == "retired" and not _lives(world, cluster):
        world.issued.discard((generation, batch_id))


def _leads_to_its_owner(
    world: MachineWorld, generation: int, address: str | None, found: tuple[str, ...], what: str
) -> Iterator[str]:
    """All targets of the rule count, and whose cluster an address is by now.

    A cluster that was started a moment ago with the address of a dead one is not known to anybody before its launch is
    over: nobody can keep it from getting what was meant for the dead one until then, and its Livy knows no id of it.
    """
    for each in found:
        if each != address:
            yield f"{what} of generation {generation} leads to {each}, not to {address}"
            continue
        cluster = world.living(each)
        other = facts.generation_of(cluster) if cluster is not None else None
        if other is not None and other != generation:
            state = facts.incarnation(world, other).get("state")
            if state in ("verifying", "standby", "serving"):
                yield f"{what} of generation {generation} leads to {each}, where generation {other} lives by now"


def what_gets_jobs_is_proved(world: MachineWorld) -> Iterator[str]:
    """Nobody is in the balanced group by the address of somebody who is gone.

    Known of from the end of its launch on, as above.
    """
    for address in world.healthy("balanced"):
        cluster = world.living(address)
        generation = facts.generation_of(cluster) if cluster is not None else None
        joined = world.memory.joined.get(address)
        if generation is None or joined is None or joined == generation:
            continue
        if facts.incarnation(world, generation).get("state") in ("verifying", "standby", "serving"):
            yield f"generation {generation} gets jobs at {address}, which generation {joined} joined with"


def nothing_runs_after_its_ids_were_closed(world: MachineWorld) -> Iterator[str]:
    """A 410 makes a client run its job again: beside an application that lives it would run twice.

    Not asked where the bound of the fence had passed, which is told to a person.
    """
    for generation, overdue in world.memory.closed.items():
        cluster = world.cluster_of(generation)
        if not overdue and cluster is not None and cluster.applications and _lives(world, cluster):
            yield f"ids of generation {generation} answer 410, and {', '.join(cluster.applications)} runs"


def after_application(world: MachineWorld, cluster: Cluster, application: str) -> None:
    """Look at an application that has just appeared."""
    generation = facts.generation_of(cluster)
    if generation is not None and world.memory.closed.get(generation) is False:
        world.wrong(f"{application} of generation {generation} appears after its ids answered 410")


def fenced(world: MachineWorld, item: Mapping[str, Any]) -> bool:
    """Whether the applications of an incarnation are dead, or the bound for that has passed."""
    cluster = world.cluster_of(int(item["generation"]))
    if not _lives(world, cluster) or cluster is None or _overdue(world, item, cluster):
        return True
    # By the word of its ResourceManager; before anybody asked for the end, more jobs may come.
    requested = world.requested.get(cluster.cluster_id) is not None or item.get("terminate_requested_at") is not None
    return not cluster.applications and (requested or item.get("fenced_at") is not None)


def _overdue(world: MachineWorld, item: Mapping[str, Any], cluster: Cluster | None) -> bool:
    known = [
        world.requested.get(cluster.cluster_id) if cluster is not None else None,
        item.get("terminate_requested_at"),
    ]
    requested = min((float(each) for each in known if each is not None), default=None)
    limit = world.deployment.config.policy.fence_limit_seconds
    return requested is not None and world.clock.now >= requested + limit


def _lives(world: MachineWorld, cluster: Cluster | None) -> bool:
    return cluster is not None and not world.cluster_state(cluster).startswith("TERMINATED")


def _results_were_read(world: MachineWorld, item: Mapping[str, Any]) -> bool:
    """Whether an incarnation that left as planned lingered for the longest poll, or could not."""
    since = world.left_as_planned.get(int(item["generation"]))
    if since is None or item.get("evicted_at") is not None or int(item["generation"]) in world.written_off:
        return True
    if facts.managed_cluster(world, item).get("tombstone"):
        return True
    cluster = world.cluster_of(int(item["generation"]))
    died = cluster is None or cluster.cluster_id in world.ended_because or not world.works(cluster.address)
    if died and cluster is not None and cluster.cluster_id not in world.requested:
        return True
    if cluster is not None and cluster.cluster_id in world.died_first:
        return True
    since = max(since, world.jobs_ended.get(int(item["generation"]), 0.0))
    return world.clock.now >= since + world.deployment.config.policy.linger_seconds


ALWAYS: tuple[Any, ...] = (
    ids_lead_to_their_owner,
    what_gets_jobs_is_proved,
    nothing_runs_after_its_ids_were_closed,
)
