"""What a world looks like at rest, when everybody has done what he has to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import facts
from .machine_world import MachineWorld

if TYPE_CHECKING:
    from .machine_play import Play


def left_over(play: Play) -> list[str]:
    """What is wrong with a world at rest, in words; empty if all is as it has to be."""
    world, wrong = play.world, list[str]()
    serving: set[int] = set()
    addresses: dict[str, str] = {}
    for name, resource in play.resources.items():
        if resource.request is not None:
            wrong.append(f"CloudFormation waits for the answer to {resource.request} about {name}")
        item = world.record.items.get(("managed-cluster", name), {})
        holder = item.get("lease", {}).get("execution")
        if holder is not None and (holder not in play.lost or facts.runs(world, holder)):
            wrong.append(f"{holder} still holds the lease of {name}")
        generation = item.get("serving_generation")
        if resource.state == "there":
            if generation is None:
                wrong.append(f"nothing serves as {name}")
                continue
            incarnation = world.incarnation(int(generation))
            address = incarnation.primary_address or ""
            serving.add(int(generation))
            addresses[address] = name
            if incarnation.state != "serving":
                wrong.append(f"generation {generation} serves as {name} and is {incarnation.state}")
            for group in _groups(name):
                if address not in world.healthy(group):
                    wrong.append(f"generation {generation} of {name} is not healthy in {group}")
            cluster = world.cluster_of(int(generation))
            if cluster is None or world.routes(cluster.first_id + 1) != (address,):
                wrong.append(f"ids of generation {generation} do not lead to it")
            if cluster is None or not cluster.protected:
                wrong.append(f"generation {generation} serves as {name} and is not protected")
        elif generation is not None:
            wrong.append(f"generation {generation} serves as {name}, which is {resource.state}")
    wrong += [
        f"{address} is still in the group {group}"
        for group in world.targets
        if not group.startswith("slot-")
        for address in world.targets[group]
        if address not in world.strangers and (address not in addresses or group not in _groups(addresses[address]))
    ]
    wrong += _of_standbys(world)
    wrong += _remains(world, serving | _standbys(world))
    wrong += [f"{arn} still runs" for arn in play.executions.running()]
    return wrong


def _standbys(world: MachineWorld) -> set[int]:
    """The generations that stand by; one at the most, and only where one is wanted."""
    return {int(item["generation"]) for item in world.items("incarnation") if item["state"] == "standby"}


def _of_standbys(world: MachineWorld) -> list[str]:
    """What is wrong with what stands by: it has to be ready, and to lead its ids to itself."""
    wrong = [f"generation {each} stands by, and none is wanted" for each in _standbys(world) if not world.standby]
    if len(_standbys(world)) > 1:
        wrong.append(f"generations {sorted(_standbys(world))} stand by at once")
    for generation in _standbys(world):
        standby = world.incarnation(generation)
        serving = world.record.items["managed-cluster", standby.managed_cluster].get("serving_generation")
        if serving is None:
            continue  # its end comes with that of its managed cluster, or with the next launch
        cluster = world.cluster_of(generation)
        if cluster is None or world.routes(cluster.first_id + 1) != (standby.primary_address,):
            wrong.append(f"ids of generation {generation}, which stands by, do not lead to it")
        if cluster is None or not world.works(cluster.address):
            wrong.append(f"generation {generation} stands by and does not work")
        if world.incarnation(int(serving)).availability_zone == standby.availability_zone:
            wrong.append(f"generation {generation} stands by where generation {int(serving)} serves")
    return wrong


def _groups(name: str) -> tuple[str, ...]:
    """The groups that what serves as a managed cluster is in, beside its slot's."""
    return "balanced", f"rm-{name}", f"nn-{name}"


def _remains(world: MachineWorld, serving: set[int]) -> list[str]:
    """What is left of generations that do not serve."""
    wrong = [
        f"stack {stack.name} is {world.stack_status(stack)}"
        for stack in world.stacks.values()
        if stack.stack_id not in world.foreign_stacks
        and world.stack_status(stack) != "DELETE_COMPLETE"
        and int(stack.parameters["Generation"]) not in serving
    ]
    wrong += [
        f"cluster {cluster.cluster_id} is {world.cluster_state(cluster)}"
        for cluster in world.clusters.values()
        if cluster not in world.foreign_clusters()
        and not world.cluster_state(cluster).startswith("TERMINATED")
        and int(cluster.tags["emr-dr:generation"]) not in serving
    ]
    wrong += [
        f"generation {int(item['generation'])} is {item['state']}"
        for item in world.items("incarnation")
        if item["state"] != "retired" and int(item["generation"]) not in serving
    ]
    wrong += [
        f"slot {item['id']} is held by generation {int(item['generation'])}"
        for item in world.items("slot")
        if item.get("generation") is not None and int(item["generation"]) not in serving
    ]
    used = [group for group, targets in world.targets.items() if group.startswith("slot-") and targets]
    if len(used) != len(serving):
        wrong.append(f"the target groups {', '.join(used)} are in use for {len(serving)} incarnations")
    return wrong
