"""What is kept for the life of the process gives what moto works out anew each time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import moto.backends as backends
import pytest
from moto.core.serialize import AttributePicker, ResponseSerializer, XFormedAttributePicker, get_serializer_class
from moto.core.utils import get_service_model
from moto.stepfunctions.parser.asl.component.common.flow.end import End
from moto.stepfunctions.parser.asl.component.common.flow.next import Next
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import Timeout, TimeoutSeconds
from moto.stepfunctions.parser.asl.component.state.state_props import StateProps

from emr_drill.stand_in import economy
from emr_drill.stand_in.patching import original, restore

from .canary import fingerprint

REPLACED: tuple[tuple[Any, str], ...] = (
    (backends, "list_of_moto_modules"),
    (ResponseSerializer, "get_value"),
    (StateProps, "add"),
)


@pytest.fixture(autouse=True)
def installed() -> Iterator[None]:
    economy.install()
    yield
    for owner, name in REPLACED:
        restore(owner, name)


@pytest.mark.parametrize(
    ("owner", "name", "expected"),
    [
        (backends, "list_of_moto_modules", "4f741a10b065"),
        (ResponseSerializer, "get_value", "e9e6f200cfa8"),
        (AttributePicker, "__call__", "c339feb42d4f"),  # what the replacement does for a dictionary
        (XFormedAttributePicker, "get_possible_keys", "57deb7669fda"),
        (StateProps, "add", "c279bb831f84"),
    ],
)
def test_what_is_replaced_is_as_it_was(owner: Any, name: str, expected: str) -> None:
    """A failure means that another moto is installed: read its source, fit the replacement, then the hash."""
    assert fingerprint(owner, name) == expected


class Table:
    """What moto also returns: an object in the place of a dictionary."""

    TableName = "t"
    item_count = 3


@pytest.mark.parametrize(
    ("service", "operation", "result"),
    [
        (
            "dynamodb",
            "Query",
            {
                "Items": [{"a": {"S": "x"}, "b": {"M": {"c": {"L": [{"N": "1"}, {"BOOL": False}, {"NULL": True}]}}}}],
                "Count": 1,
                "ScannedCount": 0,
            },
        ),
        ("dynamodb", "GetItem", {}),
        ("dynamodb", "GetItem", {"Item": {"a": {"B": b"bytes"}, "b": {"SS": ["x", "y"]}}}),
        ("dynamodb", "DescribeTable", {"Table": Table()}),
        ("stepfunctions", "DescribeExecution", {"execution_arn": "arn", "status": "RUNNING", "input": None}),
        ("elbv2", "DescribeTargetHealth", {"TargetHealthDescriptions": [{"Target": {"id": "i", "Port": 80}}]}),
        ("emr", "ListClusters", {"clusters": [{"Id": "j-1", "status": {"State": "RUNNING"}}]}),
    ],
)
def test_an_answer_is_what_moto_makes_of_it(service: str, operation: str, result: dict[str, Any]) -> None:
    model = get_service_model(service)

    def serialized() -> Any:
        serializer = get_serializer_class(service, model.metadata["protocol"])(
            operation_model=model.operation_model(operation), value_picker=XFormedAttributePicker()
        )
        return serializer.serialize(result)

    found = [serialized(), serialized()]
    restore(ResponseSerializer, "get_value")

    assert found == [serialized()] * 2


def test_a_field_that_a_response_transforms_is_transformed() -> None:
    model = get_service_model("dynamodb")
    picker = XFormedAttributePicker(response_transformers={".Count": lambda value: value + 1})
    serializer = get_serializer_class("dynamodb", "json")(
        operation_model=model.operation_model("Query"), value_picker=picker
    )

    assert json.loads(serializer.serialize({"Count": 1})["body"]) == {"Count": 2}


def made() -> Any:
    """Properties of a state."""
    kind: Any = StateProps
    return kind()


def test_a_state_has_one_property_of_a_kind() -> None:
    properties = made()
    properties.add(TimeoutSeconds(timeout_seconds=5))

    assert properties.get(Timeout).timeout_seconds == 5
    with pytest.raises(ValueError, match="Redefinition"):
        properties.add(TimeoutSeconds(timeout_seconds=6))


def test_a_state_that_goes_on_is_not_the_last() -> None:
    properties = made()
    properties.add(Next("Other"))

    with pytest.raises(ValueError, match="End redefines Next"):
        properties.add(End(is_end=True))


def test_the_modules_of_moto_are_listed_as_moto_does() -> None:
    assert list(backends.list_of_moto_modules()) == list(original(backends, "list_of_moto_modules")())
