"""Runs ``LivyOperator`` tasks in real Airflow, a DAG run for each job.

A script for the Python of one of the environments in ``build/airflow`` (see :mod:`emr_drill.clients.environments`): it
imports nothing of this project.  It reads jobs from standard input, a JSON object a line, and writes what becomes of
them to standard output, likewise; it ends when its input does and every job has ended.

The operator is the stock one unless a job names another (``operator``, as ``module:class``, with ``options``).  It, its
hook and its trigger are used as they are installed: what is written down comes from the callbacks that every task has,
from what the hook logs, and from the XComs that are left.  Airflow is imported once; each job is a fork with a database
of its own, in which ``dag.test()`` runs the DAG: the scheduler's loop in small, with retries, delays and time-outs.
There the trigger of a deferred task runs in line, by ``asyncio`` in the same process, and not in a triggerer; it makes
the same requests.

Arguments: a directory for databases and logs.
"""

# What it imports is where it runs, and not where it is checked.
# pyright: reportMissingImports=false

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import logging
import os
import re
import shutil
import signal
import sqlite3
import sys
import time
import traceback
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

STOCK = "airflow.providers.apache.livy.operators.livy:LivyOperator"
# What operator, hook and trigger log, and the event that it is; the group is a number or a word.
MESSAGES = {
    "posted": re.compile(r"Batch submitted with session id: (\d+)"),
    "deletes": re.compile(r"Deleting batch session (\d+)"),
    "terminated": re.compile(r"Batch with id \d+ terminated with state: (\w+)"),
    "status": re.compile(r"(?:Got status code |HTTP error, status code: )(\d+)"),
}
NAMES = {"posted": "id", "deletes": "id", "terminated": "state", "status": "status"}


class Told:
    """Writes events of one job to a descriptor, each in one write (a line is shorter than what a pipe may tear)."""

    def __init__(self, descriptor: int, job: str) -> None:
        self._descriptor = descriptor
        self._job = job
        self.attempt = 1

    def event(self, event: str, **more: Any) -> None:
        """One line."""
        line = {"job": self._job, "event": event, "try": self.attempt, "at": time.monotonic(), **more}
        os.write(self._descriptor, (json.dumps(line) + "\n").encode())


class Listener(logging.Handler):
    """Notes the ids in what the hook logs."""

    def __init__(self, told: Told) -> None:
        super().__init__(level=logging.INFO)
        self._told = told
        self._last = ("", "")

    def emit(self, record: logging.LogRecord) -> None:
        """Look at one message."""
        message = record.getMessage()
        for event, pattern in MESSAGES.items():
            found = pattern.search(message)
            # One message comes through several loggers.
            if found and (event, message) != self._last:
                self._last = (event, message)
                word = int(found[1]) if found[1].isdigit() else found[1]
                self._told.event(event, **{NAMES[event]: word})


def prepare(home: Path) -> Path:
    """Settings by environment, before Airflow is imported, and an empty database; gives the database's file."""
    database = home / "empty.db"
    os.environ.update(
        {
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
            "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{database}",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        }
    )
    (home / "dags").mkdir(parents=True, exist_ok=True)
    from airflow.utils.db import initdb

    initdb()
    # Import what a run imports, so that the forks need not.
    import airflow.providers.apache.livy.operators.livy
    import airflow.providers.apache.livy.triggers.livy

    with contextlib.suppress(ImportError):  # from Airflow 3 on
        import airflow.sdk.execution_time.supervisor
        import airflow.sdk.execution_time.task_runner

        keep_api(airflow.sdk.execution_time.supervisor)
    from airflow import settings

    settings.dispose_orm()
    return database


def keep_api(supervisor: Any) -> None:
    """Make the API that tasks ask in their own process once, for all forks.

    Airflow 3.0.6 makes it anew for each try and each return of a deferred task: two seconds of a processor, more than
    all else that a task does.  3.3.1 keeps it, as is done here (``in_process_api_server``, an ``lru_cache`` there).
    Its routes are made when it is first asked, whatever for; asked like this it starts no thread, which no fork would
    have.
    """
    import httpx

    supervisor.in_process_api_server = functools.cache(supervisor.in_process_api_server)
    transport = supervisor.in_process_api_server().atransport

    async def ask() -> None:
        async with httpx.AsyncClient(transport=transport, base_url="http://in-process.invalid") as client:
            await client.get("/")

    asyncio.run(ask())


def run(job: dict[str, Any], told: Told, home: Path, empty: Path) -> None:
    """One DAG run with one task, in this process."""
    database = home / f"{job['key']}.db"
    shutil.copyfile(empty, database)
    os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = f"sqlite:///{database}"
    os.environ["AIRFLOW_CONN_LIVY_DEFAULT"] = json.dumps(
        {"conn_type": "livy", "host": job["host"], "port": job["port"], "extra": job["extra"]}
    )
    from airflow import settings

    settings.configure_vars()
    settings.configure_orm()
    from airflow.exceptions import AirflowTaskTimeout
    from airflow.models.dag import DAG

    with contextlib.suppress(ImportError):  # from Airflow 3 on
        from airflow.sdk import DAG

    def begins(context: Any) -> None:
        told.attempt = context["ti"].try_number

    def ended(state: str) -> Any:
        def note(context: Any) -> None:
            told.event("try ended", state=state, error=str(context.get("exception") or "")[:1500])

        return note

    listener = Listener(told)
    for name in ("", "airflow", "airflow.task"):
        logging.getLogger(name).addHandler(listener)
    module, _, name = job.get("operator", STOCK).partition(":")
    operator = getattr(import_module(module), name)
    with DAG(dag_id=job["key"], schedule=None) as dag:
        operator(
            task_id="job",
            file=job["file"],
            args=job["args"],
            conf=job["conf"],
            name=job["key"] + "-try{{ ti.try_number }}",
            polling_interval=job["polling"],
            deferrable=job["deferrable"],
            retries=job["retries"],
            retry_delay=timedelta(seconds=job["retry_delay"]),
            execution_timeout=timedelta(seconds=job["limit"]) if job["limit"] else None,
            on_execute_callback=begins,
            on_success_callback=ended("success"),
            on_failure_callback=ended("failed"),
            on_retry_callback=ended("retry"),
            **job.get("options", {}),
        )
    try:
        state = dag.test().state
    except AirflowTaskTimeout:
        # No Exception in Airflow 2: it passes through dag.test() when the task's own failure has been dealt with.
        state = "failed"
    settings.dispose_orm()
    told.event("left", xcoms=xcoms(database))
    told.event("ended", state=str(getattr(state, "value", state)))
    database.unlink(missing_ok=True)


def xcoms(database: Path) -> dict[str, Any]:
    """What the run left in its database, by key."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT key, value FROM xcom").fetchall()
    # SQLite gives a column of JSON back as a number where it looks like one.
    return {key: json.loads(value) if isinstance(value, str | bytes) else value for key, value in rows}


def start(job: dict[str, Any], home: Path, empty: Path) -> int:
    """Fork a process that runs *job*."""
    told = Told(1, job["key"])
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started us ends us
        told._descriptor = os.dup(1)
        log = os.open(home / f"{job['key']}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        for standard in (1, 2):
            os.dup2(log, standard)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        run(job, told, home, empty)
        code = 0
    except BaseException:  # noqa: BLE001 - whatever it was, who waits for the job must hear of it
        traceback.print_exc()
        told.event("ended", state="broken", error=traceback.format_exc()[-1500:])
    finally:
        sys.stderr.flush()
        os._exit(code)


def main(home: Path) -> int:
    """Read jobs until the input ends, then wait for them."""
    home.mkdir(parents=True, exist_ok=True)
    events = os.dup(1)
    os.dup2(2, 1)  # what Airflow prints at its start is no event
    empty = prepare(home)
    sys.stdout.flush()
    os.dup2(events, 1)
    print(json.dumps({"job": "", "event": "ready"}), flush=True)
    running: set[int] = set()
    for line in sys.stdin:
        running.add(start(json.loads(line), home, empty))
        running = {process for process in running if not os.waitpid(process, os.WNOHANG)[0]}
    for process in running:
        os.waitpid(process, 0)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
