"""Roles and policies: what no role of ours needs, wherever it would come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from emr_dr.own_rules.model import Resource, Rule

ROLE = "AWS::IAM::Role"
POLICIES = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy")
# Of AWS's own policies only these have a reason here.
MANAGED = ("service-role/AmazonEMRServicePolicy_v2",)


def _statements(resource: Resource) -> Iterator[Mapping[str, Any]]:
    if resource.kind == ROLE:
        documents = [each["PolicyDocument"] for each in resource.properties.get("Policies", [])]
    else:
        documents = [resource.properties.get("PolicyDocument", {})]
    for document in documents:
        found = document.get("Statement", [])
        yield from [found] if isinstance(found, Mapping) else found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _wide(resource: Resource) -> Iterable[str]:
    for statement in _statements(resource):
        if statement.get("Effect") != "Allow":
            continue
        for name in ("NotAction", "NotResource"):
            if name in statement:
                yield f"a statement allows everything but {statement[name]} ({name})"
        for action in _list(statement.get("Action")):
            if "*" in str(action) or "?" in str(action):
                yield f"it allows {action}"


def _passing(resource: Resource) -> Iterable[str]:
    for statement in _statements(resource):
        if statement.get("Effect") != "Allow" or "iam:PassRole" not in _list(statement.get("Action")):
            continue
        for role in _list(statement.get("Resource")):
            if "*" in str(role):
                yield f"it passes {role}"
        keys = {key for found in statement.get("Condition", {}).values() for key in found}
        if "iam:PassedToService" not in keys:
            yield "it passes a role to any service"


def _trust(resource: Resource) -> Iterable[str]:
    document = resource.properties.get("AssumeRolePolicyDocument", {})
    for statement in _list(document.get("Statement")):
        principal = statement.get("Principal")
        if not isinstance(principal, Mapping) or principal.keys() - {"Service"}:
            yield f"it can be taken by {principal}"


def _managed(resource: Resource) -> Iterable[str]:
    for arn in resource.properties.get("ManagedPolicyArns", []):
        if not any(name in str(arn) for name in MANAGED):
            yield f"it has the policy {arn}"


RULES = (
    Rule(
        name="named-actions",
        asks="A policy names its actions one by one, and allows nothing by leaving something out",
        remedy="write the actions out",
        kinds=frozenset({ROLE, *POLICIES}),
        look=_wide,
    ),
    Rule(
        name="passed-roles",
        asks="A role is passed by its name, and to one service",
        remedy="name the role, and demand iam:PassedToService",
        kinds=frozenset({ROLE, *POLICIES}),
        look=_passing,
    ),
    Rule(
        name="roles-of-services",
        asks="A role is taken by a service alone",
        remedy="let a person or another account act through the control function, or take the trust away",
        kinds=frozenset({ROLE}),
        look=_trust,
    ),
    Rule(
        name="no-managed-policies",
        asks=f"A role has no policy of AWS but {', '.join(MANAGED)}: their content changes without a deploy",
        remedy="grant what is needed in a policy of the role",
        kinds=frozenset({ROLE}),
        look=_managed,
    ),
)
