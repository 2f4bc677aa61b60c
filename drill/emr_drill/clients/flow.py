"""Gives the jobs of a drill to stock clients, and notes what becomes of them."""

from __future__ import annotations

import json
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from emr_drill.clients import environments
from emr_drill.clients.kinds import (
    REQUEST_LIMIT_SECONDS,
    RETRY_DELAY_SECONDS,
    Assigned,
    Kind,
)
from emr_drill.clients.listing import Listing
from emr_drill.clients.story import StockJob, hear
from emr_drill.clients.worker import FOLDER, Worker, end_group
from emr_drill.clock import Clock
from emr_drill.jobs.plan import Job
from emr_drill.jobs.submitter import Progress, Submission

LIVY_PORT = 8998
LOOK_SECONDS = 0.3  # machine time
# What a job asks Spark for so that it is cheap: no executors, as it is there for what becomes of its batch and not for
# what it counts (see emr_drill.jobs.job); a driver and its YARN container are what it takes.
CHEAP_SPARK: Mapping[str, str] = {
    "spark.drill.light": "true",
    "spark.dynamicAllocation.enabled": "true",
    "spark.dynamicAllocation.shuffleTracking.enabled": "true",
    "spark.dynamicAllocation.minExecutors": "0",
    "spark.dynamicAllocation.initialExecutors": "0",
}


class Watcher(Protocol):
    """Something that runs beside the clients."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """End; nothing if it never began."""


class StockClients:
    """Takes jobs like :class:`emr_drill.jobs.submitter.Submitter`, and lets stock clients run them.

    Args:
        clock: simulated time.
        addresses: gives the addresses that the front door's name has now; clients are spread over them.
        file: URI of the job file, as a cluster reads it.
        workdir: for logs and databases of the clients.
        kinds: who there is.
        choose: gives who runs each of some jobs, and which are killed.
        listing: what the Livy servers say.
        beside: what else begins and ends with the clients.
        starting: how many jobs may be between being handed to a client and their application at once.
        port: Livy's at the front door.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        addresses: Callable[[], Sequence[str]],
        file: str,
        workdir: Path,
        kinds: Sequence[Kind],
        choose: Callable[[Sequence[Job]], Sequence[Assigned]],
        listing: Listing,
        beside: Sequence[Watcher] = (),
        starting: int = 4,
        port: int = LIVY_PORT,
    ) -> None:
        self._clock = clock
        self._addresses = addresses
        self._file = file
        self._workdir = workdir
        self._kinds = kinds
        self._choose = choose
        self._listing = listing
        self._beside = (listing, *beside)
        self._starting_limit = starting
        self._port = port
        self._queue: deque[StockJob] = deque()
        self._started: list[StockJob] = []
        self._workers: dict[str, Worker] = {}
        self._curls: list[subprocess.Popen[str]] = []
        self._threads: list[threading.Thread] = []
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._jobs: dict[str, StockJob] = {}
        self.submissions: list[Submission] = []
        self.events: list[dict[str, Any]] = []

    @property
    def jobs(self) -> list[Progress]:
        """Every job that was handed over."""
        return list(self._jobs.values())

    @property
    def stock_jobs(self) -> list[StockJob]:
        """The same, with who ran them."""
        return list(self._jobs.values())

    def start(self) -> None:
        """Start the clients' programs and wait until they are ready.

        Raises:
            DrillError: one does not start; carries the end of its log.
        """
        self._workdir.mkdir(parents=True, exist_ok=True)
        names = dict.fromkeys(environments.environment(kind) for kind in self._kinds)
        self._workers = {name: _worker(name, self._workdir / name, self._hear) for name in names if name}
        for worker in self._workers.values():
            worker.wait_ready()
        for watcher in self._beside:
            watcher.start()
        self._thread(self._dispatch)

    def add(self, jobs: Iterable[Job]) -> None:
        """Put *jobs* at the end of the line."""
        with self._lock:
            for one in self._choose(list(jobs)):
                job = StockJob(job=one.job, kind=one.kind, killed_after=one.killed_after)
                self._jobs[one.job.key] = job
                self._queue.append(job)

    @property
    def waiting(self) -> int:
        """How many jobs stand in line for their client."""
        return len(self._queue)

    @property
    def running(self) -> int:
        """How many jobs have an application and a client that waits for them."""
        self._look_up()
        return sum(job.running for job in list(self._started))

    @property
    def open_polls(self) -> int:
        """How many clients wait for a job and ask for it."""
        return self.running

    def idle(self) -> bool:
        """Whether every job has its client's last word."""
        return not self._queue and all(job.finished for job in self.stock_jobs)

    def stop(self) -> None:
        """End the clients; what has no last word stays so."""
        self._stop.set()
        for worker in self._workers.values():
            worker.stop()
        for process in self._curls:
            end_group(process)
        for thread in self._threads:
            thread.join(timeout=20)
        for watcher in reversed(self._beside):
            watcher.stop()
        self._look_up()

    def _thread(self, target: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=target, args=arguments, name="stock clients", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _look_up(self) -> None:
        """Learn the applications of tries from what the servers say."""
        for job in list(self._started):
            for batch in list(job.tries):
                if not batch.application and (found := self._listing.of(batch.name)) is not None:
                    batch.application = found.application

    def _dispatch(self) -> None:
        number = 0
        while not self._stop.wait(LOOK_SECONDS):
            if not self._queue or self._starting() >= self._starting_limit:
                continue
            with self._lock:
                job = self._queue.popleft()
                self._started.append(job)
            addresses = self._addresses()
            self._hand_over(job, addresses[number % len(addresses)])
            number += 1

    def _starting(self) -> int:
        self._look_up()
        return sum(not job.finished and not any(one.application for one in job.tries) for job in list(self._started))

    def _hand_over(self, job: StockJob, host: str) -> None:
        delay = self._clock.machine_seconds(RETRY_DELAY_SECONDS)
        killed = job.killed_after
        order = {
            "key": job.job.key,
            "host": host,
            "port": self._port,
            "extra": {"timeout": REQUEST_LIMIT_SECONDS},
            "file": self._file,
            "args": [job.job.key, str(job.job.seconds), "fail" if job.job.fails else "succeed"],
            "conf": dict(CHEAP_SPARK),
            "polling": job.kind.polling,
            "deferrable": job.kind.deferrable,
            # Who kills a job does not want it again.
            "retries": 0 if killed else job.kind.retries,
            "retry_delay": delay,
            "limit": killed,
        }
        name = environments.environment(job.kind)
        if name:
            self._workers[name].run(order)
        else:
            self._thread(self._run_curl, order)

    def _run_curl(self, order: dict[str, Any]) -> None:
        body = {"file": order["file"], "args": order["args"], "conf": order["conf"]}
        arguments = [
            f"http://{order['host']}:{order['port']}",
            json.dumps(body, separators=(",", ":")),
            order["key"],
            order["polling"],
            order["retries"] + 1,
            f"{order['retry_delay']:.0f}",
            order["limit"] or 0,
        ]
        with (self._workdir / "curl.log").open("a") as log:
            process = subprocess.Popen(
                ["bash", str(FOLDER / "curl_worker.sh"), *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        self._curls.append(process)
        assert process.stdout is not None
        for line in process.stdout:
            event, number, word = line.split()
            value = {"posted": "id", "deletes": "id", "deleted": "id", "terminated": "state", "ended": "state"}
            found: Any = int(word) if word.isdigit() else word
            self._hear({"job": order["key"], "event": event, "try": number, value.get(event, "status"): found})
        process.stdout.close()
        process.wait()

    def _hear(self, event: dict[str, Any]) -> None:
        now = self._clock.now()
        with self._lock:
            self.events.append({**event, "at": round(now, 1)})
            job = self._jobs.get(event["job"])
            if job is None:
                return
            accepted = hear(job, event, now)
            if accepted is not None:
                number = event.get("id")
                self.submissions.append(
                    Submission(
                        at=now,
                        answered=now,
                        accepted=accepted,
                        status=201 if accepted else int(event.get("status") or 0),
                        id=number if accepted else None,
                        name=f"{job.job.key}-try{event['try']}",
                    )
                )


def _worker(name: str, home: Path, hear: Callable[[dict[str, Any]], None]) -> Worker:
    script = FOLDER / ("livy_worker.py" if name == "python-livy" else "airflow_worker.py")
    return Worker(environments.python(name), script, home, hear)
