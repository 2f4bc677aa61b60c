"""DAGs of one deferrable task each, as a folder of DAGs has them; they are not imported here."""

# What it imports is where it runs, and not where it is checked.
# pyright: reportMissingImports=false

from __future__ import annotations

from datetime import UTC, datetime

from airflow.models.dag import DAG

from emr_dr_airflow.operators import EmrLivyOperator

# Simulated seconds, twenty to one of the machine: how long the job of the first try runs, and of any later one.
LENGTHS = {"well": (100, 100), "other": (4000, 4000), "failed": (100_000, 100), "cleared": (100_000, 100)}

for name, (first, later) in LENGTHS.items():
    with DAG(dag_id=name, schedule="@once", start_date=datetime(2026, 1, 1, tzinfo=UTC), catchup=False) as dag:
        EmrLivyOperator(
            task_id="job",
            file="file:///job.py",
            args=[name, f"{{{{ {first} if ti.try_number == 1 else {later} }}}}", "succeed"],
            deferrable=True,
            polling_interval=1,
        )
    globals()[name] = dag
