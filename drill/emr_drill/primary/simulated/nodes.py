"""The nodes that run containers: one process for all of them.

They live on when the primary's services die, and go on writing until the machines are terminated: that is what makes a
job that is run again elsewhere a double run, and what the controller's fence is for.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from dataclasses import dataclass
from pathlib import PurePosixPath

from emr_drill.clock import Clock
from emr_drill.primary.simulated import web
from emr_drill.primary.simulated.batches import hdfs_root
from emr_drill.primary.simulated.configuration import NODE_PORT, SUBMIT_PORT, Configuration
from emr_drill.primary.simulated.process import main
from emr_drill.timing import Event, Timing

HEARTBEAT_SECONDS = 1.0  # machine time
IDLE_SECONDS = 60.0
JOB_FILE, CANARY_FILE = "job.py", "canary.py"
# A job that the drill does not know (somebody tries things by hand) runs for a while and succeeds.
UNKNOWN_JOB_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """What a container runs.

    Attributes:
        application: YARN application id.
        file: URI of the job's file.
        arguments: the job's arguments; those of a workload job are key, seconds, ``succeed`` or ``fail``.
        submitted_at: when Livy took the batch, simulated seconds since 1970.
    """

    application: str
    file: str
    arguments: tuple[str, ...]
    submitted_at: float


class Nodes:
    """Runs containers and tells the ResourceManager, if there is one."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._clock = Clock.from_json(configuration.clock)
        self._timing = Timing(seed=configuration.seed)
        self._running: dict[str, asyncio.Task[None]] = {}

    async def serve(self) -> None:
        """Begin to answer the ResourceManager, and to send it heartbeats."""
        await web.serve(self._answer, address=self._configuration.address, port=NODE_PORT, idle_seconds=IDLE_SECONDS)
        while True:
            await self._tell("/heartbeat", {"containers": len(self._running)})
            await asyncio.sleep(HEARTBEAT_SECONDS)

    async def stop(self) -> None:
        """End every container and sign off at the ResourceManager."""
        for task in self._running.values():
            task.cancel()
        self._running.clear()
        await self._tell("/sign-off", {})

    async def _answer(self, request: web.Request) -> web.Answer:
        match request.method, request.path.strip("/").split("/"):
            case "GET", ["containers"]:
                return web.Answer(body=sorted(self._running))
            case "POST", ["containers"]:
                data = request.json()
                container = Container(
                    application=data["application"],
                    file=data["file"],
                    arguments=tuple(data["arguments"]),
                    submitted_at=data["submitted_at"],
                )
                self._running[container.application] = asyncio.create_task(self._run(container))
                return web.Answer(status=202, body={})
            case "DELETE", ["containers", application]:
                if task := self._running.pop(application, None):
                    task.cancel()
                    await asyncio.wait([task])
                return web.Answer(body={})
        return web.Answer(status=404, body={"msg": f"no such thing: {request.method} {request.path}"})

    async def _run(self, container: Container) -> None:
        exit_code = await self._job(container)
        self._running.pop(container.application, None)
        await self._tell("/finished", {"application": container.application, "exit_code": exit_code})

    async def _job(self, container: Container) -> int:
        """Do what the job does; its exit code."""
        name = PurePosixPath(container.file).name
        if name == CANARY_FILE:
            # The table's figure is from submission to success, so that the way to here is part of it.
            lasts = self._timing.draw(Event.CANARY_JOB, self._configuration.name)
            await self._until(container.submitted_at + lasts)
            return self._canary(container)
        if name != JOB_FILE:
            await self._until(self._clock.now() + UNKNOWN_JOB_SECONDS)
            return 0
        try:
            key, seconds, ending = container.arguments
            lasts = float(seconds)
        except ValueError:
            return 1  # as the real job would end
        await self._until(self._clock.now() + lasts)
        self._append(container, key, "effect" if ending == "succeed" else "failed")
        return 0 if ending == "succeed" else 1

    def _canary(self, container: Container) -> int:
        """Exit code of the canary: that of a file which does nothing but fail, else 0."""
        scheme, _, path = container.file.partition("://")
        file = hdfs_root(self._configuration.directory) / path.partition("/")[2]
        return int(scheme == "hdfs" and file.is_file() and file.read_text().startswith("raise SystemExit(1)"))

    async def _until(self, moment: float) -> None:
        while (left := moment - self._clock.now()) > 0:
            await asyncio.sleep(self._clock.machine_seconds(left))

    def _append(self, container: Container, key: str, event: str) -> None:
        line = {
            "job": key,
            "incarnation": self._configuration.name,
            "cluster_id": self._configuration.cluster_id,
            "application": container.application,
            "at": self._clock.now(),
            "event": event,
        }
        descriptor = os.open(self._configuration.ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, (json.dumps(line) + "\n").encode())
        finally:
            os.close(descriptor)

    async def _tell(self, path: str, body: object) -> None:
        with contextlib.suppress(OSError):  # no ResourceManager: containers run on without it
            await web.call("POST", self._configuration.address, SUBMIT_PORT, path, body)


async def run(configuration: Configuration) -> None:
    """The process."""
    nodes, stopping = Nodes(configuration), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    serving = asyncio.create_task(nodes.serve())
    await asyncio.wait([serving, asyncio.create_task(stopping.wait())], return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        serving.result()  # why it cannot serve
    serving.cancel()
    await nodes.stop()
    os._exit(0)


if __name__ == "__main__":
    main(run)
