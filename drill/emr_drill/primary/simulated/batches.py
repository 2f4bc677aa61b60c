"""Livy's batches: ids, names, states, recovery, and the way through YARN."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emr_drill.clock import Clock
from emr_drill.primary.simulated import web
from emr_drill.primary.simulated.configuration import SUBMIT_PORT, Configuration
from emr_drill.primary.simulated.recovery_store import RecoveryStore, StoredBatch

# From POST to YARN's acceptance: spark-submit starts a JVM and uploads files.  Simulated seconds.
SUBMIT_SECONDS = 3.0
# spark-submit gives up when HDFS does not answer: Hadoop's client tries to connect ten times, a second apart.
NAME_NODE_SECONDS = 10.0
# livy.server.yarn.app-lookup-timeout: a batch whose application is not found by then is dead.
LOOKUP_SECONDS = 120.0
COLLECT_SECONDS = 60.0
# However fast the drill runs: the machine's work is not scaled.
SHORTEST_POLL_SECONDS = 0.1  # machine time
ENDED = frozenset({"success", "dead", "killed", "error"})
STATE_BEAN = "/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState"
_STATES = {("FINISHED", "SUCCEEDED"): "success", ("KILLED", "KILLED"): "killed", ("RUNNING", "UNDEFINED"): "running"}


@dataclass(slots=True, kw_only=True)
class Batch:
    """One batch.

    Attributes:
        id: the number that clients know it by.
        name: unique on this server while the batch exists, or ``None``.
        tag: what its YARN application is found by.
        state: Livy's state.
        app_id: its YARN application, once Livy saw it.
        since: when it was created or recovered, simulated seconds since 1970.
        ended_at: when it was seen to have ended.
        log: lines of spark-submit's output; lost when Livy dies.
    """

    id: int
    name: str | None
    tag: str
    state: str
    app_id: str | None = None
    since: float = 0.0
    ended_at: float | None = None
    log: list[str] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        """Whether its state is final."""
        return self.state in ENDED


class DuplicateName(Exception):
    """A batch of that name exists; the id that was drawn for the new one is gone all the same."""


class Batches:
    """All batches of one Livy server.

    Raises:
        PermissionError: the recovery store cannot be used.
    """

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._clock = Clock.from_json(configuration.clock)
        self._store = RecoveryStore(Path(configuration.recovery_store) if configuration.recovery_store else None)
        self._next_id = self._store.next_id()
        self._batches: dict[int, Batch] = {}
        self._work: set[asyncio.Task[None]] = set()
        self._new = asyncio.Event()
        for stored in self._store.batches():
            self._batches[stored.id] = Batch(
                id=stored.id,
                name=stored.name,
                tag=stored.app_tag,
                app_id=stored.app_id,
                state="recovering",
                since=self._clock.now(),
                log=["\nYARN Diagnostics: "],
            )

    def start(self) -> None:
        """Begin to follow applications and to forget old batches."""
        self._do(self._follow())
        self._do(self._collect())

    def all(self) -> list[Batch]:
        """Every batch, in the order in which this server learned of them."""
        return list(self._batches.values())

    def get(self, identifier: str) -> Batch | None:
        """The batch with that id (leading zeros do not matter, as for the real server) or that name."""
        if identifier.isascii() and identifier.isdigit():
            return self._batches.get(int(identifier))
        return next((one for one in self._batches.values() if one.name == identifier), None)

    def create(self, data: dict[str, Any]) -> Batch:
        """Take a batch; its application follows in a while.

        Raises:
            DuplicateName: its name is in use.
            ValueError: it names no file, or has a number for a name.  Without a file the batch exists nevertheless,
                stays ``starting`` for ever and holds its name, as on the real server.
        """
        number = self._next_id
        self._next_id += 1
        self._store.save_next_id(self._next_id)
        name = data.get("name")
        if name is not None and name.isdigit():
            raise ValueError(f"requirement failed: Session name must not be a number: {name}")
        if name is not None and self.get(name):
            raise DuplicateName(f"Rejected, Reason: Duplicate session name: Some({name}) for session {number}")
        batch = Batch(
            id=number,
            name=name,
            tag=f"livy-batch-{number}-{secrets.token_hex(4)}",
            state="starting",
            since=self._clock.now(),
            log=["stdout: ", "\nstderr: ", "\nYARN Diagnostics: "],
        )
        self._batches[number] = batch
        if not data.get("file"):
            raise ValueError("requirement failed: File is required.")
        self._save(batch)
        self._do(self._submit(batch, str(data["file"]), [str(one) for one in data.get("args") or []]))
        self._new.set()
        return batch

    async def delete(self, batch: Batch) -> None:
        """Kill *batch*'s application and forget the batch; waits for the ResourceManager if it does not answer."""
        await self._kill(batch)
        self._forget(batch)

    async def shut_down(self) -> None:
        """What a clean stop does: without recovery it ends every batch, with it they run on."""
        if not self._store.on:
            for batch in self.all():
                await self._kill(batch)

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def _sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(self._clock.machine_seconds(seconds), SHORTEST_POLL_SECONDS))

    async def _call(self, method: str, path: str, body: Any = None) -> Any:
        return (await web.call(method, self._configuration.address, SUBMIT_PORT, path, body))[1]

    async def _submit(self, batch: Batch, file: str, arguments: list[str]) -> None:
        """What spark-submit does."""
        await self._sleep(SUBMIT_SECONDS)
        if failure := await self._upload(file):
            self._end(batch, "dead", [f'Exception in thread "main" {failure}', "\nstderr: "])
            return
        application = {
            "name": batch.name or f"batch-{batch.id}",
            "tags": batch.tag,
            "file": file,
            "arguments": arguments,
            "submitted_at": batch.since,
        }
        while batch.id in self._batches and not batch.ended:
            try:
                await self._call("POST", "/applications", application)
            except OSError:
                await self._sleep(1.0)  # YARN's client tries for a quarter of an hour
                continue
            return

    async def _upload(self, file: str) -> str | None:
        """Put the job's files into HDFS; why that fails, if it does."""
        deadline = self._clock.now() + NAME_NODE_SECONDS
        while True:
            try:
                _, found = await web.call(
                    "GET",
                    self._configuration.address,
                    self._configuration.name_node_port,
                    STATE_BEAN,
                    secure=bool(self._configuration.certificate),
                )
            except OSError as error:
                if self._clock.now() > deadline:
                    return f"java.net.ConnectException: Call to {self._configuration.address}:8020 failed: {error}"
                await self._sleep(1.0)
                continue
            break
        if found["beans"][0]["FSState"] != "Operational":
            return "org.apache.hadoop.hdfs.server.namenode.SafeModeException: Name node is in safe mode."
        scheme, _, path = file.partition("://")
        if scheme == "hdfs" and not (hdfs_root(self._configuration.directory) / path.partition("/")[2]).is_file():
            return f"java.io.FileNotFoundException: File does not exist: {file}"
        return None

    async def _follow(self) -> None:
        """Ask YARN what became of the applications, every poll interval."""
        while True:
            pending = [one for one in self._batches.values() if not one.ended]
            if not pending:
                self._new.clear()
                await self._new.wait()
                continue
            # A ResourceManager that is dead changes no batch's state: clients are told what was true last.
            with contextlib.suppress(OSError):
                self._see(pending, await self._call("GET", "/applications"))
            await self._sleep(self._configuration.poll_seconds)

    def _see(self, pending: list[Batch], applications: dict[str, dict[str, str]]) -> None:
        for batch in pending:
            found = applications.get(batch.tag)
            if found is None:
                if batch.state == "recovering" and self._clock.now() > batch.since + LOOKUP_SECONDS:
                    self._end(batch, "dead", [f"No YARN application is found with tag {batch.tag}", "\nstderr: "])
                continue
            if batch.app_id != found["id"]:
                batch.app_id = found["id"]
                self._save(batch)
            state = _STATES.get((found["state"], found["final"]), "dead" if found["final"] == "FAILED" else "starting")
            if state in ENDED:
                self._end(batch, state, ["INFO ShutdownHookManager: Shutdown hook called", "\nstderr: "])
            else:
                batch.state = state

    def _end(self, batch: Batch, state: str, lines: list[str]) -> None:
        batch.state, batch.ended_at = state, self._clock.now()
        batch.log = [*lines, "\nYARN Diagnostics: "]
        if state == "dead" and batch.app_id:
            batch.log.append("User application exited with status 1")

    async def _kill(self, batch: Batch) -> None:
        while not batch.ended and batch.app_id:
            try:
                await self._call("DELETE", f"/applications/{batch.app_id}")
            except OSError:
                await self._sleep(1.0)
                continue
            self._end(batch, "killed", ["\nstderr: "])

    def _save(self, batch: Batch) -> None:
        self._store.save(StoredBatch(id=batch.id, name=batch.name, app_id=batch.app_id, app_tag=batch.tag))

    def _forget(self, batch: Batch) -> None:
        self._batches.pop(batch.id, None)
        self._store.remove(batch.id)

    async def _collect(self) -> None:
        """Forget batches that ended long ago."""
        while True:
            await self._sleep(COLLECT_SECONDS)
            oldest = self._clock.now() - self._configuration.retain_seconds
            for batch in self.all():
                if batch.ended_at is not None and batch.ended_at < oldest:
                    self._forget(batch)


def hdfs_root(directory: str | Path) -> Path:
    """Where the files of a machine's simulated HDFS lie."""
    return Path(directory) / "hdfs"
