"""How findings of the policy checks name what a policy reaches."""

from __future__ import annotations

from typing import Any

from aws_cdk import Stack
from constructs import Construct

from emr_dr.policy_checks import wildcard_resource


def wildcard_arn(scope: Construct, arn: str) -> str:
    """The id of the finding that a policy in the stack of *scope* names *arn*, which has a wildcard.

    Args:
        arn: with tokens; how a finding writes them depends on what the stack knows of its region and partition.
    """
    return wildcard_resource(_text(Stack.of(scope).resolve(arn)))


def _text(value: Any) -> str:
    """A resolved value as a finding writes it: references between angle brackets."""
    match value:
        case {"Fn::Join": [str(separator), list(parts)]}:
            return separator.join(_text(part) for part in parts)
        case {"Fn::Sub": str(text)}:
            return text.replace("${", "<").replace("}", ">")
        case {"Ref": str(name)}:
            return f"<{name}>"
        case str():
            return value
        case _:
            raise TypeError(f"not the text of an ARN: {value!r}, allowed are joined texts and references")
