"""Gives counts and durations to Airflow's metrics."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from emr_dr_airflow.compat import stats
from emr_dr_airflow.decisions.telemetry import PREFIX, Count, Duration


def publish(metrics: Iterable[Count | Duration], *, pipeline: str) -> None:
    """Publish each in Airflow's two ways: once with the pipeline in its name, once with the pipeline as a tag.

    Where tags are dropped, as StatsD itself has none, the second is the sum over pipelines.

    Args:
        metrics: what to publish.
        pipeline: a part of a metric's name.
    """
    target = stats()
    for metric in metrics:
        both: dict[str, dict[str, str]] = {
            f"{PREFIX}.{metric.name}.{pipeline}": {},
            f"{PREFIX}.{metric.name}": {"pipeline": pipeline},
        }
        for name, tags in both.items():
            if isinstance(metric, Count):
                target.incr(name, tags=tags)
            else:
                target.timing(name, timedelta(seconds=metric.seconds), tags=tags)
