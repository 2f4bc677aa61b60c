"""``python -m tests.sample_dag``: the sample DAGs from ``airflow dags test`` to a finished Spark application (A6, A8).

A drill with real Livy, YARN, HDFS and Spark in which nothing is broken is kept running; a jar with the class that the
DAGs name goes to HDFS; Airflow's own command runs each sample DAG as its file has it, but for where that jar lies and
into how many slices the job is cut.  A run holds if Airflow says success, Livy has an application id for its batch,
and YARN says of that application that it is Spark's and succeeded.  Takes about ten minutes on two cores; results go to
docs/results.  Exit code 1 if a run did not hold.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from emr_drill import bench, campaign, result_files
from emr_drill.airflow_matrix.clients import RELEASES, python
from emr_drill.errors import DrillError
from emr_drill.preflight import REPOSITORY
from emr_drill.real import install
from emr_drill.real.daemons import JAVA_OPTIONS, OPENED

RESULTS = REPOSITORY / "docs" / "results"
FILE, PAGE = RESULTS / "sample-dag.json", RESULTS / "sample-dag.md"
SOURCE = Path(__file__).parent / "spark_examples" / "org" / "apache" / "spark" / "examples" / "SparkPi.java"
DAGS = ("emr_spark_pi", "emr_spark_pi_failover")
JAR = "/jars/spark-examples.jar"
SLICES = 4
BLOCK = 27
AIRFLOW_LIMIT_SECONDS = 900.0
FRONT_DOOR = re.compile(r"curl http://([\d.]+):8998/batches")
PRIMARY = re.compile(r"\(j-\w+, [\w-]+, ([\d.]+)\)")
# As the stock hook says it, and as ours does.
SUBMITTED = re.compile(r"Batch submitted with session id: (\d+)|Batch (\d+) \(\S+\) submitted")
APPLICATION = re.compile(r"application_\d+_\d{4,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A drill that is kept running.

    Attributes:
        front_door: address of the network load balancer.
        primary: address of the cluster behind it.
    """

    front_door: str
    primary: str

    def ask(self, port: int, path: str) -> Any:
        """What a service answers through the front door."""
        with urllib.request.urlopen(f"http://{self.front_door}:{port}{path}", timeout=30) as answer:
            return json.load(answer)


@contextmanager
def kept_drill(folder: Path, *, block: int, console: Console) -> Iterator[Site]:
    """A drill with real services, after its jobs.

    Raises:
        DrillError: it did not come so far.
    """
    words = ["drill", "--services", "real", "--fault", "none", "--keep", "--block", str(block)]
    process = subprocess.Popen(
        [sys.executable, "-m", "emr_dr_cli", *words, "--workdir", str(folder / "drill")],
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "200"},  # of its lines none is to be broken in two
        start_new_session=True,  # Ctrl-C is for us: we tell it once
    )
    try:
        assert process.stderr is not None
        told = ""
        for line in process.stderr:
            told += line
            console.print(line.rstrip(), style="dim", markup=False, highlight=False)
            if "Ctrl-C stops everything" in line:
                break
        doors, primaries = FRONT_DOOR.findall(told), PRIMARY.findall(told)
        if not doors or not primaries:
            raise DrillError(f"the drill came to nothing that could be kept:\n{told[-2000:]}")
        # Nobody reads the rest otherwise, and the drill would wait for that.
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield Site(front_door=doors[-1], primary=primaries[-1])
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def jar(folder: Path) -> Path:
    """A jar with the class that the DAGs name.

    Raises:
        DrillError: it cannot be compiled.
    """
    tools = Path(install.java()).resolve().parent
    classes, made = folder / "classes", folder / "spark-examples.jar"
    _run([str(tools / "javac"), "-d", str(classes), "-cp", f"{install.SPARK_HOME}/jars/*", str(SOURCE)])
    _run([str(tools / "jar"), "cf", str(made), "-C", str(classes), "."])
    return made


def upload(file: Path, site: Site, *, clusters: Path) -> str:
    """Put *file* into the cluster's HDFS, as a person puts it into the artifact bucket; its URI.

    Args:
        file: what is put there.
        site: whose cluster.
        clusters: the drill's folder of clusters, which has their configuration.

    Raises:
        DrillError: HDFS does not take it.
    """
    to = f"hdfs://{site.primary}:8020"
    configured = [each.parent for each in clusters.rglob("core-site.xml") if to in each.read_text()]
    if not configured:
        raise DrillError(f"no configuration below {clusters} is of {to}")
    path = f"{configured[0]}:{install.HADOOP_JARS}/*"
    shell = [install.java(), *JAVA_OPTIONS, *OPENED, "-cp", path, "org.apache.hadoop.fs.FsShell"]
    _run([*shell, "-mkdir", "-p", str(Path(JAR).parent)])
    _run([*shell, "-put", str(file), to + JAR])
    return to + JAR


def _run(command: Sequence[str], **more: Any) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **more)
    said: str = done.stdout + done.stderr
    if done.returncode != 0:
        raise DrillError(f"{' '.join(command[:2])} ...: {said.strip()[-2000:]}")
    return said


def run(dag: str, release: str, site: Site, *, file: str, home: Path) -> dict[str, Any]:
    """``airflow dags test`` of one DAG, and what Livy and YARN say of its job."""
    connection = {"conn_type": "livy", "host": site.front_door, "port": 8998, "extra": {"timeout": 10}}
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(home),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW_CONN_LIVY_DEFAULT": json.dumps(connection),
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }
    airflow = [str(python(release)), "-P", "-m", "airflow"]
    more = {"env": environment, "cwd": home, "timeout": AIRFLOW_LIMIT_SECONDS}
    conf = json.dumps({"jar": file, "slices": SLICES})
    found: dict[str, Any] = {"dag": dag, "airflow": release}
    try:
        _run([*airflow, "db", "migrate"], **more)
        log = _run([*airflow, "dags", "test", "--conf", conf, dag], **more)
        (home / "dags-test.log").write_text(log)
    except (DrillError, subprocess.TimeoutExpired) as error:
        return {**found, "why": [str(error)[-2000:]]}
    submitted = ["".join(each) for each in SUBMITTED.findall(log)]
    if not submitted:
        # The log has paths of the machine, which a result file must not have.
        print(log[-2000:], file=sys.stderr)
        return {**found, "why": ["no batch was found in Airflow's log"]}
    batch = site.ask(8998, f"/batches/{submitted[-1]}")
    found |= {"batch": batch["id"], "state": batch["state"], "application": batch["appId"]}
    why = [] if "state=success" in log or "state:success" in log else ["Airflow does not say that the run succeeded"]
    if batch["state"] != "success":
        why.append(f"Livy says {batch['state']}")
    if not APPLICATION.fullmatch(str(batch["appId"])):
        return {**found, "why": [*why, f"no application id: {batch['appId']}"]}
    told = site.ask(8088, f"/ws/v1/cluster/apps/{batch['appId']}")["app"]
    found |= {"type": told["applicationType"], "final": told["finalStatus"], "name": told["name"]}
    if (told["applicationType"], told["finalStatus"]) != ("SPARK", "SUCCEEDED"):
        why.append(f"YARN says {told['applicationType']} {told['finalStatus']}")
    return {**found, "why": why}


def as_text(content: Mapping[str, Any]) -> str:
    """What docs/results/sample-dag.md holds."""
    held = sum(not each["why"] for each in content["runs"])
    lines = [
        "# The sample DAGs, end to end",
        "",
        "Written by `make proof`: `airflow dags test` of each sample DAG as its file is, through the front door of a "
        "drill with real Livy, YARN, HDFS and Spark.  The jar with SparkPi is compiled for it "
        "(`tests/spark_examples`), as neither Maven Central nor PyPI has that of Spark.",
        "",
        f"{held} of {len(content['runs'])} held; commit `{content['commit'][:10]}`, measured {content['measured']}.",
        "",
        "| DAG | Airflow | Livy | YARN | held |",
        "|---|---|---|---|---|",
    ]
    for each in content["runs"]:
        why = " ".join("; ".join(each["why"]).split())
        lines.append(
            f"| `{each['dag']}` | {each['airflow']} | batch {each.get('batch', '-')}: {each.get('state', '-')} "
            f"| `{each.get('application', '-')}`: {each.get('final', '-')} | {f'**no**: {why}' if why else 'yes'} |"
        )
    return "\n".join([*lines, ""])


def main() -> int:
    """Command line; 0 if every run held."""
    parser = argparse.ArgumentParser(prog="python -m tests.sample_dag", description=__doc__)
    parser.add_argument("--block", type=int, default=BLOCK, help="address block of the drill")
    arguments = parser.parse_args()
    console = Console(stderr=True, soft_wrap=True)
    shown_of = {"commit": bench.commit(), "code": campaign.code()}
    runs: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="emr-dr-sample-") as name:
        folder = Path(name)
        try:
            install.check()
            made = jar(folder)
            with kept_drill(folder, block=arguments.block, console=console) as site:
                file = upload(made, site, clusters=folder / "drill" / "clusters")
                for release in RELEASES:
                    for dag in DAGS:
                        (home := folder / f"{dag}-{release}").mkdir()
                        runs.append(run(dag, release, site, file=file, home=home))
                        console.print(f"{dag} on Airflow {release}: {runs[-1]}", markup=False)
        except DrillError as error:
            console.print(f"cannot run: {error}", style="bold red", markup=False)
            return 2
    content = {
        "what": "the sample DAGs from `airflow dags test` to a finished Spark application",
        **shown_of,
        "measured": datetime.now(tz=UTC).date().isoformat(),
        "machine": result_files.machine(),
        "runs": runs,
    }
    result_files.write(FILE, json.dumps(content, indent=1) + "\n")
    PAGE.write_text(as_text(content))
    return 1 if any(each["why"] for each in runs) else 0


if __name__ == "__main__":
    sys.exit(main())
