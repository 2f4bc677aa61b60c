"""What has another place in one of the supported versions of Airflow."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.triggers.base import BaseTrigger

# The value of next_method by which Airflow resumes a task whose trigger failed or timed out.
TRIGGER_FAILED = "__fail__"


class TaskGone(LookupError):
    """Airflow has no such task instance any more: its DAG run, or its DAG, was deleted."""


def first_of(*places: str) -> Any:
    """The first of several objects, given as ``module:name``, that this Airflow has.

    Raises:
        ImportError: it has none.
    """
    for place in places:
        module, _, name = place.partition(":")
        try:
            return getattr(import_module(module), name)
        except (ImportError, AttributeError):
            continue
    raise ImportError(f"this Airflow has none of {', '.join(places)}: 2.11 and from 3.0.6 on are supported")


def operator_link_class() -> Any:
    """The base class of links in the task view."""
    return first_of("airflow.sdk:BaseOperatorLink", "airflow.models.baseoperatorlink:BaseOperatorLink")


def xcom_class() -> Any:
    """Where a link finds what its task left."""
    return first_of("airflow.sdk.execution_time.xcom:XCom", "airflow.models.xcom:XCom")


def stats() -> Any:
    """Airflow's metrics."""
    return first_of("airflow.sdk.observability.stats:Stats", "airflow.stats:Stats")


def exception(name: str) -> Any:
    """An exception of Airflow's: newer releases warn of whoever asks at the older place."""
    return first_of(f"airflow.sdk.exceptions:{name}", f"airflow.exceptions:{name}")


def left_keys(task_instance: Any) -> frozenset[str]:
    """The keys of the XComs that earlier tries of a task instance had left when this one began.

    Airflow 3 deletes them at its beginning (``run`` in ``airflow.sdk.execution_time.task_runner``), by a list that the
    API server made and that no public name leads to.  Airflow 2 keeps none: there the set is empty.
    """
    told: Any = getattr(task_instance, "_ti_context_from_server", None)
    return frozenset(getattr(told, "xcom_keys_to_clear", None) or ())


async def task_state(trigger: BaseTrigger) -> tuple[str | None, int | None]:
    """State and number of the try of a trigger's task instance, as Airflow has them now.

    Asked as the triggers of Google's and Databricks' providers do: a triggerer of Airflow 3 through its supervisor,
    which tells no number, one of Airflow 2 in the database.

    Raises:
        TaskGone: there is none any more.
        LookupError: nobody can tell of which task instance it is.
    """
    from asgiref.sync import sync_to_async

    own: Any = trigger.task_instance
    if own is None:
        raise LookupError("the trigger belongs to no task instance")
    try:
        runtime = first_of("airflow.sdk.execution_time.task_runner:RuntimeTaskInstance")
    except ImportError:
        found: tuple[str | None, int | None] = await sync_to_async(_state_in_database)(own)
        return found
    states: Mapping[str, Mapping[str, str | None]] = await sync_to_async(runtime.get_task_states)(
        dag_id=own.dag_id, task_ids=[own.task_id], run_ids=[own.run_id], map_index=own.map_index
    )
    key = own.task_id if own.map_index is None or own.map_index < 0 else f"{own.task_id}_{own.map_index}"
    run = states.get(own.run_id)
    if not run:
        raise TaskGone(f"{own.dag_id} has no run {own.run_id} with a task instance {key}")
    if key not in run:  # the run lives, and calls its task instances otherwise than we do
        raise LookupError(f"{own.dag_id} {own.run_id} has no task instance {key}, but {', '.join(sorted(run))}")
    return run[key], None


def _state_in_database(own: Any) -> tuple[str | None, int | None]:
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session

    with create_session() as session:
        found = (
            session.query(TaskInstance.state, TaskInstance.try_number)
            .filter(
                TaskInstance.dag_id == own.dag_id,
                TaskInstance.run_id == own.run_id,
                TaskInstance.task_id == own.task_id,
                TaskInstance.map_index == own.map_index,
            )
            .one_or_none()
        )
    if found is None:
        raise TaskGone(f"{own.dag_id} {own.run_id} has no task instance {own.task_id} {own.map_index}")
    return found[0], found[1]
