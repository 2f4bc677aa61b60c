"""What a rule is: a name, what it asks for, what to do, and a look at one resource of a template."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Template = Mapping[str, Any]
Properties = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource of a template.

    Attributes:
        logical_id: its name there.
        kind: ``AWS::S3::Bucket``.
        properties: as the template has them, with functions of CloudFormation.
        body: everything beside the properties (``DeletionPolicy`` ...).
        template: the whole of it, for what belongs to the resource and stands elsewhere.
    """

    logical_id: str
    kind: str
    properties: Properties
    body: Mapping[str, Any]
    template: Template


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule.

    Attributes:
        name: by which a finding is acknowledged: ``emr-dr::<name>``.
        asks: what must be so, a sentence.
        remedy: what to do where it is not.
        kinds: types of the resources that it looks at; empty for all.
        look: what is wrong with a resource, a sentence each.
    """

    name: str
    asks: str
    remedy: str
    kinds: frozenset[str]
    look: Callable[[Resource], Iterable[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a rule has found."""

    rule: Rule
    logical_id: str
    what: str


def resources(template: Template) -> Iterator[Resource]:
    """Every resource of a template."""
    for logical_id, body in template.get("Resources", {}).items():
        yield Resource(
            logical_id=logical_id,
            kind=str(body["Type"]),
            properties=body.get("Properties", {}),
            body={key: value for key, value in body.items() if key != "Properties"},
            template=template,
        )


def findings(template: Template, rules: Iterable[Rule]) -> list[Finding]:
    """What *rules* find in a template, in the order of its resources."""
    rules = list(rules)
    return [
        Finding(rule=rule, logical_id=resource.logical_id, what=what)
        for resource in resources(template)
        for rule in rules
        if not rule.kinds or resource.kind in rule.kinds
        for what in rule.look(resource)
    ]


def attributes(properties: Properties, name: str) -> dict[str, Any]:
    """A list of ``Key`` and ``Value`` as a mapping."""
    return {str(each["Key"]): each.get("Value") for each in properties.get(name, [])}
