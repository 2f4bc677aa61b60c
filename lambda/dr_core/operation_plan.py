"""Decisions of an operation: who holds the lease, whether to go on, when a cluster is proved, what to call the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from dr_core.evidence import Verdict
from dr_core.record import Outcome
from dr_core.requests import Kind
from dr_core.steps import PHASES


class Claim(StrEnum):
    """What to do about the lease of a managed cluster.

    Attributes:
        TAKE: nobody holds it, or its holder's execution is closed.
        KEEP: this execution holds it already.
        WAIT: another execution runs; try again.
        CANCEL: another execution runs and answers what this one was started for.
        GIVE_UP: another execution has been running for longer than this one may wait.
        SUPERSEDE: another execution runs and gives way: stop it, then take its lease.
    """

    TAKE = "take"
    KEEP = "keep"
    WAIT = "wait"
    CANCEL = "cancel"
    GIVE_UP = "give up"
    SUPERSEDE = "supersede"


class Next(StrEnum):
    """What to do after one more look.

    Attributes:
        GO_ON: to the next state.
        WAIT: look again.
        STOP: end here.
    """

    GO_ON = "go on"
    WAIT = "wait"
    STOP = "stop"


def judge_claim(
    *,
    holder: str,
    mine: str,
    holder_runs: bool,
    kind: Kind,
    waited: float,
    limit: float,
    holder_yields: bool = False,
) -> Claim:
    """Who gets the lease.

    Args:
        holder: execution that holds it, empty if none does.
        mine: the execution that asks.
        holder_runs: whether the holder's execution is open.
        kind: kind of the operation that asks.
        waited: seconds since it first asked.
        limit: how long it may wait.
        holder_yields: whether the holder's operation gives way: it launches a standby, or what this one would have to
            replace at once (:func:`dr_core.superseding.gives_way`).
    """
    if holder == mine:
        return Claim.KEEP
    if not holder or not holder_runs:
        return Claim.TAKE
    if holder_yields and kind is not Kind.STANDBY:
        return Claim.SUPERSEDE
    if kind in (Kind.FAILOVER, Kind.STANDBY):
        return Claim.CANCEL
    return Claim.GIVE_UP if waited >= limit else Claim.WAIT


def judge_leftover(*, takes_over: bool, kind: Kind) -> Next:
    """What a new operation does with an incarnation that an interrupted one left behind, neither serving nor retired.

    Args:
        takes_over: whether it is registered where the traffic goes, or what serves is being ended for it: it is proved
            then, and may serve already.
        kind: kind of the new operation.

    Returns:
        GO_ON to take it over and finish what was begun; WAIT to keep hands off until the new operation's own cut-over,
        which replaces it like the one in service; STOP to give it up, as nothing was changed for it yet.
    """
    if not takes_over:
        return Next.STOP
    return Next.GO_ON if kind is Kind.FAILOVER else Next.WAIT


class CanaryState(StrEnum):
    """How the Spark job that proves a cluster is doing."""

    MISSING = "missing"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


_CANARY_FAILED = frozenset({"dead", "error", "killed", "shutting_down"})


def judge_canary(livy_state: str) -> CanaryState:
    """What Livy's state of the canary's batch means; empty = there is no batch yet."""
    if not livy_state:
        return CanaryState.MISSING
    if livy_state == "success":
        return CanaryState.SUCCEEDED
    return CanaryState.FAILED if livy_state in _CANARY_FAILED else CanaryState.RUNNING


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What is known of a new cluster that has to be proved.

    Attributes:
        canary: state of the canary.
        id_in_range: whether the canary's id lies in the incarnation's range; true while it has none.
        seen_healthy: whether enough vantage points see every service good.
    """

    canary: CanaryState
    id_in_range: bool
    seen_healthy: bool


def judge_proof(*, proof: Proof, waited: float, limit: float) -> tuple[Next, str]:
    """Whether a new cluster may serve, and why not; *waited* and *limit* in seconds."""
    if not proof.id_in_range:
        return Next.STOP, "Livy numbers its batches outside the incarnation's range: the seed step failed"
    if proof.canary is CanaryState.FAILED:
        return Next.STOP, "the canary job failed"
    missing = [
        *(["the canary job has not succeeded"] if proof.canary is not CanaryState.SUCCEEDED else []),
        *(["two vantage points have not seen every service healthy"] if not proof.seen_healthy else []),
    ]
    if not missing:
        return Next.GO_ON, "the canary job succeeded and two vantage points see every service healthy"
    return (Next.STOP if waited >= limit else Next.WAIT), " and ".join(missing)


def phase_seconds(*, entered: Mapping[str, float], ended_at: float) -> dict[str, float]:
    """How long each phase from the claim on took, in seconds, from the times at which the states were *entered*.

    A phase lasts until the next one begins; one that was not entered is left out.  What comes before, ``detect``, is
    the monitor's to measure.
    """
    begins = {phase: entered[steps[0]] for phase, steps in PHASES.items() if steps[0] in entered}
    ends = [*list(begins.values())[1:], ended_at]
    return {phase: end - begin for (phase, begin), end in zip(begins.items(), ends, strict=False)}


_OUTCOMES = {
    Kind.LAUNCH: Outcome.LAUNCHED,
    Kind.FAILOVER: Outcome.FAILED_OVER,
    Kind.SWITCHOVER: Outcome.SWITCHED_OVER,
    Kind.REPAIR: Outcome.REPAIRED,
    Kind.STANDBY: Outcome.STANDS_BY,
}


def outcome_of(kind: Kind) -> Outcome:
    """What to call an operation of *kind* that reached its end."""
    return _OUTCOMES[kind]


def judge_again(*, verdict: Verdict, waited: float, limit: float) -> Next:
    """What the second look at an incarnation, before it is replaced, leads to; *waited* and *limit* in seconds.

    Returns:
        GO_ON if it is unhealthy; STOP if it is healthy, or if nobody could tell for as long as *limit*: an unknown
        verdict never leads to an action.
    """
    if verdict is Verdict.UNHEALTHY:
        return Next.GO_ON
    return Next.STOP if verdict is Verdict.HEALTHY or waited >= limit else Next.WAIT


def judge_before_fence(*, verdict: Verdict, cluster_ends: bool, waited: float, limit: float) -> Next:
    """What the last look leads to, before anything of an incarnation that the monitor wants replaced is ended.

    Minutes have passed since the second look, and the new incarnation is proved by now: only what is known to be
    sick, or comes to its end anyway, is ended for it.

    Args:
        verdict: on the incarnation that shall be ended.
        cluster_ends: whether EMR ends or has ended its cluster.
        waited: seconds since the first such look.
        limit: how long nobody may be able to tell.

    Returns:
        GO_ON to end it; STOP to keep it and give the new incarnation up; WAIT to look again.
    """
    if cluster_ends:
        return Next.GO_ON
    return judge_again(verdict=verdict, waited=waited, limit=limit)


AUTOMATIC_FAILOVERS_KEPT = 10


def failovers_with(earlier: Sequence[float], now: float) -> tuple[float, ...]:
    """The times of the latest automatic failovers, oldest first, with one that came to its cut-over *now*."""
    return (*earlier, now)[-AUTOMATIC_FAILOVERS_KEPT:]
