"""Incarnation stacks: created once for a generation, and never taken for ours if they are not."""

from __future__ import annotations

from typing import Any, NoReturn

import pytest
from botocore.exceptions import ClientError

from failover.stacks import IncarnationStacks

from .fakes import client_error
from .parts import Stack
from .scenarios import launched
from .world import World

NAME = "emr-dr-active-passive-a-g1"
PARAMETERS = {"SubnetId": "subnet-us-east-1a", "Generation": "1", "FirstId": "1001000000"}


@pytest.fixture
def stacks(world: World) -> IncarnationStacks:
    return world.deployment.stacks


def create(stacks: IncarnationStacks) -> str:
    return stacks.create(
        name=NAME,
        template_url="https://bucket/template.json",
        parameters=PARAMETERS,
        tags=stacks.tags(managed_cluster="a", generation=1),
    )


def only(world: World) -> Stack:
    (stack,) = world.stacks.values()
    return stack


def test_the_tags_say_whose_it_is(stacks: IncarnationStacks) -> None:
    """And Amazon EMR's managed policies act only on what carries theirs."""
    assert stacks.tags(managed_cluster="a", generation=7) == {
        "emr-dr:deployment": "emr-dr-active-passive",
        "emr-dr:managed-cluster": "a",
        "emr-dr:generation": "7",
        "for-use-with-amazon-emr-managed-policies": "true",
    }


def test_a_stack_is_created_with_its_parameters(world: World, stacks: IncarnationStacks) -> None:
    """It deletes itself if it fails."""
    assert create(stacks) == only(world).stack_id
    assert (only(world).name, only(world).parameters) == (NAME, PARAMETERS)
    assert only(world).tags == stacks.tags(managed_cluster="a", generation=1)


def test_a_stack_is_created_once(world: World, stacks: IncarnationStacks) -> None:
    """A14: an earlier call's answer was lost."""
    assert create(stacks) == create(stacks) == only(world).stack_id


@pytest.mark.parametrize("tag", ["emr-dr:deployment", "emr-dr:managed-cluster"])
def test_a_stack_of_somebody_else_is_refused(world: World, stacks: IncarnationStacks, tag: str) -> None:
    """None touched that is not ours."""
    create(stacks)
    only(world).tags[tag] = "another"
    with pytest.raises(ValueError, match=f"stack {NAME} exists and is not of deployment emr-dr-active-passive"):
        create(stacks)


def test_a_stack_is_described_by_id_and_by_name(world: World, stacks: IncarnationStacks) -> None:
    """By its name as long as it exists."""
    stack_id = create(stacks)
    seen = stacks.describe(NAME)
    assert seen == stacks.describe(stack_id)
    assert seen is not None
    assert (seen.stack_id, seen.name, seen.status) == (stack_id, NAME, "CREATE_IN_PROGRESS")
    assert stacks.ours(seen, managed_cluster="a")
    assert not stacks.ours(seen, managed_cluster="b")


def test_a_stack_that_cloudformation_does_not_know_is_none(world: World) -> None:
    """ValidationError is CloudFormation's way to say so."""
    assert world.deployment.stacks.describe("nothing") is None


@pytest.mark.parametrize("call", ["describe_stacks", "describe_stack_resource"])
def test_a_throttled_look_raises(world: World, stacks: IncarnationStacks, call: str) -> None:
    """A14: an error of our own call is no missing stack and no missing cluster."""
    world.broken = {call}
    with pytest.raises(ClientError, match="Rate exceeded"):
        if call == "describe_stacks":
            stacks.describe("stack")
        else:
            stacks.cluster_id("stack")


@pytest.mark.parametrize("code", ["AccessDenied", "InternalFailure"])
def test_another_error_with_the_same_words_raises(code: str) -> None:
    """A14: only ValidationError says that there is no such stack."""

    class Client:
        def describe_stacks(self, **_: Any) -> NoReturn:
            raise client_error(code, "the role does not exist")

    client: Any = Client()
    with pytest.raises(ClientError, match="the role does not exist"):
        IncarnationStacks(client=client, deployment="d", role="r").describe("stack")


def test_the_cluster_is_known_when_its_creation_has_begun(world: World, stacks: IncarnationStacks) -> None:
    """CloudFormation answers ValidationError until then."""
    stack_id = create(stacks)
    assert stacks.cluster_id(stack_id) is None
    world.clock.now += 10
    assert stacks.cluster_id(stack_id) == "j-1"


def test_a_deletion_is_asked_for(world: World, stacks: IncarnationStacks) -> None:
    """Its progress is read elsewhere."""
    stack_id = create(stacks)
    stacks.delete(stack_id)
    assert only(world).deletions == 1


def test_names_are_those_of_stacks_that_exist(world: World, stacks: IncarnationStacks) -> None:
    """Whether the record knows them or not."""
    launched(world)
    world.stacks["other"] = Stack(stack_id="other", name="b", tags={}, parameters={}, cluster=None, created=0)
    assert list(stacks.names(prefix="emr-dr-active-passive-a-g")) == [NAME]
    stacks.delete(world.incarnation(1).stack_id or "")
    world.cluster(1).ended_at = 0
    assert list(stacks.names(prefix="emr-dr-active-passive-a-g")) == []


def test_only_states_of_what_exists_are_asked_for() -> None:
    """CloudFormation lists deleted stacks for 90 days."""
    asked: list[str] = []

    class Client:
        def get_paginator(self, _: str) -> Any:
            return self

        def paginate(self, *, StackStatusFilter: list[str]) -> list[dict[str, Any]]:
            asked.extend(StackStatusFilter)
            return []

    client: Any = Client()
    assert list(IncarnationStacks(client=client, deployment="d", role="r").names(prefix="d")) == []
    assert "DELETE_COMPLETE" not in asked
    assert {"CREATE_IN_PROGRESS", "CREATE_COMPLETE", "ROLLBACK_COMPLETE", "DELETE_FAILED"} <= set(asked)


def event(resource: str, status: str, reason: str = "") -> dict[str, str]:
    """An event as DescribeStackEvents tells it."""
    return {
        "LogicalResourceId": resource,
        "ResourceStatus": status,
        **({"ResourceStatusReason": reason} if reason else {}),
    }


@pytest.mark.parametrize(
    ("events", "told"),
    [
        ([], ""),
        ([event("Cluster", "CREATE_IN_PROGRESS", "Resource creation Initiated")], ""),
        ([event("Cluster", "CREATE_FAILED")], ""),
        ([event(NAME, "CREATE_FAILED", "The following resource(s) failed to create: [Cluster].")], ""),
        (
            [
                event("Cluster", "CREATE_IN_PROGRESS"),
                event("Cluster", "CREATE_FAILED", "not authorized to perform: iam:PassRole"),
                event(NAME, "ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [Cluster]."),
                event("Cluster", "DELETE_FAILED", "a later one"),
            ],
            "not authorized to perform: iam:PassRole",
        ),
    ],
)
def test_the_first_failure_of_a_stack_is_its_clusters(
    world: World, stacks: IncarnationStacks, events: list[dict[str, str]], told: str
) -> None:
    """The stack's own reason names no cause."""
    create(stacks)
    only(world).events[:] = events
    assert stacks.first_failure(only(world).stack_id) == told


def test_a_failure_that_cannot_be_read_is_not_known(world: World, stacks: IncarnationStacks) -> None:
    """A14: nobody waits for a reason before a stack is given up."""
    create(stacks)
    world.broken = {"describe_stack_events"}
    assert stacks.first_failure(only(world).stack_id) == ""
