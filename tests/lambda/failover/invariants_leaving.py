"""Promises about who leaves service and who comes to an end: what was healthy, or may still be needed, is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from failover.steps.fence import EMR_SECONDS

from . import facts
from .parts import Cluster, Stack

if TYPE_CHECKING:
    from .machine_world import MachineWorld

_GOING = ("retiring", "retired", "abandoned")
# What may become of an incarnation; one that was retired goes once more if something of it is found.
_NEXT_STATES = {
    "launching": ("verifying", "abandoned", "retiring", "retired"),
    "verifying": ("standby", "serving", "abandoned", "retiring", "retired"),
    "standby": ("verifying", "abandoned", "retiring", "retired"),
    "serving": ("retiring", "retired"),
    "retiring": ("retired",),
    "abandoned": ("retiring", "retired"),
    "retired": ("retiring",),
}


# Nothing comes back that was given up, and nothing ends twice.


def what_was_given_up_stays_so(world: MachineWorld) -> Iterator[str]:
    """An incarnation never goes back to an earlier state: what is being deleted must not get jobs again."""
    for item in world.items("incarnation"):
        generation, state = int(item["generation"]), item["state"]
        before = world.memory.states.get(generation)
        if before == state:
            continue
        world.memory.states[generation] = state
        if state == "retired":
            world.memory.retired_at[generation] = world.clock.now
        if before is not None and state not in _NEXT_STATES[before]:
            yield f"generation {generation} was {before} and is {state}"
        if before in ("launching", "verifying") and state in ("abandoned", "standby"):
            yield from _was_needed(world, item)


def _was_needed(world: MachineWorld, item: Mapping[str, Any]) -> Iterator[str]:
    """A proved incarnation is not given up once the end of what it replaces was asked for: nothing else is left.

    Not while the managed cluster is deleted.
    """
    owner = facts.managed_cluster(world, item)
    serving, address = owner.get("serving_generation"), item.get("primary_address")
    if serving is None or owner.get("tombstone") or address is None:
        return
    end_requested = facts.incarnation(world, int(serving)).get("terminate_requested_at") is not None
    if end_requested and item.get("slot") is not None and world.works(address):
        yield (
            f"generation {item['generation']} is proved and is given up, although the end of generation {serving} "
            "was asked for"
        )


def an_operation_ends_once(world: MachineWorld) -> Iterator[str]:
    for item in world.items("operation"):
        outcome = item.get("outcome")
        before = world.memory.outcomes.get(item["id"])
        if before is None and outcome is not None:
            world.memory.outcomes[item["id"]] = outcome
        elif before != outcome:
            yield f"operation {item['id']} had ended as {before} and now as {outcome}"


# The end of a cluster is asked for with a reason, and by somebody who may.


def an_end_is_asked_for_with_a_reason(world: MachineWorld) -> Iterator[str]:
    """Looked at when it is written down: whoever finds it written goes on with it."""
    for item in world.items("incarnation"):
        generation = int(item["generation"])
        if item.get("terminate_requested_at") is None or generation in world.memory.ends_requested:
            continue
        world.memory.ends_requested.add(generation)
        owner = facts.managed_cluster(world, item)
        if item["state"] not in _GOING and not owner.get("tombstone"):
            yield from _ended_by_a_failover(world, item, owner)


def _ended_by_a_failover(world: MachineWorld, old: Mapping[str, Any], owner: Mapping[str, Any]) -> Iterator[str]:
    what = f"the end of generation {old['generation']}, which is {old['state']}, is asked for"
    acting, request = world.gate.current, facts.acting_request(world)
    if acting is None or acting.step != "Fence" or request.get("kind") != "failover":
        yield f"{what} by somebody who is no failover"
        return
    operation = world.record.items[("operation", request["operation"])]
    new = facts.incarnation(world, int(operation.get("generation") or 0))
    if new.get("state") not in ("verifying", "serving"):
        yield f"{what}, and its successor, generation {new.get('generation')}, is {new.get('state')}"
    if owner.get("lease", {}).get("execution") != acting.execution:
        yield f"{what} without the lease"
    if facts.automatic(request) and not facts.sick_since(world, old, acting.began):
        yield f"{what} by an automatic failover, and it is healthy again"


# Never fewer incarnations in service than before unless they were unhealthy, never zero by our own act; none is retired
# that holds the only healthy place.


def before_leaving(world: MachineWorld, group: str, address: str) -> None:
    """Look at a target that shall leave its group.

    What serves by the record leaves the balanced group isolated, or given up for its successor, or dead: then its
    address may be somebody else's by now.
    """
    if address in world.strangers:
        world.wrong(f"{address}, which is not ours, leaves {group}")
    if group != "balanced" or address not in world.targets.get("balanced", {}):
        return
    item = facts.owner(world, address)
    if item is None:
        return
    owner = facts.managed_cluster(world, item)
    if owner.get("tombstone") or item.get("terminate_requested_at") is not None:
        return
    name, generation = item["managed_cluster"], int(item["generation"])
    cluster = world.cluster_of(generation)
    if cluster is None or cluster.ended_at is not None:
        return
    if owner.get("serving_generation") == generation and item.get("isolated_at") is None:
        world.wrong(f"{address} serves as {name} by the record, and leaves the balanced group")
    if address in world.healthy("balanced") and not _may_leave(world, item):
        world.wrong(f"{address} of {name} leaves the balanced group, and nobody of {name} is healthy there")


def _may_leave(world: MachineWorld, item: Mapping[str, Any]) -> bool:
    """Whether somebody else is healthy in its place, or it was called sick by the look that this operation rests on.

    Between the look and the call some time passes: what was so when the function was called still counts.
    """
    since = facts.acting_since(world)
    if facts.others_healthy(world, item, since=since):
        return True
    request = facts.acting_request(world)
    if facts.automatic(request):
        operation = world.record.items[("operation", request["operation"])]
        since = min(since, float(operation["entered"].get("Reassess", since)))
    return facts.sick_since(world, item, since)


def before_joining(world: MachineWorld, group: str, address: str) -> None:
    """Look at a target that shall join a group: only somebody whom the record knows may.

    Or whom it knew when the function was called: nobody else has the address before that is over.
    """
    item = facts.owner(world, address)
    if item is None and facts.was_ours(world, address, since=facts.acting_since(world)):
        return
    if item is None:
        world.wrong(f"{address}, which is not ours, joins {group}")
    elif group == "balanced":
        world.memory.joined[address] = int(item["generation"])


def before_ending(world: MachineWorld, cluster: Cluster) -> None:
    """Look at a cluster that shall end."""
    generation = facts.generation_of(cluster)
    if generation is None or cluster.ended_at is not None:
        return
    item = facts.incarnation(world, generation)
    if not item:
        return
    if cluster.applications and not _may_work_on_end(world, item):
        world.wrong(f"jobs of generation {generation}, which leaves as planned, are ended before their time")
    owner = facts.managed_cluster(world, item)
    # Who asks for it with a reason is another promise; from then on it may end whoever else is healthy.
    if owner.get("tombstone") or item.get("terminate_requested_at") is not None:
        return
    if cluster.address in world.healthy("balanced") and not _may_leave(world, item):
        name = item["managed_cluster"]
        world.wrong(f"{cluster.cluster_id} of {name} ends, and nobody else of {name} is healthy in service")


def before_delete_stack(world: MachineWorld, stack: Stack) -> None:
    """Look at a stack that shall go."""
    if stack.stack_id in world.foreign_stacks:
        world.wrong(f"stack {stack.name} is not ours, and is deleted")
    elif stack.cluster is not None:
        before_ending(world, stack.cluster)


def before_killing(world: MachineWorld, cluster: Cluster) -> None:
    """Look at the applications that shall end."""
    before_touching(world, cluster, "applications")
    before_ending(world, cluster)
    acting, generation = world.gate.current, facts.generation_of(cluster)
    if acting is None or generation is None:
        return
    item = facts.incarnation(world, generation)
    if acting.step == "Fence" and item.get("terminate_requested_at") is None:
        world.wrong(f"jobs of generation {generation} are ended before it is sure that it has to go")
    request = facts.acting_request(world)
    meant = request.get("generation")
    if acting.machine == "retirement" and meant is not None and int(meant) != generation:
        world.wrong(f"the retirement of generation {meant} ends jobs of generation {generation}")


def before_touching(world: MachineWorld, cluster: Cluster, what: str) -> None:
    """Look at a cluster whose *what* shall change."""
    if cluster.cluster_id.startswith("j-FOREIGN"):
        world.wrong(f"{cluster.cluster_id} is not ours, and its {what} changes")


def _may_work_on_end(world: MachineWorld, item: Mapping[str, Any]) -> bool:
    """Whether jobs of an incarnation may be ended: it does not leave as planned, or their time is over.

    Nobody waits for jobs of a dead ResourceManager: it was seen dead when it was decided how they leave.
    """
    since = world.left_as_planned.get(int(item["generation"]))
    if since is None or int(item["generation"]) in world.written_off:
        return True
    if item.get("evicted_at") is not None or facts.managed_cluster(world, item).get("tombstone"):
        return True
    if item.get("drained_at") is not None:  # what came after that came too late
        return True
    return world.clock.now >= since + world.deployment.config.policy.drain_limit_seconds


def a_failover_cuts_over_after_the_fence(world: MachineWorld) -> Iterator[str]:
    """What a failover found healthy again at the last moment leaves as planned, like what a switchover replaces.

    The end of what failed is in the record by then, and EMR was asked for it, unless it takes no calls: the traffic
    does not wait for that, and no id answers 410 before.
    """
    for item in world.items("managed-cluster"):
        name, serving = item["id"], item.get("serving_generation")
        before = world.memory.serving.get(name)
        world.memory.serving[name] = int(serving) if serving is not None else None
        if before is None or serving is None or before == serving:
            continue
        old = facts.incarnation(world, before)
        cluster = world.clusters.get(old.get("cluster_id") or "")
        if cluster is None or cluster.ended_at is not None:
            continue
        works, request = world.works(cluster.address), facts.acting_request(world)
        if old.get("terminate_requested_at") is not None:
            asked = cluster.cluster_id in world.requested or request.get("kind") != "failover"
            if not asked and not _emr_takes_no_calls(world, request):
                yield f"the failover of {name} cuts over, and EMR was not asked for the end of generation {before}"
            continue
        if request.get("kind") == "failover" and not (works and facts.automatic(request)):
            yield f"the failover of {name} cuts over, and nobody asked for the end of generation {before}"
        world.left_as_planned[before] = world.clock.now
        if not works:
            world.died_first.add(cluster.cluster_id)


def _emr_takes_no_calls(world: MachineWorld, request: Mapping[str, Any]) -> bool:
    """Whether the fence has tried for as long as it may."""
    entered = world.record.items[("operation", request["operation"])]["entered"]
    return world.clock.now >= float(entered.get("Fence", world.clock.now)) + EMR_SECONDS


ALWAYS: tuple[Any, ...] = (
    what_was_given_up_stays_so,
    an_operation_ends_once,
    an_end_is_asked_for_with_a_reason,
    a_failover_cuts_over_after_the_fence,
)
