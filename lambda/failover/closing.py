"""The end of an operation: answer CloudFormation, tell people, record the outcome, give the lease back."""

from __future__ import annotations

from dataclasses import dataclass

from dr_core.record import ManagedCluster, Operation, Outcome
from failover.deployment import Deployment
from failover.record_store import Change


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One message to the alert topic; see :meth:`failover.notices.Notices.tell`."""

    subject: str
    happened: str
    done: str
    to_do: str


def tell(deployment: Deployment, notice: Notice) -> None:
    """Tell people of *notice*."""
    deployment.notices.tell(subject=notice.subject, happened=notice.happened, done=notice.done, to_do=notice.to_do)


def answer_once(
    deployment: Deployment,
    operation: Operation,
    *,
    succeeded: bool,
    reason: str,
    data: dict[str, str] | None = None,
) -> None:
    """Answer the request of CloudFormation that started *operation*, if there is one and nobody answered it.

    The answer is sent before it is marked as sent: a function that dies in between sends it twice, which
    CloudFormation passes over; the other order would leave a stack waiting for an hour.
    """
    if operation.answer is None or operation.answered:
        return
    deployment.stack_answers.send(operation.answer, succeeded=succeeded, reason=reason, data=data)
    deployment.record.change(Change(key=Operation.key(operation.id), values={"answered": True}))


def close(
    deployment: Deployment, operation: Operation, *, outcome: Outcome, message: str, notice: Notice | None = None
) -> None:
    """Record how *operation* ended and tell people, unless that was done; the first outcome stands."""
    if operation.outcome is not None:
        return
    if notice is not None:
        tell(deployment, notice)
    deployment.record.change(first_outcome(operation, outcome, message=message))


def first_outcome(operation: Operation, outcome: Outcome, *, message: str) -> Change:
    """The change that records how *operation* ended; refused if it has an outcome already."""
    return Change(
        key=Operation.key(operation.id),
        values={"outcome": outcome, "message": message},
        condition="attribute_not_exists(#outcome)",
    )


def release_lease(deployment: Deployment, *, managed_cluster: str, execution: str) -> None:
    """Give the lease of *managed_cluster* back if *execution* holds it."""
    deployment.record.change(
        Change(
            key=ManagedCluster.key(managed_cluster),
            values={"lease": None},
            condition="#lease.#execution = :execution",
            condition_values={"execution": execution},
        )
    )
