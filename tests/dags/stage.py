"""The DAGs in real Airflow, each run once or more: against simulated clusters, a Livy that carries out jobs, and moto.

Everything at once for a release of Airflow, as its start takes longer than most of the runs; in a process of its own,
as moto's AWS is there once in a process.

usage: python -m tests.dags.stage RELEASE FOLDER    (writes FOLDER/played.json)
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from emr_drill.airflow_matrix.clients import python
from emr_drill.clients.kinds import EARLY_AIRFLOW_VERSION
from emr_drill.clients.worker import FOLDER
from emr_drill.preflight import REPOSITORY
from emr_drill.primary.simulated.batches import hdfs_root
from tests.provider import airflows
from tests.provider.site import PORT, Site, site

from .deployments import BESIDE, CREDENTIALS, GIVEN_UP, LEASED, NAMES, PAUSED, SICK, WELL, Deployments
from .files import DAGS
from .job_livy import CLEARED, DOUBLED, IN_S3, LOST_AFTER, LOST_BEFORE, JobLivy
from .job_livy import WELL as NOTHING_DIES

BUCKET = "artifacts"
PLAYED = "played.json"
LIMIT_SECONDS = 300
HERE = Path(__file__).parent
ALWAYS = {"PATH": "/usr/bin:/bin", "AIRFLOW__EMR_DR__ARTIFACT_BUCKET": BUCKET}
CALLED = (WELL, SICK, LEASED, PAUSED, GIVEN_UP, BESIDE, "nothing")
DAYS = {
    "totals": NOTHING_DIES,
    "totals-lost-before": LOST_BEFORE,
    "totals-lost-after": LOST_AFTER,
    "totals-doubled": DOUBLED,
    "totals-cleared": CLEARED,
}
DATA = "data"
# How long after the end of its day the totals of the cleared one were there.
LATE_SECONDS = 3600
MARKER = json.dumps({"rows": 7, "run": "1-application_1_1-00000000"})


def order(
    key: str,
    dag: str,
    environment: Mapping[str, str],
    *,
    conf: Mapping[str, Any] | None = None,
    calls: Sequence[str] = (),
) -> dict[str, Any]:
    """One run of a DAG, or calls of its one task's function."""
    return {
        "key": key,
        "dag": dag,
        "conf": dict(conf or {}),
        "calls": list(calls),
        "environment": dict(environment),
    }


def connection(host: str, port: int) -> dict[str, str]:
    """The connection to a Livy, as a variable of the environment."""
    extra = {"timeout": 5}
    return {"AIRFLOW_CONN_LIVY_DEFAULT": json.dumps({"conn_type": "livy", "host": host, "port": port, "extra": extra})}


def load(version: str, home: Path, orders: list[dict[str, Any]]) -> dict[str, Any]:
    """Let an Airflow load the DAGs and carry out *orders*; what it tells."""
    done = subprocess.run(
        [
            *(str(python(version)), "-P", str(HERE / "airflow_side.py"), str(home), str(DAGS)),
            *(str(FOLDER / "airflow_worker.py"), str(airflows.HERE / "worker_with_provider.py")),
            str(REPOSITORY / "build" / "function-runtime"),
        ],
        input=json.dumps(orders),
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
        env={**ALWAYS, "HOME": str(home)},
    )
    assert done.returncode == 0, done.stderr[-4000:]
    told: dict[str, Any] = json.loads((home / "told.json").read_text())
    for key, run in told["runs"].items():
        log = home / f"{key}.log"
        run["log"] = log.read_text(errors="replace") if log.is_file() else ""
    return told


def play(version: str, folder: Path) -> dict[str, Any]:
    """Everything; what Airflow told, and beside it what clusters, Livy and AWS saw."""
    output = folder / "daily-totals"
    livy, deployments = JobLivy(output), Deployments()
    try:
        with site(folder) as where:
            _put_canary(where, folder)
            clusters, jobs = connection(where.host, PORT), connection("127.0.0.1", livy.port)
            dataset = {"AIRFLOW_VAR_EMR_DR_DATASET": f"file://{output}"}
            in_s3 = {"AIRFLOW_VAR_EMR_DR_DATASET": f"s3://{DATA}/daily-totals"}
            _commit_long_ago(output)
            made = deployments.keep(DATA, f"daily-totals/date={IN_S3}/_committed.json", MARKER)
            aws = {"AWS_ENDPOINT_URL": deployments.endpoint, **CREDENTIALS}
            orders = [
                order("stock", "emr_spark_pi", clusters),
                order("ours", "emr_spark_pi_failover", clusters),
                order("ours-deferred", "emr_spark_pi_failover", clusters, conf={"deferrable": True}),
                order("canary", "emr_canary", clusters),
                order("canary-away", "emr_canary", clusters, conf={"file": "hdfs:///none.py"}),
                *(order(key, "emr_daily_totals", {**jobs, **dataset}, conf={"date": day}) for key, day in DAYS.items()),
                order("totals-s3", "emr_daily_totals", {**jobs, **in_s3, **aws}, conf={"date": IN_S3}),
                # Both look at the same time.
                order("monitor", "emr_health_monitor", {**aws, "AIRFLOW_VAR_EMR_DR_DEPLOYMENT": SICK}),
                order("monitor-called", "emr_health_monitor", aws, calls=CALLED),
            ]
            told = load(version, folder / "home", orders)
            batches = {each: where.batches(each) for each in where.clusters}
    finally:
        livy.close()
        executions = {each: deployments.executions(each) for each in NAMES}
        deployments.close()
    return {
        **told,
        "made_in_s3": made.timestamp(),
        "batches": batches,
        "submitted": sorted(livy.arguments),
        "output": sorted(str(each.relative_to(output)) for each in output.rglob("*") if each.is_file()),
        "markers": {each.parent.name: json.loads(each.read_text()) for each in output.glob("*/_committed.json")},
        "executions": executions,
    }


def _commit_long_ago(output: Path) -> None:
    """The day that is cleared has its totals, an hour after its end."""
    marker = output / f"date={CLEARED}" / "_committed.json"
    marker.parent.mkdir(parents=True)
    marker.write_text(MARKER)
    end = (datetime.fromisoformat(CLEARED).replace(tzinfo=UTC) + timedelta(days=1)).timestamp()
    os.utime(marker, (end + LATE_SECONDS, end + LATE_SECONDS))


def _put_canary(where: Site, folder: Path) -> None:
    """As the incarnation's step does."""
    for generation in where.clusters:
        file = hdfs_root(folder / f"g{generation}") / "tmp/emr-dr/canary.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("print('counted')\n")


def main(arguments: list[str]) -> int:
    """Play; the newest release, which nothing runs on yet, only loads."""
    version, folder = arguments[0], Path(arguments[1])
    told = load(version, folder / "home", []) if version == EARLY_AIRFLOW_VERSION else play(version, folder)
    (folder / PLAYED).write_text(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
