"""What a change set says of each resource and each property, which ``cdk diff`` shows (B13)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .change_set_world import created, described, propose
from .stack_world import StackWorld, answer, queue_template, stack_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackWorld]:
    with stack_world(Path(tmp_path_factory.mktemp("world"))) as running:
        yield running


def test_what_changes_is_named_with_both_values(world: StackWorld) -> None:
    created(world, "values", queue_template(Properties={"VisibilityTimeout": 30}))

    change_set = propose(world, "values", queue_template(Properties={"VisibilityTimeout": 60}), "UPDATE")

    change = described(world, change_set, IncludePropertyValues=True)["Changes"][0]["ResourceChange"]
    target = change["Details"][0]["Target"]
    assert (change["Action"], change["Replacement"]) == ("Modify", "False")
    assert (target["Name"], target["BeforeValue"], target["AfterValue"]) == ("VisibilityTimeout", "30", "60")
    assert target["RequiresRecreation"] == "Never"
    assert json.loads(change["AfterContext"]) == {"Properties": {"VisibilityTimeout": 60}}


def test_a_property_that_makes_a_resource_anew_is_said_to(world: StackWorld) -> None:
    """By CloudFormation's own schema; the stand-in itself replaces nothing."""
    created(world, "anew", queue_template(Properties={"QueueName": "anew"}))

    change_set = propose(world, "anew", queue_template(Properties={"QueueName": "other"}), "UPDATE")

    change = described(world, change_set)["Changes"][0]["ResourceChange"]
    assert (change["Replacement"], change["Details"][0]["Target"]["RequiresRecreation"]) == ("True", "Always")


def test_what_refers_to_an_attribute_of_something_changed_may_change(world: StackWorld) -> None:
    arn = world.function("notes", answer)

    def template(timeout: int) -> dict[str, Any]:
        queue = queue_template(Properties={"VisibilityTimeout": timeout})["Resources"]["Queue"]
        described_by = {
            "ByAttribute": {"Fn::GetAtt": ["Queue", "Arn"]},
            "ById": {"Ref": "Queue"},
        }
        notes = {
            name: {"Type": "Custom::Thing", "Properties": {"ServiceToken": arn, "Value": value}}
            for name, value in described_by.items()
        }
        return {"Resources": {"Queue": queue, **notes}}

    created(world, "attributes", template(30))

    change_set = described(world, propose(world, "attributes", template(60), "UPDATE"), IncludePropertyValues=True)

    changes = {each["ResourceChange"]["LogicalResourceId"]: each["ResourceChange"] for each in change_set["Changes"]}
    assert changes.keys() == {"Queue", "ByAttribute"}  # the id of a queue that stays is known
    detail = changes["ByAttribute"]["Details"][0]
    assert (detail["Evaluation"], detail["ChangeSource"], detail["CausingEntity"]) == (
        "Dynamic",
        "ResourceAttribute",
        "Queue.Arn",
    )
    assert detail["Target"]["AfterValue"] == "{{changeSet:KNOWN_AFTER_APPLY}}"


def test_a_change_of_a_parameter_is_said_to_be_one(world: StackWorld) -> None:
    timeout = {"VisibilityTimeout": {"Ref": "Seconds"}}
    template = {"Parameters": {"Seconds": {"Type": "Number", "Default": 30}}, **queue_template(Properties=timeout)}
    created(world, "parameter", template)

    change_set = propose(
        world, "parameter", template, "UPDATE", Parameters=[{"ParameterKey": "Seconds", "ParameterValue": "60"}]
    )

    detail = described(world, change_set)["Changes"][0]["ResourceChange"]["Details"][0]
    assert (detail["ChangeSource"], detail["CausingEntity"]) == ("ParameterReference", "Seconds")


def test_what_goes_is_named(world: StackWorld) -> None:
    both = queue_template()["Resources"] | {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {}}}
    created(world, "goes", {"Resources": both})

    change_set = described(world, propose(world, "goes", queue_template(), "UPDATE"))

    change = change_set["Changes"][0]["ResourceChange"]
    assert (change["Action"], change["LogicalResourceId"], change["PolicyAction"]) == ("Remove", "Topic", "Delete")


def test_a_resource_that_is_kept_when_it_goes_is_said_to_be(world: StackWorld) -> None:
    both = queue_template()["Resources"] | {
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {}, "DeletionPolicy": "Retain"}
    }
    created(world, "kept", {"Resources": both})

    change_set = described(world, propose(world, "kept", queue_template(), "UPDATE"))

    assert change_set["Changes"][0]["ResourceChange"]["PolicyAction"] == "Retain"


def test_a_reference_to_something_new_is_known_only_then(world: StackWorld) -> None:
    arn = world.function("refers", answer)

    def template(value: Any, **more: Any) -> dict[str, Any]:
        note = {"Type": "Custom::Thing", "Properties": {"ServiceToken": arn, "Value": value}}
        return {"Resources": {"Note": note, **more}}

    created(world, "refers", template("nothing"))
    topic = {"Type": "AWS::SNS::Topic", "Properties": {}}

    change_set = described(
        world,
        propose(world, "refers", template({"Fn::Sub": "${Topic}!"}, Topic=topic), "UPDATE"),
        IncludePropertyValues=True,
    )

    note = next(
        each["ResourceChange"] for each in change_set["Changes"] if each["ResourceChange"]["Action"] == "Modify"
    )
    detail = note["Details"][0]
    assert (detail["ChangeSource"], detail["CausingEntity"], detail["Evaluation"]) == (
        "ResourceReference",
        "Topic",
        "Dynamic",
    )


def test_another_way_to_say_the_same_is_no_change(world: StackWorld) -> None:
    created(world, "same-words", queue_template(Properties={"QueueName": "same-words"}))
    said_otherwise = queue_template(Properties={"QueueName": {"Fn::Sub": "${AWS::StackName}"}, "VisibilityTimeout": 60})

    change_set = described(world, propose(world, "same-words", said_otherwise, "UPDATE"))

    details = change_set["Changes"][0]["ResourceChange"]["Details"]
    assert [each["Target"]["Name"] for each in details] == ["VisibilityTimeout"]
