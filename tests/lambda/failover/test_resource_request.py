"""A13: what a request of CloudFormation says, and what it need not say."""

from __future__ import annotations

import json

import pytest

from failover.resource_request import answer_of, parse

from .parts import SPEC
from .test_custom_resource import event
from .world import World


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"Name": "z"}, "property Name must be one of a, got 'z'"),
        ({"Deployment": "other"}, "property Deployment must be emr-dr-active-passive, got 'other'"),
        ({"Parameters": "{"}, "properties TemplateUrl, Parameters, Scaling and Tags"),
        ({"Parameters": "[]"}, "properties TemplateUrl, Parameters, Scaling and Tags"),
        ({"Scaling": '{"minimum_instances": 2}'}, "got KeyError"),
        ({"Scaling": '{"minimum_instances": "x", "maximum_instances": 3}'}, "invalid literal"),
        ({"Scaling": '{"minimum_instances": 4, "maximum_instances": 3}'}, "got 4 to 3"),
        ({"Tags": "[]"}, "got AttributeError"),
    ],
)
def test_wrong_properties_are_named(world: World, properties: dict[str, str], message: str) -> None:
    """Error text: what, got, allowed."""
    with pytest.raises(ValueError, match=message):
        parse(world.deployment, event("Create", **properties))


def test_the_spec_is_what_the_properties_say(world: World) -> None:
    """The same text for the same spec, as it is compared."""
    assert parse(world.deployment, event("Create")).spec == SPEC


def test_numbers_are_texts(world: World) -> None:
    """CloudFormation hands everything over as text, a person who tries it in a console may not."""
    request = parse(world.deployment, event("Update", Parameters='{"ServiceRole": 7}'))
    assert json.loads(request.spec)["parameters"] == {"ServiceRole": "7"}


@pytest.mark.parametrize("properties", [{"Parameters": "{"}, {"Scaling": "{}"}, {"Tags": "[]"}])
def test_a_deletion_only_says_whose_it_is(world: World, properties: dict[str, str]) -> None:
    """What runs has to end, whatever else stands there."""
    assert parse(world.deployment, event("Delete", **properties)).name == "a"


def test_an_answer_to_a_request_without_properties_can_be_sent() -> None:
    """CloudFormation waits for it for an hour."""
    request = {key: value for key, value in event("Create").items() if key != "ResourceProperties"}
    assert answer_of(request, deployment="", name="").physical_resource_id == "unknown/unknown"
