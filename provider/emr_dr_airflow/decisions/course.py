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

# How long before its task's time is up a job that is waited for in a triggerer is ended: for Airflow to resume the task
# on a worker, which ends the batch and says so.  Of a short time, a tenth.
RESUME_SECONDS = 60.0


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
        deadline: see :func:`deadline_of`.
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
        last = outcome.batch if isinstance(outcome, Ended) else outcome.last
        return self if last is None else self.seen(last)


def deadline_of(started: float, limit: float | None) -> float | None:
    """When a trigger stops waiting for a job; ``None`` for never.

    Airflow 2 counts a deferred task's time from the start of its try, and has a worker that resumes it later than that
    do nothing but call ``on_kill()``.

    Args:
        started: when the try was.
        limit: how long it may take, seconds (``execution_timeout``).
    """
    return None if limit is None else started + limit - min(RESUME_SECONDS, limit / 10)


def outcome_to_dict(outcome: Outcome) -> dict[str, Any]:
    """For an event; see :func:`outcome_from_dict`."""
    return {"kind": type(outcome).__name__.lower(), **asdict(outcome)}


def outcome_from_dict(data: Mapping[str, Any]) -> Outcome:
    """What :func:`outcome_to_dict` gave.

    Raises:
        ValueError: it is of another version of this package.
    """
    rest: dict[str, Any] = {
        key: Batch(**value) if key in ("batch", "last") and value is not None else value
        for key, value in data.items()
        if key != "kind"
    }
    match data.get("kind"):
        case "ended":
            return Ended(**rest)
        case "lost":
            return Lost(**rest)
        case "timedout":
            return TimedOut(**rest)
        case "unknown":
            return Unknown(**rest)
    raise ValueError(f"an event must tell of ended, lost, timedout or unknown, got {data.get('kind')!r}")
