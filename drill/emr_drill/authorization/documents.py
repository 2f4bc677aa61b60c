"""IAM policies as values.

Only what can be decided is read: an element or an operator that is not known here is an error and never an allowance
(IAM User Guide, "IAM JSON policy elements reference").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

VERSION = "2012-10-17"
ALLOW, DENY = "Allow", "Deny"
_ELEMENTS = frozenset(
    {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "Condition"}  # no NotPrincipal
)


class UnsupportedPolicyError(ValueError):
    """A policy holds something whose meaning is not known here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement of a policy.

    Attributes:
        sid: its name, empty for none.
        allows: whether its effect is to allow.
        actions: patterns, ``dynamodb:Get*``.
        all_but_actions: whether it is about every action *but* these.
        resources: patterns of ARNs, empty in a trust policy.
        all_but_resources: whether it is about every resource *but* these.
        principals: by kind (``AWS``, ``Service``), None where the policy belongs to a principal.
        conditions: operator to key to values.
    """

    sid: str = ""
    allows: bool
    actions: tuple[str, ...]
    all_but_actions: bool = False
    resources: tuple[str, ...] = ()
    all_but_resources: bool = False
    principals: Mapping[str, tuple[str, ...]] | None = None
    conditions: Mapping[str, Mapping[str, tuple[str, ...]]]

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Self:
        """One statement as JSON has it, without any intrinsic function of CloudFormation.

        Raises:
            UnsupportedPolicyError: an element is unknown, lacks or is not a text.
        """
        if unknown := document.keys() - _ELEMENTS:
            raise UnsupportedPolicyError(f"elements of a statement that are not known here: {sorted(unknown)}")
        if document.get("Effect") not in (ALLOW, DENY):
            raise UnsupportedPolicyError(f"an effect is {ALLOW} or {DENY}, got {document.get('Effect')!r}")
        if ("Action" in document) == ("NotAction" in document):
            raise UnsupportedPolicyError(f"a statement has either Action or NotAction: {document!r}")
        if "Resource" in document and "NotResource" in document:
            raise UnsupportedPolicyError(f"a statement has either Resource or NotResource: {document!r}")
        return cls(
            sid=str(document.get("Sid", "")),
            allows=document["Effect"] == ALLOW,
            actions=_texts(document.get("Action", document.get("NotAction"))),
            all_but_actions="NotAction" in document,
            resources=_texts(document.get("Resource", document.get("NotResource", []))),
            all_but_resources="NotResource" in document,
            principals=_principals(document["Principal"]) if "Principal" in document else None,
            conditions={
                operator: {key: _texts(values) for key, values in keys.items()}
                for operator, keys in document.get("Condition", {}).items()
            },
        )

    def covers(self, action: str, resource: str) -> bool:
        """Whether it is about doing *action* to *resource*; names of actions are compared without case."""
        of_action = any(matches(pattern.lower(), action.lower()) for pattern in self.actions)
        if of_action is self.all_but_actions:
            return False
        if not self.resources and self.principals is not None:
            return True  # a trust policy is about the role that has it
        return any(matches(pattern, resource) for pattern in self.resources) is not self.all_but_resources


def parse_policy(document: Mapping[str, Any]) -> tuple[Statement, ...]:
    """The statements of a policy as JSON has it.

    Raises:
        UnsupportedPolicyError: it is of another version, or a statement is not understood.
    """
    if document.get("Version") != VERSION:
        raise UnsupportedPolicyError(f"a policy of version {VERSION} is asked for, got {document.get('Version')!r}")
    found = document.get("Statement", [])
    return tuple(Statement.parse(each) for each in ([found] if isinstance(found, Mapping) else found))


def matches(pattern: str, text: str) -> bool:
    """Whether *text* fits *pattern*, in which ``*`` is any text and ``?`` any character.

    Colons are no bounds.  Of an ARN in ``Resource`` IAM lets a wildcard end at a colon, unless it is the last
    character of its part: this is the wider reading, so that what is denied here is denied there.
    """
    return _expression(pattern).fullmatch(text) is not None


def arn_matches(pattern: str, arn: str) -> bool:
    """Whether *arn* fits *pattern* in each of its six parts, as ``ArnLike`` and ``ArnEquals`` compare."""
    patterns, parts = pattern.split(":", 5), arn.split(":", 5)
    return len(patterns) == len(parts) == 6 and all(map(matches, patterns, parts))


@lru_cache(maxsize=4096)
def _expression(pattern: str) -> re.Pattern[str]:
    if "${" in pattern:
        raise UnsupportedPolicyError(f"policy variables are not known here: {pattern!r}")
    return re.compile("".join({"*": ".*", "?": "."}.get(mark, re.escape(mark)) for mark in pattern), re.DOTALL)


def _principals(value: Any) -> dict[str, tuple[str, ...]]:
    if value == "*":
        return {"*": ("*",)}
    if not isinstance(value, Mapping) or value.keys() - {"AWS", "Service"}:
        raise UnsupportedPolicyError(f"principals are '*' or of the kinds AWS and Service, got {value!r}")
    return {kind: _texts(names) for kind, names in value.items()}


def _texts(value: Any) -> tuple[str, ...]:
    values: Sequence[Any] | Iterable[Any] = value if isinstance(value, list | tuple) else [value]
    found = tuple(str(each).lower() if isinstance(each, bool) else each for each in values)
    found = tuple(str(each) if isinstance(each, int | float) else each for each in found)
    for each in found:
        if not isinstance(each, str):
            raise UnsupportedPolicyError(f"a text is asked for, got {each!r}: resolve intrinsic functions first")
    return found
