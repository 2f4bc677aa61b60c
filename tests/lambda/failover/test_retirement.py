"""Whole retirements: of one incarnation and of a whole managed cluster."""

from __future__ import annotations

from typing import Any

import pytest

from dr_core.record import IncarnationState
from failover.errors import InvariantError

from .parts import START, Clock
from .scenarios import failed_over, failing, launched, settled, shape
from .world import World, rule_of

DELETION = {"retirement": "a-delete-1", "managed_cluster": "a", "generation": None, "planned": False}


def deletion(world: World) -> dict[str, Any]:
    """The request to retire everything, after the tombstone was set, as CloudFormation's Delete does it."""
    world.put({**world.managed_cluster().to_item(), "tombstone": True})
    world.expect_answer("a-delete-1", DELETION)
    return dict(DELETION)


def test_ids_are_closed_only_when_the_cluster_is_terminated(world: World) -> None:
    """With a dead ResourceManager nobody but EMR can say that the applications ended."""
    request = failed_over(world)
    world.run_retirement(request, until="AwaitFenced")
    while world.step("retirement", "AwaitFenced", request).status == "wait":
        assert world.cluster_state(world.cluster(1)) == "TERMINATING"
        assert rule_of(1) in str(world.rules["id-1"])
        world.clock.now += 10
    assert world.cluster_state(world.cluster(1)) == "TERMINATED"


def test_a_resource_manager_that_lists_nothing_is_proof_enough(world: World) -> None:
    """Once what Livy may still have been submitting has had its time."""
    request = failed_over(world)
    world.cluster(1).rm_reachable = True
    world.TERMINATION_SECONDS = 1000
    world.clock.now += 30
    assert world.step("retirement", "AwaitFenced", request).status == "done"
    assert world.cluster_state(world.cluster(1)) == "TERMINATING"


def test_an_end_that_nobody_can_confirm_is_bounded(world: World) -> None:
    """After five minutes the ids answer 410 all the same, and a person is told."""
    request = failed_over(world)
    world.TERMINATION_SECONDS = 10_000
    assert world.step("retirement", "AwaitFenced", request).status == "wait"
    world.clock.now += 300
    assert world.step("retirement", "AwaitFenced", request).status == "done"
    assert "nobody knows whether g000001 still runs jobs" in world.notices[-1]["subject"]


def test_probers_that_cannot_be_asked_are_no_proof(world: World) -> None:
    """UNKNOWN never leads to an action."""
    request = failed_over(world)
    world.dead_probers = {f"prober-us-east-1{zone}" for zone in "abc"}
    world.clock.now += 40
    assert world.step("retirement", "AwaitFenced", request).status == "wait"


def test_ids_that_are_not_fenced_are_not_closed(world: World) -> None:
    """CloseIds called out of turn does nothing."""
    request = failed_over(world)
    assert world.step("retirement", "CloseIds", request).status == "wait"
    assert rule_of(1) in str(world.rules["id-1"])


def test_a_planned_retirement_ends_the_cluster_too(world: World) -> None:
    """Fence did not: a switchover's old incarnation is ended by its retirement."""
    launched(world).run_operation(world.request("switchover", "op2", reason="upgrade"))
    assert world.terminated == []
    world.run_started_retirements()
    assert world.terminated == ["emr-dr-active-passive-a-g1"]
    assert settled(world)["states"] == {1: "retired", 2: "serving"}


def test_a_failed_deletion_is_repeated(world: World) -> None:
    """Keep trying while the AZ is away."""
    request = failed_over(world)
    world.delete_fails = 3
    assert world.run_retirement(request) == "Retired"
    (stack,) = (each for each in world.stacks.values() if each.name.endswith("g1"))
    assert stack.deletions == 4


def test_protection_is_lifted_before_the_stack_is_deleted(world: World) -> None:
    """CloudFormation cannot delete the stack of a protected cluster."""
    request = failed_over(world)
    world.run_retirement(request, until="DeleteStack")
    world.cluster(1).protected = True
    world.cluster(1).ended_at = None
    assert world.run_retirement(request) == "Retired"


def test_a_person_is_told_once_of_a_deletion_that_takes_long(world: World) -> None:
    """A stack that stays costs money."""
    request = failed_over(world)
    world.run_retirement(request, until="DeleteStack")
    world.delete_fails = 1000
    world.step("retirement", "DeleteStack", request)
    world.clock.now += 1800
    told = len(world.notices)
    for _ in range(3):
        assert world.step("retirement", "DeleteStack", request).status == "wait"
    assert len(world.notices) == told + 1


def test_what_serves_is_not_retired(world: World) -> None:
    """Never zero by our own act."""
    launched(world)
    request = {"retirement": "x", "managed_cluster": "a", "generation": 1, "planned": True}
    with pytest.raises(InvariantError, match="generation 1 must not be retired: it serves"):
        world.step("retirement", "AwaitFenced", request)


def test_the_only_healthy_place_is_not_given_up(world: World) -> None:
    """None retired that holds the only healthy place."""
    launched(world).run_operation(world.request("switchover", "op2", reason="upgrade"))
    request = {"retirement": "a-retire-g1", "managed_cluster": "a", "generation": 1, "planned": True}
    world.run_retirement(request, until="CloseIds")
    world.targets["balanced"] = {"10.0.1.1": START}
    with pytest.raises(InvariantError, match="nobody else is healthy there"):
        world.step("retirement", "CloseIds", request)


def test_a_cluster_that_is_not_ours_is_not_ended(world: World) -> None:
    """Never terminate a cluster whose name or tags are not ours."""
    request = failed_over(world)
    world.terminated.clear()
    world.cluster(1).ended_at = None
    world.cluster(1).name = "another"
    with pytest.raises(InvariantError, match="cluster j-1 must not be ended"):
        world.step("retirement", "AwaitFenced", request)
    assert world.terminated == []


def test_a_cluster_that_emr_forgot_is_gone(world: World) -> None:
    """EMR forgets clusters after two months."""
    request = failed_over(world)
    del world.clusters["j-1"]
    for stack in world.stacks.values():
        if stack.name.endswith("g1"):
            stack.cluster, stack.deleting = None, True
    assert world.run_retirement(request) == "Retired"


def test_a_retired_incarnation_needs_nothing(world: World) -> None:
    """Started again under the same name, a retirement ends at once."""
    request = failed_over(world)
    world.run_retirement(request)
    calls = world.calls
    assert world.run_retirement(request) == "Retired"
    assert world.calls == calls


def _deleted(world: World, *, twice: bool = False) -> dict[str, Any]:
    launched(world).run_operation(failing(world))
    world.run_retirement(deletion(world), twice=twice)
    return settled(world)


def test_a_deletion_leaves_nothing(world: World) -> None:
    """Delete = retire all."""
    end = _deleted(world)
    assert end["targets"] == {}
    assert end["stacks"] == end["clusters"] == []
    assert end["serving"] is None
    assert set(end["states"].values()) == {"retired"}
    assert set(end["slots"].values()) == {None}
    assert [each["succeeded"] for each in world.answers] == [True]


def test_a_deletion_may_repeat_every_step(world: World) -> None:
    """One answer, nothing left."""
    end = _deleted(world, twice=True)
    assert end["stacks"] == []
    assert len(world.answers) == 1


def test_a_deletion_ends_well_whichever_answer_is_lost(world: World, clock: Clock) -> None:
    """The function may die after any call."""
    launched(world)
    first = world.calls
    world.run_retirement(deletion(world))
    end, total = shape(settled(world)), world.calls
    for lost in range(first + 1, total + 1):
        clock.now = START
        other = World(clock)
        other.create_managed_cluster()
        other.lose_call = lost
        launched(other).run_retirement(deletion(other))
        assert shape(settled(other)) == end, f"answer of call {lost} lost"


def test_a_deletion_finds_stacks_that_no_record_knows(world: World) -> None:
    """A delete during a create must not leak a cluster."""
    launched(world)
    world.record.items.pop(("incarnation", "g000001"))
    assert world.run_retirement(deletion(world)) == "Retired"
    assert settled(world)["stacks"] == []
    assert world.incarnation(1).state is IncarnationState.RETIRED


def test_a_deletion_leaves_stacks_of_others_alone(world: World) -> None:
    """A name that looks like ours is not enough."""
    launched(world)
    world.record.items.pop(("incarnation", "g000001"))
    for stack in world.stacks.values():
        stack.tags["emr-dr:deployment"] = "another"
    assert world.run_retirement(deletion(world)) == "Retired"
    assert len(settled(world)["stacks"]) == 1


def test_a_deletion_leaves_managed_clusters_with_longer_names_alone(world: World) -> None:
    """``a-g`` is also how the stacks of a managed cluster ``a-g2`` begin."""
    launched(world)
    (stack,) = world.stacks.values()
    stack.name = "emr-dr-active-passive-a-g2-g1"
    world.record.items.pop(("incarnation", "g000001"))
    assert world.run_retirement(deletion(world)) == "Retired"
    assert settled(world)["stacks"] == ["emr-dr-active-passive-a-g2-g1"]


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


def test_a_deletion_of_what_never_was_is_answered(world: World) -> None:
    """CloudFormation deletes a resource whose creation failed before anything was recorded."""
    world.expect_answer("a-delete-1", DELETION)
    world.record.items.pop(("managed-cluster", "a"))
    assert world.run_retirement(DELETION) == "Retired"
    assert [each["succeeded"] for each in world.answers] == [True]


def test_a_deletion_in_the_middle_of_a_launch_leaves_nothing(world: World) -> None:
    """A stack may be deleted while it is being created."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Launch")
    for _ in range(4):
        world.step("operation", "Launch", request)
        world.clock.now += 10
    assert world.run_retirement(deletion(world)) == "Retired"
    end = settled(world)
    assert end["stacks"] == end["clusters"] == []
