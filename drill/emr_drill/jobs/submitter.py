"""The submitter: what a scheduler does with its jobs, written down.

It posts each job under a unique name, repeats an ambiguous POST, polls by id only, keeps polling through 5xx, and runs
a job again when its id answers 410.  It never looks into a cluster or into the controller's record: what it believes
comes through the front door alone.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from emr_drill.clock import Clock
from emr_drill.jobs.client import Answer, LivyClient, Secure
from emr_drill.jobs.plan import Job

SUBMIT_AGAIN_SECONDS = 2.0
POLL_SECONDS = 8.0
SUCCESS_STATES = {"success"}
FAILURE_STATES = {"dead", "error", "killed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One POST, or the look-up that settled an ambiguous one.

    Attributes:
        at: when it was sent, simulated seconds since 1970.
        answered: when the answer came.
        accepted: whether the job was taken.
        status: HTTP status, 0 for none.
        id: the batch's id, if the job was taken.
        name: unique name of the batch.
    """

    at: float
    answered: float
    accepted: bool
    status: int
    id: int | None = None
    name: str = ""


@dataclass(slots=True, kw_only=True)
class Try:
    """One run of a logical job, as its client sees it.

    Attributes:
        name: unique name of the batch.
        id: the id that the front door gave, ``None`` until it took the job.
        application: the YARN application that the polls named last.
        told: ``success``, ``failure``, ``lost`` (410) or ``gone`` (404); empty while nothing final was said.
        told_at: when.
        named: the batch names that the polls' answers carried; kept for the judgement, not used by the client.
        polls: how many polls were answered by a Livy server.
        disturbed_polls: how many polls got a 5xx or no answer.
        kept_connection: whether a kept connection was open at this moment (polls open).
    """

    name: str
    id: int | None = None
    application: str = ""
    told: str = ""
    told_at: float = 0.0
    named: set[str] = field(default_factory=set)
    polls: int = 0
    disturbed_polls: int = 0
    kept_connection: bool = False


@dataclass(slots=True, kw_only=True)
class Progress:
    """A logical job and all its tries."""

    job: Job
    tries: list[Try] = field(default_factory=list)
    given_up: bool = False

    @property
    def finished(self) -> bool:
        """Whether its client has a last word on it."""
        return bool(self.tries) and self.tries[-1].told in {"success", "failure"}

    @property
    def running(self) -> bool:
        """Whether a cluster runs it, as far as its client knows: it has an application and no last word."""
        return bool(self.tries) and bool(self.tries[-1].application) and not self.tries[-1].told


class Submitter:
    """Runs jobs through the front door; every job's polls in a thread of their own, all POSTs in one line.

    Args:
        clock: simulated time.
        addresses: gives the addresses that the front door's name has now.
        file: URI of the job file, as a cluster reads it.
        tries: how many times a lost job is run altogether.
        starting: how many jobs may be between their submit and their application at once; no limit if ``None``.
        secure: how clients speak TLS; ``None`` if they do not.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        addresses: Callable[[], Sequence[str]],
        file: str,
        tries: int = 3,
        starting: int | None = None,
        secure: Secure | None = None,
    ) -> None:
        self._clock = clock
        self._addresses = addresses
        self._file = file
        self._tries = tries
        self._starting_limit = starting
        self._queue: deque[Progress] = deque()
        self._wake = threading.Condition()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._secure = secure
        self._client = LivyClient(addresses=addresses, secure=secure)
        self.jobs: list[Progress] = []
        self.submissions: list[Submission] = []

    def start(self) -> None:
        """Begin to take jobs."""
        self._run(self._submit_all, "submitter")

    def add(self, jobs: Iterable[Job]) -> None:
        """Put *jobs* at the end of the line."""
        with self._wake:
            for job in jobs:
                progress = Progress(job=job)
                self.jobs.append(progress)
                self._queue.append(progress)
            self._wake.notify()

    @property
    def waiting(self) -> int:
        """How many jobs stand in line for a POST."""
        return len(self._queue)

    @property
    def running(self) -> int:
        """How many jobs have an application and no last word."""
        return sum(progress.running for progress in list(self.jobs))

    @property
    def open_polls(self) -> int:
        """How many clients hold a connection that they poll on."""
        return sum(bool(progress.tries) and progress.tries[-1].kept_connection for progress in list(self.jobs))

    def idle(self) -> bool:
        """Whether every job has a last word."""
        return not self._queue and all(progress.finished or progress.given_up for progress in list(self.jobs))

    def stop(self) -> None:
        """Stop posting and polling; what has no last word stays so."""
        self._stop.set()
        with self._wake:
            self._wake.notify()
        for thread in self._threads:
            thread.join(timeout=20)
        self._client.close()

    def _run(self, target: Callable[..., None], name: str, *arguments: Any) -> None:
        thread = threading.Thread(target=target, args=arguments, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _submit_all(self) -> None:
        while not self._stop.is_set():
            with self._wake:
                while not self._queue and not self._stop.is_set():
                    self._wake.wait()
                if self._stop.is_set():
                    return
                progress = self._queue[0]
            while self._too_many_starting() and not self._clock.wait(self._stop, SUBMIT_AGAIN_SECONDS):
                continue
            batch = Try(name=f"{progress.job.key}-try{len(progress.tries) + 1}")
            progress.tries.append(batch)
            while batch.id is None and not self._stop.is_set():
                self._submit(progress, batch)
                if batch.id is None:
                    self._clock.wait(self._stop, SUBMIT_AGAIN_SECONDS)
            with self._wake:
                self._queue.popleft()
            if batch.id is not None:
                self._run(self._poll, f"poll {batch.name}", progress, batch)

    def _too_many_starting(self) -> bool:
        """Whether enough jobs start already; one whose polls fail is not starting, it may be lost."""
        last = [progress.tries[-1] for progress in list(self.jobs) if progress.tries]
        starting = sum(one.id is not None and not (one.application or one.told or one.disturbed_polls) for one in last)
        return self._starting_limit is not None and starting >= self._starting_limit

    def _submit(self, progress: Progress, batch: Try) -> None:
        """One POST; a name that is taken already means that an earlier, ambiguous one was heard."""
        at, job = self._clock.now(), progress.job
        first = len(progress.tries) == 1 or job.again is None
        arguments = [job.key, str(job.seconds if first else job.again), "fail" if job.fails else "succeed"]
        answer = self._client.call("POST", "/batches", {"file": self._file, "args": arguments, "name": batch.name})
        if answer.status == 400 and "Duplicate session name" in str(answer.body):
            answer = self._client.call("GET", f"/batches/{batch.name}")
        accepted = answer.status in (200, 201) and isinstance(answer.body, dict) and "id" in answer.body
        if accepted:
            batch.id = int(answer.body["id"])
        self.submissions.append(
            Submission(
                at=at,
                answered=self._clock.now(),
                accepted=accepted,
                status=answer.status,
                id=batch.id,
                name=batch.name,
            )
        )

    def _poll(self, progress: Progress, batch: Try) -> None:
        client = LivyClient(addresses=self._addresses, keep=progress.job.keeps_connection, secure=self._secure)
        try:
            while not batch.told and not self._clock.wait(self._stop, POLL_SECONDS):
                self._read(client.call("GET", f"/batches/{batch.id}"), batch)
                batch.kept_connection = client.connected and not batch.told
        finally:
            batch.kept_connection = False
            client.close()
        if batch.told in {"lost", "gone"}:
            self._run_again(progress)

    def _read(self, answer: Answer, batch: Try) -> None:
        if answer.status == 200 and isinstance(answer.body, dict):
            batch.polls += 1
            batch.application = answer.body.get("appId") or batch.application
            batch.named.add(str(answer.body.get("name")))
            state = str(answer.body.get("state"))
            if state in SUCCESS_STATES:
                self._tell(batch, "success")
            elif state in FAILURE_STATES:
                self._tell(batch, "failure")
        elif answer.status == 410:
            self._tell(batch, "lost")
        elif answer.status == 404:
            self._tell(batch, "gone")
        else:
            batch.disturbed_polls += 1

    def _tell(self, batch: Try, what: str) -> None:
        batch.told_at = self._clock.now()
        batch.told = what

    def _run_again(self, progress: Progress) -> None:
        if len(progress.tries) >= self._tries:
            progress.given_up = True
            return
        with self._wake:
            self._queue.append(progress)
            self._wake.notify()
