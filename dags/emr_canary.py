"""A canary: every quarter of an hour a small Spark job that goes the way of all jobs, and tells how that went.

It runs through the front door on whichever cluster is in service and needs nothing but that: the job is the one that
proves a cluster before it gets traffic, which lies in the HDFS of each of them.  What it tells, as Airflow's metrics by
StatsD, where timings are milliseconds, and as one line of JSON in the log, in seconds (whether MWAA sends metrics on to
CloudWatch that are not Airflow's own nobody has seen yet; the line is there in any case):

* ``emr_dr.jobs_succeeded.canary`` beside ``jobs_submitted``, ``jobs_failed``, ``jobs_lost``, ``jobs_timed_out``,
  ``jobs_refused`` and ``jobs_unknown``: success;
* ``emr_dr.job_duration.canary``, from the submit to the end that was seen, and ``emr_dr.job_queue_time.canary``, from
  the submit until it ran: latency.

It is impatient on purpose.  Other tasks wait for the end of a failover and say nothing of it; this one is red as soon
as its requests are not answered for three minutes, or when its job has not ended after ten, as one that waits in YARN
for room; and is not tried again before its next run.  It says nothing about health to the controller, which looks at
clusters itself, six times a minute.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from emr_dr_airflow.operators import EmrLivyOperator

try:
    from airflow.sdk import DAG, Param
except ImportError:  # Airflow 2
    from airflow.models.dag import DAG
    from airflow.models.param import Param

EVERY = timedelta(minutes=15)

with DAG(
    dag_id="emr_canary",
    description="A small Spark job every quarter of an hour: does the front door take jobs, and how long do they take?",
    doc_md=__doc__,
    schedule=EVERY,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    # It runs from the first deploy on: MWAA pauses other new DAGs (`dags_are_paused_at_creation`, Airflow's default).
    is_paused_upon_creation=False,
    # A canary that runs late says so; a second one beside it would not say more.
    max_active_runs=1,
    dagrun_timeout=EVERY - timedelta(minutes=1),
    tags=["emr-dr", "canary"],
    default_args={"owner": "emr-dr"},
    params={
        "file": Param(
            "hdfs:///tmp/emr-dr/canary.py",
            type="string",
            description="the job; each cluster has this one, unless canary.file of the settings names another",
        )
    },
) as dag:
    EmrLivyOperator(
        task_id="canary",
        livy_conn_id="livy_default",
        file="{{ params.file }}",
        conf={"spark.submit.deployMode": "cluster", "spark.executor.instances": "1"},
        pipeline="canary",
        polling_interval=5,
        resubmissions=0,
        outage_limit=timedelta(minutes=3),
        execution_timeout=timedelta(minutes=10),
        retries=0,
    )
