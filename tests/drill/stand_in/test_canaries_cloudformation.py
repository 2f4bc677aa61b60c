"""The symbols of moto that the stand-in's CloudFormation replaces or uses are still what it was made for.

A new version of moto that fails here needs a look at the patch named by the test, not a new number in the test.
"""

from __future__ import annotations

import hashlib
import inspect
from importlib.metadata import version
from typing import Any

import moto.cloudformation.custom_model as custom_model
import moto.cloudformation.models as models
import moto.cloudformation.parsing as parsing
import moto.cloudformation.responses as responses
import moto.cloudformation.utils as utils
import pytest
from moto.awslambda.models import LambdaFunction
from moto.core.base_backend import BackendDict
from moto.ec2.models.core import TaggedEC2Resource
from moto.moto_server import werkzeug_app

from emr_drill.stand_in import custom_resources, resource_types, running_stack
from emr_drill.stand_in.patching import original

UNPATCHED_GET_AZS = {"Fn::GetAZs": {"Ref": "AWS::Region"}}


def digest(function: Any) -> str:
    return hashlib.sha256(inspect.getsource(function).encode()).hexdigest()[:12]


def plain_map(resources: dict[str, Any]) -> parsing.ResourceMap:
    """moto's own map of a stack's resources."""
    return parsing.ResourceMap(
        stack_id="id",
        stack_name="name",
        parameters={},
        tags={},
        region_name="us-east-1",
        account_id="123456789012",
        template={"Resources": resources},
        cross_stack_resources={},
    )


def test_version_is_the_one_that_was_read() -> None:
    assert version("moto") == "5.2.5"


@pytest.mark.parametrize(
    ("owner", "name", "parameters"),
    [
        (models.CloudFormationBackend, "create_stack", ["self", "name", "template", "parameters"]),
        (models.CloudFormationBackend, "delete_stack", ["self", "name_or_stack_id"]),
        (models.CloudFormationBackend, "get_stack", ["self", "name_or_stack_id"]),
        (running_stack.PlainStack, "_create_resource_map", ["self"]),
        (running_stack.PlainStack, "create_resources", ["self"]),
        (running_stack.PlainStack, "_add_stack_event", ["self", "resource_status"]),
        (running_stack.PlainStack, "parse_template", ["template"]),
        (responses.CloudFormationResponse, "create_stack", ["self"]),
        (responses.CloudFormationResponse, "list_stack_resources", ["self"]),
        (responses.CloudFormationResponse, "update_stack", ["self"]),
        (responses.CloudFormationResponse, "create_change_set", ["self"]),
        (responses.CloudFormationResponse, "delete_change_set", ["self"]),
        (responses.CloudFormationResponse, "describe_change_set", ["self"]),
        (responses.CloudFormationResponse, "execute_change_set", ["self"]),
        (responses.CloudFormationResponse, "list_change_sets", ["self"]),
        (responses.CloudFormationResponse, "_get_stack_from_s3_url", ["self", "template_url"]),
        (responses.ChangeDTO, "__init__", ["self", "change"]),
        (utils, "generate_changeset_id", ["changeset_name", "region_name", "account_id"]),
        (utils, "generate_stack_id", ["stack_name", "region", "account"]),
        (responses.StackResourceDTO, "__init__", ["self", "stack", "resource"]),
        (parsing, "clean_json", ["resource_json", "resources_map"]),
        (parsing, "get_model_map", []),
        (parsing, "get_name_type_map", []),
        (parsing, "resource_name_property_from_type", ["resource_type"]),
        (parsing, "parse_and_create_resource", ["logical_id", "resource_json", "resources_map"]),
        (parsing.ResourceMap, "__getitem__", ["self", "key"]),
        (parsing.ResourceMap, "validate_outputs", ["self"]),
        (parsing.ResourceMap, "_delete_resource", ["self", "parsed_resource", "resource_json"]),
        (BackendDict, "reset", []),
    ],
)
def test_signature(owner: Any, name: str, parameters: list[str]) -> None:
    symbol = original(owner, name)
    function = symbol.__func__ if isinstance(symbol, staticmethod | classmethod) else symbol
    found = list(inspect.signature(inspect.unwrap(function)).parameters)

    assert [each for each in found if each != "cls"][: len(parameters)] == parameters


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (running_stack.PlainStack.__init__, "85a5ca674ef7"),
        (models.Event.__init__, "2df4bc4b18e2"),
        (original(parsing, "clean_json"), "9fbe5dedab81"),
        (original(parsing, "parse_and_create_resource"), "ea3c10d68d2c"),
        (parsing.ResourceMap._delete_resource, "b1551ce18f4e"),
        (parsing.resource_class_from_type, "ca766bc34c19"),
        (original(responses.CloudFormationResponse, "create_stack"), "8067e0d9ef2a"),
        (werkzeug_app.DomainDispatcherApplication.infer_service_region_host, "b4fac9b6aa6b"),
    ],
    ids=lambda value: getattr(value, "__qualname__", ""),
)
def test_source(function: Any, expected: str) -> None:
    """The patches rely on what these do inside."""
    assert digest(function) == expected


def test_plain_map_makes_resources_when_it_is_read() -> None:
    """Why :class:`running_stack.MadeResources` exists."""
    plain: Any = plain_map({"Queue": {"Type": "AWS::SQS::Queue"}})

    assert plain["Queue"].physical_resource_id


def test_made_resources_are_looked_up_where_moto_keeps_them() -> None:
    made = running_stack.MadeResources(
        "id", "name", {}, {}, "us-east-1", "123456789012", {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}, {}
    )

    with pytest.raises(running_stack.ResourceNotMade):
        made["Queue"]
    made._parsed_resources["Queue"] = "made"
    assert made["Queue"] == "made"


def test_plain_templates_are_read_as_yaml_first() -> None:
    """Why :meth:`running_stack.RunningStack.parse_template` exists."""
    assert "yaml.load" in inspect.getsource(running_stack.PlainStack.parse_template).split("json.loads")[0]


def test_plain_zones_ignore_a_reference_to_the_region() -> None:
    """Why :func:`intrinsics.resolve` knows ``Fn::GetAZs``."""
    zones = original(parsing, "clean_json")(UNPATCHED_GET_AZS, plain_map({}))

    assert zones[0] != "us-east-1a"


def test_plain_custom_model_sends_creates_only() -> None:
    """Why :class:`custom_resources.CustomResource` exists."""
    source = inspect.getsource(custom_model)

    assert ('"RequestType": "Create"' in source, '"Delete"' in source) == (True, False)


def test_custom_resources_go_by_a_global_name() -> None:
    assert "return CustomModel" in inspect.getsource(parsing.resource_class_from_type)
    assert custom_resources.CustomResource.create_from_cloudformation_json is not None


@pytest.mark.parametrize("name", sorted(resource_types.MADE_BY_MOTO))
def test_moto_has_a_model_of_the_type(name: str) -> None:
    assert name in original(parsing, "get_model_map")()


def test_tagged_resources_are_known_by_their_base() -> None:
    """Tags of stacks reach VPCs, subnets and groups by it."""
    model = original(parsing, "get_model_map")()["AWS::EC2::VPC"]

    assert issubclass(model, TaggedEC2Resource)


def test_functions_are_invoked_by_one_method() -> None:
    """The tests of stacks stand in for functions there."""
    assert next(iter(inspect.signature(LambdaFunction.invoke).parameters)) in ("self", "function")


def test_cluster_of_a_template_loses_its_groups_in_plain_moto() -> None:
    """Why ``cluster_resource`` calls RunJobFlow itself."""
    model = original(parsing, "get_model_map")()["AWS::EMR::Cluster"]

    assert "InstanceGroups" not in inspect.getsource(model.create_from_cloudformation_json)
