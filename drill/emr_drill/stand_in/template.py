"""What CloudFormation reads from a template before it makes anything; pure functions of the template."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

Template = Mapping[str, Any]

PSEUDO_PARAMETERS = frozenset(
    {
        "AWS::AccountId",
        "AWS::NoValue",
        "AWS::NotificationARNs",
        "AWS::Partition",
        "AWS::Region",
        "AWS::StackId",
        "AWS::StackName",
        "AWS::URLSuffix",
    }
)
_SUBSTITUTION = re.compile(r"\$\{([^!}][^}]*)\}")


class TemplateProblem(Exception):
    """CloudFormation would refuse the template or its parameters; the message is what it would say."""


def references(value: Any) -> set[str]:
    """Names that *value* refers to: by ``Ref``, ``Fn::GetAtt``, ``Fn::Sub`` and, in a resource, ``DependsOn``."""
    return set(_references(value))


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, content in value.items():
            if key == "Ref" and isinstance(content, str):
                yield content
            elif key == "Fn::GetAtt":
                yield content[0] if isinstance(content, list) else str(content).split(".")[0]
            elif key == "DependsOn":
                yield from [content] if isinstance(content, str) else content
            elif key == "Fn::Sub":
                yield from _substitutions(content)
            else:
                yield from _references(content)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def _substitutions(content: Any) -> Iterator[str]:
    text, variables = (content, {}) if isinstance(content, str) else (content[0], content[1])
    for name in _SUBSTITUTION.findall(text):
        if name not in variables:
            yield name.split(".")[0]
    yield from _references(variables)


def dependencies(template: Template) -> dict[str, set[str]]:
    """The resources that each resource of *template* must wait for."""
    resources = template["Resources"]
    return {name: references(body) & set(resources) for name, body in resources.items()}


def check_references(template: Template) -> None:
    """Raise TemplateProblem if a resource refers to something that the template does not have, or to itself."""
    resources = template["Resources"]
    known = set(resources) | set(template.get("Parameters", {})) | PSEUDO_PARAMETERS
    for name, body in resources.items():
        if unknown := references(body) - known:
            raise TemplateProblem(
                "Template format error: Unresolved resource dependencies "
                f"[{', '.join(sorted(unknown))}] in the Resources block of the template (of {name})"
            )
    remaining = dependencies(template)
    while ready := {name for name, needed in remaining.items() if not needed & remaining.keys()}:
        remaining = {name: needed for name, needed in remaining.items() if name not in ready}
    if remaining:
        raise TemplateProblem(f"Circular dependency between resources: [{', '.join(sorted(remaining))}]")


def check_parameters(template: Template, given: Mapping[str, str]) -> None:
    """Raise TemplateProblem if *given* does not fit the template's parameters."""
    declared: Mapping[str, Mapping[str, Any]] = template.get("Parameters", {})
    if unknown := sorted(given.keys() - declared.keys()):
        raise TemplateProblem(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    if missing := sorted(name for name, body in declared.items() if "Default" not in body and name not in given):
        raise TemplateProblem(f"Parameters: [{', '.join(missing)}] must have values")
    for name, value in given.items():
        _check_parameter(name, value, declared[name])


def _check_parameter(name: str, value: str, body: Mapping[str, Any]) -> None:
    allowed = body.get("AllowedValues")
    if allowed is not None and value not in [str(item) for item in allowed]:
        raise TemplateProblem(f"Parameter '{name}' must be one of AllowedValues; got {value!r}, allowed: {allowed}")
    pattern = body.get("AllowedPattern")
    if pattern is not None and not re.fullmatch(pattern, value):
        raise TemplateProblem(f"Parameter '{name}' must match pattern {pattern}; got {value!r}")
    if body.get("Type") == "Number":
        try:
            number = float(value)
        except ValueError:
            raise TemplateProblem(f"Parameter '{name}' must be a number; got {value!r}") from None
        if not float(body.get("MinValue", "-inf")) <= number <= float(body.get("MaxValue", "inf")):
            raise TemplateProblem(
                f"Parameter '{name}' must be from {body.get('MinValue')} to {body.get('MaxValue')}; got {value!r}"
            )
    if len(value) < int(body.get("MinLength", 0)):
        raise TemplateProblem(f"Parameter '{name}' must contain at least {body['MinLength']} characters; got {value!r}")


def resource_types(template: Template) -> set[str]:
    """The resource types that *template* uses."""
    return {body["Type"] for body in template["Resources"].values()}
