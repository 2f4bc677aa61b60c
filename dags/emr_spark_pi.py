"""Estimates pi on EMR: the smallest job that shows that everything between Airflow and Spark works.

The stock ``LivyOperator`` submits it through the connection ``livy_default``, whose host is the front door: the same
DAG runs on whichever cluster is in service.  What it needs in the artifact bucket is the jar of Spark's examples, put
there once (``$SPARK_HOME/examples/jars`` of a Spark of the same version has it)::

    aws s3 cp spark-examples_2.12-3.5.6.jar s3://ARTIFACT_BUCKET/jars/spark-examples.jar

If its cluster dies the task fails with 410 or a 5xx, and the one retry, after 5 minutes, submits the job again, to the
cluster that is in service by then.  In active-active that is the other half.  In active-passive a new cluster takes
some ten minutes to launch, and the retry is over before that: ``retries=4`` lasts longer, or ``emr_spark_pi_failover``.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from airflow import DAG
from airflow.providers.apache.livy.operators.livy import LivyOperator

# MWAA hands an option of Airflow's configuration to every process as a variable: this is emr_dr.artifact_bucket.
ARTIFACT_BUCKET = os.environ.get("AIRFLOW__EMR_DR__ARTIFACT_BUCKET", "set-emr_dr.artifact_bucket")

with DAG(
    dag_id="emr_spark_pi",
    description="SparkPi on EMR by way of the front door",
    doc_md=__doc__,
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    tags=["emr-dr", "sample"],
    params={"jar": f"s3://{ARTIFACT_BUCKET}/jars/spark-examples.jar", "slices": 100},
) as dag:
    LivyOperator(
        task_id="spark_pi",
        livy_conn_id="livy_default",
        file="{{ params.jar }}",
        class_name="org.apache.spark.examples.SparkPi",
        args=["{{ params.slices }}"],
        conf={"spark.submit.deployMode": "cluster"},
        # With 0, the default, the task would be green as soon as the job is submitted.
        polling_interval=20,
        retries=1,
        retry_delay=timedelta(minutes=5),
    )
