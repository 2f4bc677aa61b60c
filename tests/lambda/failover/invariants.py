"""What has to hold at every moment, whatever goes wrong: each function is one promise, in the words of the design.

Functions of ``ALWAYS`` look at the world after each call that changed something; ``before_...`` and ``after_...`` look
at one call.  All of them look at what is true in the world, not at what the controller believes.  Those about leaving
service, about ids and about restraints stand in modules of their own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dr_core.id_ranges import prefix_of

from . import facts, invariants_leaving, invariants_restraints, invariants_routing
from .parts import Stack

if TYPE_CHECKING:
    from .machine_world import MachineWorld

_WITHOUT_LEASE = ("Claim", "RollBack")
_CUT_OVER = ("launched", "failed over", "switched over")
# Effects beyond the record.
_OUTSIDE = (
    "create_stack",
    "delete_stack",
    "register_targets",
    "deregister_targets",
    "modify_rule",
    "terminate_job_flows",
    "add_job_flow_steps",
    "cancel_steps",
)


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
        if before is not None and before != holder and before != acting and facts.runs(world, before):
            yield f"the lease of {name} went from {before}, which runs, to {holder}"


def only_the_holder_of_the_lease_acts(world: MachineWorld) -> Iterator[str]:
    """But for two ends that nobody else needs the lease for.

    What a step does that outlives its execution, the other promises bound.  And once a cut-over is in the record, with
    which the lease is free again, whoever comes takes out of service what goes: nobody puts that back.
    """
    acting = world.gate.current
    if acting is None or not acting.effects or acting.effects[-1] not in _OUTSIDE or acting.step in _WITHOUT_LEASE:
        return
    if acting.machine != "operation" or acting.execution is None or not facts.runs(world, acting.execution):
        return
    request = facts.request_of(world, acting.execution)
    name, operation = request["managed_cluster"], world.record.items[("operation", request["operation"])]
    if acting.effects[-1] == "deregister_targets" and operation.get("outcome") in _CUT_OVER:
        return
    holder = world.record.items[("managed-cluster", name)].get("lease", {}).get("execution")
    if holder is not None and holder != acting.execution and facts.runs(world, holder):
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
        if facts.automatic(request):
            yield from invariants_restraints.after_automatic_launch(world, item, operation)
            since = float(operation["entered"].get("Reassess", world.clock.now))
            if old is not None and not facts.sick_since(world, facts.incarnation(world, int(old)), since):
                yield f"generation {old} is replaced, and nobody saw that it was unhealthy"


def _evacuated(world: MachineWorld) -> set[str]:
    """The AZs that were evacuated lately, by the time of the specification and without the product's reading of it."""
    return {
        each["availability_zone"]
        for each in world.items("incarnation")
        if each.get("left_by") == "evacuation" and world.clock.now - float(each["serving_to"]) < 86_400
    }


def _shares_a_zone(world: MachineWorld, item: Mapping[str, Any]) -> Iterator[str]:
    others = [
        each["availability_zone"]
        for each in world.items("incarnation")
        if each["managed_cluster"] != item["managed_cluster"]
        and each["state"] in facts.UP
        and each.get("availability_zone") is not None
    ]
    if item["availability_zone"] not in others:
        return
    operation = world.record.items[("operation", item["operation"])]
    old = world.record.items.get(("incarnation", f"g{int(operation.get('old_generation') or 0):06d}"), {})
    taken = {*others, *operation.get("tried", ()), old.get("availability_zone")}
    if json.loads(operation["request"])["reason"] != "failback" and item["availability_zone"] not in _evacuated(world):
        taken |= _evacuated(world)  # comes later still than what is shared
    free = [each.availability_zone for each in world.deployment.config.subnets if each.availability_zone not in taken]
    if free:
        yield f"generation {item['generation']} shares {item['availability_zone']} although {', '.join(free)} is free"


# Id ranges of live incarnations are disjoint, and none begins where another ends.


def id_ranges_are_disjoint(world: MachineWorld) -> Iterator[str]:
    seen: dict[int, int] = {}
    for item in world.items("incarnation"):
        if item["state"] == "retired":
            continue
        generation = int(item["generation"])
        prefix = prefix_of(generation)
        for other in (seen[each] for each in (prefix - 1, prefix, prefix + 1) if each in seen):
            yield f"generations {other} and {generation} have the same range of ids, or one next to the other"
        seen[prefix] = generation


# None is touched that is not ours.


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


# What stands by gets no new jobs, and is launched where nothing else would fall with it.


def what_stands_by_gets_no_new_jobs(world: MachineWorld) -> Iterator[str]:
    """But for what a step puts there that had begun before it stood by, which the reconciliation takes out again."""
    standbys = [item for item in world.items("incarnation") if item["state"] == "standby"]
    known = {int(item["generation"]): item.get("primary_address") for item in standbys}
    since = world.memory.standby_since
    for generation in since.keys() - known.keys():
        del since[generation]
    for generation, address in known.items():
        since.setdefault(generation, world.clock.now)
        owner = facts.owner(world, address or "")
        if address in world.targets.get("balanced", {}) and owner is not None and owner["generation"] == generation:
            acting = world.gate.current
            just_put = acting is not None and acting.effects[-1:] == ["register_targets"]
            if just_put and facts.acting_since(world) > since[generation]:
                yield f"{address} of generation {generation}, which stands by, was put where new jobs come from"


def a_standby_is_launched_beside_what_serves(world: MachineWorld) -> Iterator[str]:
    for item in world.items("incarnation"):
        if item["state"] != "launching" or item.get("reason") != "standby":
            continue
        if int(item["generation"]) in world.memory.standby_launches:
            continue
        world.memory.standby_launches.add(int(item["generation"]))
        if not world.standby or item["managed_cluster"] != "a":
            yield f"generation {item['generation']} is launched to stand by, and nobody wants that"
        operation = world.record.items[("operation", item["operation"])]
        old = facts.incarnation(world, int(operation.get("old_generation") or 0))
        if old and old.get("availability_zone") == item["availability_zone"]:
            yield f"generation {item['generation']} is launched to stand by where generation {old['generation']} serves"
        day = [
            each
            for each in world.items("incarnation")
            if each.get("reason") in ("standby", "unhealthy") and world.clock.now - float(each["created_at"]) < 86_400
        ]
        budget = world.deployment.config.policy.launches_per_day // 2
        if len(day) > budget:
            yield f"{len(day)} clusters were launched in a day, and standbys may use {budget}"


ALWAYS = (
    what_stands_by_gets_no_new_jobs,
    a_standby_is_launched_beside_what_serves,
    a_lease_is_taken_over_only_when_its_execution_is_closed,
    only_the_holder_of_the_lease_acts,
    a_stack_is_in_the_record_before_it_exists,
    a_launch_is_allowed,
    id_ranges_are_disjoint,
    strangers_are_left_alone,
    *invariants_leaving.ALWAYS,
    *invariants_routing.ALWAYS,
    *invariants_restraints.ALWAYS,
)
