"""What a try does about those before it: it ends what runs, and runs nothing again that is known to have succeeded.

A worker may die after its batch succeeded and before Airflow knew.  Airflow's retry must not run that job again; a
person who clears the task wants just that.  Airflow tells the two apart only by numbers: a clear sets ``max_tries`` to
the last try's number and ``retries`` (``clear_task_instances`` of 2.11.0 and 3.0.6), and a retry leaves it as it is.
So the first try after a clear is ``max_tries - retries + 1``, as Airflow's own task runner has it
(``get_first_reschedule_date``).

| this try is | a batch that succeeded, of a try since then | before then |
|---|---|---|
| the first one since a clear | there is none | the job is run again |
| a later one, up to ``max_tries + 1`` | adopted if it is this run's for certain; else a person decides | run again |
| any other number | a person decides | a person decides |

The last row is a run that Airflow reset, a task cleared while it ran at its last try, or one whose ``retries`` were
changed meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from emr_dr_airflow.decisions.batches import Batch
from emr_dr_airflow.decisions.ending import end_earlier
from emr_dr_airflow.decisions.names import TaskTry, earlier_tries, names_of
from emr_dr_airflow.decisions.wire import Flow, Limits, Say


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """The job has been done by an earlier try.

    Attributes:
        batch: which succeeded.
        number: of the try.
    """

    batch: Batch
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """The job must not be run now.

    Attributes:
        reason: a sentence.
        over: whether only a person can say what to do, so that no retry may.
    """

    reason: str
    over: bool = False


def first_try(number: int, *, max_tries: int | None, retries: int) -> int | None:
    """The first try since the task was cleared last, or since it began; ``None`` if the numbers do not tell.

    Args:
        number: of the present try.
        max_tries: of the task instance, ``None`` if unknown.
        retries: of the task.
    """
    if max_tries is None:
        return None
    first = max_tries - retries + 1
    return first if 1 <= first <= number <= max_tries + 1 else None


def settle_earlier(
    task: TaskTry, first: int | None, limits: Limits, *, certain: Callable[[Batch], bool]
) -> Flow[Adopted | Blocked | None]:
    """Make sure that no earlier try of *task* runs; ``None`` if the job is to be run.

    Args:
        task: the present try.
        first: see :func:`first_try`.
        limits: how long to look.
        certain: whether a batch with a name of this task instance is of this very DAG run, and not of one with the
            same id that was deleted.
    """
    tries = earlier_tries(task)
    if not tries:
        return None
    earlier = yield from end_earlier([names_of(each) for each in tries], limits)
    if earlier.reason:
        return Blocked(reason=earlier.reason)
    for each in tries:
        batch = next((earlier.succeeded[name] for name in names_of(each) if name in earlier.succeeded), None)
        if batch is None:
            continue
        what = f"Batch {batch.id} ({batch.name}) of try {each.number} has succeeded"
        if first is not None and each.number < first:
            yield Say(text=f"{what}; the task was cleared since: the job is run again.")
            return None
        if first is not None and certain(batch):
            yield Say(text=f"{what}: it is taken for this try's, and nothing is run again.", warning=True)
            return Adopted(batch=batch, number=each.number)
        doubt = "the task was cleared since" if first is None else "it is of this DAG run or of a deleted one of its id"
        return Blocked(
            reason=f"{what}, and Airflow does not tell whether {doubt}. If its result counts, mark the task as "
            "success; to run the job again, clear the task",
            over=True,
        )
    return None
