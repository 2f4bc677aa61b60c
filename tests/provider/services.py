"""Airflow as it is run: a database, and each of its services in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from emr_drill.airflow_matrix.clients import python

HERE = Path(__file__).parent
# As many machine seconds as two busy cores need to import Airflow five times over.
START_SECONDS = 300.0
LOOK_SECONDS = 0.5
SERVICES = {
    "3.0.6": (("api-server", "--workers", "1"), ("scheduler",), ("dag-processor",), ("triggerer",)),
    "2.11.0": (("scheduler",), ("triggerer",)),
}


@dataclass(frozen=True, kw_only=True)
class Airflow:
    """A running Airflow.

    Attributes:
        version: its release.
        home: its directory, with the logs of its services.
        environment: of its processes.
    """

    version: str
    home: Path
    environment: dict[str, str]

    @property
    def dags(self) -> Path:
        """Where it reads DAGs from."""
        return self.home / "dags"

    def states(self) -> dict[str, str]:
        """State of the newest task instance of each DAG."""
        with closing(sqlite3.connect(self.home / "airflow.db", timeout=30)) as connection:
            rows = connection.execute("SELECT dag_id, state FROM task_instance").fetchall()
        return {dag: state or "" for dag, state in rows}

    def run(self, *arguments: str, limit: float = START_SECONDS) -> str:
        """A program of its environment."""
        done = subprocess.run(
            [str(python(self.version)), "-P", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=limit,
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
        return done.stdout

    def take_away(self, dag: str, how: str) -> None:
        """Do to the task of *dag* what a person does in the interface: ``failed`` or ``cleared``."""
        self.run(str(HERE / "take_away.py"), dag, how)

    def told(self) -> str:
        """The end of every log, for whoever looks for a cause."""
        logs = sorted(self.home.glob("*.log"))
        return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}" for log in logs)


@contextmanager
def airflow(version: str, home: Path, files: Sequence[Path], *, livy: str) -> Iterator[Airflow]:
    """An Airflow whose services run.

    Args:
        version: release.
        home: its directory.
        files: DAG files.
        livy: host of the connection ``livy_default``.
    """
    (home / "dags").mkdir(parents=True)
    for file in files:
        (home / "dags" / file.name).write_text(file.read_text())
    # The executor of Airflow 2 looks for the command, which only the pinned environment has.
    command = home / "bin" / "airflow"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {python(version)} -P -m airflow "$@"\n')
    command.chmod(0o755)
    port = _free_port()
    where = Airflow(version=version, home=home, environment=_environment(version, home, port, livy))
    where.run("-m", "airflow", "db", "migrate")
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for name, *arguments in SERVICES[version]:
            more = [*arguments, "--port", str(port)] if name == "api-server" else arguments
            with (home / f"{name}.log").open("wb") as log:
                processes.append(
                    subprocess.Popen(
                        [str(python(version)), "-P", "-m", "airflow", name, *more],
                        env=where.environment,
                        cwd=home,
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=subprocess.STDOUT,
                        start_new_session=True,
                    )
                )
        yield where
    finally:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for process in processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _environment(version: str, home: Path, port: int, livy: str) -> dict[str, str]:
    settings = {
        "CORE__DAGS_FOLDER": str(home / "dags"),
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "CORE__PARALLELISM": "2",
        "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "USAGE_DATA_COLLECTION__ENABLED": "False",
        "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
        "TRIGGERER__JOB_HEARTBEAT_SEC": "2",
    }
    if version.startswith("3."):
        settings |= {
            "CORE__EXECUTOR": "LocalExecutor",
            "CORE__EXECUTION_API_SERVER_URL": f"http://localhost:{port}/execution/",
            "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "API_AUTH__JWT_SECRET": "not-a-secret-0123456789-0123456789-0123456789-0123456789-0123456",
            "API__SECRET_KEY": "not-a-secret",
        }
    else:
        settings |= {"CORE__EXECUTOR": "SequentialExecutor"}
    return {
        "PATH": f"{home}/bin:{python(version).parent}:/usr/bin:/bin",
        "HOME": str(home),
        "AIRFLOW_HOME": str(home),
        "NO_PROXY": "*",
        "AIRFLOW_CONN_LIVY_DEFAULT": json.dumps(
            {"conn_type": "livy", "host": livy, "port": 8998, "extra": {"timeout": 10}}
        ),
        **{f"AIRFLOW__{key}": value for key, value in settings.items()},
    }


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def until(true: Callable[[], bool], what: str, where: Airflow, seconds: float = START_SECONDS) -> None:
    """Wait for something."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"waited for {what}; states: {where.states()}\n{where.told()}"
        time.sleep(LOOK_SECONDS)
