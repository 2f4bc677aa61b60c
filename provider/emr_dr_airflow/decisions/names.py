"""Names of batches, and how a Spark application leads back to its DAG run.

A batch's name is the key by which a submit can be repeated: Livy refuses a second batch of a name, and gives a batch
by its name.  So it must be the same whenever the same try of the same task is carried out again, on whichever worker,
and another for everything else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

# YARN's tags may have 100 characters, and are turned into small letters.
LONGEST_NAME = 80
_LONGEST_LABEL = 40
_DIGEST_DIGITS = 16
_OTHER_CHARACTERS = re.compile(r"[^a-z0-9]+")
# How often a lost job may be run again in one try.  Fixed, as a try must find the batches of one before it that was
# allowed more.
MOST_RESUBMISSIONS = 9
# How many tries before a try may still have a batch.  A task that is cleared each day is at its hundredth after months.
MOST_EARLIER_TRIES = 100

TAGS = "spark.yarn.tags"
_CONF = "spark.emr_dr"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskTry:
    """One try of one task instance.

    Attributes:
        dag_id: the DAG.
        run_id: the DAG run.
        run_key: what a DAG run has from its beginning to its deletion, through every clear, and one that was deleted
            and made again has not: the key of its row (Airflow 2).  Empty where a task is not told of any (Airflow 3).
            When the run began is none: Airflow begins a run anew that had ended and is cleared.
        task_id: the task.
        map_index: -1 for a task that is not mapped.
        number: from 1.
        installation: which Airflow it is, as two on one front door may have the same DAG; empty if nobody says.
    """

    dag_id: str
    run_id: str
    run_key: str
    task_id: str
    map_index: int
    number: int
    installation: str = ""


def task_try(ti: Any, *, number: int, run_key: str = "") -> TaskTry:
    """The try with that number of the task that Airflow's task instance *ti* is of."""
    map_index = getattr(ti, "map_index", None)
    return TaskTry(
        dag_id=ti.dag_id,
        run_id=ti.run_id,
        run_key=run_key,
        task_id=ti.task_id,
        map_index=-1 if map_index is None else map_index,
        number=number,
    )


def batch_name(task: TaskTry, resubmission: int) -> str:
    """The name of a batch: at most 80 of ``a-z``, ``0-9`` and ``-``, a letter first.

    So it is safe in a path, the same as YARN's tag, and never all digits, which Livy refuses.

    Args:
        task: whose batch it is.
        resubmission: how many batches of this try went down with their cluster before.

    Raises:
        ValueError: a number below its first.
    """
    if task.number < 1 or resubmission < 0:
        raise ValueError(f"tries count from 1 and resubmissions from 0, got {task.number} and {resubmission}")
    identity = (task.installation, task.dag_id, task.run_id, task.run_key, task.task_id, str(task.map_index))
    # A length before each part: no two identities have the same text.
    text = "".join(f"{len(part)}:{part}" for part in identity)
    digest = sha256(text.encode()).hexdigest()[:_DIGEST_DIGITS]
    label = _OTHER_CHARACTERS.sub("-", f"{task.dag_id}-{task.task_id}".lower()).strip("-")[:_LONGEST_LABEL].strip("-")
    start = f"j-{label}" if label else "j"
    return f"{start}-{digest}-t{task.number}-r{resubmission}"


def name_after(name: str) -> str:
    """The name of the batch that a try makes after the one called *name*, which was lost."""
    start, _, resubmission = name.rpartition("-r")
    return f"{start}-r{int(resubmission) + 1}"


def names_of(task: TaskTry) -> tuple[str, ...]:
    """The names of every batch that one try may have, in the order in which it makes them."""
    return tuple(batch_name(task, resubmission) for resubmission in range(MOST_RESUBMISSIONS + 1))


def earlier_tries(task: TaskTry) -> tuple[TaskTry, ...]:
    """Every try before *task*, the last one first.

    All of them, as the one before may have ended before it made sure that those before it do not run.
    """
    first = max(1, task.number - MOST_EARLIER_TRIES)
    return tuple(replace(task, number=number) for number in range(task.number - 1, first - 1, -1))


def traceable(conf: Mapping[str, object], task: TaskTry, *, name: str, label: str = "") -> dict[str, object]:
    """Spark's *conf* with what leads from the application back to the DAG run.

    The batch's name is the correlation id: a tag of the YARN application beside those that the user gave (Livy puts
    its own before them), and a property beside the run's parts.

    Args:
        conf: as the user gave it; not changed.
        task: whose batch it is.
        name: of the batch.
        label: the name that the user gave to the job.
    """
    tags = [tag.strip() for tag in str(conf.get(TAGS) or "").split(",") if tag.strip()]
    parts = {
        "correlation_id": name,
        "dag_id": task.dag_id,
        "run_id": task.run_id,
        "task_id": task.task_id,
        "map_index": str(task.map_index),
        "try_number": str(task.number),
        "name": label,
    }
    return {
        **conf,
        TAGS: ",".join(dict.fromkeys([*tags, name])),
        **{f"{_CONF}.{key}": value for key, value in parts.items() if value},
    }
