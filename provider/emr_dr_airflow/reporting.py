"""Gives counts and durations to Airflow's metrics, and the line of each job to its log."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from emr_dr_airflow.compat import stats
from emr_dr_airflow.decisions.telemetry import PREFIX, Count, Duration, Report, of_end, to_line


def tell(report: Report, log: Any) -> None:
    """Count the end of a job, and log the line that tells of it.

    Args:
        report: the end.
        log: gets the line.
    """
    publish(of_end(report), pipeline=report.pipeline)
    log.info("%s", to_line(report))


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
