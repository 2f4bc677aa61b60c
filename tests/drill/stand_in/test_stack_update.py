"""Updates of stacks: what changed is changed in order, and all of it is taken back if something fails (B13)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .stack_world import StackWorld, answer, queue_template, stack_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackWorld]:
    with stack_world(Path(tmp_path_factory.mktemp("world"))) as running:
        yield running


class Handler:
    """A function of custom resources that notes its events, and does with Updates what a test says.

    Attributes:
        told: for each event its kind, its resource and the property ``Size``.
        refuses: values of ``Size`` that an Update is answered FAILED for.
        ignores: values of ``Size`` that an Update is not answered for.
        renames: whether an Update is answered with another physical id.
    """

    def __init__(self, world: StackWorld, name: str) -> None:
        self.told: list[tuple[str, str, str]] = []
        self.refuses: set[str] = set()
        self.ignores: set[str] = set()
        self.renames = False
        self.arn = world.function(name, self)

    def __call__(self, event: dict[str, Any]) -> None:
        size = event["ResourceProperties"].get("Size", "")
        self.told.append((event["RequestType"], event["LogicalResourceId"], size))
        if event["RequestType"] == "Create":
            answer(event)
        elif size in self.refuses:
            answer(event, Status="FAILED", Reason="no capacity for it")
        elif size not in self.ignores:
            answer(event, **({"PhysicalResourceId": "another"} if self.renames else {}))


def thing(handler: Handler, size: str, **more: Any) -> dict[str, Any]:
    return {"Type": "Custom::Thing", "Properties": {"ServiceToken": handler.arn, "Size": size}, **more}


def pair(handler: Handler, size: str) -> dict[str, Any]:
    """Two things, the second one after the first."""
    return {"Resources": {"A": thing(handler, size), "B": thing(handler, size, DependsOn="A")}}


def created(world: StackWorld, name: str, template: dict[str, Any]) -> str:
    stack = world.create(name, template)
    assert world.settled(stack) == "CREATE_COMPLETE"
    return stack


def queues(world: StackWorld, word: str) -> list[str]:
    return [url for url in world.client("sqs").list_queues().get("QueueUrls", []) if word in url]


def statuses(world: StackWorld, stack: str) -> list[str]:
    """What the stack itself went through since its update began."""
    name = stack.split("/")[1]
    own = [status for resource, status, _ in world.events(stack) if resource == name]
    return own[own.index("UPDATE_IN_PROGRESS") :]


def test_what_changed_is_changed_in_order(world: StackWorld) -> None:
    handler = Handler(world, "in-order")
    stack = created(world, "in-order", pair(handler, "small"))

    world.update(stack, pair(handler, "large"))

    assert world.settled(stack) == "UPDATE_COMPLETE"
    assert handler.told[2:] == [("Update", "A", "large"), ("Update", "B", "large")]
    assert statuses(world, stack) == ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"]


def test_second_is_not_asked_before_the_first_has_answered(world: StackWorld) -> None:
    handler = Handler(world, "waits")
    handler.ignores = {"large"}
    stack = created(world, "waits", pair(handler, "small"))

    world.update(stack, pair(handler, "large"))
    world.until(lambda: handler.told[2:])

    assert (world.stack(stack)["StackStatus"], handler.told[2:]) == ("UPDATE_IN_PROGRESS", [("Update", "A", "large")])
    world.client("cloudformation").cancel_update_stack(StackName=stack)
    world.settled(stack)


def test_what_did_not_change_is_left_alone(world: StackWorld) -> None:
    handler = Handler(world, "left-alone")
    stack = created(world, "left-alone", pair(handler, "small"))
    template = pair(handler, "small")
    template["Resources"]["B"]["Properties"]["Size"] = "large"

    world.update(stack, template)
    world.settled(stack)

    assert handler.told[2:] == [("Update", "B", "large")]


@pytest.mark.parametrize("more", [{}, {"Metadata": {"k": "v"}}, {"DeletionPolicy": "Retain"}], ids=str)
def test_no_change_is_an_error(world: StackWorld, more: dict[str, Any]) -> None:
    """Metadata and policies alone are none, as on AWS."""
    stack = created(world, f"same-{len(str(more))}", queue_template())

    with pytest.raises(ClientError, match=r"\(ValidationError\).*No updates are to be performed\."):
        world.update(stack, queue_template(**more))


def test_parameter_alone_is_a_change(world: StackWorld) -> None:
    """What a resource's properties resolve to counts, not how they are written."""
    handler = Handler(world, "by-parameter")
    template = {
        "Parameters": {"Size": {"Type": "String", "Default": "small"}},
        "Resources": {"A": thing(handler, {"Ref": "Size"})},  # type: ignore[arg-type]
    }
    stack = created(world, "by-parameter", template)

    world.update(stack, template, Parameters=[{"ParameterKey": "Size", "ParameterValue": "large"}])
    world.settled(stack)
    with pytest.raises(ClientError, match="No updates are to be performed"):
        world.update(stack, template, Parameters=[{"ParameterKey": "Size", "UsePreviousValue": True}])

    assert handler.told[-1] == ("Update", "A", "large")


def test_new_is_made_before_old_is_removed(world: StackWorld) -> None:
    old = {"Resources": {"Old": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "swap-old"}}}}
    new = {"Resources": {"New": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "swap-new"}}}}
    stack = created(world, "swap", old)

    world.update(stack, new)

    assert (world.settled(stack), [url.rpartition("/")[2] for url in queues(world, "swap-")]) == (
        "UPDATE_COMPLETE",
        ["swap-new"],
    )
    told = [(name, status) for name, status, _ in world.events(stack)]
    assert told.index(("New", "CREATE_COMPLETE")) < told.index(("Old", "DELETE_IN_PROGRESS"))
    listed = world.client("cloudformation").list_stack_resources(StackName=stack)["StackResourceSummaries"]
    assert [resource["LogicalResourceId"] for resource in listed] == ["New"]


def test_removed_but_retained_stays(world: StackWorld) -> None:
    kept = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "retained"}, "DeletionPolicy": "Retain"}
    stack = created(world, "retaining", {"Resources": {"Kept": kept, **queue_template()["Resources"]}})

    world.update(stack, queue_template())

    assert (world.settled(stack), len(queues(world, "retained"))) == ("UPDATE_COMPLETE", 1)


def test_failed_update_is_taken_back(world: StackWorld) -> None:
    """Also what failed gets its old properties again, and nothing of the new is left."""
    handler = Handler(world, "taken-back")
    stack = created(world, "taken-back", pair(handler, "small"))
    handler.refuses = {"broken"}
    template = pair(handler, "large")
    template["Resources"]["B"]["Properties"]["Size"] = "broken"
    template["Resources"]["New"] = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "taken-back-new"}}

    world.update(stack, template)

    assert world.settled(stack) == "UPDATE_ROLLBACK_COMPLETE"
    assert handler.told[2:] == [
        ("Update", "A", "large"),
        ("Update", "B", "broken"),
        ("Update", "A", "small"),
        ("Update", "B", "small"),
    ]
    assert queues(world, "taken-back-new") == []
    assert statuses(world, stack) == [
        "UPDATE_IN_PROGRESS",
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE",
    ]


def test_failed_update_says_why(world: StackWorld) -> None:
    handler = Handler(world, "says-why")
    stack = created(world, "says-why", pair(handler, "small"))
    handler.refuses = {"large"}

    world.update(stack, pair(handler, "large"))
    world.settled(stack)

    reasons = {(name, status): reason for name, status, reason in world.events(stack)}
    assert "no capacity for it" in reasons["A", "UPDATE_FAILED"]
    assert "failed to update: [A]" in reasons["says-why", "UPDATE_ROLLBACK_IN_PROGRESS"]
    assert handler.told[2:] == [("Update", "A", "large"), ("Update", "A", "small")]


def test_stack_that_was_taken_back_can_be_updated(world: StackWorld) -> None:
    handler = Handler(world, "again")
    stack = created(world, "again", pair(handler, "small"))
    handler.refuses = {"large"}
    world.update(stack, pair(handler, "large"))
    world.settled(stack)
    handler.refuses = set()

    world.update(stack, pair(handler, "large"))

    assert world.settled(stack) == "UPDATE_COMPLETE"


def test_rollback_that_fails_is_told(world: StackWorld) -> None:
    handler = Handler(world, "stuck")
    stack = created(world, "stuck", pair(handler, "small"))
    handler.refuses = {"large", "small"}

    world.update(stack, pair(handler, "large"))

    assert world.settled(stack) == "UPDATE_ROLLBACK_FAILED"


def test_cancelled_update_is_taken_back(world: StackWorld) -> None:
    handler = Handler(world, "cancelled")
    handler.ignores = {"large"}
    stack = created(world, "cancelled", pair(handler, "small"))
    world.update(stack, pair(handler, "large"))
    world.until(lambda: handler.told[2:])

    world.client("cloudformation").cancel_update_stack(StackName=stack)

    assert world.settled(stack) == "UPDATE_ROLLBACK_COMPLETE"
    assert handler.told[2:] == [("Update", "A", "large"), ("Update", "A", "small")]
    assert ("A", "UPDATE_FAILED", "Resource update cancelled") in world.events(stack)


def test_only_an_update_under_way_can_be_cancelled(world: StackWorld) -> None:
    stack = created(world, "not-under-way", queue_template())

    with pytest.raises(ClientError, match="cannot be called from current stack status CREATE_COMPLETE"):
        world.client("cloudformation").cancel_update_stack(StackName=stack)


def test_nothing_else_begins_while_an_update_is_under_way(world: StackWorld) -> None:
    handler = Handler(world, "busy")
    handler.ignores = {"large"}
    stack = created(world, "busy", pair(handler, "small"))
    world.update(stack, pair(handler, "large"))

    with pytest.raises(ClientError, match="is in UPDATE_IN_PROGRESS state and can not be updated"):
        world.update(stack, pair(handler, "huge"))
    with pytest.raises(ClientError, match="cannot be deleted while in status UPDATE_IN_PROGRESS"):
        world.client("cloudformation").delete_stack(StackName=stack)
    world.client("cloudformation").cancel_update_stack(StackName=stack)
    world.settled(stack)


def test_outputs_are_those_of_the_new_template(world: StackWorld) -> None:
    handler = Handler(world, "outputs")
    old, new = pair(handler, "small"), pair(handler, "large")
    new["Outputs"] = {"Where": {"Value": {"Ref": "A"}}}
    stack = created(world, "outputs", old)

    world.update(stack, new)
    world.settled(stack)

    assert world.stack(stack)["Outputs"][0]["OutputKey"] == "Where"


def test_export_that_is_in_use_stays(world: StackWorld) -> None:
    handler = Handler(world, "exports")
    output = {"Where": {"Value": "here", "Export": {"Name": "place"}}}
    stack = created(world, "exports", {**pair(handler, "small"), "Outputs": output})
    user = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::ImportValue": "place"}}}
    created(world, "importer", {"Resources": {"Queue": user}})

    world.update(stack, pair(handler, "large"))

    assert world.settled(stack) == "UPDATE_ROLLBACK_COMPLETE"
    assert any(
        "Export place cannot be deleted as it is in use by importer" in event[2] for event in world.events(stack)
    )


def test_type_of_a_resource_stays(world: StackWorld) -> None:
    stack = created(world, "type", queue_template())

    with pytest.raises(ClientError, match=r"Update of resource type is not permitted.*\[Queue\]"):
        world.update(stack, {"Resources": {"Queue": {"Type": "AWS::SNS::Topic"}}})


def test_other_tags_are_refused(world: StackWorld) -> None:
    """CloudFormation hands them to every resource, the stand-in does not: it must not look as if it had."""
    handler = Handler(world, "tags")
    stack = created(world, "tags", pair(handler, "small"))

    with pytest.raises(ClientError, match="does not change the tags of a stack"):
        world.update(stack, pair(handler, "large"), Tags=[{"Key": "k", "Value": "v"}])


def test_what_cannot_be_changed_fails_the_update(world: StackWorld) -> None:
    """Never silently: a drill would show an update that was none."""
    stack = created(world, "unable", queue_template())

    world.update(stack, queue_template(Properties={"DelaySeconds": 5}))

    assert world.settled(stack) == "UPDATE_ROLLBACK_COMPLETE"
    assert any(
        name == "Queue" and status == "UPDATE_FAILED" and "cannot change a AWS::SQS::Queue (DelaySeconds)" in reason
        for name, status, reason in world.events(stack)
    )


def test_another_service_token_is_refused(world: StackWorld) -> None:
    first, second = Handler(world, "token-1"), Handler(world, "token-2")
    stack = created(world, "token", {"Resources": {"A": thing(first, "small")}})

    world.update(stack, {"Resources": {"A": thing(second, "small")}})

    assert world.settled(stack) == "UPDATE_ROLLBACK_COMPLETE"
    assert ("A", "UPDATE_FAILED", "Modifying service token is not allowed.") in world.events(stack)


def test_another_physical_id_is_refused(world: StackWorld) -> None:
    """It would mean that the resource was replaced."""
    handler = Handler(world, "renamed")
    stack = created(world, "renamed", {"Resources": {"A": thing(handler, "small")}})
    handler.renames = True

    world.update(stack, {"Resources": {"A": thing(handler, "large")}})
    world.settled(stack)

    assert any("the stand-in replaces nothing" in reason for _, _, reason in world.events(stack))


def test_updated_stack_can_be_deleted(world: StackWorld) -> None:
    handler = Handler(world, "gone")
    stack = created(world, "gone", pair(handler, "small"))
    world.update(stack, pair(handler, "large"))
    world.settled(stack)

    world.client("cloudformation").delete_stack(StackName=stack)

    assert world.settled(stack) == "DELETE_COMPLETE"
    assert handler.told[-2:] == [("Delete", "B", "large"), ("Delete", "A", "large")]
