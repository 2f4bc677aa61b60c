"""Machines for tests: loopback addresses of this worker's own, and a way to talk to what listens there."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from emr_drill.clock import Clock
from emr_drill.ports import PrimaryPlan
from emr_drill.primary.primary import SimulatedPrimary, SimulatedPrimaryFactory

SPEED = 100.0
LIMIT_SECONDS = 20.0  # machine time; only a failure takes that long
STATE_DIRECTORY = "/var/lib/livy/emr-dr/recovery"
LIVY_CONF = {
    "livy.server.recovery.mode": "recovery",
    "livy.server.recovery.state-store": "filesystem",
    "livy.server.recovery.state-store.url": f"file://{STATE_DIRECTORY}",
    "livy.server.session.state-retain.sec": "86400s",
    "livy.server.yarn.poll-interval": "500ms",
}

_hosts = itertools.count(10)


@pytest.fixture
def address() -> str:
    """A loopback address that no other test uses: a block for each worker, a new host for each test."""
    worker = int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or "0")
    return f"127.{80 + worker % 10}.{1 + os.getpid() % 250}.{next(_hosts)}"


@pytest.fixture
def plan(address: str, tmp_path: Path) -> PrimaryPlan:
    """A primary that recovers its batches, in time that runs fast."""
    return PrimaryPlan(
        cluster_id="j-1ABCDEFGHIJKL",
        name="emr-dr-active-passive-a-g2",
        address=address,
        directory=tmp_path / "machine",
        ledger=tmp_path / "ledger.jsonl",
        clock=Clock.start(speed=SPEED),
        classifications={"livy-conf": LIVY_CONF},
    )


@pytest.fixture
def primary(plan: PrimaryPlan) -> Iterator[SimulatedPrimary]:
    """A primary whose services answer."""
    made = SimulatedPrimaryFactory().create(plan)
    made.start()
    yield made
    made.terminate()


Call = Callable[..., tuple[int, Any]]


@pytest.fixture
def call(address: str) -> Call:
    """Sends one request to the machine; gives status and JSON body."""

    def send(
        method: str, path: str, body: Any = None, *, port: int = 8998, limit: float = LIMIT_SECONDS
    ) -> tuple[int, Any]:
        connection = http.client.HTTPConnection(address, port, timeout=limit)
        try:
            connection.request(method, path, None if body is None else json.dumps(body).encode())
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null")
        finally:
            connection.close()

    return send


Eventually = Callable[[Callable[[], bool]], None]


@pytest.fixture
def eventually() -> Eventually:
    """Waits until something becomes true."""

    def wait(true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + LIMIT_SECONDS
        while not true():
            assert time.monotonic() < deadline, "it did not become true"
            time.sleep(0.02)

    return wait
