"""What the monitor does about a verdict: open an incident, start an operation for it, wait, close it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dr_core.evidence import Verdict
from dr_core.record import Incident, IncidentState, ManagedCluster, Operation, Outcome
from dr_core.restraints import KeptBack, Restraint
from dr_core.verdicts import Judgement

# How many operations one incident may start; what they could not mend needs a person.
MAXIMUM_ATTEMPTS = 3
# From the start of one attempt to the start of the next, at least: a fault that ends each at once must not use all up
# before it passes.
RETRY_SECONDS = 120


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
    """

    action: Action
    reason: str
    attempt: int = 0
    restraint: Restraint | None = None


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
        waiting = _of_last_attempt(situation, incident, now=now)
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
    return _start(judgement.reason, situation, attempt=incident.attempts + 1)


def _of_last_attempt(situation: Situation, incident: Incident, *, now: float) -> Response | None:
    """What the last attempt asks for; ``None`` when it failed and another may be made."""
    operation = situation.operation
    # Whoever counted the attempt may have died before starting it; starting twice is starting once.
    if operation is None or (operation.execution is None and operation.outcome is None):
        return _start("the attempt was counted, not started", situation, attempt=incident.attempts)
    if operation.outcome not in (None, Outcome.FAILED):
        return Response(action=Action.CLOSE, reason=f"{operation.outcome} by {operation.id}")
    if operation.outcome is None and not situation.operation_closed:
        return Response(action=Action.NOTHING, reason=f"{operation.id} runs")
    if operation.started_at is not None and now < operation.started_at + RETRY_SECONDS:
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
