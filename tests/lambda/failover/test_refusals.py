"""Calls that AWS refuses for good are told from those that may be repeated."""

from __future__ import annotations

import pytest

from failover.refusals import Refusal, refusal

from .fakes import client_error

DENIED = (
    "User: arn:aws:sts::123456789012:assumed-role/failover/x is not authorized to perform: cloudformation:CreateStack "
    "on resource: arn:aws:cloudformation:us-east-1:123456789012:stack/emr-dr-active-passive-a-g1/*"
)


@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException", "UnauthorizedOperation"])
def test_a_denied_call_says_which_permission(code: str) -> None:
    """A14: one sentence that a person can act on."""
    assert refusal(client_error(code, f"{DENIED}.", "CreateStack")) == Refusal(
        message=f"CreateStack is denied: {DENIED}. Allow it, or lift the policy that denies it", may_pass=True
    )


@pytest.mark.parametrize("code", ["LimitExceeded", "LimitExceededException"])
def test_a_quota_is_told(code: str) -> None:
    """A14: it does not pass by itself."""
    assert refusal(client_error(code, "Limit for stack has been exceeded", "CreateStack")) == Refusal(
        message="a quota is used up, CreateStack is refused: Limit for stack has been exceeded. "
        "Ask for more in Service Quotas, or delete what is not needed",
        may_pass=False,
    )


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("Throttling", "Rate exceeded"),
        ("ThrottlingException", "Rate exceeded"),
        ("LimitExceededException", "Rate exceeded for this operation"),
        ("ValidationError", "Stack does not exist"),
        ("InternalFailure", ""),
        ("", ""),
    ],
)
def test_what_may_be_repeated_is_not_refused(code: str, text: str) -> None:
    """A14: the machine calls again, and no availability zone is given up for it."""
    assert refusal(client_error(code, text)) is None
