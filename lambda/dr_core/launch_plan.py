"""Whether a cluster may be launched now, and what to do next with one launch: wait, prove it, or try the next AZ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

# A stack whose creation has not failed.  Everything else that CloudFormation may say of a stack of ours (we never
# update one) means that it failed or that somebody is deleting it.
STACK_ON_ITS_WAY = frozenset({"CREATE_IN_PROGRESS", "CREATE_COMPLETE", "REVIEW_IN_PROGRESS"})
CLUSTER_ON_ITS_WAY = frozenset({"STARTING", "BOOTSTRAPPING", "RUNNING"})
CLUSTER_READY = "WAITING"

DAY_SECONDS = 86_400
# With less time left no cluster gets ready: one that is launched all the same costs money, and nobody will use it.
LEAST_LAUNCH_SECONDS = 360
# How long a cluster that EMR is ending counts as live.  EMR takes a minute or two, and its instances cost nothing from
# their shutting-down on; in a failing AZ it may take for ever, and a recovery must not wait for that AZ.
ENDING_SECONDS = 180
# Of each reason in a message that names one for each AZ; CloudFormation takes 1,000 characters in all.
_REASON_LENGTH = 250


def launch_budget_left(created: Iterable[float], *, now: float, limit: int) -> int:
    """How many more clusters automatic operations may launch, 0 or more.

    Args:
        created: when each cluster of an automatic operation was written down, seconds since 1970.
        now: seconds since 1970.
        limit: how many are allowed in 24 hours.
    """
    return max(0, limit - sum(now - each < DAY_SECONDS for each in created))


def time_left(*, now: float, started_at: float, launch_limit: float, total_limit: float) -> bool:
    """Whether a launch that begins *now* can come to its end within the limit of the operation.

    All values in seconds; the two times since 1970.
    """
    return now + min(LEAST_LAUNCH_SECONDS, launch_limit) <= started_at + total_limit


def longest_wait(*, launch_limit: float, total_limit: float) -> float:
    """How long an operation may wait before its launch begins, in seconds from its own begin; 0 or more."""
    return max(0, total_limit - min(LEAST_LAUNCH_SECONDS, launch_limit))


@dataclass(frozen=True, slots=True, kw_only=True)
class Dying:
    """A cluster whose launch was given up and that has not ended yet.

    Attributes:
        generation: its incarnation's.
        ending_since: since when EMR ends it, seconds since 1970; ``None`` if it does not.
    """

    generation: int
    ending_since: float | None = None


def in_the_way(dying: Iterable[Dying], *, now: float) -> list[int]:
    """The generations whose end the next launch has to wait for, oldest first; empty if it may begin.

    The next AZ is tried at once, while what was given up in the last one still ends: every second counts.  What was
    given up before that has to be gone: one cluster too many at a time, whatever happens in how many AZs.
    """
    live = sorted(each.generation for each in dying if _counts(each, now))
    return live[:-1]


def _counts(dying: Dying, now: float) -> bool:
    return dying.ending_since is None or now - dying.ending_since < ENDING_SECONDS


def what_happened(tried: Sequence[str], *, given_up: Mapping[str, str]) -> str:
    """What became of the launch in each AZ, such as ``us-east-1a: no capacity; us-east-1b: no capacity``.

    Args:
        tried: the AZs, in order.
        given_up: why the launch was given up, by AZ.
    """
    return "; ".join(f"{zone}: {_short(given_up.get(zone, 'given up'))}" for zone in tried)


def _short(reason: str) -> str:
    return reason if len(reason) <= _REASON_LENGTH else f"{reason[: _REASON_LENGTH - 3]}..."


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
