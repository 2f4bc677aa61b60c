"""Stacks as the controller meets them: slow, failing, deleted in the middle, read all the time (A4, A5, A10)."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .stack_world import StackWorld, cluster_template, queue_template, stack_world, subnet


@pytest.fixture
def world(tmp_path: Path) -> Iterator[StackWorld]:
    with stack_world(tmp_path) as running:
        yield running


def test_status_follows_the_cluster(world: StackWorld) -> None:
    world.clusters.held = True
    stack = world.create("c", cluster_template())
    world.until(world.clusters.all)
    before = world.stack(stack)["StackStatus"]
    world.clusters.held = False

    assert (before, world.settled(stack)) == ("CREATE_IN_PROGRESS", "CREATE_COMPLETE")


def test_outputs_appear_with_completion(world: StackWorld) -> None:
    world.clusters.held = True
    stack = world.create("c", cluster_template())
    world.until(world.clusters.all)
    before = world.stack(stack).get("Outputs")
    world.clusters.held = False
    world.settled(stack)

    assert (before, world.stack(stack)["Outputs"][0]["OutputValue"]) == (None, world.clusters.all()[0].id)


def test_resource_has_its_id_before_it_is_complete(world: StackWorld) -> None:
    """The controller finds the cluster of a stack that is still being created."""
    world.clusters.held = True
    stack = world.create("c", cluster_template())
    world.until(world.clusters.all)

    def detail() -> dict[str, Any]:
        answer = world.client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId="Cluster")
        return dict(answer["StackResourceDetail"])

    world.until(lambda: detail().get("PhysicalResourceId"))
    assert (detail()["PhysicalResourceId"], detail()["ResourceStatus"]) == (
        world.clusters.all()[0].id,
        "CREATE_IN_PROGRESS",
    )


def test_resource_that_is_not_made_yet_is_an_error(world: StackWorld) -> None:
    """As on AWS right after CreateStack: "does not exist" means "not yet"."""
    function = world.function("never", lambda event: None)
    template = cluster_template()
    template["Resources"]["First"] = {"Type": "Custom::First", "Properties": {"ServiceToken": function}}
    template["Resources"]["Cluster"]["DependsOn"] = "First"
    stack = world.create("c", template)

    with pytest.raises(ClientError, match="does not exist"):
        world.client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId="Cluster")


def test_tags_of_the_stack_reach_the_cluster(world: StackWorld) -> None:
    world.settled(world.create("c", cluster_template(), Tags=[{"Key": "emr-dr:deployment", "Value": "d"}]))

    tags = world.client("emr").describe_cluster(ClusterId=world.clusters.all()[0].id)["Cluster"]["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"emr-dr:deployment": "d", "emr-dr:generation": "1"}


def test_role_parameters_and_tags_are_kept(world: StackWorld) -> None:
    stack = world.create(
        "c",
        cluster_template(),
        RoleARN="arn:aws:iam::123456789012:role/incarnations",
        Parameters=[{"ParameterKey": "Generation", "ParameterValue": "7"}],
        Tags=[{"Key": "k", "Value": "v"}],
    )

    seen = world.stack(stack)
    assert (seen["RoleARN"], seen["Parameters"][0]["ParameterValue"], seen["Tags"]) == (
        "arn:aws:iam::123456789012:role/incarnations",
        "7",
        [{"Key": "k", "Value": "v"}],
    )


def test_template_is_read_from_s3(world: StackWorld) -> None:
    world.client("s3").create_bucket(Bucket="assets")
    world.client("s3").put_object(Bucket="assets", Key="t.json", Body=json.dumps(queue_template()).encode())

    answer = world.client("cloudformation").create_stack(
        StackName="q", TemplateURL="https://s3.us-east-1.amazonaws.com/assets/t.json"
    )

    assert world.settled(answer["StackId"]) == "CREATE_COMPLETE"


def test_template_may_be_yaml(world: StackWorld) -> None:
    body = "Resources:\n  Queue:\n    Type: AWS::SQS::Queue\n"

    answer = world.client("cloudformation").create_stack(StackName="q", TemplateBody=body)

    assert world.settled(answer["StackId"]) == "CREATE_COMPLETE"


def test_times_are_simulated(world: StackWorld) -> None:
    before = world.stand_in.clock.now()
    stack = world.create("q", queue_template())

    assert before - 1 <= world.stack(stack)["CreationTime"].timestamp() <= world.stand_in.clock.now()


def test_of_six_creates_of_one_name_one_wins(world: StackWorld) -> None:
    """CreateStack of a fixed name is what makes a launch happen once only."""
    world.clusters.held = True
    outcomes: list[str] = []

    def create() -> None:
        try:
            world.create("c", cluster_template())
            outcomes.append("created")
        except ClientError as error:
            outcomes.append("refused" if "AlreadyExistsException" in str(error) else str(error))

    threads = [threading.Thread(target=create) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.until(world.clusters.all)

    assert (sorted(outcomes), len(world.clusters.all())) == (["created"] + ["refused"] * 5, 1)


def test_repeated_request_token_adopts_the_stack(world: StackWorld) -> None:
    """A CreateStack whose answer was lost can be repeated."""
    first = world.create("c", cluster_template(), ClientRequestToken="operation-1")

    assert world.create("c", cluster_template(), ClientRequestToken="operation-1") == first


def test_rolled_back_stack_holds_its_name(world: StackWorld) -> None:
    place = subnet(world)
    world.clusters.failing_subnets.add(place)
    world.settled(world.create("c", cluster_template(subnet=place)))

    with pytest.raises(ClientError, match="AlreadyExists"):
        world.create("c", cluster_template())


def test_deleted_stack_is_known_by_its_id_only(world: StackWorld) -> None:
    stack = world.create("q", queue_template())
    world.settled(stack)
    world.client("cloudformation").delete_stack(StackName=stack)

    assert world.settled(stack) == "DELETE_COMPLETE"
    with pytest.raises(ClientError, match="does not exist"):
        world.stack("q")


def test_list_has_names_and_statuses_of_all_stacks(world: StackWorld) -> None:
    for name in ("first", "second"):
        world.settled(world.create(name, queue_template()))
    world.client("cloudformation").delete_stack(StackName="first")
    world.until(lambda: len(world.client("cloudformation").describe_stacks()["Stacks"]) == 1)

    listed = world.client("cloudformation").list_stacks()["StackSummaries"]
    assert {stack["StackName"]: stack["StackStatus"] for stack in listed} == {
        "first": "DELETE_COMPLETE",
        "second": "CREATE_COMPLETE",
    }


def test_name_of_a_deleted_stack_is_free(world: StackWorld) -> None:
    stack = world.create("q", queue_template())
    world.settled(stack)
    world.client("cloudformation").delete_stack(StackName=stack)
    world.settled(stack)

    assert world.create("q", queue_template()) != stack


def test_delete_of_an_unknown_stack_is_no_error(world: StackWorld) -> None:
    world.client("cloudformation").delete_stack(StackName="nowhere")


def test_termination_protection_refuses_the_delete(world: StackWorld) -> None:
    stack = world.create("q", queue_template(), EnableTerminationProtection=True)
    world.settled(stack)

    with pytest.raises(ClientError, match="TerminationProtection is enabled"):
        world.client("cloudformation").delete_stack(StackName=stack)


def test_resource_retained_except_on_create_outlives_its_stack_too(world: StackWorld) -> None:
    stack = world.create("q", queue_template(DeletionPolicy="RetainExceptOnCreate"))
    world.settled(stack)
    world.client("cloudformation").delete_stack(StackName=stack)

    world.settled(stack)
    assert len(world.client("sqs").list_queues()["QueueUrls"]) == 1


@pytest.mark.parametrize(("policy", "left"), [("Retain", 1), ("RetainExceptOnCreate", 0)])
def test_rollback_of_a_creation_keeps_only_what_is_always_retained(world: StackWorld, policy: str, left: int) -> None:
    place = subnet(world)
    world.clusters.failing_subnets.add(place)
    template = cluster_template(subnet=place)
    template["Resources"] |= queue_template(DeletionPolicy=policy)["Resources"]

    assert world.settled(world.create("q", template)) == "ROLLBACK_COMPLETE"
    assert len(world.client("sqs").list_queues().get("QueueUrls", [])) == left


def test_exports_are_imported(world: StackWorld) -> None:
    exporting = queue_template(Properties={"QueueName": "shared"})
    exporting["Outputs"] = {"Arn": {"Value": {"Fn::GetAtt": ["Queue", "Arn"]}, "Export": {"Name": "queue-arn"}}}
    importing = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {"Arn": {"Value": {"Fn::ImportValue": "queue-arn"}}},
    }
    world.settled(world.create("exporting", exporting))

    stack = world.create("importing", importing)

    world.settled(stack)
    assert world.stack(stack)["Outputs"][0]["OutputValue"] == "arn:aws:sqs:us-east-1:123456789012:shared"


def test_unknown_type_is_refused_by_name(world: StackWorld) -> None:
    with pytest.raises(ClientError, match=r"Unrecognized resource types: \[AWS::Neptune::DBCluster\]"):
        world.create("s", {"Resources": {"Graph": {"Type": "AWS::Neptune::DBCluster"}}})


def test_unknown_parameter_is_refused(world: StackWorld) -> None:
    with pytest.raises(ClientError, match=r"Parameters: \[Colour\] do not exist in the template"):
        world.create("c", cluster_template(), Parameters=[{"ParameterKey": "Colour", "ParameterValue": "blue"}])


def test_inert_types_are_told(world: StackWorld) -> None:
    world.create("s", {"Resources": {"Metadata": {"Type": "AWS::CDK::Metadata"}}})

    assert world.stand_in.inert_types == {"AWS::CDK::Metadata"}


def test_events_reach_the_journal(world: StackWorld) -> None:
    world.settled(world.create("q", queue_template()))

    told = [(entry["resource"], entry["status"]) for entry in world.stand_in.journal if entry["kind"] == "stack"]
    assert told == [("Queue", "CREATE_IN_PROGRESS"), ("Queue", "CREATE_COMPLETE"), ("q", "CREATE_COMPLETE")]
