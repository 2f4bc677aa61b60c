"""What has to hold at every moment, whatever goes wrong: each function is one promise, in the words of the design.

Functions of ``ALWAYS`` look at the world after each call that changed something; ``before_...`` and ``after_...`` look
at one call.  All of them look at what is true in the world, not at what the controller believes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dr_core.id_ranges import prefix_of

from .parts import Cluster, Stack

if TYPE_CHECKING:
    from .machine_world import MachineWorld

# How long a failover may act on what was seen at its beginning: as long as its execution may run.
SEEN_SICK_SECONDS = 3300.0
UP = ("launching", "verifying", "serving")
_WITHOUT_LEASE = ("Claim", "RollBack")
# Effects beyond the record.
_OUTSIDE = (
    "create_stack",
    "delete_stack",
    "register_targets",
    "deregister_targets",
    "modify_rule",
    "terminate_job_flows",
    "add_job_flow_steps",
)


@dataclass
class Memory:
    """What was so at the last look."""

    leases: dict[str, str | None] = field(default_factory=dict)
    serving: dict[str, int | None] = field(default_factory=dict)
    generations: set[int] = field(default_factory=set)
    strangers: Any = None


def check(world: MachineWorld) -> None:
    """Look at everything that always has to hold; the first violation is enough."""
    for promise in ALWAYS:
        if world.violations:
            return
        for text in promise(world):
            world.wrong(text)


# At most one operation for a managed cluster.


def a_lease_is_taken_over_only_when_its_execution_is_closed(world: MachineWorld) -> Iterator[str]:
    acting = world.gate.current.execution if world.gate.current is not None else None
    for item in world.items("managed-cluster"):
        name, holder = item["id"], item.get("lease", {}).get("execution")
        before = world.memory.leases.get(name)
        world.memory.leases[name] = holder
        if before is not None and before != holder and before != acting and _runs(world, before):
            yield f"the lease of {name} went from {before}, which runs, to {holder}"


def only_the_holder_of_the_lease_acts(world: MachineWorld) -> Iterator[str]:
    acting = world.gate.current
    if acting is None or not acting.effects or acting.effects[-1] not in _OUTSIDE or acting.step in _WITHOUT_LEASE:
        return
    if acting.machine != "operation" or acting.execution is None or not _runs(world, acting.execution):
        return  # a step that outlives its execution: what it may still do, the other promises bound
    name = _input(world, acting.execution)["managed_cluster"]
    holder = world.record.items[("managed-cluster", name)].get("lease", {}).get("execution")
    if holder is not None and holder != acting.execution and _runs(world, holder):
        yield f"{acting.name} of {acting.execution} acts on {name} while {holder} holds the lease"


# At most one stack for a generation.


def after_create_stack(world: MachineWorld, new: Stack) -> None:
    """Look at a stack that was just created."""
    generation = new.parameters["Generation"]
    same = [
        each.name
        for each in world.stacks.values()
        if each.parameters.get("Generation") == generation and world.stack_status(each) != "DELETE_COMPLETE"
    ]
    if len(same) > 1:
        world.wrong(f"generation {generation} has the stacks {', '.join(same)}")


def a_stack_is_in_the_record_before_it_exists(world: MachineWorld) -> Iterator[str]:
    known = {item.get("stack_name") for item in world.items("incarnation")}
    for stack in world.stacks.values():
        if stack.stack_id not in world.foreign_stacks and stack.name not in known:
            yield f"nobody knows of stack {stack.name}"


# Nothing is launched for a managed cluster that goes, nor in another's zone while a third is free, nor without a need.


def a_launch_is_allowed(world: MachineWorld) -> Iterator[str]:
    items = world.items("incarnation")
    if len(items) == len(world.memory.generations):
        return
    for item in items:
        generation = int(item["generation"])
        if generation in world.memory.generations:
            continue
        world.memory.generations.add(generation)
        if item["state"] != "launching":
            continue
        name = item["managed_cluster"]
        if world.record.items[("managed-cluster", name)].get("tombstone"):
            yield f"generation {generation} is launched for {name}, which is being deleted"
        yield from _shares_a_zone(world, item)
        operation = world.record.items[("operation", item["operation"])]
        request = json.loads(operation["request"])
        old = operation.get("old_generation")
        if request["kind"] == "failover" and request["reason"] == "unhealthy" and old is not None:
            seen = world.sick_at.get(int(old))
            if seen is None or world.clock.now - seen > SEEN_SICK_SECONDS:
                yield f"generation {old} is replaced, and nobody saw that it was unhealthy"


def _shares_a_zone(world: MachineWorld, item: Mapping[str, Any]) -> Iterator[str]:
    others = [
        each["availability_zone"]
        for each in world.items("incarnation")
        if each["managed_cluster"] != item["managed_cluster"]
        and each["state"] in UP
        and each.get("availability_zone") is not None
    ]
    if item["availability_zone"] not in others:
        return
    operation = world.record.items[("operation", item["operation"])]
    old = world.record.items.get(("incarnation", f"g{int(operation.get('old_generation') or 0):06d}"), {})
    taken = {*others, *operation.get("tried", ()), old.get("availability_zone")}
    free = [each.availability_zone for each in world.deployment.config.subnets if each.availability_zone not in taken]
    if free:
        yield f"generation {item['generation']} shares {item['availability_zone']} although {', '.join(free)} is free"


# Id ranges of live incarnations are disjoint.


def id_ranges_are_disjoint(world: MachineWorld) -> Iterator[str]:
    seen: dict[int, int] = {}
    for item in world.items("incarnation"):
        if item["state"] == "retired":
            continue
        generation = int(item["generation"])
        other = seen.setdefault(prefix_of(generation), generation)
        if other != generation:
            yield f"generations {other} and {generation} have the same range of ids"


# No client-visible id points at a wrong owner, and none answers 410 before its owner is fenced.


def ids_lead_to_their_owner(world: MachineWorld) -> Iterator[str]:
    for generation, batch_id in tuple(world.issued):
        item = world.record.items[("incarnation", f"g{generation:06d}")]
        found = world.route(batch_id)
        if found == "410":
            if not fenced(world, item):
                yield f"id {batch_id} of generation {generation} answers 410, and its applications may live"
            elif not _results_were_read(world, item):
                yield f"id {batch_id} of generation {generation} answers 410 before its client could read the result"
            elif item["state"] == "retired":
                world.issued.discard((generation, batch_id))
        elif found is not None and found != item.get("primary_address"):
            yield f"id {batch_id} of generation {generation} leads to {found}, not to {item.get('primary_address')}"
        found = world.route(batch_id, header=True)
        if found not in ("410", None, item.get("primary_address")):
            yield f"names of generation {generation} lead to {found}, not to {item.get('primary_address')}"


def fenced(world: MachineWorld, item: Mapping[str, Any]) -> bool:
    """Whether the applications of an incarnation are dead, or the bound for that has passed."""
    cluster = world.cluster_of(int(item["generation"]))
    if cluster is None or world.cluster_state(cluster).startswith("TERMINATED"):
        return True
    known = [world.requested.get(cluster.cluster_id), item.get("terminate_requested_at")]
    requested = min((float(each) for each in known if each is not None), default=None)
    if requested is not None and world.clock.now >= requested + world.deployment.config.policy.fence_limit_seconds:
        return True
    # By the word of its ResourceManager; before anybody asked for the end, more jobs may come.
    return not cluster.applications and (requested is not None or item.get("fenced_at") is not None)


def _results_were_read(world: MachineWorld, item: Mapping[str, Any]) -> bool:
    """Whether an incarnation that left as planned lingered for the longest poll, or could not."""
    since = world.left_as_planned.get(int(item["generation"]))
    if since is None or item.get("evicted_at") is not None:
        return True
    if world.record.items[("managed-cluster", item["managed_cluster"])].get("tombstone"):
        return True
    cluster = world.cluster_of(int(item["generation"]))
    died = cluster is None or cluster.cluster_id in world.ended_because or not world.works(cluster.address)
    if died and cluster is not None and cluster.cluster_id not in world.requested:
        return True
    if cluster is not None and cluster.cluster_id in world.died_first:
        return True
    since = max(since, world.jobs_ended.get(int(item["generation"]), 0.0))
    return world.clock.now >= since + world.deployment.config.policy.linger_seconds


# Never fewer incarnations in service than before unless they were unhealthy, never zero by our own act; none is retired
# that holds the only healthy place.


def before_leaving(world: MachineWorld, group: str, address: str) -> None:
    """Look at a target that shall leave its group."""
    if address in world.strangers:
        world.wrong(f"{address}, which is not ours, leaves {group}")
    healthy = world.healthy("balanced")
    if group != "balanced" or address not in healthy:
        return
    item = _owner(world, address)
    if item is None or _may_end(world, item):
        return
    name = item["managed_cluster"]
    if not any(_owner_name(world, each) == name for each in healthy if each != address):
        world.wrong(f"{address} of {name} leaves the balanced group, and nobody of {name} is healthy there")


def before_joining(world: MachineWorld, group: str, address: str) -> None:
    """Look at a target that shall join a group: only somebody whom the record knows may."""
    if _owner(world, address) is None:
        world.wrong(f"{address}, which is not ours, joins {group}")


def before_ending(world: MachineWorld, cluster: Cluster) -> None:
    """Look at a cluster that shall end."""
    item = _owner(world, cluster.address)
    if item is not None and cluster.applications and not _may_work_on_end(world, item):
        world.wrong(f"jobs of generation {item['generation']}, which leaves as planned, are ended before their time")
    if item is None or cluster.address not in world.healthy("balanced") or _may_end(world, item):
        return
    name = item["managed_cluster"]
    if not any(_owner_name(world, each) == name for each in world.healthy("balanced") if each != cluster.address):
        world.wrong(f"{cluster.cluster_id} of {name} ends, and nobody else of {name} is healthy in service")


def before_delete_stack(world: MachineWorld, stack: Stack) -> None:
    """Look at a stack that shall go."""
    if stack.stack_id in world.foreign_stacks:
        world.wrong(f"stack {stack.name} is not ours, and is deleted")
    elif stack.cluster is not None and stack.cluster.ended_at is None:
        before_ending(world, stack.cluster)


def before_killing(world: MachineWorld, cluster: Cluster) -> None:
    """Look at the applications that shall end."""
    before_touching(world, cluster, "applications")
    before_ending(world, cluster)


def _may_end(world: MachineWorld, item: Mapping[str, Any]) -> bool:
    """Whether an incarnation in service may leave it: it is unhealthy, a person wants it, or all of it goes."""
    managed_cluster = world.record.items[("managed-cluster", item["managed_cluster"])]
    if managed_cluster.get("tombstone") or item["managed_cluster"] in world.by_hand:
        return True
    seen = world.sick_at.get(int(item["generation"]))
    return seen is not None and world.clock.now - seen <= SEEN_SICK_SECONDS


def _may_work_on_end(world: MachineWorld, item: Mapping[str, Any]) -> bool:
    """Whether jobs of an incarnation may be ended: it does not leave as planned, or their time is over."""
    since = world.left_as_planned.get(int(item["generation"]))
    managed_cluster = world.record.items[("managed-cluster", item["managed_cluster"])]
    if since is None or item.get("evicted_at") is not None or managed_cluster.get("tombstone"):
        return True
    if item.get("drained_at") is not None:  # what came after that came too late
        return True
    return world.clock.now >= since + world.deployment.config.policy.drain_limit_seconds


def a_failover_cuts_over_after_the_fence(world: MachineWorld) -> Iterator[str]:
    for item in world.items("managed-cluster"):
        name, serving = item["id"], item.get("serving_generation")
        before = world.memory.serving.get(name)
        world.memory.serving[name] = int(serving) if serving is not None else None
        if before is None or serving is None or before == serving:
            continue
        acting = world.gate.current
        request = _input(world, acting.execution) if acting is not None and acting.execution else {}
        old = world.record.items[("incarnation", f"g{before:06d}")]
        cluster = world.clusters.get(old.get("cluster_id") or "")
        if request.get("kind") != "failover":
            world.left_as_planned[before] = world.clock.now
            if cluster is not None and not world.works(cluster.address):
                world.died_first.add(cluster.cluster_id)
        elif cluster is not None and cluster.ended_at is None and old.get("terminate_requested_at") is None:
            yield f"the failover of {name} cuts over, and nobody asked for the end of generation {before}"


# None is touched that is not ours.


def before_touching(world: MachineWorld, cluster: Cluster, what: str) -> None:
    """Look at a cluster whose *what* shall change."""
    if cluster.cluster_id.startswith("j-FOREIGN"):
        world.wrong(f"{cluster.cluster_id} is not ours, and its {what} changes")


def strangers_are_left_alone(world: MachineWorld) -> Iterator[str]:
    now = [
        *((each.ended_at, each.protected, tuple(each.applications)) for each in world.foreign_clusters()),
        *((world.stacks[each].deleting, world.stacks[each].deletions) for each in sorted(world.foreign_stacks)),
        *((group, address in world.targets[group]) for address, group in world.strangers.items()),
    ]
    if world.memory.strangers is None:
        world.memory.strangers = now
    elif world.memory.strangers != now:
        yield f"what is not ours was {world.memory.strangers} and is {now}"


ALWAYS = (
    a_lease_is_taken_over_only_when_its_execution_is_closed,
    only_the_holder_of_the_lease_acts,
    a_stack_is_in_the_record_before_it_exists,
    a_launch_is_allowed,
    id_ranges_are_disjoint,
    ids_lead_to_their_owner,
    a_failover_cuts_over_after_the_fence,
    strangers_are_left_alone,
)


def _runs(world: MachineWorld, execution: str) -> bool:
    return world.executions.get(execution, {}).get("status") == "RUNNING"


def _input(world: MachineWorld, execution: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(world.executions[execution]["input"])["request"]
    return found


def _owner(world: MachineWorld, address: str) -> Mapping[str, Any] | None:
    """The youngest incarnation with this address that is not retired."""
    found = [
        item
        for item in world.items("incarnation")
        if item.get("primary_address") == address and item["state"] != "retired"
    ]
    return max(found, key=lambda item: int(item["generation"]), default=None)


def _owner_name(world: MachineWorld, address: str) -> str | None:
    owner = _owner(world, address)
    return owner["managed_cluster"] if owner is not None else None
