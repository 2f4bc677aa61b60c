"""Templates and parameters, wherever a call says they are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from .stack_world import StackWorld, queue_template, stack_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackWorld]:
    with stack_world(Path(tmp_path_factory.mktemp("world"))) as running:
        running.client("s3").create_bucket(Bucket="templates")
        running.client("s3").put_object(Bucket="templates", Key="a/queue.json", Body=json.dumps(queue_template()))
        yield running


@pytest.mark.parametrize(
    "address", ["{endpoint}/templates/a/queue.json", "https://s3.amazonaws.com/templates/a/queue.json"]
)
def test_a_template_lies_where_its_address_says(world: StackWorld, address: str) -> None:
    """The first is what the CDK's command line makes of an endpoint of its own."""
    name = "at-home" if "endpoint" in address else "at-amazon"
    url = address.format(endpoint=world.stand_in.endpoint)

    stack = world.client("cloudformation").create_stack(StackName=name, TemplateURL=url)["StackId"]

    assert world.settled(stack) == "CREATE_COMPLETE"


def test_a_template_that_is_not_there_is_a_clear_error(world: StackWorld) -> None:
    url = f"{world.stand_in.endpoint}/templates/none.json"

    with pytest.raises(ClientError, match="The specified key does not exist"):
        world.client("cloudformation").create_stack(StackName="none", TemplateURL=url)


def test_two_templates_are_refused(world: StackWorld) -> None:
    url = f"{world.stand_in.endpoint}/templates/a/queue.json"

    with pytest.raises(ClientError, match="Either Template URL or Template Body must be specified"):
        world.create("two", queue_template(), TemplateURL=url)


def test_the_previous_template_and_value_go_on(world: StackWorld) -> None:
    template = {
        "Parameters": {"Seconds": {"Type": "Number"}, "Name": {"Type": "String"}},
        **queue_template(Properties={"VisibilityTimeout": {"Ref": "Seconds"}, "QueueName": {"Ref": "Name"}}),
    }
    given = [{"ParameterKey": "Seconds", "ParameterValue": "30"}, {"ParameterKey": "Name", "ParameterValue": "goes-on"}]
    world.settled(world.create("goes-on", template, Parameters=given))

    made = world.client("cloudformation").create_change_set(
        StackName="goes-on",
        ChangeSetName="c",
        UsePreviousTemplate=True,
        Parameters=[
            {"ParameterKey": "Seconds", "ParameterValue": "60"},
            {"ParameterKey": "Name", "UsePreviousValue": True},
        ],
    )

    found = world.client("cloudformation").describe_change_set(ChangeSetName=made["Id"])
    assert {each["ParameterKey"]: each["ParameterValue"] for each in found["Parameters"]} == {
        "Seconds": "60",
        "Name": "goes-on",
    }
    assert [each["Target"]["Name"] for each in found["Changes"][0]["ResourceChange"]["Details"]] == [
        "VisibilityTimeout"
    ]
