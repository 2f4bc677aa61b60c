"""What policies decide of one request (IAM User Guide, "Policy evaluation logic", within one account)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from emr_drill.authorization import conditions
from emr_drill.authorization.conditions import Context
from emr_drill.authorization.documents import Statement

# Where the policy of the resource has to let the account's own policies count (KMS developer guide, "Default key
# policy"; IAM User Guide on trust policies).
_RESOURCE_POLICY_DECIDES = ("kms:", "sts:assumerole")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What somebody asks AWS for.

    Attributes:
        principal: ARN of the role that asks, or name of the service (``cloudwatch.amazonaws.com``).
        action: ``dynamodb:GetItem``.
        resource: ARN, ``*`` for an action that knows no resources.
        context: the keys that conditions look at.
    """

    principal: str
    action: str
    resource: str = "*"
    context: Context = field(default_factory=dict)

    @property
    def is_of_service(self) -> bool:
        """Whether a service asks for itself, and not with a role."""
        return not self.principal.startswith("arn:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What becomes of a request.

    Attributes:
        allowed: whether it is let through.
        why: what decided, for people.
    """

    allowed: bool
    why: str


def decide(
    request: Request,
    *,
    identity: Sequence[Statement] = (),
    resource: Sequence[Statement] | None = None,
    boundary: Sequence[Statement] | None = None,
) -> Decision:
    """Decide of *request*.

    Args:
        identity: of the policies of the role that asks.
        resource: of the resource's own policy; None if it has none.
        boundary: of the permissions boundary of the role that asks; None if it has none.

    Raises:
        UnsupportedPolicyError: a statement about this action and resource has a condition that is not understood.
    """
    own = _about(request, identity)
    theirs = _about(request, resource or ())
    limits = None if boundary is None else _about(request, boundary)
    for statement in (*own, *(limits or ())):
        if not statement.allows:
            return Decision(allowed=False, why=f"denied by {_name(statement)}")
    for statement in theirs:
        if not statement.allows and _is_for(statement, request, account=True):
            return Decision(allowed=False, why=f"denied by {_name(statement)} of the resource's policy")
    if limits is not None and not any(statement.allows for statement in limits):
        return Decision(allowed=False, why="the permissions boundary does not allow it")
    for statement in theirs:
        if statement.allows and _is_for(statement, request, account=False):
            return Decision(allowed=True, why=f"allowed by {_name(statement)} of the resource's policy")
    if request.action.lower().startswith(_RESOURCE_POLICY_DECIDES) and not any(
        statement.allows and _is_for(statement, request, account=True) for statement in theirs
    ):
        return Decision(allowed=False, why="the resource's policy neither allows it nor lets the account's policies")
    for statement in own:
        if statement.allows:
            return Decision(allowed=True, why=f"allowed by {_name(statement)}")
    return Decision(allowed=False, why="no policy allows it")


def _about(request: Request, statements: Iterable[Statement]) -> list[Statement]:
    """The statements whose action, resource and conditions fit."""
    return [
        statement
        for statement in statements
        if statement.covers(request.action, request.resource) and conditions.hold(statement.conditions, request.context)
    ]


def _is_for(statement: Statement, request: Request, *, account: bool) -> bool:
    """Whether a statement of a resource's policy names who asks; with *account*, or their account."""
    principals = statement.principals or {}
    if "*" in principals or "*" in principals.get("AWS", ()):
        return True
    if request.is_of_service:
        return request.principal in principals.get("Service", ())
    # arn:<partition>:iam::<account>:role/<name>
    parts = request.principal.split(":")
    named = [request.principal, *([f"{':'.join(parts[:5])}:root", parts[4]] if account else [])]
    return any(each in principals.get("AWS", ()) for each in named)


def _name(statement: Statement) -> str:
    return f"the statement {statement.sid}" if statement.sid else f"a statement about {', '.join(statement.actions)}"
