"""Loads the DAGs in real Airflow and runs some of them; writes what was found to ``told.json`` in its home.

Runs where Airflow and the built wheel are installed; imports nothing else of this project.  Arguments: its home, the
folder of the DAGs, the drill's worker script, the provider tests' worker script, and a folder of packages that MWAA has
beside Airflow (boto3).  Standard input: a JSON list of runs, each ``{"key", "dag", "conf", "environment", "calls"}``;
with calls, the function of the DAG's one task is called with each of these, and the DAG is not run.
"""

# What it imports is where it runs, and not where it is checked.
# pyright: reportMissingImports=false

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import shutil
import sys
import time
import traceback
import warnings
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any


def load(name: str, script: str) -> Any:
    """A script as a module."""
    spec = importlib.util.spec_from_file_location(name, script)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def bag_of(folder: Path) -> tuple[Any, set[tuple[str, str]]]:
    """What Airflow makes of a folder, and the warnings that it saw: where, and what."""
    try:
        kind = importlib.import_module("airflow.dag_processing.dagbag").DagBag
    except (ImportError, AttributeError):
        kind = importlib.import_module("airflow.models.dagbag").DagBag
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        bag = kind(str(folder))
    return bag, {(f"{one.filename}:{one.lineno}", f"{one.category.__name__}: {one.message}") for one in seen}


def empty_folder(home: Path, like: Path) -> Path:
    """A folder with one DAG that does nothing: what Airflow warns of there is its own."""
    folder = home / "nothing"
    folder.mkdir()
    shutil.copy(like / ".airflowignore", folder)
    (folder / "nothing.py").write_text(
        "from datetime import datetime\n"
        "from airflow import DAG\n"
        "from airflow.providers.apache.livy.operators.livy import LivyOperator\n"
        "with DAG(dag_id='nothing', schedule=None, start_date=datetime(2026, 1, 1)):\n"
        "    LivyOperator(task_id='nothing', file='nothing')\n"
    )
    return folder


def seconds(length: Any) -> float | None:
    return None if length is None else length.total_seconds()


def facts(dag: Any) -> dict[str, Any]:
    """What a DAG says of itself; raises if its tasks go round in circles."""
    order = [task.task_id for task in dag.topological_sort()]
    return {
        "file": Path(dag.fileloc).name,
        "owner": dag.owner,
        "tags": sorted(dag.tags),
        "documentation": dag.doc_md or "",
        "description": dag.description or "",
        "catchup": dag.catchup,
        "active_runs": dag.max_active_runs,
        "time_limit": seconds(dag.dagrun_timeout),
        "paused": dag.is_paused_upon_creation,
        "scheduled": dag.timetable.can_be_scheduled,
        "started": dag.start_date.isoformat(),
        "order": order,
        "tasks": {
            task.task_id: {
                "kind": type(task).__name__,
                "retries": task.retries,
                "retry_delay": seconds(task.retry_delay),
                "time_limit": seconds(task.execution_timeout),
                "polling": getattr(task, "_polling_interval", None),
            }
            for task in dag.tasks
        },
    }


class Notes:
    """What one run counted."""

    def __init__(self) -> None:
        self.metrics: list[dict[str, Any]] = []

    def event(self, event: str, **more: Any) -> None:
        self.metrics.append(more)


def run(dag: Any, order: dict[str, Any], workers: tuple[Any, Any], home: Path, empty: Path) -> dict[str, Any]:
    """One DAG run, in this process."""
    began = time.process_time()
    worker, impatient = workers
    database = home / f"{order['key']}.db"
    shutil.copyfile(empty, database)
    os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = f"sqlite:///{database}"
    os.environ.update(order["environment"])
    from airflow import settings

    settings.configure_vars()
    settings.configure_orm()
    operators: Any = importlib.import_module("emr_dr_airflow.operators")
    limits, notes = operators.EmrLivyOperator._limits, Notes()
    operators.EmrLivyOperator._limits = lambda self: replace(limits(self), **impatient.IMPATIENT)
    recorder = impatient.Recorder(notes)
    importlib.import_module("emr_dr_airflow.reporting").stats = lambda: recorder  # type: ignore[attr-defined]
    for task in dag.tasks:
        if hasattr(task, "_polling_interval"):
            task._polling_interval = 1
    watched = watched_calls() if "AWS_ENDPOINT_URL" in os.environ else set()
    if order["calls"]:
        return {"state": "called", "calls": called(dag, order["calls"]), "watched": sorted(watched)}
    ran = dag.test(run_conf=order["conf"])
    told = {
        "state": str(getattr(ran.state, "value", ran.state)),
        "tasks": {one.task_id: str(getattr(one.state, "value", one.state)) for one in ran.get_task_instances()},
        "xcoms": worker.xcoms(database),
        "metrics": notes.metrics,
        "watched": sorted(watched),
    }
    settings.dispose_orm()
    return {**told, "processor_seconds": time.process_time() - began}


def called(dag: Any, arguments: list[str]) -> dict[str, Any]:
    """What the function of the DAG's task returned for each argument, or what it raised."""
    (task,) = dag.tasks
    found: dict[str, Any] = {}
    for argument in arguments:
        try:
            found[argument] = task.python_callable(argument)
        except Exception as error:  # noqa: BLE001 - as a task, it would have failed
            found[argument] = f"{type(error).__name__}: {error}"
    return found


def watched_calls() -> set[str]:
    """A set that gets the name of each AWS call that is made from now on."""
    import boto3

    calls: set[str] = set()
    boto3.setup_default_session()
    assert boto3.DEFAULT_SESSION is not None
    boto3.DEFAULT_SESSION.events.register(
        "before-call",
        lambda model, **_: calls.add(f"{model.service_model.signing_name}:{model.name}"),
    )
    return calls


def start(dag: Any, order: dict[str, Any], workers: tuple[Any, Any], home: Path, empty: Path) -> int:
    """Fork a process that runs *dag*."""
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        log = os.open(home / f"{order['key']}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        for standard in (1, 2):
            os.dup2(log, standard)
        told = run(dag, order, workers, home, empty)
        (home / f"{order['key']}.json").write_text(json.dumps(told, default=str))
        code = 0
    except BaseException:  # noqa: BLE001 - it stands in the log, and the missing answer tells of it
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def main(arguments: list[str]) -> int:
    """Everything."""
    began = time.monotonic()
    home, dags = Path(arguments[0]).resolve(), Path(arguments[1])
    orders = json.load(sys.stdin)
    home.mkdir(parents=True, exist_ok=True)
    sys.path.append(arguments[4])  # last: whatever the environment has itself comes first
    worker = load("airflow_worker", arguments[2])
    workers = (worker, load("worker_with_provider", arguments[3]))
    empty = worker.prepare(home)
    _, usual = bag_of(empty_folder(home, dags))
    bag, warned = bag_of(dags)
    found = {
        "errors": {Path(file).name: text for file, text in bag.import_errors.items()},
        "warnings": sorted(f"{place} {text}" for place, text in warned - usual),
        "dags": {name: facts(dag) for name, dag in bag.dags.items()},
        "loaded_after": time.monotonic() - began,
    }
    processes = {order["key"]: start(bag.dags[order["dag"]], order, workers, home, empty) for order in orders}
    for process in processes.values():
        os.waitpid(process, 0)
    runs = {}
    for key in processes:
        runs[key] = {"state": "broken"}
        with suppress(FileNotFoundError):
            runs[key] = json.loads((home / f"{key}.json").read_text())
    (home / "told.json").write_text(json.dumps({**found, "runs": runs}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
