"""Intrinsic functions of templates that moto 5.2.5 resolves to something else than CloudFormation does, silently.

* ``Fn::GetAtt`` of an attribute that a model does not have leaves the function itself in the place of the value.
* ``Ref`` to a resource without a physical id gives the model object.
* ``AWS::NoValue`` in a list becomes a null.
* ``Fn::GetAZs`` means us-east-1 unless a region is spelled out.
"""

from __future__ import annotations

from typing import Any

import moto.cloudformation.parsing as parsing
from moto.core.common_models import CloudFormationModel

from emr_drill.stand_in.patching import original, replace

NO_VALUE = {"Ref": "AWS::NoValue"}
ZONE_LETTERS = "abc"


class Unresolvable(Exception):
    """An intrinsic function has no value; the message says which and why."""


def install() -> None:
    """Have moto resolve templates by :func:`resolve`; moto's own function calls itself by its global name."""
    replace(parsing, "clean_json", resolve)


def resolve(value: Any, resources: parsing.ResourceMap) -> Any:
    """*value* with every intrinsic function in it replaced by its value.

    Args:
        value: a part of a template.
        resources: the stack's parameters and the resources made so far.

    Raises:
        Unresolvable: an attribute or resource is not there.
    """
    if isinstance(value, list):
        return [resolve(item, resources) for item in value if item != NO_VALUE]
    if isinstance(value, dict):
        if "Fn::GetAtt" in value:
            return _attribute(value["Fn::GetAtt"], resources)
        if "Fn::GetAZs" in value:
            region = resolve(value["Fn::GetAZs"], resources) or resources["AWS::Region"]
            return [f"{region}{letter}" for letter in ZONE_LETTERS]
    answer = original(parsing, "clean_json")(value, resources)
    if isinstance(answer, CloudFormationModel):
        raise Unresolvable(f"the stand-in's model of {_type(answer)} has no physical id for Ref: {value}")
    return answer


def _attribute(content: Any, resources: parsing.ResourceMap) -> Any:
    name, attribute = content if isinstance(content, list) else content.split(".", 1)
    attribute = resolve(attribute, resources)
    resource = resources[name]
    if resource is None:
        raise Unresolvable(f"Fn::GetAtt {name}.{attribute}: the condition of {name} is false")
    try:
        found = resource.get_cfn_attribute(attribute)
    except Exception as error:
        raise Unresolvable(
            f"Fn::GetAtt {name}.{attribute}: the stand-in's model of {_type(resource)} has no attribute {attribute} "
            f"({type(error).__name__}: {error})"
        ) from error
    if found is None:
        raise Unresolvable(f"Fn::GetAtt {name}.{attribute}: {_type(resource)} has no value for {attribute}")
    return found


def _type(resource: Any) -> str:
    return str(getattr(resource, "cf_resource_type", type(resource).__name__))
