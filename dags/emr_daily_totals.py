"""Totals of each day, by a job that may be run twice without harm: the pattern for every data set.

Jobs on EMR are run *at least once* (a job that was lost with its cluster is run again, though it may have ended its
work), so results must not depend on how often.  The job ``dags/jobs/daily_totals.py`` writes to a path of its own and
commits by a marker that is made once; however many runs a day has, exactly one of them counts.  So this DAG retries and
resubmits without a thought.

1. ``sample`` runs the job on a hundredth of the orders and writes nothing: what is wrong with the code or its rights
   shows in a minute, before the whole is computed.
2. ``write`` runs it.
3. ``publish_freshness`` tells how late the totals are, as the metric ``emr_dr.freshness_lag.daily-totals`` and as one
   line of JSON in the log: the time from the end of the day to the moment at which its totals were there.  That is when
   the marker was made, which nobody writes twice: to clear an old day tells of it what was told before.

What it needs, once::

    pip install --target packages --python-version 3.9 --only-binary=:all: "boto3>=1.35.2"
    tar -czf packages.tar.gz -C packages .
    aws s3 cp packages.tar.gz s3://ARTIFACT_BUCKET/jobs/packages.tar.gz
    aws s3 cp dags/jobs/daily_totals.py s3://ARTIFACT_BUCKET/jobs/daily_totals.py

a prefix that clusters may write to (``permissions.write`` in the settings), Airflow's variable ``emr_dr_dataset``,
which names it: ``s3://bucket/daily-totals``, and for Airflow's role the right ``s3:GetObject`` on the markers
``daily-totals/date=*/_committed.json`` of that bucket (and ``kms:Decrypt`` on its key, if it has one): by a statement
in the bucket's policy, for example.  Without it ``publish_freshness`` fails; the totals are there all the same.
"""

from __future__ import annotations

import json
import logging
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from airflow.timetables.interval import CronDataIntervalTimetable

from emr_dr_airflow.decisions.telemetry import Duration, pipeline_of
from emr_dr_airflow.operators import EmrLivyOperator
from emr_dr_airflow.reporting import publish

try:
    from airflow.sdk import DAG, Param, task
except ImportError:  # Airflow 2
    from airflow.decorators import task
    from airflow.models.dag import DAG
    from airflow.models.param import Param

# MWAA hands an option of Airflow's configuration to every process as a variable: this is emr_dr.artifact_bucket.
ARTIFACT_BUCKET = os.environ.get("AIRFLOW__EMR_DR__ARTIFACT_BUCKET", "set-emr_dr.artifact_bucket")
REGION = os.environ.get("AWS_DEFAULT_REGION") or os.environ.get("AWS_REGION", "")

log = logging.getLogger("airflow.task")

PIPELINE = pipeline_of("daily-totals")
# The day that a run is about: the one that its interval begins with, unless a person names another.
DATE = "{{ params.date or (data_interval_start | ds) }}"
OUTPUT = "{{ var.value.emr_dr_dataset }}"


def job(task_id: str, *arguments: str, **options: Any) -> EmrLivyOperator:
    """A task that runs the job with *arguments* beside those that it always has."""
    return EmrLivyOperator(
        task_id=task_id,
        livy_conn_id="livy_default",
        file="{{ params.job }}",
        args=["--output", OUTPUT, "--date", DATE, *arguments],
        archives=["{{ params.packages }}"],
        conf={
            "spark.submit.deployMode": "cluster",
            **({"spark.yarn.appMasterEnv.AWS_DEFAULT_REGION": REGION} if REGION else {}),
        },
        pipeline=PIPELINE,
        polling_interval=20,
        resubmissions=1,
        retry_delay=timedelta(minutes=5),
        **options,
    )


def committed_at(output: str, date: str) -> datetime:
    """When the totals of a day were there: when their marker was made, by the clock of the storage.

    Raises:
        FileNotFoundError: the day has no marker, in a file system; S3 answers 404, or 403 to whoever may not list.
    """
    marker = urlsplit(f"{output.rstrip('/')}/date={date}/_committed.json")
    if marker.scheme == "file":
        return datetime.fromtimestamp(Path(marker.path).stat().st_mtime, UTC)
    import boto3  # where it is needed: it takes longer to load than all the rest

    found: datetime = boto3.client("s3").head_object(Bucket=marker.netloc, Key=marker.path.lstrip("/"))["LastModified"]
    return found


with DAG(
    dag_id="emr_daily_totals",
    description="A data set that is right however often its job is run",
    doc_md=__doc__,
    # Not "@daily", which means the day before in Airflow 2 and the day itself in Airflow 3.
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=3,
    dagrun_timeout=timedelta(hours=12),
    tags=["emr-dr", "sample", "dataset"],
    default_args={"owner": "emr-dr"},
    params={
        "date": Param(None, type=["null", "string"], format="date", description="the day; null: the run's own"),
        "job": Param(f"s3://{ARTIFACT_BUCKET}/jobs/daily_totals.py", type="string", description="the job's file"),
        "packages": Param(
            f"s3://{ARTIFACT_BUCKET}/jobs/packages.tar.gz#packages", type="string", description="archive with boto3"
        ),
    },
) as dag:

    @task(
        task_id="publish_freshness", retries=3, retry_delay=timedelta(minutes=1), execution_timeout=timedelta(minutes=5)
    )
    def publish_freshness(date: str, output: str) -> float:
        """Seconds from the end of the day to the commit of its totals, as a metric and in the log."""
        end = datetime.fromisoformat(date).replace(tzinfo=UTC) + timedelta(days=1)
        committed = committed_at(output, date)
        lag = max(0.0, (committed - end).total_seconds())
        publish([Duration(name="freshness_lag", seconds=lag)], pipeline=PIPELINE)
        line = {
            "event": "emr_dr_freshness",
            "pipeline": PIPELINE,
            "date": date,
            "committed_at": committed.isoformat(),
            "lag_seconds": lag,
        }
        log.info("%s", json.dumps(line, sort_keys=True))
        return lag

    (
        job("sample", "--sample", retries=1, execution_timeout=timedelta(hours=1))
        >> job(
            "write",
            "--attempt",
            "{{ ti.try_number }}",
            deferrable=True,
            retries=2,
            execution_timeout=timedelta(hours=3),
        )
        >> publish_freshness(DATE, OUTPUT)
    )
