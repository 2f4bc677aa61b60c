"""The link from a task to its Spark application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emr_dr_airflow.compat import operator_link_class, xcom_class

if TYPE_CHECKING:
    from airflow.models.taskinstancekey import TaskInstanceKey

HISTORY_LINK = "history_link"


def history_link(pattern: str, *, application: str, tracking_url: str) -> str:
    """Where the application can be looked at.

    Args:
        pattern: with ``{application_id}``; empty for none.
        application: its id, empty while there is none.
        tracking_url: YARN's own page, which goes with its cluster.
    """
    if pattern and application:
        return pattern.replace("{application_id}", application)
    return tracking_url


class SparkHistoryLink(operator_link_class()):  # type: ignore[misc]
    """Spark's history server, or YARN's page of the application where no pattern is set."""

    name = "Spark application"

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:
        """What the task left; empty before it has an application."""
        return str(xcom_class().get_value(key=HISTORY_LINK, ti_key=ti_key) or "")
