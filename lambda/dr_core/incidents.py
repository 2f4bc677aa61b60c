"""What the monitor does about a verdict: open an incident, start an operation for it, wait, close it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from dr_core.evidence import Verdict
from dr_core.record import Incident, IncidentState, ManagedCluster, Operation, Outcome
from dr_core.restraints import KeptBack, Restraint
from dr_core.steps import OperationStep
from dr_core.verdicts import Judgement

# How many operations one incident may start; what they could not mend needs a person.
MAXIMUM_ATTEMPTS = 3
# From the start of one attempt to the start of the next, at least: a fault that ends each at once must not use all up
# before it passes.
RETRY_SECONDS = 120
# After a call-off for which a cluster had been launched: about as long as a launch takes.  A service that comes and
# goes must not use up in an hour what may be launched in a day; what fails for good waits no longer than that.
RELAUNCH_SECONDS = 600


class Action(StrEnum):
    """What to do in this round."""

    NOTHING = "nothing"
    OPEN = "open an incident"
    START = "start an operation"
    CLOSE = "close the incident"
    GIVE_UP = "page a person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What to do, and why.

    Attributes:
        action: what to do.
        reason: one sentence.
        attempt: of an operation to start, from 1.
        restraint: what keeps back an operation that would be started otherwise.
        called_off_until: of an incident to close: until when no operation is started for the next one.
    """

    action: Action
    reason: str
    attempt: int = 0
    restraint: Restraint | None = None
    called_off_until: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What the record and the machines say of one managed cluster.

    Attributes:
        managed_cluster: its record.
        incident: its latest incident, if there was one.
        operation: the latest operation of that incident, if its item exists.
        operation_closed: whether the execution of that operation has ended.
        lease_held: whether an execution that has not ended holds the lease.
        kept_back: what keeps automatic operations of it back.
    """

    managed_cluster: ManagedCluster
    incident: Incident | None = None
    operation: Operation | None = None
    operation_closed: bool = False
    lease_held: bool = False
    kept_back: KeptBack | None = None


def respond(judgement: Judgement, situation: Situation, *, now: float) -> Response:
    """What to do about *judgement* in *situation*; one action, the next round looks again."""
    incident = situation.incident
    if incident is None or incident.state is IncidentState.CLOSED:
        return _without_incident(judgement, situation)
    if situation.managed_cluster.tombstone:
        return Response(action=Action.CLOSE, reason="the managed cluster is being deleted")
    return _with_incident(judgement, situation, incident, now=now)


def _without_incident(judgement: Judgement, situation: Situation) -> Response:
    if situation.managed_cluster.tombstone:
        return Response(action=Action.NOTHING, reason="the managed cluster is being deleted")
    if not judgement.actionable:
        return Response(action=Action.NOTHING, reason=judgement.reason)
    return Response(action=Action.OPEN, reason=judgement.reason)


def _with_incident(judgement: Judgement, situation: Situation, incident: Incident, *, now: float) -> Response:
    if incident.attempts > 0:
        waiting = _of_last_attempt(judgement, situation, incident, now=now)
        if waiting is not None:
            return waiting
    if judgement.verdict is Verdict.HEALTHY:
        return Response(action=Action.CLOSE, reason=f"healthy again: {judgement.reason}")
    if not judgement.actionable:
        return Response(action=Action.NOTHING, reason=judgement.reason)
    if situation.lease_held:
        return Response(action=Action.NOTHING, reason="another operation holds the lease")
    if incident.attempts >= MAXIMUM_ATTEMPTS:
        return Response(action=Action.GIVE_UP, reason=f"{incident.attempts} operations did not mend it")
    until = incident.called_off_until
    if until is not None and now < until:
        return Response(
            action=Action.NOTHING, reason=f"the last operation was called off: none is started before {_clock(until)}"
        )
    return _start(judgement.reason, situation, attempt=incident.attempts + 1)


def _of_last_attempt(judgement: Judgement, situation: Situation, incident: Incident, *, now: float) -> Response | None:
    """What the last attempt asks for; ``None`` when the verdict decides: it failed, or is not wanted any more."""
    operation = situation.operation
    # Whoever counted the attempt may have died before starting it; starting twice is starting once.
    if operation is None or _owed(operation):
        # What was never written down was never started: what is well again, or what a person ended, gets none.
        if operation is None and not judgement.actionable and judgement.verdict is not Verdict.UNKNOWN:
            return None
        return _start("the attempt was counted, not started", situation, attempt=incident.attempts)
    if operation.outcome not in (None, Outcome.FAILED):
        return Response(
            action=Action.CLOSE,
            reason=f"{operation.outcome} by {operation.id}",
            called_off_until=called_off_until(operation),
        )
    if operation.outcome is None and not situation.operation_closed:
        return Response(action=Action.NOTHING, reason=f"{operation.id} runs")
    if now < _again_from(operation):
        return Response(
            action=Action.NOTHING, reason=f"{operation.id} failed less than {RETRY_SECONDS} s after its start"
        )
    return None


def _start(reason: str, situation: Situation, *, attempt: int) -> Response:
    """Start an operation, unless something keeps it back; the incident stays open then."""
    held = situation.kept_back
    if held is not None:
        return Response(action=Action.NOTHING, reason=held.reason, restraint=held.restraint)
    return Response(action=Action.START, reason=reason, attempt=attempt)


def _owed(operation: Operation) -> bool:
    """Whether an attempt was written down and, as far as is known, not started."""
    return operation.execution is None and operation.outcome is None


def _again_from(operation: Operation) -> float:
    """When the next attempt may follow a failed one, at the earliest; one that never started holds up nobody."""
    return 0 if operation.started_at is None else operation.started_at + RETRY_SECONDS


def called_off_until(operation: Operation) -> float | None:
    """Until when none may follow *operation*; ``None`` unless it was called off by a look of its own.

    The fault is gone for that look, and the next incident begins from nothing: without this, whatever comes and goes
    would start an operation each time.  One that merely found another operation at work holds up nobody.
    """
    looked_at = operation.entered.get(OperationStep.REASSESS)
    if operation.outcome is not Outcome.CANCELLED or looked_at is None:
        return None
    if operation.launched_at is not None:
        return max(operation.entered.values()) + RELAUNCH_SECONDS
    return looked_at + RETRY_SECONDS


def is_first_attempt(incident: Incident | None, operation: Operation | None) -> bool:
    """Whether no operation for an open incident has been started yet, as far as is known.

    Args:
        incident: the latest.
        operation: the latest of that, if its item exists.
    """
    if incident is None or incident.state is IncidentState.CLOSED or incident.attempts == 0:
        return True
    return incident.attempts == 1 and (operation is None or _owed(operation))


def overtaken(judged: ManagedCluster, present: ManagedCluster | None) -> str | None:
    """Why no operation may rest on a verdict any more; ``None`` if what was judged is what is there.

    Between a look and its answer an operation may end: what was judged serves no more then, and nobody holds the lease.
    The next round looks at what serves now.

    Args:
        judged: the managed cluster as it was read before its incarnation in service was judged.
        present: as it is right before the operation would be started.
    """
    if present is None or present.tombstone:
        return "the managed cluster is being deleted"
    if present.serving_generation != judged.serving_generation:
        return f"generation {judged.serving_generation} was judged, and {present.serving_generation} is in service now"
    if present.lease != judged.lease:
        return "an operation began or ended since the verdict was made"
    return None


def attempts_used(incident: Incident | None) -> str | None:
    """``2 of 3``: how many operations an open incident has started; ``None`` if none is open."""
    if incident is None or incident.state is IncidentState.CLOSED:
        return None
    return f"{incident.attempts} of {MAXIMUM_ATTEMPTS}"


def outlook(judgement: Judgement | None, situation: Situation, *, now: float) -> str:
    """Whether the monitor would start an operation for what is unhealthy; if not, why, and what a person can do.

    Everything that stands against it is named, so that whoever puts one thing right does not wait in vain.

    Args:
        judgement: the verdict of this moment on the incarnation in service; ``None`` if there is none to judge.
        situation: of the managed cluster; ``lease_held`` whatever the verdict.
        now: seconds since 1970.
    """
    if situation.managed_cluster.tombstone:
        return "none: the managed cluster is being deleted"
    used, owed = _attempts(judgement, situation, now=now)
    against = _at_work(situation, used=used, owed=owed)
    if judgement is None:
        against.append("nothing is in service that could be judged: start a failover by hand")
    elif judgement.terminated_by_a_person:
        against.append("a person terminated the cluster, so that it is not replaced: if it shall be, start a failover")
    elif judgement.verdict is Verdict.UNHEALTHY and not judgement.actionable:
        against.append("EMR does not say whether a person ended the cluster: nothing is done on not knowing")
    if used >= MAXIMUM_ATTEMPTS and not owed:
        against.append(f"{used} of {MAXIMUM_ATTEMPTS} attempts are used up: only a person starts the next failover")
    if situation.kept_back is not None:
        against.append(situation.kept_back.reason)
    if against:
        return f"none: {'; '.join(against)}"
    sick = judgement is not None and judgement.actionable
    when = "in the monitor's next round" if sick or owed else "as soon as the monitor calls the cluster unhealthy"
    attempt = used if owed else used + 1
    return f"attempt {attempt} of {MAXIMUM_ATTEMPTS}, {when}{_earliest(situation, used=used, owed=owed, now=now)}"


def _attempts(judgement: Judgement | None, situation: Situation, *, now: float) -> tuple[int, bool]:
    """How many attempts the next one follows, and whether the last of them is owed still."""
    incident, operation = situation.incident, situation.operation
    if incident is None or incident.state is IncidentState.CLOSED or incident.attempts == 0:
        return 0, False
    healthy = judgement is not None and judgement.verdict is Verdict.HEALTHY
    # What is over is closed in the monitor's next round, and the next incident begins from nothing.
    if operation is None:
        return (0, False) if healthy else (incident.attempts, True)
    if _owed(operation):
        return incident.attempts, True
    if operation.outcome in (None, Outcome.FAILED):
        runs = operation.outcome is None and not situation.operation_closed
        return (0 if healthy and not runs and now >= _again_from(operation) else incident.attempts), False
    return 0, False


def _at_work(situation: Situation, *, used: int, owed: bool) -> list[str]:
    """Which operation the monitor would wait for."""
    lease, operation = situation.managed_cluster.lease, situation.operation
    if lease is not None and situation.lease_held:
        return [f"operation {lease.operation} works on it"]
    if used and not owed and operation is not None and operation.outcome is None and not situation.operation_closed:
        return [f"operation {operation.id} runs"]
    return []


def _earliest(situation: Situation, *, used: int, owed: bool, now: float) -> str:
    """From when on the next attempt may follow the last one, if that is still to come."""
    if owed:
        return ""
    incident, operation = situation.incident, situation.operation
    times = [
        0.0 if incident is None else incident.called_off_until or 0.0,
        0.0 if operation is None else called_off_until(operation) or 0.0,
        0.0 if operation is None or not used else _again_from(operation),
    ]
    return f", not before {_clock(max(times))}" if now < max(times) else ""


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, tz=UTC):%H:%M:%S} UTC"
