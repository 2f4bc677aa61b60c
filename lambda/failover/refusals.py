"""Calls of ours that AWS refuses for good: what to tell a person, instead of calling again."""

from __future__ import annotations

from dataclasses import dataclass

from botocore.exceptions import ClientError

_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_QUOTA = frozenset({"LimitExceeded", "LimitExceededException"})
# CloudFormation and EMR answer some throttled calls with a limit's code, and this word.
_THROTTLED = "rate exceeded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A refused call.

    Attributes:
        message: what was refused and what a person should do.
        may_pass: whether it may come from a permission that was given a moment ago: IAM takes a while to tell every
            part of AWS.
    """

    message: str
    may_pass: bool


def refusal(error: ClientError) -> Refusal | None:
    """What *error* refuses for good; ``None`` if the call may succeed when it is repeated, as a throttled one."""
    detail = error.response.get("Error", {})
    code, text = detail.get("Code", ""), detail.get("Message", "")
    if code in _DENIED:
        return Refusal(
            message=f"{error.operation_name} is denied: {text.rstrip('.')}. "
            "Allow it, or lift the policy that denies it",
            may_pass=True,
        )
    if code in _QUOTA and _THROTTLED not in text.lower():
        return Refusal(
            message=f"a quota is used up, {error.operation_name} is refused: {text.rstrip('.')}. "
            "Ask for more in Service Quotas, or delete what is not needed",
            may_pass=False,
        )
    return None
