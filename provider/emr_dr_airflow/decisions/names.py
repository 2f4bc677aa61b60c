"""Names of batches, and how a Spark application leads back to its DAG run.

A batch's name is the key by which a submit can be repeated: Livy refuses a second batch of a name, and gives a batch
by its name.  So it must be the same whenever the same try of the same task is carried out again, on whichever worker,
and another for everything else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

# YARN's tags may have 100 characters, and are turned into small letters.
LONGEST_NAME = 80
_LONGEST_LABEL = 40
_DIGEST_DIGITS = 16
_OTHER_CHARACTERS = re.compile(r"[^a-z0-9]+")

TAGS = "spark.yarn.tags"
_CONF = "spark.emr_dr"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskTry:
    """One try of one task instance.

    Attributes:
        dag_id: the DAG.
        run_id: the DAG run.
        run_started: when the DAG run began, as text.  A run that was deleted and made again has the same id, and its
            first try must not take the batch of the other's for its own; Livy keeps those for a day.
        task_id: the task.
        map_index: -1 for a task that is not mapped.
        number: from 1.
    """

    dag_id: str
    run_id: str
    run_started: str
    task_id: str
    map_index: int
    number: int


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
    identity = (task.dag_id, task.run_id, task.run_started, task.task_id, str(task.map_index))
    # A length before each part: no two identities have the same text.
    text = "".join(f"{len(part)}:{part}" for part in identity)
    digest = sha256(text.encode()).hexdigest()[:_DIGEST_DIGITS]
    label = _OTHER_CHARACTERS.sub("-", f"{task.dag_id}-{task.task_id}".lower()).strip("-")[:_LONGEST_LABEL].strip("-")
    start = f"j-{label}" if label else "j"
    return f"{start}-{digest}-t{task.number}-r{resubmission}"


def earlier_names(task: TaskTry, resubmissions: int) -> tuple[str, ...]:
    """The names of every batch that the try before *task* may have had; none before the first try."""
    if task.number == 1:
        return ()
    before = TaskTry(
        dag_id=task.dag_id,
        run_id=task.run_id,
        run_started=task.run_started,
        task_id=task.task_id,
        map_index=task.map_index,
        number=task.number - 1,
    )
    return tuple(batch_name(before, number) for number in range(resubmissions + 1))


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
