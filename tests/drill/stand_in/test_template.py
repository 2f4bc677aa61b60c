"""What is refused before anything is made (A12: errors that say what, and what to do)."""

from __future__ import annotations

from typing import Any

import pytest

from emr_drill.stand_in.template import (
    TemplateProblem,
    check_parameters,
    check_references,
    dependencies,
    references,
    resource_types,
)


def resources(**bodies: Any) -> dict[str, Any]:
    return {"Resources": {name: {"Type": "AWS::S3::Bucket", **body} for name, body in bodies.items()}}


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ({"Ref": "A"}, {"A"}),
        ({"Fn::GetAtt": ["A", "Arn"]}, {"A"}),
        ({"Fn::GetAtt": "A.Arn"}, {"A"}),
        ({"Fn::Sub": "${A}-${B.Arn}-${!C}"}, {"A", "B"}),
        ({"Fn::Sub": ["${A}-${b}", {"b": {"Ref": "B"}}]}, {"A", "B"}),
        ({"DependsOn": "A"}, {"A"}),
        ({"DependsOn": ["A", "B"]}, {"A", "B"}),
        ({"Properties": {"List": [{"Fn::Join": ["", ["x", {"Ref": "A"}]]}]}}, {"A"}),
        ({"Name": "Ref"}, set()),
    ],
)
def test_references_are_found_in_every_form(value: Any, names: set[str]) -> None:
    assert references(value) == names


def test_dependencies_are_resources_only() -> None:
    template = resources(One={}, Two={"Properties": {"Name": {"Ref": "Parameter"}}, "DependsOn": "One"})

    assert dependencies(template) == {"One": set(), "Two": {"One"}}


def test_unknown_reference_is_refused() -> None:
    with pytest.raises(TemplateProblem, match=r"Unresolved resource dependencies \[Nowhere\]"):
        check_references(resources(One={"Properties": {"Name": {"Ref": "Nowhere"}}}))


def test_pseudo_parameters_are_known() -> None:
    check_references(resources(One={"Properties": {"Name": {"Ref": "AWS::StackName"}}}))


def test_circle_is_refused() -> None:
    with pytest.raises(TemplateProblem, match=r"Circular dependency between resources: \[One, Two\]"):
        check_references(resources(One={"DependsOn": "Two"}, Two={"DependsOn": "One"}, Three={}))


@pytest.mark.parametrize(
    ("declared", "given", "message"),
    [
        ({}, {"A": "1"}, r"Parameters: \[A\] do not exist in the template"),
        ({"A": {"Type": "String"}}, {}, r"Parameters: \[A\] must have values"),
        ({"A": {"Type": "String", "AllowedValues": ["x"]}}, {"A": "y"}, r"must be one of AllowedValues; got 'y'"),
        ({"A": {"Type": "String", "AllowedPattern": "[a-z]"}}, {"A": "ab"}, r"must match pattern \[a-z\]; got 'ab'"),
        ({"A": {"Type": "String", "MinLength": 2}}, {"A": "a"}, r"at least 2 characters; got 'a'"),
        ({"A": {"Type": "Number"}}, {"A": "one"}, r"must be a number; got 'one'"),
        ({"A": {"Type": "Number", "MinValue": 1, "MaxValue": 2}}, {"A": "3"}, r"from 1 to 2; got '3'"),
    ],
)
def test_wrong_parameters_are_refused(declared: Any, given: dict[str, str], message: str) -> None:
    with pytest.raises(TemplateProblem, match=message):
        check_parameters({"Parameters": declared}, given)


def test_default_stands_for_a_missing_parameter() -> None:
    check_parameters({"Parameters": {"A": {"Type": "String", "Default": "x"}}}, {})


def test_types_are_collected_once() -> None:
    assert resource_types(resources(One={}, Two={})) == {"AWS::S3::Bucket"}
