"""Simulated ResourceManager: YARN's web services, and the hand-over of applications to the nodes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

from emr_drill.clock import Clock
from emr_drill.primary.simulated import web
from emr_drill.primary.simulated.applications import CONTAINERS, CORES, MEMORY_MIB, Application, State
from emr_drill.primary.simulated.configuration import NODE_PORT, SUBMIT_PORT, Configuration
from emr_drill.primary.simulated.process import main, slowness

IDLE_SECONDS = 60.0
# Between taking an application and its driver running: container allocation and start, simulated seconds.
LAUNCH_SECONDS = 3.0
# A node that was silent for longer is lost; machine time, as nodes beat on machine time.
NODE_LOST_SECONDS = 10.0
TOTAL_MEMORY_MIB, TOTAL_CORES = 65536, 64
WEB, SUBMIT = "web", "submit"


class ResourceManager:
    """All applications of one cluster since this process started; it keeps nothing across a restart."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._clock = Clock.from_json(configuration.clock)
        self._started_on = round(self._clock.now() * 1000)
        self._applications: dict[str, Application] = {}
        self._launches: set[asyncio.Task[None]] = set()
        self._heartbeat: float | None = None
        self._signed_off = False

    async def answer_cluster(self, request: web.Request) -> web.Answer:
        """What the nodes and Livy ask; on real clusters not HTTP."""
        match request.method, request.path.strip("/").split("/"):
            case "POST", ["applications"]:
                return web.Answer(status=201, body={"id": self._submit(request.json()).id})
            case "GET", ["applications"]:
                return web.Answer(
                    body={
                        one.tags: {"id": one.id, "state": one.state, "final": one.final_status}
                        for one in self._applications.values()
                    }
                )
            case "DELETE", ["applications", identifier]:
                await self._kill(self._applications[identifier])
                return web.Answer(body={})
            case "POST", ["heartbeat"]:
                self._heartbeat, self._signed_off = time.monotonic(), False
                return web.Answer(body={})
            case "POST", ["sign-off"]:
                self._lose_node()
                return web.Answer(body={})
            case "POST", ["finished"]:
                self._finish(**request.json())
                return web.Answer(body={})
        return _not_found(request)

    async def answer(self, request: web.Request) -> web.Answer:
        """``/ws/v1/cluster``: info, metrics, nodes, applications, and the state of one application."""
        parts = request.path.strip("/").split("/")
        if parts[:3] != ["ws", "v1", "cluster"]:
            return _not_found(request)
        match request.method, parts[3:]:
            case "GET", [] | ["info"]:
                return web.Answer(body={"clusterInfo": self._info()})
            case "GET", ["metrics"]:
                return web.Answer(body={"clusterMetrics": self._metrics()})
            case "GET", ["nodes"]:
                return web.Answer(body={"nodes": {"node": [self._node()]} if self._heartbeat is not None else None})
            case "GET", ["apps"]:
                found = [self._json(one) for one in self._applications.values() if _asked_for(one, request.query)]
                return web.Answer(body={"apps": {"app": found} if found else None})
            case _, ["apps", identifier, *rest]:
                return await self._answer_application(request, identifier, rest)
        return _not_found(request)

    async def _answer_application(self, request: web.Request, identifier: str, rest: list[str]) -> web.Answer:
        application = self._applications.get(identifier)
        if application is None:
            return _exception(404, "NotFoundException", f"app with id: {identifier} not found")
        match request.method, rest:
            case "GET", []:
                return web.Answer(body={"app": self._json(application)})
            case "GET", ["state"]:
                return web.Answer(body={"state": application.state})
            case "PUT", ["state"]:
                wanted = request.json().get("state")
                if wanted != "KILLED":
                    return _exception(
                        400, "BadRequestException", f"Only 'KILLED' is allowed as a target state, got {wanted}"
                    )
                if application.ended:
                    return web.Answer(body={"state": application.state})
                before = application.state
                self._do(self._kill(application))
                return web.Answer(status=202, body={"state": before})
        return _not_found(request)

    def _submit(self, data: dict[str, Any]) -> Application:
        application = Application(
            id=f"application_{self._started_on}_{len(self._applications) + 1:04d}",
            name=data["name"],
            tags=data["tags"],
            file=data["file"],
            arguments=data["arguments"],
            submitted_at=data["submitted_at"],
            started=self._clock.now(),
        )
        self._applications[application.id] = application
        self._do(self._launch(application))
        return application

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._launches.add(task)
        task.add_done_callback(self._launches.discard)

    async def _launch(self, application: Application) -> None:
        await asyncio.sleep(self._clock.machine_seconds(LAUNCH_SECONDS))
        container = {
            "application": application.id,
            "file": application.file,
            "arguments": application.arguments,
            "submitted_at": application.submitted_at,
        }
        while application.state is State.ACCEPTED:
            try:
                await web.call("POST", self._configuration.address, NODE_PORT, "/containers", container)
            except OSError:
                await asyncio.sleep(1.0)  # no node: stays ACCEPTED, as on a cluster without capacity
                continue
            application.state, application.launched = State.RUNNING, self._clock.now()

    def _lose_node(self) -> None:
        """The nodes stopped: an application that lost its driver is tried again, as EMR allows two attempts
        (``yarn.resourcemanager.am.max-attempts``), and waits for a node."""
        self._heartbeat, self._signed_off = time.monotonic(), True
        for application in self._applications.values():
            if application.state is State.RUNNING:
                application.state = State.ACCEPTED
                self._do(self._launch(application))

    def _finish(self, *, application: str, exit_code: int) -> None:
        found = self._applications.get(application)
        if found is None or found.ended:
            return  # of a ResourceManager before this one, or killed
        found.state, found.exit_code, found.finished = State.FINISHED, exit_code, self._clock.now()

    async def _kill(self, application: Application) -> None:
        """KILLED is said only when the nodes say that the containers are gone."""
        while not application.ended:
            if application.state is State.RUNNING:
                try:
                    await web.call("DELETE", self._configuration.address, NODE_PORT, f"/containers/{application.id}")
                except OSError:
                    await asyncio.sleep(1.0)
                    continue
            if not application.ended:
                application.state, application.finished = State.KILLED, self._clock.now()

    @property
    def _active_nodes(self) -> int:
        beats = self._heartbeat is not None and time.monotonic() - self._heartbeat < NODE_LOST_SECONDS
        return int(beats and not self._signed_off)

    def _count(self, *states: State) -> int:
        return sum(one.state in states for one in self._applications.values())

    def _json(self, application: Application) -> dict[str, Any]:
        return application.to_json(
            address=self._configuration.address,
            port=self._configuration.resource_manager_port,
            now=self._clock.now(),
        )

    def _info(self) -> dict[str, Any]:
        return {
            "id": self._started_on,
            "startedOn": self._started_on,
            "state": "STARTED",
            "haState": "ACTIVE",
            "rmStateStoreName": "org.apache.hadoop.yarn.server.resourcemanager.recovery.NullRMStateStore",
            "resourceManagerVersion": "3.4.1",
            "hadoopVersion": "3.4.1",
            "haZooKeeperConnectionState": "Could not find leader elector. Verify both HA and automatic failover "
            "are enabled.",
        }

    def _metrics(self) -> dict[str, Any]:
        running = self._count(State.RUNNING)
        nodes = self._active_nodes
        return {
            "appsSubmitted": len(self._applications),
            "appsCompleted": sum(one.final_status == "SUCCEEDED" for one in self._applications.values()),
            "appsPending": self._count(State.ACCEPTED),
            "appsRunning": running,
            "appsFailed": sum(one.final_status == "FAILED" for one in self._applications.values()),
            "appsKilled": self._count(State.KILLED),
            "reservedMB": 0,
            "availableMB": TOTAL_MEMORY_MIB * nodes - running * MEMORY_MIB,
            "allocatedMB": running * MEMORY_MIB,
            "availableVirtualCores": TOTAL_CORES * nodes - running * CORES,
            "allocatedVirtualCores": running * CORES,
            "containersAllocated": running * CONTAINERS,
            "containersReserved": 0,
            "containersPending": 0,
            "totalMB": TOTAL_MEMORY_MIB * nodes,
            "totalVirtualCores": TOTAL_CORES * nodes,
            "totalNodes": int(self._heartbeat is not None),
            "lostNodes": int(self._heartbeat is not None) - nodes - int(self._signed_off),
            "unhealthyNodes": 0,
            "decommissioningNodes": 0,
            "decommissionedNodes": 0,
            "rebootedNodes": 0,
            "activeNodes": nodes,
            "shutdownNodes": int(self._signed_off),
        }

    def _node(self) -> dict[str, Any]:
        address = self._configuration.address
        return {
            "rack": "/default-rack",
            "state": "RUNNING" if self._active_nodes else "SHUTDOWN" if self._signed_off else "LOST",
            "id": f"{address}:{NODE_PORT}",
            "nodeHostName": address,
            "nodeHTTPAddress": f"{address}:8042",
            "lastHealthUpdate": round(self._clock.now() * 1000),
            "version": "3.4.1",
            "healthReport": "",
            "numContainers": self._count(State.RUNNING) * CONTAINERS,
            "usedMemoryMB": self._count(State.RUNNING) * MEMORY_MIB,
            "availMemoryMB": TOTAL_MEMORY_MIB - self._count(State.RUNNING) * MEMORY_MIB,
        }


def _asked_for(application: Application, query: Any) -> bool:
    states = {one.strip().upper() for one in query.get("states", query.get("state", "")).split(",") if one.strip()}
    tags = {one.strip() for one in query.get("applicationTags", "").split(",") if one.strip()}
    return (not states or application.state in states) and (not tags or application.tags in tags)


def _exception(status: int, kind: str, message: str) -> web.Answer:
    name = f"org.apache.hadoop.yarn.webapp.{kind}"
    return web.Answer(
        status=status, body={"RemoteException": {"exception": kind, "message": message, "javaClassName": name}}
    )


def _not_found(request: web.Request) -> web.Answer:
    return _exception(404, "NotFoundException", f"null for uri: {request.path}")


async def run(configuration: Configuration) -> None:
    """The process."""
    manager = ResourceManager(configuration)
    await web.serve(manager.answer_cluster, address=configuration.address, port=SUBMIT_PORT, idle_seconds=IDLE_SECONDS)
    await web.serve(
        manager.answer,
        address=configuration.address,
        port=configuration.resource_manager_port,
        idle_seconds=IDLE_SECONDS,
        slowness=slowness(configuration),
        certificate=configuration.certificate,
    )


if __name__ == "__main__":
    main(run)
