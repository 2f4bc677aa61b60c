"""Custom resources: what the function gets, and what becomes of its answer."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emr_drill.stand_in.custom_resources import as_strings

from .stack_world import StackWorld, answer, stack_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackWorld]:
    with stack_world(Path(tmp_path_factory.mktemp("world"))) as running:
        yield running


class Recorder:
    """A function that keeps its events and does what a test says with each."""

    def __init__(self, world: StackWorld, name: str, **answers: Any) -> None:
        self.events: list[dict[str, Any]] = []
        self.answers = answers
        self.arn = world.function(name, self)

    def __call__(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        content = self.answers.get(event["RequestType"], {})
        if content is not None:
            answer(event, **content)


def template(function: str, **properties: Any) -> dict[str, Any]:
    return {
        "Resources": {
            "Thing": {
                "Type": "Custom::Thing",
                "Properties": {"ServiceToken": function, **properties},
            }
        },
        "Outputs": {"Id": {"Value": {"Ref": "Thing"}}},
    }


def failed(world: StackWorld, stack: str) -> str:
    """The reason of the first resource that failed."""
    events = world.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    return next(
        str(event["ResourceStatusReason"]) for event in reversed(events) if event["ResourceStatus"] == "CREATE_FAILED"
    )


def test_create_event_names_everything(world: StackWorld) -> None:
    recorder = Recorder(world, "names")

    stack = world.create("names", template(recorder.arn))
    world.settled(stack)

    event = recorder.events[0]
    assert {key: event[key] for key in ("RequestType", "StackId", "LogicalResourceId", "ResourceType")} == {
        "RequestType": "Create",
        "StackId": stack,
        "LogicalResourceId": "Thing",
        "ResourceType": "Custom::Thing",
    }


def test_physical_id_is_the_answers(world: StackWorld) -> None:
    recorder = Recorder(world, "physical", Create={"PhysicalResourceId": "deployment/a"})

    stack = world.create("physical", template(recorder.arn))

    assert (world.settled(stack), world.stack(stack)["Outputs"][0]["OutputValue"]) == (
        "CREATE_COMPLETE",
        "deployment/a",
    )


def test_failure_rolls_back_with_its_reason(world: StackWorld) -> None:
    recorder = Recorder(world, "failure", Create={"Status": "FAILED", "Reason": "no AZ has capacity"})

    stack = world.create("failure", template(recorder.arn))

    assert (world.settled(stack), "no AZ has capacity" in failed(world, stack)) == ("ROLLBACK_COMPLETE", True)


def test_no_answer_within_the_time_out_fails(world: StackWorld) -> None:
    """ServiceTimeout counts simulated seconds."""
    recorder = Recorder(world, "silent", Create=None)

    stack = world.create("silent", template(recorder.arn, ServiceTimeout=60))

    world.settled(stack)
    assert "did not receive a response from your Custom Resource" in failed(world, stack)


def test_rollback_deletes_what_was_answered(world: StackWorld) -> None:
    recorder = Recorder(world, "rollback", Create={"Status": "FAILED", "Reason": "x", "PhysicalResourceId": "half"})

    world.settled(world.create("rollback", template(recorder.arn)))

    assert (recorder.events[-1]["RequestType"], recorder.events[-1]["PhysicalResourceId"]) == ("Delete", "half")


def test_delete_event_has_the_physical_id(world: StackWorld) -> None:
    recorder = Recorder(world, "deleted", Create={"PhysicalResourceId": "deployment/a"})
    stack = world.create("deleted", template(recorder.arn))
    world.settled(stack)

    world.client("cloudformation").delete_stack(StackName=stack)

    assert (world.settled(stack), recorder.events[-1]["PhysicalResourceId"]) == ("DELETE_COMPLETE", "deployment/a")


def test_failed_delete_keeps_the_stack(world: StackWorld) -> None:
    recorder = Recorder(world, "kept", Delete={"Status": "FAILED", "Reason": "jobs still run"})
    stack = world.create("kept", template(recorder.arn))
    world.settled(stack)

    world.client("cloudformation").delete_stack(StackName=stack)

    assert world.settled(stack) == "DELETE_FAILED"


def test_update_event_has_old_and_new_properties(world: StackWorld) -> None:
    recorder = Recorder(world, "updated")
    stack = world.create("updated", template(recorder.arn, Size="small"))
    world.settled(stack)

    world.update(stack, template(recorder.arn, Size="large"))
    world.settled(stack)

    event = recorder.events[-1]
    assert [event["RequestType"], event["OldResourceProperties"]["Size"], event["ResourceProperties"]["Size"]] == [
        "Update",
        "small",
        "large",
    ]


def test_late_answer_to_an_older_request_is_ignored(world: StackWorld) -> None:
    """The answer to a Create that was given up does not count for the Delete that followed it."""
    recorder = Recorder(world, "late", Create=None, Delete=None)
    stack = world.create("late", template(recorder.arn))
    world.until(lambda: len(recorder.events) == 1)
    world.client("cloudformation").delete_stack(StackName=stack)
    world.until(lambda: len(recorder.events) == 2)

    answer(recorder.events[0])
    in_between = world.stack(stack)["StackStatus"]
    answer(recorder.events[1])

    assert (in_between, world.settled(stack)) == ("DELETE_IN_PROGRESS", "DELETE_COMPLETE")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"no json", "not JSON"),
        (b'{"Status": "FINE", "PhysicalResourceId": "x"}', "Invalid Status"),
        (b'{"Status": "SUCCESS"}', "Invalid PhysicalResourceId"),
        (json.dumps({"Status": "SUCCESS", "PhysicalResourceId": "x" * 4096}).encode(), "too long"),
    ],
)
def test_wrong_answer_fails_the_resource(world: StackWorld, body: bytes, reason: str) -> None:
    def handle(event: dict[str, Any]) -> None:
        if event["RequestType"] == "Delete":
            return answer(event)
        request = urllib.request.Request(event["ResponseURL"], data=body, method="PUT")
        urllib.request.urlopen(request, timeout=10).close()

    name = f"wrong-{len(body)}"
    stack = world.create(name, template(world.function(name, handle)))

    assert (world.settled(stack), reason in failed(world, stack)) == ("ROLLBACK_COMPLETE", True)


def test_missing_function_fails_the_resource(world: StackWorld) -> None:
    missing = "arn:aws:lambda:us-east-1:123456789012:function:nowhere"

    stack = world.create("missing", template(missing))

    world.settled(stack)
    assert "Function not found" in failed(world, stack)


def test_values_become_text() -> None:
    assert as_strings({"a": [1, True, "x", {"b": 2.5}]}) == {"a": ["1", "true", "x", {"b": "2.5"}]}
