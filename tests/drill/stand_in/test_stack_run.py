"""One stack's life: made in the order of its needs, rolled back, deleted, interrupted (A4, A5)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .stack_world import StackWorld, answer, cluster_template, queue_template, stack_world, subnet


@pytest.fixture
def world(tmp_path: Path) -> Iterator[StackWorld]:
    with stack_world(tmp_path) as running:
        yield running


def test_failing_cluster_rolls_back(world: StackWorld) -> None:
    place = subnet(world)
    world.clusters.failing_subnets.add(place)

    stack = world.create("c", cluster_template(subnet=place))

    assert (world.settled(stack), world.clusters.alive()) == ("ROLLBACK_COMPLETE", [])


@pytest.mark.parametrize(("policy", "end"), [("DO_NOTHING", "CREATE_FAILED"), ("DELETE", "DELETE_COMPLETE")])
def test_on_failure(world: StackWorld, policy: str, end: str) -> None:
    place = subnet(world)
    world.clusters.failing_subnets.add(place)

    assert world.settled(world.create("c", cluster_template(subnet=place), OnFailure=policy)) == end


def test_delete_waits_for_the_clusters_end(world: StackWorld) -> None:
    stack = world.create("c", cluster_template())
    world.settled(stack)

    world.client("cloudformation").delete_stack(StackName=stack)
    statuses = [world.stack(stack)["StackStatus"], world.settled(stack)]

    assert (statuses, world.clusters.alive()) == (["DELETE_IN_PROGRESS", "DELETE_COMPLETE"], [])


def test_protected_cluster_fails_the_delete_until_protection_is_lifted(world: StackWorld) -> None:
    template = cluster_template()
    template["Resources"]["Cluster"]["Properties"]["Instances"]["TerminationProtected"] = "true"
    stack = world.create("c", template)
    world.settled(stack)
    cloudformation = world.client("cloudformation")

    cloudformation.delete_stack(StackName=stack)
    first = world.settled(stack)
    world.client("emr").set_termination_protection(JobFlowIds=[world.clusters.all()[0].id], TerminationProtected=False)
    cloudformation.delete_stack(StackName=stack)

    assert (first, world.settled(stack)) == ("DELETE_FAILED", "DELETE_COMPLETE")


def test_delete_while_the_cluster_starts_leaks_nothing(world: StackWorld) -> None:
    world.clusters.held = True
    stack = world.create("c", cluster_template())
    world.until(world.clusters.all)

    world.client("cloudformation").delete_stack(StackName=stack)

    assert (world.settled(stack), world.clusters.alive()) == ("DELETE_COMPLETE", [])


def test_delete_before_the_cluster_is_asked_for_starts_none(tmp_path: Path) -> None:
    """Between CreateStack and RunJobFlow there is nothing to terminate."""
    with stack_world(tmp_path, speed=20) as world:
        stack = world.create("c", cluster_template())
        world.client("cloudformation").delete_stack(StackName=stack)

        assert (world.settled(stack), world.clusters.all()) == ("DELETE_COMPLETE", [])


def test_delete_during_rollback(world: StackWorld) -> None:
    held = threading.Event()

    def handle(event: dict[str, Any]) -> None:
        if event["RequestType"] == "Create":
            answer(event, Status="FAILED", Reason="on purpose")
        else:
            held.wait(10)
            answer(event)

    function = world.function("slow", handle)
    properties = {"ServiceToken": function}
    stack = world.create("s", {"Resources": {"Thing": {"Type": "Custom::Thing", "Properties": properties}}})
    world.until(lambda: world.stack(stack)["StackStatus"] == "ROLLBACK_IN_PROGRESS")

    world.client("cloudformation").delete_stack(StackName=stack)
    held.set()

    assert world.settled(stack) == "DELETE_COMPLETE"


def test_retained_resource_outlives_its_stack(world: StackWorld) -> None:
    stack = world.create("q", queue_template(DeletionPolicy="Retain"))
    world.settled(stack)
    world.client("cloudformation").delete_stack(StackName=stack)

    world.settled(stack)
    assert len(world.client("sqs").list_queues()["QueueUrls"]) == 1


def test_resources_are_deleted_before_what_they_need(world: StackWorld) -> None:
    template = {
        "Resources": {
            "Topic": {"Type": "AWS::SNS::Topic"},
            "Queue": {"Type": "AWS::SQS::Queue", "DependsOn": "Topic"},
        }
    }
    stack = world.create("s", template)
    world.settled(stack)
    world.client("cloudformation").delete_stack(StackName=stack)
    world.settled(stack)

    events = world.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    deleted = [event["LogicalResourceId"] for event in reversed(events) if event["ResourceStatus"] == "DELETE_COMPLETE"]
    assert deleted == ["Queue", "Topic", "s"]


def test_false_condition_makes_nothing(world: StackWorld) -> None:
    template = {
        "Conditions": {"Never": {"Fn::Equals": ["a", "b"]}},
        "Resources": {
            "Queue": {"Type": "AWS::SQS::Queue", "Condition": "Never"},
            "Topic": {"Type": "AWS::SNS::Topic", "DependsOn": "Queue"},
        },
    }

    stack = world.create("s", template)

    assert world.settled(stack) == "CREATE_COMPLETE"
    assert "QueueUrls" not in world.client("sqs").list_queues()


def test_stop_in_the_middle_of_a_create_leaves_no_thread(tmp_path: Path) -> None:
    """Ctrl-C while a cluster starts."""
    before = set(threading.enumerate())
    with stack_world(tmp_path) as world:
        world.clusters.held = True
        world.create("c", cluster_template())
        world.until(world.clusters.all)

    for thread in set(threading.enumerate()) - before:
        thread.join(10)
    assert set(threading.enumerate()) - before == set()


def statuses(world: StackWorld, stack: str) -> list[tuple[str, str, str]]:
    """Resource, status and reason of each event of a stack, oldest first."""
    events = world.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    return [
        (event["LogicalResourceId"], event["ResourceStatus"], event.get("ResourceStatusReason", ""))
        for event in reversed(events)
    ]


def with_queue_after_the_cluster(subnet: Any = None) -> dict[str, Any]:
    template = cluster_template(subnet)
    template["Resources"]["Queue"] = {"Type": "AWS::SQS::Queue", "DependsOn": "Cluster"}
    return template


def test_resource_waits_until_what_it_needs_is_complete(world: StackWorld) -> None:
    """Not only until it was asked for: the cluster is slow."""
    stack = world.create("c", with_queue_after_the_cluster())
    world.settled(stack)

    seen = [(name, status) for name, status, _ in statuses(world, stack)]
    assert seen.index(("Cluster", "CREATE_COMPLETE")) < seen.index(("Queue", "CREATE_IN_PROGRESS"))


def test_what_does_not_need_it_does_not_wait_for_the_cluster(world: StackWorld) -> None:
    template = cluster_template()
    template["Resources"]["Queue"] = {"Type": "AWS::SQS::Queue"}
    world.clusters.held = True
    stack = world.create("c", template)

    world.until(lambda: ("Queue", "CREATE_COMPLETE", "") in statuses(world, stack))
    assert world.stack(stack)["StackStatus"] == "CREATE_IN_PROGRESS"


def test_failure_is_told_at_the_resource_and_by_name_at_the_stack(world: StackWorld) -> None:
    place = subnet(world)
    world.clusters.failing_subnets.add(place)
    stack = world.create("c", cluster_template(subnet=place), OnFailure="DO_NOTHING")
    world.settled(stack)

    assert ("Cluster", "CREATE_FAILED", "Cluster failed: no capacity") in statuses(world, stack)
    assert world.stack(stack)["StackStatusReason"] == "The following resource(s) failed to create: [Cluster]. "


def test_what_needs_a_failed_resource_is_never_begun(world: StackWorld) -> None:
    place = subnet(world)
    world.clusters.failing_subnets.add(place)
    stack = world.create("c", with_queue_after_the_cluster(place))
    world.settled(stack)

    assert "Queue" not in {name for name, _, _ in statuses(world, stack)}


def test_what_is_under_way_when_another_fails_is_cancelled_and_deleted(world: StackWorld) -> None:
    """A cluster that runs on after its stack has failed would cost money and write output."""
    function = world.function("fails", lambda event: fail_after_the_cluster(world, event))
    template = cluster_template()
    template["Resources"]["Thing"] = {"Type": "Custom::Thing", "Properties": {"ServiceToken": function}}
    world.clusters.held = True
    stack = world.create("c", template)

    assert world.settled(stack) == "ROLLBACK_COMPLETE"
    assert ("Cluster", "CREATE_FAILED", "Resource creation cancelled") in statuses(world, stack)
    assert world.clusters.alive() == []


def fail_after_the_cluster(world: StackWorld, event: dict[str, Any]) -> None:
    """Answer FAILED to the creation, once the cluster was asked for."""
    if event["RequestType"] == "Create":
        world.until(world.clusters.all)
        answer(event, Status="FAILED", Reason="on purpose")
    else:
        answer(event)


def test_resource_that_moto_cannot_make_fails_with_its_words(world: StackWorld) -> None:
    rule = {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": "vpc-none", "CidrBlock": "10.0.0.0/24"}}
    stack = world.create("s", {"Resources": {"Subnet": rule}}, OnFailure="DO_NOTHING")
    world.settled(stack)

    (reason,) = [reason for _, status, reason in statuses(world, stack) if reason and status == "CREATE_FAILED"][:1]
    assert "vpc-none" in reason


def test_tags_of_the_stack_reach_networks(world: StackWorld) -> None:
    template = {"Resources": {"Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}}}
    world.settled(world.create("net", template, Tags=[{"Key": "k", "Value": "v"}]))

    (vpc,) = world.client("ec2").describe_vpcs(Filters=[{"Name": "tag:k", "Values": ["v"]}])["Vpcs"]
    tags = {tag["Key"]: tag["Value"] for tag in vpc["Tags"]}
    assert (tags["aws:cloudformation:stack-name"], tags["aws:cloudformation:logical-id"]) == ("net", "Vpc")


def test_second_delete_changes_nothing(world: StackWorld) -> None:
    stack = world.create("c", cluster_template())
    world.settled(stack)
    for _ in range(2):
        world.client("cloudformation").delete_stack(StackName=stack)
    world.settled(stack)

    assert [status for name, status, _ in statuses(world, stack) if name == "c"].count("DELETE_IN_PROGRESS") == 1


@pytest.mark.parametrize("ready", [False, True])
def test_wait_tells_whether_the_stack_is_done(world: StackWorld, ready: bool) -> None:
    world.clusters.held = True
    stack = world.create("c", cluster_template())
    world.until(world.clusters.all)
    world.clusters.held = not ready

    assert world.stand_in.stacks.find(stack).run.wait(30 if ready else 0.01) is ready
