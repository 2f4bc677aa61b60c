"""What is remembered of a job while its task is deferred.

It travels to the trigger and back inside the event, as JSON: ``dag.test()`` of Airflow 3.0.6 drops whatever else is
given to ``defer()`` (its ``kwargs``) when there is an event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from emr_dr_airflow.decisions.batches import Batch
from emr_dr_airflow.decisions.watching import Ended, Lost, Outcome, TimedOut, Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """One job on its way.  Times are seconds since 1970.

    Attributes:
        number: the try that it belongs to.  Airflow 3.0.6 hands the event of one try to the next one
            (apache/airflow#56704): who is resumed with another's event has to begin anew.
        name: of its batch.
        batch: id of its batch.
        begun_at: when the first batch of this try was taken.
        submitted_at: when this one was.
        resubmissions: how many batches of this try were lost before this one.
        deadline: when the task's time is up; ``None`` for never.
        application: its YARN application, as far as is known.
        tracking_url: where YARN shows it.
    """

    number: int
    name: str
    batch: int
    begun_at: float
    submitted_at: float
    resubmissions: int = 0
    deadline: float | None = None
    application: str = ""
    tracking_url: str = ""

    def to_dict(self) -> dict[str, Any]:
        """For an event or the arguments of a trigger."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """What :meth:`to_dict` gave."""
        return cls(**data)

    def seen(self, batch: Batch) -> Self:
        """With what *batch* tells."""
        return replace(
            self,
            batch=batch.id,
            application=batch.application or self.application,
            tracking_url=batch.tracking_url or self.tracking_url,
        )

    def after(self, outcome: Outcome) -> Self:
        """With what *outcome* tells: the batch may have another id than the one that was followed at first."""
        if isinstance(outcome, Ended):
            return self.seen(outcome.batch)
        return self if outcome.batch_id is None else replace(self, batch=outcome.batch_id)


def outcome_to_dict(outcome: Outcome) -> dict[str, Any]:
    """For an event; see :func:`outcome_from_dict`."""
    return {"kind": type(outcome).__name__.lower(), **asdict(outcome)}


def outcome_from_dict(data: Mapping[str, Any]) -> Outcome:
    """What :func:`outcome_to_dict` gave.

    Raises:
        ValueError: it is of another version of this package.
    """
    rest = {key: value for key, value in data.items() if key != "kind"}
    match data.get("kind"):
        case "ended":
            return Ended(**{**rest, "batch": Batch(**rest["batch"])})
        case "lost":
            return Lost(**rest)
        case "timedout":
            return TimedOut(**rest)
        case "unknown":
            return Unknown(**rest)
    raise ValueError(f"an event must tell of ended, lost, timedout or unknown, got {data.get('kind')!r}")
