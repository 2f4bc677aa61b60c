"""Every resource type is made, or said to be inert, or refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emr_drill.stand_in import resource_types
from emr_drill.stand_in.resource_recipes import RECIPES

from .stack_world import StackWorld, stack_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackWorld]:
    with stack_world(Path(tmp_path_factory.mktemp("world"))) as running:
        yield running


def test_strategy_uses_known_types_only(world: StackWorld, active_passive: dict[str, Any]) -> None:
    """What `cdk synth` writes can be deployed into the stand-in."""
    used = {resource["Type"] for resource in active_passive["Resources"].values()}

    assert used - resource_types.known(used) == set()


def test_every_type_of_a_platform_with_airflow_is_known(
    world: StackWorld, with_airflow: dict[str, dict[str, Any]], with_existing_airflow: dict[str, dict[str, Any]]
) -> None:
    for templates in (with_airflow, with_existing_airflow):
        used = {each["Type"] for template in templates.values() for each in template["Resources"].values()}
        assert used - resource_types.known(used) == set()


def test_what_is_only_checked_is_said_to_be_inert() -> None:
    """A green run is not read as coverage of it."""
    assert resource_types.inert({"AWS::MWAA::Environment", "AWS::SQS::Queue"}) == {"AWS::MWAA::Environment"}


def test_custom_resources_are_known(world: StackWorld) -> None:
    assert resource_types.known({"Custom::Anything"}) == {"Custom::Anything"}


def test_type_that_only_moto_knows_is_unknown(world: StackWorld) -> None:
    """moto has a model of it, but nobody has looked at it."""
    assert resource_types.known({"AWS::Redshift::Cluster"}) == set()


def test_no_type_is_made_twice() -> None:
    recipes = [recipe.type for recipe in RECIPES]
    made = [*resource_types.MADE_BY_MOTO, *resource_types.INERT, *resource_types.CHECKED_ONLY, *recipes]

    assert sorted(made) == sorted(set(made))


def test_inert_resource_has_an_id(world: StackWorld) -> None:
    template = {
        "Resources": {"Policy": {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": "b", "PolicyDocument": {}}}},
        "Outputs": {"Id": {"Value": {"Ref": "Policy"}}},
    }

    stack = world.create("inert", template)

    world.settled(stack)
    assert world.stack(stack)["Outputs"][0]["OutputValue"].startswith("inert-Policy-")
