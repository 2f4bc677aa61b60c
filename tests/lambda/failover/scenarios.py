"""Situations that several tests start from, and what a world looks like at rest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dr_core.id_ranges import prefix_of
from dr_core.naming import retirement_name
from dr_core.record import Incarnation, IncarnationState, ManagedCluster, Operation
from dr_core.requests import OperationRequest, RetirementRequest
from failover.calls import OperationCall, RetirementCall
from failover.standby import keep

from .parts import OPERATIONS, RETIREMENTS
from .world import World

DELETION = {"retirement": "a-delete-1", "managed_cluster": "a", "generation": None, "planned": False}


def launched(world: World) -> World:
    """A world in which generation 1 has been serving for a while."""
    assert world.run_operation(world.request("launch", "op1")) == "CutOverDone"
    world.clock.now += 600
    return world


def second_half(world: World) -> Incarnation:
    """Generation 90, which serves as managed cluster ``b`` of the same deployment."""
    incarnation = Incarnation(
        generation=90,
        managed_cluster="b",
        state=IncarnationState.SERVING,
        availability_zone="us-east-1c",
        id_prefix=prefix_of(90),
        primary_address="10.0.3.90",
        serving_from=world.clock.now - 600,
    )
    world.put(incarnation.to_item())
    world.put(ManagedCluster(name="b", serving_generation=90).to_item())
    world.targets["balanced"]["10.0.3.90"] = world.clock.now - 600
    return incarnation


def hanging(world: World, operation: str = "op2") -> dict[str, Any]:
    """The request of the failover that answers a Livy that hangs, while YARN and HDFS work."""
    serving = world.managed_cluster().serving_generation
    assert serving is not None
    world.hang_livy(serving)
    return world.request("failover", operation, reason="unhealthy", incident="a-1")


def failing(world: World, operation: str = "op2") -> dict[str, Any]:
    """The request of the failover that answers a dead primary."""
    serving = world.managed_cluster().serving_generation
    assert serving is not None
    world.kill_primary(serving)
    return world.request("failover", operation, reason="unhealthy", incident="a-1")


def failed_over(world: World) -> dict[str, Any]:
    """The request of the retirement of generation 1, whose primary is dead and whose successor serves."""
    assert launched(world).run_operation(failing(world)) == "CutOverDone"
    return {"retirement": retirement_name("a", 1), "managed_cluster": "a", "generation": 1, "planned": False}


def ended(world: World, request: dict[str, Any], *, status: str = "TIMED_OUT") -> dict[str, Any]:
    """The detail of EventBridge's event, after the execution of *request* ended in the world."""
    machine = OPERATIONS if "operation" in request else RETIREMENTS
    execution = world.execution(machine, request.get("operation") or request["retirement"])
    world.executions[execution] = {"status": status, "input": json.dumps({"request": request})}
    return {
        "executionArn": execution,
        "stateMachineArn": machine,
        "status": status,
        "input": json.dumps({"request": request}),
        "cause": None,
    }


def deletion(world: World) -> dict[str, Any]:
    """The request to retire everything, after the tombstone was set, as CloudFormation's Delete does it."""
    world.put({**world.managed_cluster().to_item(), "tombstone": True})
    world.expect_answer("a-delete-1", DELETION)
    return dict(DELETION)


def no_probers(world: World) -> None:
    """No prober can be asked: an error of our own calls."""
    world.dead_probers = {prober.function_name for prober in world.deployment.config.probers}


def operation_call(world: World, request: Mapping[str, Any], *, step: str = "Claim") -> OperationCall:
    """What a step of *request*'s operation is called with now."""
    return OperationCall(
        deployment=world.deployment,
        request=OperationRequest.from_dict(request),
        execution=world.execution(OPERATIONS, request["operation"]),
        step=step,
        operation=world.operation(request["operation"]),
        managed_cluster=world.managed_cluster(),
    )


def retirement_call(world: World, request: Mapping[str, Any], *, step: str = "Drain") -> RetirementCall:
    """What a step of *request*'s retirement is called with now."""
    retirement = RetirementRequest.from_dict(request)
    name = retirement.retirement
    return RetirementCall(
        deployment=world.deployment,
        request=retirement,
        step=step,
        operation=world.deployment.record.operation(name)
        or Operation(id=name, request=retirement.to_json(), managed_cluster=retirement.managed_cluster),
        managed_cluster=world.deployment.record.managed_cluster(retirement.managed_cluster),
    )


def settled(world: World) -> dict[str, Any]:
    """What is left of a world that came to rest, without what differs from run to run (times)."""
    record = world.deployment.record
    return {
        "serving": world.managed_cluster().serving_generation,
        "lease": world.managed_cluster().lease,
        "states": {each.generation: str(each.state) for each in record.incarnations()},
        "targets": {group: sorted(targets) for group, targets in world.targets.items() if targets},
        "slots": {slot.number: slot.generation for slot in record.slots([1, 2, 3, 4])},
        "rules": {rule: str(conditions) for rule, conditions in world.rules.items()},
        "stacks": sorted(each.name for each in world.stacks.values() if world.stack_status(each) != "DELETE_COMPLETE"),
        "clusters": sorted(each.name for each in world.clusters.values() if each.ended_at is None and not each.fails),
        "protected": sorted(each.name for each in world.clusters.values() if each.protected),
    }


def shape(end: dict[str, Any]) -> dict[str, Any]:
    """What a settled world looks like whatever the numbers of its generations: a lost draw burns one."""
    return {
        "serves": end["serving"] == max(end["states"], default=None),
        "lease": end["lease"],
        "states": sorted(end["states"].values()),
        "targets": sorted((group, len(targets)) for group, targets in end["targets"].items() if "slot" not in group),
        "slots": sorted(held is not None for held in end["slots"].values()),
        "routed": sum("_front-door" not in rule and "PathPattern" in rule for rule in end["rules"].values()),
        **{name: len(end[name]) for name in ("stacks", "clusters", "protected")},
    }


def never_nobody_in_service(world: World) -> bool:
    """Whether nobody left the balanced group while nobody else was healthy there, unless it was unhealthy itself."""
    return all(
        health.get(address) != "healthy" or [each for each in health if each != address and health[each] == "healthy"]
        for group, address, health in world.deregistered
        if group == "balanced"
    )


def wanting_standby(world: World, *, wanted: bool = True) -> World:
    """The same world, whose managed cluster keeps a standby, or none any more."""
    config = world.deployment.config
    (a,) = config.managed_clusters
    changed = replace(config, managed_clusters=(replace(a, standby=wanted),))
    world.deployment = replace(world.deployment, config=changed)
    return world


def standby_asked_for(world: World) -> dict[str, Any]:
    """The request of the launch of a standby that was just started, while generation 1 serves."""
    keep(launched(wanting_standby(world)).deployment)
    return latest_request(world)


def standing_by(world: World) -> World:
    """A world in which generation 1 serves and generation 2 stands by, proved a minute ago."""
    assert world.run_operation(standby_asked_for(world)) == "CutOverDone"
    world.clock.now += 60
    return world


def latest_request(world: World) -> dict[str, Any]:
    """What the operation that was started last was asked to do."""
    operations = world.execution(OPERATIONS, "")
    started = [each for arn, each in world.executions.items() if arn.startswith(operations)]
    found: dict[str, Any] = json.loads(started[-1]["input"])["request"]
    return found
