"""Route: ids of the new incarnation lead to it before anybody gets one."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from failover.errors import InvariantError

from ..scenarios import failing, launched, no_probers, settled
from ..world import World


def verified(world: World) -> dict[str, Any]:
    """The request of a launch whose incarnation is proved and whose slot's target is healthy."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Route")
    world.clock.now += 20
    return request


def test_ids_that_lead_to_their_owner_are_proof(world: World) -> None:
    """A13: through every address of the load balancer."""
    answer = world.step("operation", "Route", verified(world))
    assert (answer.status, answer.message) == ("done", "ids of generation 1 lead to it")


def test_a_second_call_changes_nothing(world: World) -> None:
    """A14: it takes no second slot."""
    request = verified(world)
    world.step("operation", "Route", request)
    before, incarnation = settled(world), world.incarnation(1)
    assert world.step("operation", "Route", request).status == "done"
    assert (settled(world), world.incarnation(1)) == (before, incarnation)


def test_nobody_comes_into_service_here(world: World) -> None:
    """The balanced group is the cut-over's."""
    world.step("operation", "Route", verified(world))
    assert "balanced" not in world.targets


def test_route_waits_for_the_target(world: World) -> None:
    """Healthy in its slot's group, or the ids would answer 503."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Route")
    answer = world.step("operation", "Route", request)
    assert (answer.status, answer.message) == ("wait", "the load balancer calls the target of slot 1 initial")


def test_a_target_that_is_not_registered_is_registered_again(world: World) -> None:
    """A14: somebody took it out of the slot of what an interrupted operation had left behind."""
    request = verified(world)
    world.targets.clear()
    world.rules.clear()
    answer = world.step("operation", "Route", request)
    assert (answer.status, answer.message) == ("wait", "the load balancer calls the target of slot 1 not registered")
    world.clock.now += 20
    assert world.step("operation", "Route", request).status == "done"


def test_route_waits_for_the_rule(world: World) -> None:
    """No bound is published on how long a rule takes."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Route")
    world.clock.now += 20
    world.rules.clear()
    answer = world.step("operation", "Route", request)
    assert (answer.status, answer.message) == ("wait", "through 10.0.9.9: answered 410")


def test_route_waits_while_no_prober_can_be_asked(world: World) -> None:
    """An error of our own call says nothing about the route."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Route")
    world.clock.now += 20
    world.dead_probers = {f"prober-us-east-1{zone}" for zone in "abc"}
    assert world.step("operation", "Route", request).status == "wait"


def test_route_gives_up_at_its_limit(world: World) -> None:
    """And the launch is rolled back."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Route")
    world.unhealthy.add("10.0.1.1")
    assert world.step("operation", "Route", request).status == "wait"
    world.clock.now += 180
    answer = world.step("operation", "Route", request)
    assert answer.status == "failed"
    assert "do not lead to it after 180 s" in answer.message


def test_a_failover_waits_for_a_slot_until_one_that_drains_is_fenced(world: World) -> None:
    """To launch again would take longer: notice the eviction (60 s), be fenced (300 s), and the ordinary limit."""
    request = failing(launched(world))
    world.run_operation(request, until="Verify")
    for number in (2, 3, 4):
        world.put({"kind": "slot", "id": str(number), "generation": 90 + number})
    world.run_operation(request, until="Route")
    assert world.step("operation", "Route", request).message.startswith("every slot is taken")
    world.clock.now += 539
    assert world.step("operation", "Route", request).status == "wait"
    world.clock.now += 1
    answer = world.step("operation", "Route", request)
    assert (answer.status, "do not lead to it after 540 s" in answer.message) == ("failed", True)


def test_a_launch_without_probers_is_given_up_too(world: World) -> None:
    """What nobody proved does not serve."""
    request = verified(world)
    no_probers(world)
    world.step("operation", "Route", request)
    world.clock.now += 180
    assert world.step("operation", "Route", request).status == "failed"


def test_a_deployment_without_a_free_slot_waits(world: World) -> None:
    """Ids of incarnations that still end their jobs must go on leading to them."""
    for number in (1, 2, 3, 4):
        world.put({"kind": "slot", "id": str(number), "generation": 90 + number})
    request = world.request("launch", "op1")
    world.run_operation(request, until="Route")
    answer = world.step("operation", "Route", request)
    assert (answer.status, answer.message) == (
        "wait",
        "every slot is taken by an incarnation whose ids must still lead to it",
    )


@pytest.mark.parametrize("call", ["describe_target_health", "register_targets", "modify_rule"])
def test_a_load_balancer_that_cannot_be_asked_fails_no_launch(world: World, call: str) -> None:
    """A14: an error of our own call; the machine calls again and ends in the same place."""
    request = verified(world)
    world.record.items["incarnation", "g000001"].pop("slot")
    world.broken = {call}
    with pytest.raises(ClientError, match="Rate exceeded"):
        world.step("operation", "Route", request)
    world.broken.clear()
    assert world.step("operation", "Route", request).status == "done"
    assert world.incarnation(1).slot == 1


def test_route_without_a_launch_is_refused(world: World) -> None:
    """A machine that skips a state is wrong."""
    request = world.request("launch", "op1")
    world.step("operation", "Claim", request)
    with pytest.raises(InvariantError, match="launched nothing that Route could work on"):
        world.step("operation", "Route", request)


@pytest.mark.parametrize("missing", ["canary_name", "canary_id"])
def test_an_incarnation_without_a_canary_is_refused(world: World, missing: str) -> None:
    """There is no id to ask for."""
    request = verified(world)
    world.record.items["incarnation", "g000001"].pop(missing)
    with pytest.raises(InvariantError, match="g000001 has no canary whose id could be asked for"):
        world.step("operation", "Route", request)
