"""Simulated Livy: the REST interface that clients, operators and probers use."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

from emr_drill.primary.simulated import web
from emr_drill.primary.simulated.batches import Batch, Batches, DuplicateName
from emr_drill.primary.simulated.configuration import Configuration
from emr_drill.primary.simulated.process import main, slowness

# Jetty's default in Livy; machine time, as no limit of a socket is scaled.
IDLE_SECONDS = 30.0
LOG_LINES_IN_BATCH = 10
PAGE = 100
VERSION = {
    "url": "",
    "branch": "",
    "revision": "",
    "version": "0.8.0-incubating",
    "date": "2023-10-10T00:00:00Z",
    "user": "",
}


class Livy:
    """The web services of a Livy server; batches only."""

    def __init__(self, configuration: Configuration, batches: Batches) -> None:
        self._configuration = configuration
        self._batches = batches

    async def answer(self, request: web.Request) -> web.Answer:
        """One request."""
        parts = request.path.strip("/").split("/")
        match request.method, parts:
            case "GET" | "HEAD", ["version"]:
                return web.Answer(body=VERSION)
            case "GET" | "HEAD", ["sessions"]:
                return web.Answer(body=_page([], request))
            case _, ["sessions", identifier, *_]:
                return _not_found(identifier)
            case "POST", ["sessions"]:
                return _message(400, "Rejected, Reason: simulated services run batches, no interactive sessions")
            case "GET" | "HEAD", ["batches"]:
                return web.Answer(body=_page([self._view(batch) for batch in self._batches.all()], request))
            case "POST", ["batches"]:
                return self._create(request)
            case _, ["batches", identifier, *rest]:
                batch = self._batches.get(identifier)
                return _not_found(identifier) if batch is None else await self._answer_batch(request, batch, rest)
        return _message(404, f"no such page: {request.path}")

    def _create(self, request: web.Request) -> web.Answer:
        try:
            data = request.json()
        except ValueError as error:
            return _message(400, str(error))
        if not isinstance(data, dict):
            return _message(400, "the body must be a JSON object")
        try:
            batch = self._batches.create(data)
        except (DuplicateName, ValueError) as error:
            return _message(400, str(error))
        return web.Answer(status=201, body=self._view(batch), headers={"Location": f"/batches/{batch.id}"})

    async def _answer_batch(self, request: web.Request, batch: Batch, rest: list[str]) -> web.Answer:
        match request.method, rest:
            case "GET" | "HEAD", []:
                return web.Answer(body=self._view(batch))
            case "GET" | "HEAD", ["state"]:
                return web.Answer(body={"id": batch.id, "state": batch.state})
            case "GET" | "HEAD", ["log"]:
                return web.Answer(body=_log(batch, request))
            case "DELETE", []:
                await self._batches.delete(batch)
                return _message(200, "deleted")
        return _message(404, f"no such page: {request.path}")

    def _view(self, batch: Batch) -> dict[str, Any]:
        host, port = self._configuration.address, self._configuration.resource_manager_port
        return {
            "id": batch.id,
            "name": batch.name,
            "owner": None,
            "proxyUser": None,
            "state": batch.state,
            "appId": batch.app_id,
            "appInfo": {
                "driverLogUrl": None,
                "sparkUiUrl": f"http://{host}:{port}/proxy/{batch.app_id}/" if batch.app_id else None,
            },
            "log": batch.log[-LOG_LINES_IN_BATCH:],
        }


def _page(items: list[dict[str, Any]], request: web.Request) -> dict[str, Any]:
    first, size = int(request.query.get("from", 0)), int(request.query.get("size", PAGE))
    return {"from": first, "total": len(items), "sessions": items[first : first + size]}


def _log(batch: Batch, request: web.Request) -> dict[str, Any]:
    size = int(request.query.get("size", PAGE))
    size = len(batch.log) if size < 0 else size
    first = int(request.query.get("from", -1))
    first = max(0, len(batch.log) - size) if first < 0 else first
    return {"id": batch.id, "from": first, "total": len(batch.log), "log": batch.log[first : first + size]}


def _message(status: int, text: str) -> web.Answer:
    return web.Answer(status=status, body={"msg": text})


def _not_found(identifier: str) -> web.Answer:
    shown = str(int(identifier)) if identifier.isascii() and identifier.isdigit() else identifier
    return _message(404, f"Session '{shown}' not found.")


async def run(configuration: Configuration) -> None:
    """The process."""
    batches = Batches(configuration)
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    batches.start()
    await web.serve(
        Livy(configuration, batches).answer,
        address=configuration.address,
        port=configuration.livy_port,
        idle_seconds=IDLE_SECONDS,
        slowness=slowness(configuration),
        certificate=configuration.certificate,
    )
    await stopping.wait()
    await batches.shut_down()
    os._exit(0)


if __name__ == "__main__":
    main(run)
