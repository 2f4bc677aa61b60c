"""The controller's CreateStack while the custom resource that asked for it is still being created (A4, A5)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .stack_world import StackWorld, answer, cluster_template, stack_world

INNER = "deployment-a-g1"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[StackWorld]:
    with stack_world(tmp_path) as running:
        yield running


def outer_template(function: str) -> dict[str, Any]:
    return {
        "Resources": {
            "ManagedCluster": {
                "Type": "Custom::EmrManagedCluster",
                "Properties": {"ServiceToken": function, "ServiceTimeout": 3600, "Name": "a"},
            }
        },
        "Outputs": {"ClusterId": {"Value": {"Fn::GetAtt": ["ManagedCluster", "ClusterId"]}}},
    }


def controller(world: StackWorld, events: list[dict[str, Any]]) -> Any:
    """A function that does what the controller does: create, poll by stack id, answer."""
    cloudformation = world.client("cloudformation")

    def handle(event: dict[str, Any]) -> None:
        events.append(event)
        stack_id = cloudformation.create_stack(StackName=INNER, TemplateBody=json.dumps(cluster_template()))["StackId"]
        while (stack := world.stack(stack_id))["StackStatus"] == "CREATE_IN_PROGRESS":
            time.sleep(0.005)
        outputs = {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]}
        answer(event, PhysicalResourceId="deployment/a", Data=outputs)

    return handle


def test_stack_created_by_custom_resource_completes_it(world: StackWorld) -> None:
    """The outer stack is complete when the cluster of the inner one waits, and knows its id."""
    events: list[dict[str, Any]] = []
    function = world.function("controller", controller(world, events))

    outer = world.create("outer", outer_template(function))

    assert world.settled(outer) == "CREATE_COMPLETE"
    assert world.stack(outer)["Outputs"][0]["OutputValue"] == world.clusters.all()[0].id


def test_both_stacks_are_in_progress_together(world: StackWorld) -> None:
    """While the inner cluster starts, both CreateStacks are under way and readers see both."""
    function = world.function("controller", controller(world, []))
    world.clusters.held = True

    outer = world.create("outer", outer_template(function))
    world.until(world.clusters.all)
    statuses = {world.stack(outer)["StackStatus"], world.stack(INNER)["StackStatus"]}
    world.clusters.held = False

    assert (statuses, world.settled(outer)) == ({"CREATE_IN_PROGRESS"}, "CREATE_COMPLETE")


def test_polling_starts_nothing_twice(world: StackWorld) -> None:
    """One CreateStack is one cluster, however often both stacks are read meanwhile."""
    events: list[dict[str, Any]] = []
    function = world.function("controller", controller(world, events))
    cloudformation = world.client("cloudformation")

    outer = world.create("outer", outer_template(function))
    while world.stack(outer)["StackStatus"] == "CREATE_IN_PROGRESS":
        for stack in cloudformation.describe_stacks()["Stacks"]:
            cloudformation.list_stack_resources(StackName=stack["StackId"])
            cloudformation.describe_stack_events(StackName=stack["StackId"])
        cloudformation.list_exports()

    assert (len(events), len(world.clusters.all())) == (1, 1)


def test_properties_arrive_as_text(world: StackWorld) -> None:
    """Numbers of a template reach the function as strings, as on AWS."""
    events: list[dict[str, Any]] = []
    function = world.function("controller", controller(world, events))

    world.settled(world.create("outer", outer_template(function)))

    assert events[0]["ResourceProperties"]["ServiceTimeout"] == "3600"
