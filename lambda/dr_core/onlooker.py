"""A monitor that reads the record and never writes there: what it asks for, and when it asks for nothing.

The monitor writes its incidents and attempts down.  Whoever may not, such as a task of Airflow, whose rights every
other task has too, can tell both from the operations: the machine itself writes down every one that it is asked for.
The names are the monitor's own (:mod:`dr_core.naming`), so that both of them asking for an operation start it once.

What it cannot do is take the deployment's turn: it keeps back while any managed cluster is worked on, which is the same
unless it and the monitor ask for operations on two managed clusters within the seconds that a claim takes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from dr_core.config import Policy
from dr_core.incidents import Action, Response, Situation, called_off_until, is_first_attempt, respond
from dr_core.launch_plan import DAY_SECONDS
from dr_core.naming import attempt_of, incident_name, operation_of_incident
from dr_core.record import Incident, IncidentState, ManagedCluster, Operation, Outcome
from dr_core.requests import Kind, OperationRequest, Reason
from dr_core.restraints import DeploymentView, KeptBack, Restraint, kept_back
from dr_core.verdicts import Judgement


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What is seen of one managed cluster.

    Attributes:
        managed_cluster: its record, read before its incarnation in service was judged.
        judged_from: since when that incarnation is judged; ``None`` if that is not known.
        judgement: the verdict on it.
        incident: the latest that the monitor wrote down.
        operations: those whose ids lie in :func:`operation_ids`, in any order.
        running: ARNs of executions that have not ended, of those that operations and leases name.
    """

    managed_cluster: ManagedCluster
    judged_from: float | None
    judgement: Judgement
    incident: Incident | None = None
    operations: Sequence[Operation] = ()
    running: Collection[str] = frozenset()


def operation_ids(managed_cluster: str, *, now: float) -> tuple[str, str]:
    """The first and the last id that an operation for a young incident of *managed_cluster* can have.

    Ids begin with the managed cluster and the time of the fault, and sort by it.  A fault that is not mended within a
    day needs a person.
    """
    return incident_name(managed_cluster, now - DAY_SECONDS), f"{incident_name(managed_cluster, now + DAY_SECONDS)}-"


def open_incident(sight: Sight, *, now: float, policy: Policy) -> Incident | None:
    """The incident that is open, with the attempts that were made; ``None`` if none is.

    The monitor's if it is open; else the one that the latest operation answers, if that runs or failed, is not older
    than automatic failovers are counted back (``block_window_seconds``), and worked on what serves now.
    """
    written = sight.incident
    if written is not None and written.state is IncidentState.OPEN:
        return _with_attempts(written, sight.operations)
    since = max(now - policy.block_window_seconds, sight.judged_from or 0.0)
    answers = [each for each in sight.operations if _answered(each) and (each.started_at or 0.0) >= since]
    latest = max(answers, key=lambda each: each.started_at or 0.0, default=None)
    if latest is None or latest.outcome not in (None, Outcome.FAILED):
        return None
    name = _answered(latest)
    if written is not None and written.incident == name:
        return None  # the monitor closed it
    begun_at = min(each.started_at or now for each in answers if _answered(each) == name)
    found = Incident(
        managed_cluster=sight.managed_cluster.name,
        incident=name,
        state=IncidentState.OPEN,
        since=begun_at,
        first_bad_at=begun_at,
    )
    return _with_attempts(found, answers)


def decide(
    sight: Sight, others: Iterable[Sight], view: DeploymentView, *, now: float, policy: Policy
) -> tuple[Response, OperationRequest | None]:
    """What to do about one managed cluster; the request of an operation where one has to be started.

    Args:
        sight: of it.
        others: of the deployment's other managed clusters.
        view: of the deployment.
        now: seconds since 1970.
        policy: the numbers of the rules.
    """
    others = tuple(others)

    def answer(to: Incident | None) -> Response:
        return respond(sight.judgement, _situation(sight, to, others, view, now=now, policy=policy), now=now)

    incident = open_incident(sight, now=now, policy=policy)
    response = answer(incident)
    if response.action is Action.CLOSE:  # it is over, whoever is to write that down
        incident, response = None, answer(None)
    if response.action is Action.OPEN:
        incident = _opened(sight, now=now)
        response = answer(incident)
    if response.action is not Action.START or incident is None:
        return response, None
    return response, OperationRequest(
        operation=operation_of_incident(incident.incident, response.attempt),
        kind=Kind.FAILOVER,
        reason=Reason.UNHEALTHY,
        managed_cluster=incident.managed_cluster,
        incident=incident.incident,
    )


def _opened(sight: Sight, *, now: float) -> Incident:
    """The incident as the monitor would open it."""
    name, first_bad_at = sight.managed_cluster.name, sight.judgement.first_bad_at
    began = now if first_bad_at is None else first_bad_at
    return Incident(
        managed_cluster=name,
        incident=incident_name(name, began),
        state=IncidentState.OPEN,
        since=now,
        first_bad_at=began,
        called_off_until=_called_off_until(sight),
    )


def _called_off_until(sight: Sight) -> float | None:
    """What the monitor would have written down of the operations that were called off, or has."""
    written = [] if sight.incident is None else [sight.incident.called_off_until]
    answers = [called_off_until(each) for each in sight.operations if _answered(each)]
    return max((each for each in (*written, *answers) if each is not None), default=None)


def _situation(
    sight: Sight,
    incident: Incident | None,
    others: Iterable[Sight],
    view: DeploymentView,
    *,
    now: float,
    policy: Policy,
) -> Situation:
    operation = None
    if incident is not None and incident.attempts > 0:
        wanted = operation_of_incident(incident.incident, incident.attempts)
        operation = next((each for each in sight.operations if each.id == wanted), None)
    first = is_first_attempt(incident, operation)
    return Situation(
        managed_cluster=sight.managed_cluster,
        incident=incident,
        operation=operation,
        operation_closed=operation is not None
        and operation.execution is not None
        and operation.execution not in sight.running,
        lease_held=_worked_on_by(sight) != "",
        kept_back=kept_back(view, now=now, policy=policy, first_attempt=first) or _others_turn(others),
    )


def _others_turn(others: Iterable[Sight]) -> KeptBack | None:
    for each in others:
        operation = _worked_on_by(each)
        if operation:
            return KeptBack(
                restraint=Restraint.TURN,
                reason=f"{operation} works on managed cluster {each.managed_cluster.name}: one automatic operation at "
                "a time",
            )
    return None


def _worked_on_by(sight: Sight) -> str:
    """The operation that holds the lease, empty if none does or if it gives way to every other one."""
    lease = sight.managed_cluster.lease
    return lease.operation if lease is not None and not lease.yields and lease.execution in sight.running else ""


def _answered(operation: Operation) -> str:
    """The incident that *operation* is an attempt at, empty if it is none."""
    request = OperationRequest.from_json(operation.request)
    return request.incident or "" if attempt_of(operation.id, request.incident) is not None else ""


def _with_attempts(incident: Incident, operations: Iterable[Operation]) -> Incident:
    """*incident* with the attempts that *operations* tell of, where these are more than were written down."""
    attempts = (attempt_of(each.id, incident.incident) or 0 for each in operations)
    return replace(incident, attempts=max([incident.attempts, *attempts]))
