"""Gives jobs to Airflow tasks, each on a line of its own, and notes their last words."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emr_drill.airflow_matrix.cases import POLLING_SECONDS, Case
from emr_drill.airflow_matrix.clients import OPERATORS, Client, python
from emr_drill.airflow_matrix.lines import HOST, Exchange, Line
from emr_drill.airflow_matrix.verdict import Said
from emr_drill.clients.flow import CHEAP_SPARK
from emr_drill.clients.kinds import RETRIES, RETRY_DELAY_SECONDS
from emr_drill.clients.worker import FOLDER, Worker
from emr_drill.clock import Clock

LOOK_SECONDS = 0.2  # machine time
# A task whose first request is that far away stands in nobody's way any more; machine time.
BEGIN_LIMIT_SECONDS = 60.0
SHOWN_CHARACTERS = 300


@dataclass(slots=True, kw_only=True)
class Task:
    """One run: a task and its job.

    Attributes:
        key: of the job; names DAG and ledger entries, too.
        case: what befalls it.
        client: who runs it.
        line: its way to the front door.
        said: its last word.
        tries: how many tries have ended.
        reason: why the last one failed, as the task tells it.
    """

    key: str
    case: Case
    client: Client
    line: Line
    said: Said = field(default_factory=Said)
    tries: int = 0
    reason: str = ""

    @property
    def finished(self) -> bool:
        """Whether it has said its last word."""
        return bool(self.said.state)

    @property
    def begun(self) -> bool:
        """Whether it has asked for anything."""
        return bool(self.line.seen) or self.line.met or self.line.held

    @property
    def in_position(self) -> bool:
        """Whether the fault may strike."""
        if self.finished:
            return True
        return self.line.held if self.case.held else self.line.polls() >= self.case.polls


class Crew:
    """Everyone who runs jobs in a drill.

    Args:
        clock: simulated time.
        exchange: carries the lines.
        file: URI of the job file, as a cluster reads it.
        workdir: for logs and databases.
        releases: of Airflow.
        at_once: how many tasks may be between their start and their first request at once, or, in turn, their end.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        exchange: Exchange,
        file: str,
        workdir: Path,
        releases: Sequence[str],
        at_once: int,
    ) -> None:
        self._clock = clock
        self._exchange = exchange
        self._file = file
        self._workdir = workdir
        self._releases = releases
        self._at_once = at_once
        self._workers: dict[str, Worker] = {}
        self._lock = threading.Lock()
        self.tasks: dict[str, Task] = {}

    def start(self) -> None:
        """Start Airflow, and wait until it takes tasks."""
        self._workdir.mkdir(parents=True, exist_ok=True)
        script = FOLDER / "airflow_worker.py"
        self._workers = {
            release: Worker(python(release), script, self._workdir / release, self._hear) for release in self._releases
        }
        for worker in self._workers.values():
            worker.wait_ready()
        self._exchange.start()

    def stop(self) -> None:
        """End it; what has no last word stays so."""
        for worker in self._workers.values():
            worker.stop()
        self._exchange.stop()

    def run(
        self, jobs: Sequence[tuple[str, Case, Client]], go_on: Callable[[], bool], *, in_turn: bool = False
    ) -> list[Task]:
        """Start a task for each of *jobs*, as fast as the machine can, while *go_on* says so.

        Where nothing strikes all of them at once, they may run *in turn*: a task starts when one before has ended.
        """
        started: list[Task] = []
        for key, case, client in jobs:
            until = time.monotonic() + BEGIN_LIMIT_SECONDS
            while sum(not (one.finished or (one.begun and not in_turn)) for one in started) >= self._at_once:
                if time.monotonic() > until or not go_on():
                    break
                time.sleep(LOOK_SECONDS)
            task = Task(key=key, case=case, client=client, line=self._exchange.open(key, case.mishaps))
            with self._lock:
                self.tasks[key] = task
            started.append(task)
            self._workers[client.release].run(self._order(task))
        return started

    def _order(self, task: Task) -> dict[str, Any]:
        case, killed = task.case, task.case.killed_after
        seconds = case.seconds * self._clock.speed  # the job counts on the drill's clock
        return {
            "key": task.key,
            "host": HOST,
            "port": task.line.port,
            "extra": {"timeout": case.request_limit},
            "file": self._file,
            "args": [task.key, f"{seconds:.1f}", "succeed"],
            "conf": dict(CHEAP_SPARK),
            "polling": POLLING_SECONDS,
            "deferrable": task.client.mode == "deferrable",
            "retries": 0 if killed else RETRIES,  # who kills a task does not want it again
            "retry_delay": self._clock.machine_seconds(RETRY_DELAY_SECONDS),
            "limit": killed,
            "operator": OPERATORS[task.client.operator],
        }

    def _hear(self, event: Mapping[str, Any]) -> None:
        now = self._clock.now()
        with self._lock:
            task = self.tasks.get(str(event["job"]))
            if task is None:
                return
            if event["event"] == "try ended":
                task.tries += 1
                task.reason = _last_line(event.get("error")) or task.reason
            elif event["event"] == "ended":
                state = str(event["state"])
                task.reason = _last_line(event.get("error")) or task.reason
                task.said = Said(state="success" if state == "success" else "failed", at=now)


def _last_line(text: object) -> str:
    lines = str(text or "").strip().splitlines()
    return lines[-1][:SHOWN_CHARACTERS] if lines else ""
