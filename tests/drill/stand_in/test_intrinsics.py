"""Intrinsic functions mean what they mean on AWS, or say what they cannot."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .stack_world import StackWorld, stack_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackWorld]:
    with stack_world(Path(tmp_path_factory.mktemp("world"))) as running:
        yield running


def output(world: StackWorld, name: str, value: Any) -> str:
    template = {
        "Parameters": {"Zones": {"Type": "CommaDelimitedList", "Default": "x,y"}},
        "Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}}},
        "Outputs": {"Value": {"Value": value}},
    }
    stack = world.create(name, template)
    world.settled(stack)
    return str(world.stack(stack)["Outputs"][0]["OutputValue"])


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("zones", {"Fn::Select": [2, {"Fn::GetAZs": ""}]}, "us-east-1c"),
        ("zones-of", {"Fn::Join": [",", {"Fn::GetAZs": {"Ref": "AWS::Region"}}]}, "us-east-1a,us-east-1b,us-east-1c"),
        ("no-value", {"Fn::Join": ["-", ["a", {"Ref": "AWS::NoValue"}, "b"]]}, "a-b"),
        ("sub", {"Fn::Sub": "${AWS::StackName}/${Queue.Arn}"}, "sub/arn:aws:sqs:us-east-1:123456789012:sub"),
        ("list", {"Fn::Select": ["1", {"Ref": "Zones"}]}, "y"),
        ("split", {"Fn::Select": [5, {"Fn::Split": [":", {"Fn::GetAtt": ["Queue", "Arn"]}]}]}, "split"),
        ("json", {"Fn::Join": ["", ['{"queue":"', {"Fn::GetAtt": ["Queue", "QueueName"]}, '"}']]}, '{"queue":"json"}'),
    ],
)
def test_value(world: StackWorld, name: str, value: Any, expected: str) -> None:
    assert output(world, name, value) == expected


def test_to_json_string(world: StackWorld) -> None:
    text = output(world, "to-json", {"Fn::ToJsonString": {"arn": {"Fn::GetAtt": ["Queue", "Arn"]}}})

    assert json.loads(text) == {"arn": "arn:aws:sqs:us-east-1:123456789012:to-json"}


def test_missing_attribute_fails_the_stack_by_name(world: StackWorld) -> None:
    """moto would leave the function in the place of its value."""
    template = {
        "Resources": {
            "Queue": {"Type": "AWS::SQS::Queue"},
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Fn::GetAtt": ["Queue", "Colour"]}}},
        }
    }
    stack = world.create("missing", template)

    assert world.settled(stack) == "ROLLBACK_COMPLETE"
    events = world.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    reasons = [event.get("ResourceStatusReason", "") for event in events if event["ResourceStatus"] == "CREATE_FAILED"]
    assert "AWS::SQS::Queue has no attribute Colour" in reasons[0]
