"""Confirm: a retirement ends when nothing is left, and CloudFormation hears of it then."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_core.record import IncarnationState

from ..planned import drained
from ..scenarios import DELETION, deletion, failed_over, launched, settled
from ..world import World


def deleted(world: World) -> dict[str, Any]:
    """The request of a retirement whose stack is gone."""
    request = failed_over(world)
    world.run_retirement(request, until="Confirm")
    return request


def test_what_is_gone_is_recorded_as_retired(world: World) -> None:
    """A12: its range of ids may be drawn again."""
    answer = world.step("retirement", "Confirm", deleted(world))
    assert (answer.status, answer.message) == ("done", "confirmed: its stack and its cluster are gone")
    assert world.incarnation(1).state is IncarnationState.RETIRED


def test_a_second_call_changes_nothing(world: World) -> None:
    """A14: a repeated step changes nothing."""
    request = deleted(world)
    world.step("retirement", "Confirm", request)
    before, calls = settled(world), world.calls
    assert world.step("retirement", "Confirm", request).status == "done"
    assert (settled(world), world.calls) == (before, calls)


def test_what_serves_goes_on_serving(world: World) -> None:
    """One incarnation is retired, not the managed cluster."""
    world.step("retirement", "Confirm", deleted(world))
    assert world.managed_cluster().serving_generation == 2
    assert list(world.targets["balanced"]) == ["10.0.2.2"]


def test_a_cluster_that_outlives_its_stack_is_waited_for(world: World) -> None:
    """It costs money, and may run jobs."""
    request = deleted(world)
    world.cluster(1).ended_at = world.clock.now
    next(each for each in world.stacks.values() if each.name.endswith("g1")).cluster = None
    answer = world.step("retirement", "Confirm", request)
    assert (answer.status, answer.message) == ("wait", "not gone yet: generation 1")
    world.clock.now += 60
    assert world.step("retirement", "Confirm", request).status == "done"


def test_the_end_of_a_cluster_whose_stack_is_gone_is_asked_for(world: World) -> None:
    """B3: a person may have deleted the stack and kept the cluster, which nobody would end then."""
    launched(world)
    forward = world.request("switchover", "op2", reason="manual")
    assert world.run_operation(forward) == "CutOverDone"
    request = {"retirement": "a-retire-g1", "managed_cluster": "a", "generation": 1, "planned": True}
    assert world.run_retirement(request, until="DeleteStack") == "DeleteStack"
    for stack_id in [key for key, stack in world.stacks.items() if stack.name.endswith("-g1")]:
        del world.stacks[stack_id]
    world.step("retirement", "DeleteStack", request)
    assert world.incarnation(1).terminate_requested_at is None
    assert world.step("retirement", "Confirm", request).status == "wait"
    assert world.incarnation(1).terminate_requested_at is not None
    world.clock.now += 300
    assert world.step("retirement", "Confirm", request).status == "done"


def test_a_deletion_waits_for_a_launch_whose_stack_may_still_come(world: World) -> None:
    """A step that was at work when its execution was stopped may call CreateStack a moment later."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Launch")
    world.lose_call = world.calls + 3  # entered, counter, intent
    with pytest.raises(Exception, match="call"):
        world.step("operation", "Launch", request)
    world.lose_call = None
    delete = deletion(world)
    world.run_retirement(delete, until="Confirm")
    assert world.step("retirement", "Confirm", delete).status == "wait"
    incarnation = world.incarnation(1)
    world.deployment.stacks.create(
        name=incarnation.stack_name or "",
        template_url="https://bucket/template.json",
        parameters={"SubnetId": "subnet-us-east-1a", "Generation": "1", "FirstId": "1001000000"},
        tags=world.deployment.stacks.tags(managed_cluster="a", generation=1),
    )
    assert world.run_retirement(delete) == "Retired"
    assert settled(world)["stacks"] == []


def test_a_launch_that_never_got_a_stack_is_gone_after_a_step_of_time(world: World) -> None:
    """No step lasts longer."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Launch")
    world.broken = {"create_stack"}
    with pytest.raises(ClientError):
        world.step("operation", "Launch", request)
    delete = deletion(world)
    world.run_retirement(delete, until="Confirm")
    world.clock.now += 239
    assert world.step("retirement", "Confirm", delete).status == "wait"
    world.clock.now += 1
    assert world.step("retirement", "Confirm", delete).status == "done"


def test_a_deleted_managed_cluster_serves_nothing(world: World) -> None:
    """And CloudFormation is answered, once."""
    request = deletion(launched(world))
    world.run_retirement(request, until="Confirm")
    assert world.answers == []
    for _ in range(2):
        assert world.step("retirement", "Confirm", request).status == "done"
    assert [each["succeeded"] for each in world.answers] == [True]
    assert world.managed_cluster().serving_generation is None
    assert world.managed_cluster().lease is None


def test_a_deletion_of_what_never_was_is_answered(world: World) -> None:
    """CloudFormation deletes a resource whose creation failed before anything was recorded."""
    world.expect_answer("a-delete-1", DELETION)
    world.record.items.pop(("managed-cluster", "a"))
    assert world.run_retirement(DELETION) == "Retired"
    assert [each["succeeded"] for each in world.answers] == [True]


def test_what_never_was_is_not_recorded(world: World) -> None:
    """An item of a managed cluster that nobody asked for would be a managed cluster."""
    world.record.items.pop(("managed-cluster", "a"))
    world.run_retirement(DELETION)
    assert world.deployment.record.managed_cluster("a") is None


@pytest.mark.parametrize("call", ["describe_stacks", "describe_cluster", "deregister_targets"])
def test_an_error_of_our_own_confirms_nothing(world: World, call: str) -> None:
    """A14: the machine calls again."""
    request = deletion(launched(world))
    world.run_retirement(request, until="Confirm")
    world.broken = {call}
    with pytest.raises(ClientError, match="Rate exceeded"):
        world.step("retirement", "Confirm", request)
    assert world.incarnation(1).state is not IncarnationState.RETIRED
    assert world.answers == []
    world.broken.clear()
    assert world.step("retirement", "Confirm", request).status == "done"


def test_an_answer_that_did_not_get_through_is_sent_again(world: World) -> None:
    """Or CloudFormation would wait for an hour."""
    request = deletion(launched(world))
    world.run_retirement(request, until="Confirm")
    world.broken = {"send"}
    with pytest.raises(ClientError, match="Rate exceeded"):
        world.step("retirement", "Confirm", request)
    world.broken.clear()
    assert world.step("retirement", "Confirm", request).status == "done"
    assert [each["succeeded"] for each in world.answers] == [True]


def test_confirm_called_out_of_turn_ends_nothing(world: World) -> None:
    """A14, B6: the results that clients still read stay where they are."""
    request = drained(world)
    before = settled(world)
    assert world.step("retirement", "Confirm", request).status == "wait"
    assert settled(world) == before
    assert world.terminated == []


def test_confirm_of_what_may_still_run_ends_nothing(world: World) -> None:
    """A14: a 410 before the end of its applications would run jobs twice."""
    request = failed_over(world)
    before = settled(world)
    world.clock.now += 60
    assert world.step("retirement", "Confirm", request).status == "wait"
    assert settled(world) == before
