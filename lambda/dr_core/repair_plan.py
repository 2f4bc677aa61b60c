"""Whether Livy is restarted where it is, instead of launching another cluster, and when that counts as done."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from dr_core.evidence import Service, Verdict
from dr_core.operation_plan import Next
from dr_core.requests import Kind, Reason
from dr_core.verdicts import Judgement

# EMR runs a step only on a cluster in one of these states; on one that starts it would wait for the end of the launch.
CLUSTER_TAKES_STEPS = frozenset({"RUNNING", "WAITING"})

STEP_COMPLETED = "COMPLETED"
# It has not begun: EMR runs one step after the other unless a cluster says otherwise, and a user's own may last for
# hours.
STEP_PENDING = "PENDING"
# FAILED, CANCELLED and INTERRUPTED are its other ends.
STEP_UNDER_WAY = frozenset({STEP_PENDING, "CANCEL_PENDING", "RUNNING"})

# For how long the cancellation of a step is waited for: EMR takes the request and cancels later, if it does.
CANCEL_SECONDS = 30

# A Livy that fails again so soon has a cause that a restart does not cure.
REPAIR_AGAIN_SECONDS = 1800

# For how long a doubt is waited with before another cluster is launched: three rounds.  What died with its primary is
# known to be bad by then, and the wait adds to the recovery of what did not.
DOUBT_SECONDS = 30

_MUST_BE_GOOD = frozenset(Service) - {Service.LIVY}


class Remedy(StrEnum):
    """What an operation does about the incarnation in service.

    Attributes:
        REPAIR: restart Livy there.
        REPLACE: launch another incarnation.
        WAIT: look again, as it is not known yet what fails.
        LEAVE: nothing, as nothing fails any more.
    """

    REPAIR = "repair"
    REPLACE = "replace"
    WAIT = "wait"
    LEAVE = "leave"


def restart_step_name(operation: str) -> str:
    """The name of the step by which *operation* restarts Livy: the same whenever it is asked for."""
    return f"emr-dr-restart-livy-{operation}"


def choose_remedy(
    *,
    kind: Kind,
    reason: Reason,
    judgement: Judgement,
    repaired_at: float | None,
    unseeded: bool,
    now: float,
    waited: float,
) -> tuple[Remedy, str]:
    """Whether a restart of Livy is worth a try, and why or why not.

    Only a Livy that fails alone is restarted: where YARN or HDFS are known to be bad, jobs may be lost already, and the
    minutes of a repair would be added to the recovery.  Where nobody can tell, a replacement might end jobs that a
    restart keeps, so that a doubt is waited with for a moment.

    Args:
        kind: of the operation; ``repair`` restarts Livy whatever is seen.
        reason: of the operation; what a person wants replaced is replaced.
        judgement: of this moment on the incarnation in service.
        repaired_at: when Livy was last restarted with success, seconds since 1970.
        unseeded: whether Livy numbers outside the range that its store was seeded with.  Nobody knows where such a
            Livy goes on after a restart: it could issue an id twice, and a client would read another job's state.
        now: likewise.
        waited: seconds since it was first looked at for this.
    """
    automatic = kind is Kind.FAILOVER and reason is Reason.UNHEALTHY
    if automatic and judgement.verdict is Verdict.HEALTHY:
        return Remedy.LEAVE, judgement.reason
    in_doubt = waited < DOUBT_SECONDS
    if automatic and judgement.verdict is Verdict.UNKNOWN and in_doubt:
        return Remedy.WAIT, f"it is not known what fails: {judgement.reason}"
    if unseeded:
        return Remedy.REPLACE, "Livy numbers outside its range, and could issue ids twice after a restart"
    if kind is Kind.REPAIR:
        return Remedy.REPAIR, f"asked for ({reason})"
    if not automatic:
        return Remedy.REPLACE, f"a {kind} was asked for ({reason})"
    if Service.LIVY not in judgement.bad_services:
        return Remedy.REPLACE, "Livy is not known to be what fails"
    if repaired_at is not None and now - repaired_at < REPAIR_AGAIN_SECONDS:
        ago = timedelta(seconds=round(now - repaired_at))
        return Remedy.REPLACE, f"Livy was restarted {ago} (h:mm:ss) ago and fails again"
    if doubtful := sorted(_MUST_BE_GOOD - judgement.good_services):
        known_bad = _MUST_BE_GOOD & judgement.bad_services
        remedy = Remedy.WAIT if in_doubt and not known_bad else Remedy.REPLACE
        return remedy, f"not Livy alone fails: {', '.join(doubtful)} not known to be good"
    return Remedy.REPAIR, "Livy alone fails"


def judge_repair(
    *, step_state: str, seen_healthy_by: int, vantage_points: int, waited: float, limit: float
) -> tuple[Next, str]:
    """What a repair leads to, and why: GO_ON when it is mended, STOP when it is not.

    Args:
        step_state: what EMR says of the step that restarts Livy.
        seen_healthy_by: how many vantage points saw every service healthy after the step had completed.
        vantage_points: how many are needed.
        waited: seconds since the repair began.
        limit: how long it may take.
    """
    if step_state == STEP_COMPLETED and seen_healthy_by >= vantage_points:
        return Next.GO_ON, f"{seen_healthy_by} vantage points see every service healthy"
    if step_state != STEP_COMPLETED and step_state not in STEP_UNDER_WAY:
        return Next.STOP, f"EMR calls the step that restarts Livy {step_state}"
    if step_state == STEP_COMPLETED:
        why = f"Livy was restarted, and {seen_healthy_by} of {vantage_points} vantage points see every service healthy"
    else:
        why = f"EMR calls the step that restarts Livy {step_state}"
    return (Next.STOP if waited >= limit else Next.WAIT), f"{why} after {waited:.0f} s"


def awaits_cancellation(*, step_state: str, waited: float, limit: float) -> bool:
    """Whether a repair that was given up waits until its step is cancelled; *waited* and *limit* as above."""
    return step_state in (STEP_PENDING, "CANCEL_PENDING") and waited < limit + CANCEL_SECONDS


def fate_of_step(*, step_id: str, step_state: str, refusal: str) -> str:
    """What may still come of the step of a repair that was given up, in words.

    Args:
        step_id: which.
        step_state: what EMR says of it.
        refusal: why EMR did not take the request to cancel it; empty if it did, or was not asked.

    Returns:
        A sentence without its full stop; empty if the step has ended by itself.
    """
    match step_state:
        case "CANCELLED":
            return f"step {step_id} was cancelled"
        case "RUNNING":
            return f"step {step_id} has begun, and may still restart Livy"
        case "PENDING" if refusal:
            return f"step {step_id} still waits and will restart Livy when the steps before it end ({refusal})"
        case "PENDING" | "CANCEL_PENDING":
            return (
                f"EMR was asked to cancel step {step_id} and has not confirmed it: it may restart Livy when the steps "
                "before it end"
            )
        case _:
            return ""
