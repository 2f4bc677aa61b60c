"""When an incarnation counts as fenced, and what its stack needs so that it goes away."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

CLUSTER_ENDED = frozenset({"TERMINATED", "TERMINATED_WITH_ERRORS"})
STACK_GONE = "DELETE_COMPLETE"
STACK_GOING = "DELETE_IN_PROGRESS"

# After the last application was killed, a spark-submit that Livy had started before may still hand in another one: it
# takes some seconds from the start of the process to the application in the ResourceManager's list.  An empty list
# proves something only when that time is over.
SUBMIT_SECONDS = 30


class Fence(StrEnum):
    """Whether the applications of an incarnation are known dead.

    Attributes:
        OPEN: they may live; its ids must not answer 410.
        CLOSED: they are dead.
        OVERDUE: nobody can tell, and the limit has passed: go on, with an alarm.
    """

    OPEN = "open"
    CLOSED = "closed"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True, kw_only=True)
class FenceSeen:
    """One look at an incarnation that has to be fenced.

    Attributes:
        cluster_state: what EMR says; empty if there never was a cluster or EMR does not know it any more.
        resource_manager_reachable: whether its ResourceManager answered.
        running_applications: how many applications it listed, after they were told to end.
        requested_at: when the end of the cluster was requested, seconds since 1970.
    """

    cluster_state: str
    resource_manager_reachable: bool
    running_applications: int
    requested_at: float


def judge_fence(*, seen: FenceSeen, now: float, limit: float) -> Fence:
    """Whether the incarnation that was *seen* at *now* is fenced; *limit* in seconds after the request."""
    waited = now - seen.requested_at
    if not seen.cluster_state or seen.cluster_state in CLUSTER_ENDED:
        return Fence.CLOSED
    if seen.resource_manager_reachable and not seen.running_applications and waited >= SUBMIT_SECONDS:
        return Fence.CLOSED
    return Fence.OVERDUE if waited >= limit else Fence.OPEN


class StackDeletion(StrEnum):
    """What the stack of a retired incarnation needs.

    Attributes:
        GONE: nothing.
        WAIT: it is being deleted.
        DELETE: lift the cluster's termination protection, then delete it.
    """

    GONE = "gone"
    WAIT = "wait"
    DELETE = "delete"


def judge_stack(status: str) -> StackDeletion:
    """What a stack of *status* needs; empty status = CloudFormation does not know it.

    DELETE_FAILED and every state in the middle of a creation need the same: a stack may be deleted while it is being
    created, and a deletion may be repeated.
    """
    if status in ("", STACK_GONE):
        return StackDeletion.GONE
    return StackDeletion.WAIT if status == STACK_GOING else StackDeletion.DELETE
