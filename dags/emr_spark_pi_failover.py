"""Estimates pi on EMR by ``EmrLivyOperator``: the same job as ``emr_spark_pi``, seen through a failover.

It needs the same jar in the artifact bucket (see there), and the wheel ``emr-dr-airflow``.

If the job's cluster dies, the task waits until the front door says that nothing of that cluster runs any more (410),
and runs the job again, once, on the cluster that is in service then; the stock operator fails at the first 502 instead.
Everything else that a front door answers while a cluster is replaced is waited out.  The retry is for what is left: a
job that failed by its own fault, or a front door that was away for longer than ``outage_limit``.

Start it with ``{"deferrable": true}`` to wait in the triggerer instead of on a worker.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

from emr_dr_airflow.operators import EmrLivyOperator

try:
    from airflow.sdk import DAG, Param, task
except ImportError:  # Airflow 2
    from airflow.decorators import task
    from airflow.models.dag import DAG
    from airflow.models.param import Param

# MWAA hands an option of Airflow's configuration to every process as a variable: this is emr_dr.artifact_bucket.
ARTIFACT_BUCKET = os.environ.get("AIRFLOW__EMR_DR__ARTIFACT_BUCKET", "set-emr_dr.artifact_bucket")

# Task by whether it is deferrable.
TASKS = {False: "spark_pi", True: "spark_pi_deferrable"}

with DAG(
    dag_id="emr_spark_pi_failover",
    description="SparkPi on EMR by way of the front door, run again if its cluster dies",
    doc_md=__doc__,
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    dagrun_timeout=timedelta(hours=5),
    tags=["emr-dr", "sample"],
    default_args={"owner": "emr-dr"},
    params={
        "jar": Param(f"s3://{ARTIFACT_BUCKET}/jars/spark-examples.jar", type="string", description="Spark's examples"),
        "slices": Param(100, type="integer", minimum=1, description="how many parts the job has"),
        "deferrable": Param(False, type="boolean", description="wait in the triggerer"),
    },
) as dag:

    @task.branch(task_id="choose", retries=1, execution_timeout=timedelta(minutes=5))
    def choose(params: dict[str, Any] | None = None) -> str:
        """The task that the run asks for."""
        return TASKS[bool(params and params["deferrable"])]

    chosen: Any = choose()
    chosen >> [
        EmrLivyOperator(
            task_id=task_id,
            livy_conn_id="livy_default",
            file="{{ params.jar }}",
            class_name="org.apache.spark.examples.SparkPi",
            args=["{{ params.slices }}"],
            conf={"spark.submit.deployMode": "cluster"},
            polling_interval=20,
            deferrable=deferrable,
            resubmissions=1,
            outage_limit=timedelta(hours=1),
            # Longer than a failover that has to try every zone, and the job run twice.
            execution_timeout=timedelta(hours=2),
            retries=1,
            retry_delay=timedelta(minutes=5),
        )
        for deferrable, task_id in TASKS.items()
    ]
