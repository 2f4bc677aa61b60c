"""What to do next with one launch: keep waiting, go on to the proof, or give it up for the next AZ."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

# A stack whose creation has not failed.  Everything else that CloudFormation may say of a stack of ours (we never
# update one) means that it failed or that somebody is deleting it.
STACK_ON_ITS_WAY = frozenset({"CREATE_IN_PROGRESS", "CREATE_COMPLETE", "REVIEW_IN_PROGRESS"})
CLUSTER_ON_ITS_WAY = frozenset({"STARTING", "BOOTSTRAPPING", "RUNNING"})
CLUSTER_READY = "WAITING"


class LaunchDecision(StrEnum):
    """What to do with a launch.

    Attributes:
        WAIT: look again later.
        READY: the cluster waits for work; prove it.
        ABANDON: delete its stack and try the next AZ.
    """

    WAIT = "wait"
    READY = "ready"
    ABANDON = "abandon"


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchSeen:
    """One look at a launch.

    Attributes:
        stack_status: what CloudFormation says of the stack; empty when the cluster was asked instead.
        stack_reason: CloudFormation's reason, may be empty.
        cluster_state: what EMR says of the cluster; empty while there is none.
        cluster_reason: EMR's reason for a change of state, may be empty.
        address_known: whether the address of the primary is known.
    """

    stack_status: str = ""
    stack_reason: str = ""
    cluster_state: str = ""
    cluster_reason: str = ""
    address_known: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchJudgement:
    """A decision and the sentence that says why."""

    decision: LaunchDecision
    message: str


def launch_deadline(*, created_at: float, started_at: float, launch_limit: float, total_limit: float) -> float:
    """When to give up a launch: its own limit or that of the whole operation, whichever comes first.

    All values in seconds; the two times since 1970.
    """
    return min(created_at + launch_limit, started_at + total_limit)


def judge_launch(*, seen: LaunchSeen, now: float, deadline: float) -> LaunchJudgement:
    """What to do with the launch that was *seen* at *now*.

    A cluster counts as ready when EMR calls it WAITING: its steps have ended then, which RUNNING does not say.
    """
    if seen.cluster_state == CLUSTER_READY and seen.address_known:
        return LaunchJudgement(decision=LaunchDecision.READY, message="EMR calls the cluster WAITING")
    if seen.cluster_state and seen.cluster_state not in CLUSTER_ON_ITS_WAY | {CLUSTER_READY}:
        return _abandon(f"EMR calls the cluster {seen.cluster_state}", seen.cluster_reason)
    if seen.stack_status and seen.stack_status not in STACK_ON_ITS_WAY:
        return _abandon(f"its stack is {seen.stack_status}", seen.stack_reason)
    if now >= deadline:
        return _abandon("it was not ready at its deadline", seen.cluster_state or seen.stack_status)
    where = seen.cluster_state or seen.stack_status or "stack requested"
    return LaunchJudgement(decision=LaunchDecision.WAIT, message=f"launching: {where}")


def _abandon(what: str, reason: str) -> LaunchJudgement:
    message = f"{what}: {reason}" if reason else what
    return LaunchJudgement(decision=LaunchDecision.ABANDON, message=message)
