"""Launch: one stack for one generation, written down before it exists, given up when it cannot become anything."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_core.record import IncarnationState, Lease, ManagedCluster
from failover.clusters import ClusterSeen

from ..fakes import AlreadyExistsException
from ..parts import SPEC
from ..scenarios import failing, launched
from ..world import World


def claimed(world: World) -> dict[str, Any]:
    """The request of a launch that may begin."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Launch")
    return request


def requested(world: World, *, seconds: float = 100) -> dict[str, Any]:
    """The same, *seconds* after its stack was requested."""
    request = claimed(world)
    assert world.step("operation", "Launch", request).status == "wait"
    world.clock.now += seconds
    return request


def test_the_first_call_requests_a_stack(world: World) -> None:
    """A10: in the most preferred zone."""
    answer = world.step("operation", "Launch", claimed(world))
    assert (answer.status, answer.message) == ("wait", "launching generation 1 in us-east-1a")
    assert world.incarnation(1).stack_id in world.stacks


def test_a_second_call_requests_no_second_stack(world: World) -> None:
    """A14: it looks at the first one."""
    request = requested(world, seconds=0)
    assert world.step("operation", "Launch", request).status == "wait"
    assert len(world.stacks) == 1
    assert [each.generation for each in world.deployment.record.incarnations()] == [1]


def test_the_intent_is_recorded_before_the_stack_exists(world: World) -> None:
    """A stack that the record does not know could be leaked."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Launch")
    world.lose_call = world.calls + 3  # entered, counter, intent
    world._look_around()
    with pytest.raises(Exception, match="call"):
        world.step("operation", "Launch", request)
    assert world.stacks == {}
    assert world.incarnation(1).state is IncarnationState.LAUNCHING


def test_the_stack_gets_the_parameters_of_its_incarnation(world: World) -> None:
    """The static parameters of the spec and those that name this incarnation."""
    world.run_operation(world.request("launch", "op1"))
    (stack,) = world.stacks.values()
    assert stack.name == "emr-dr-active-passive-a-g1"
    assert stack.parameters == {
        "ServiceRole": "role",
        "Deployment": "emr-dr-active-passive",
        "ManagedCluster": "a",
        "Generation": "1",
        "FirstId": "1001000000",
        "SubnetId": "subnet-us-east-1a",
        "Operation": "op1",
        "MinimumInstances": "2",
        "MaximumInstances": "10",
    }
    assert (stack.tags["emr-dr:generation"], stack.tags["cost-center"]) == ("1", "analytics")


def test_what_is_found_on_the_way_is_noted_down(world: World) -> None:
    """Whoever has to end the cluster needs its id."""
    request = requested(world)
    answer = world.step("operation", "Launch", request)
    assert (answer.status, answer.message) == ("wait", "generation 1 in us-east-1a: launching: BOOTSTRAPPING")
    assert (world.incarnation(1).cluster_id, world.incarnation(1).primary_address) == ("j-1", "10.0.1.1")


def test_a_cluster_that_waits_for_work_is_up(world: World) -> None:
    """WAITING: its steps have ended."""
    request = requested(world, seconds=500)
    assert world.step("operation", "Launch", request).status == "done"
    incarnation = world.incarnation(1)
    assert (incarnation.state, incarnation.waiting_at) == (IncarnationState.VERIFYING, world.clock.now)
    assert (incarnation.cluster_id, incarnation.primary_address) == ("j-1", "10.0.1.1")


def test_a_cluster_without_an_address_is_not_up(world: World) -> None:
    """Nobody could look at it."""
    request = requested(world)
    world.step("operation", "Launch", request)
    world.record.items["incarnation", "g000001"].pop("primary_address")
    world.cluster(1).address = ""
    world.clock.now += 400
    assert world.step("operation", "Launch", request).status == "wait"
    assert world.incarnation(1).state is IncarnationState.LAUNCHING


def test_a_call_after_it_is_up_changes_nothing(world: World) -> None:
    """A14: its answer to the machine was lost."""
    request = requested(world, seconds=500)
    world.step("operation", "Launch", request)
    before, calls = world.incarnation(1), world.calls
    assert world.step("operation", "Launch", request).message == "generation 1 is up in us-east-1a"
    assert (world.incarnation(1), world.calls) == (before, calls)


def test_what_cannot_launch_is_given_up_for_the_next_zone(world: World) -> None:
    """A14: in the same call, as every second is one without service."""
    world.broken_zones = {"us-east-1a"}
    request = requested(world)
    answer = world.step("operation", "Launch", request)
    assert (answer.status, answer.message) == ("wait", "launching generation 2 in us-east-1b")
    assert world.incarnation(1).state is IncarnationState.ABANDONED
    assert world.operation("op1").tried == ("us-east-1a", "us-east-1b")


def test_a_generation_whose_prefix_is_taken_is_skipped(world: World) -> None:
    """Id ranges of live incarnations are disjoint."""
    launched(world)
    world.put({"kind": "counter", "id": "generation", "value": 1147})  # 1148 shares the prefix of 1
    assert world.run_operation(failing(world)) == "CutOverDone"
    assert world.managed_cluster().serving_generation == 1149


@pytest.mark.parametrize("generation", [345, 804])
def test_a_generation_whose_prefix_is_next_to_one_in_use_is_skipped(world: World, generation: int) -> None:
    """The ids beyond the end of a range belong to nobody: 345 would have prefix 1000, and 804 prefix 1002."""
    launched(world)
    world.put({"kind": "counter", "id": "generation", "value": generation - 1})
    assert world.run_operation(failing(world)) == "CutOverDone"
    assert world.managed_cluster().serving_generation == generation + 1


def test_the_prefix_that_was_written_down_is_the_one_in_use(world: World) -> None:
    """An earlier version may have given a generation another one: 2 would get that of 1."""
    launched(world)
    world.put({**world.incarnation(1).to_item(), "id_prefix": 1011})
    assert world.run_operation(failing(world)) == "CutOverDone"
    assert world.managed_cluster().serving_generation == 3


def test_a_launch_whose_stack_is_unknown_is_given_up(world: World) -> None:
    """Somebody deleted it by hand, long ago."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Launch")
    world.step("operation", "Launch", request)
    world.stacks.clear()
    assert world.step("operation", "Launch", request).status == "wait"
    assert world.incarnation(2).availability_zone == "us-east-1b"


def test_a_launch_whose_cluster_is_unknown_is_given_up(world: World) -> None:
    """EMR does not know it any more."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Launch")
    for _ in range(3):
        world.step("operation", "Launch", request)
        world.clock.now += 10
    world.clusters.clear()
    world.step("operation", "Launch", request)
    assert str(world.incarnation(1).state) == "abandoned"


def test_no_zone_is_tried_after_the_limit_of_all(world: World) -> None:
    """CloudFormation waits an hour, and Verify and Route need some of it."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Launch")
    world.clock.now += 2700
    answer = world.step("operation", "Launch", request)
    assert answer.status == "failed"
    assert answer.message == (
        "the 2700 s that a launch may take over all availability zones are used up, or too little of them is left for "
        "another one (tried: none)"
    )


def test_nothing_is_launched_for_a_managed_cluster_that_is_being_deleted(world: World) -> None:
    """A delete during a create must not leak a cluster."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Launch")
    world.put({**world.managed_cluster().to_item(), "tombstone": True})
    assert world.step("operation", "Launch", request).status == "failed"
    assert world.stacks == {}


def test_the_tombstone_is_checked_together_with_the_intent(world: World) -> None:
    """Set between the look at the record and the intent, it still stops the launch."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Launch")
    draw = world.record.draw_generation

    def draw_while_somebody_deletes(*, at_least: int = 0) -> int:
        world.put({**world.managed_cluster().to_item(), "tombstone": True})
        return draw(at_least=at_least)

    world.record.draw_generation = draw_while_somebody_deletes  # type: ignore[method-assign]
    assert world.step("operation", "Launch", request).status == "wait"
    assert world.stacks == {}


def test_the_lease_is_checked_together_with_the_intent(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost between the look at the record and the intent, it still stops the launch."""
    request = claimed(world)
    draw = world.record.draw_generation

    def draw_while_somebody_claims(*, at_least: int = 0) -> int:
        thief = Lease(execution="somebody", operation="other", since=1.0)
        world.put(ManagedCluster(name="a", spec=SPEC, lease=thief).to_item())
        return draw(at_least=at_least)

    monkeypatch.setattr(world.record, "draw_generation", draw_while_somebody_claims)
    answer = world.step("operation", "Launch", request)
    assert answer.status == "wait"
    assert answer.message.startswith("the lease, the tombstone or the attempt changed meanwhile")
    assert world.stacks == {}
    assert world.deployment.record.incarnations() == []


def test_a_stack_that_exists_already_is_adopted(world: World) -> None:
    """CreateStack happens once for a generation, even if its answer was lost."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Launch")
    world.lose_call = world.calls + 5  # entered, counter, DescribeStacks, intent, CreateStack
    assert world.run_operation(request) == "CutOverDone"
    assert len(world.stacks) == 1


def test_a_generation_whose_stack_exists_is_skipped(world: World) -> None:
    """What a deployment left behind that is deployed again has its tags too, and the template and cluster of then."""
    world.deployment.stacks.create(
        name="emr-dr-active-passive-a-g1",
        template_url="https://bucket/older.json",
        parameters={"SubnetId": "subnet-us-east-1a", "Generation": "1", "FirstId": "1001000000"},
        tags=world.deployment.stacks.tags(managed_cluster="a", generation=1),
    )

    assert world.run_operation(world.request("launch", "op1")) == "CutOverDone"

    assert world.managed_cluster().serving_generation == 2
    (left, launched_now) = world.stacks.values()
    assert (left.deletions, launched_now.name) == (0, "emr-dr-active-passive-a-g2")


def test_a_stack_of_somebody_else_is_not_adopted(world: World) -> None:
    """None touched that is not ours."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Verify")
    (stack,) = world.stacks.values()
    stack.tags.clear()
    world.put({**world.incarnation(1).to_item(), "state": "launching"})
    world.record.items["incarnation", "g000001"].pop("stack_id")
    with pytest.raises(ValueError, match="is not of deployment emr-dr-active-passive: delete it, or rename"):
        world.step("operation", "Launch", request)


def test_a_stack_that_vanishes_while_it_is_adopted_is_asked_for_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine calls the step again."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Verify")
    world.put({**world.incarnation(1).to_item(), "state": "launching"})
    world.record.items["incarnation", "g000001"].pop("stack_id")
    monkeypatch.setattr(type(world.deployment.stacks), "describe", lambda *_: None)
    with pytest.raises(AlreadyExistsException):
        world.step("operation", "Launch", request)


def test_a_stack_that_could_not_be_requested_is_requested_again(world: World) -> None:
    """A14: of the same generation, as its intent stands in the record."""
    request = claimed(world)
    world.broken = {"create_stack"}
    with pytest.raises(ClientError, match="Rate exceeded"):
        world.step("operation", "Launch", request)
    world.broken.clear()
    world.step("operation", "Launch", request)
    assert [each.name for each in world.stacks.values()] == ["emr-dr-active-passive-a-g1"]


@pytest.mark.parametrize("call", ["describe_stacks", "describe_stack_resource", "describe_cluster", "list_instances"])
def test_a_launch_that_cannot_be_looked_at_is_not_given_up(world: World, call: str) -> None:
    """A14: an error of our own call; the machine calls again."""
    request = requested(world, seconds=500)
    world.broken = {call}
    with pytest.raises(ClientError, match="Rate exceeded"):
        world.step("operation", "Launch", request)
    assert world.incarnation(1).state is IncarnationState.LAUNCHING
    world.broken.clear()
    assert world.step("operation", "Launch", request).status == "done"
    assert len(world.stacks) == 1


@pytest.mark.parametrize("state", ["abandoned", "retired"])
def test_what_was_given_up_meanwhile_is_not_up(world: World, monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    """A14: the execution was stopped while its step was at work; what retires it must find it as it was left."""
    request = requested(world, seconds=500)
    seen = world.deployment.clusters.primary_address

    def somebody_gives_it_up(self: object, cluster: ClusterSeen) -> str | None:
        world.put({**world.incarnation(1).to_item(), "state": state})
        return seen(cluster)

    monkeypatch.setattr(type(world.deployment.clusters), "primary_address", somebody_gives_it_up)
    answer = world.step("operation", "Launch", request)
    assert (answer.status, answer.message) == ("wait", "generation 1 was given up meanwhile")
    assert str(world.incarnation(1).state) == state
