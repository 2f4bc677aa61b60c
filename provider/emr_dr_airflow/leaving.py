"""What a task leaves for others, and for its own later tries: XComs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emr_dr_airflow.compat import left_keys
from emr_dr_airflow.decisions.course import Course
from emr_dr_airflow.links import HISTORY_LINK

REMEMBERED = "emr_dr_course"
# The beginning of an XCom's key: it goes on with a batch's id.
OWN_BATCH = "emr_dr_batch_"


def leave(ti: Any, course: Course, *, link: str) -> None:
    """Leave what others may want to know of a job, and what its task has to.

    Args:
        ti: the task instance.
        course: of the job.
        link: to its Spark application, empty for none.
    """
    for key, value in (
        ("batch_id", course.batch),
        ("batch_name", course.name),
        ("app_id", course.application),
        ("resubmissions", course.resubmissions),
        (HISTORY_LINK, link),
        (f"{OWN_BATCH}{course.batch}", course.name),
        (REMEMBERED, course.to_dict()),
    ):
        ti.xcom_push(key=key, value=value)


def remembered(ti: Any) -> Course | None:
    """What this task, or an earlier try of it, left last."""
    found = ti.xcom_pull(task_ids=ti.task_id, key=REMEMBERED, map_indexes=ti.map_index)
    return Course.from_dict(found) if isinstance(found, Mapping) else None


def own_batches(ti: Any) -> frozenset[str]:
    """The keys of the batches that earlier tries had left; they stay for the try after this one, too.

    Airflow deletes what a task left with its DAG run, so that what was left is of this one.
    """
    left = frozenset(key for key in left_keys(ti) if key.startswith(OWN_BATCH))
    for key in left:
        ti.xcom_push(key=key, value="")
    return left
