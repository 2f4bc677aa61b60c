"""A target that can be told how to behave, and nodes of load balancers without the AWS API."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import BinaryIO

from emr_drill.clock import Clock
from emr_drill.front_door.application_load_balancer import ApplicationLoadBalancerNode, RequestHook
from emr_drill.front_door.health import HealthState
from emr_drill.front_door.model import (
    DEFAULT_RULE_PRIORITY,
    Action,
    FixedResponse,
    Forward,
    HealthCheck,
    Listener,
    LoadBalancer,
    Rule,
    Target,
    TargetGroup,
)
from emr_drill.front_door.propagation import NodeView
from emr_drill.front_door.server import FrontDoorServer

# No drill uses a block above 99 and no test of other parts uses these.
HOST = "127.190.0.1"
LIMIT = 10.0


def free_port(host: str = HOST) -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def eventually(true: Callable[[], bool]) -> None:
    """Wait until *true*; a test fails if that takes very long."""
    deadline = time.monotonic() + LIMIT
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.005)


class Origin:
    """A small HTTP server that answers ``{"path": ..., "headers": {...}, "body": ...}``.

    Paths with a meaning: ``/silent`` never answers, ``/hang-up`` closes without an answer, ``/rubbish`` is no HTTP,
    ``/chunked`` and ``/until-close`` answer in those ways, ``/status/N`` answers N.

    Args:
        keep_alive: seconds after which an idle connection is closed; None for never.
    """

    def __init__(self, *, host: str = HOST, port: int = 0, name: str = "", keep_alive: float | None = None) -> None:
        self.name = name
        self.healthy = True
        self.connections = 0
        self.closed_by_origin = threading.Event()
        self.closed_by_client = threading.Event()
        self._keep_alive = keep_alive
        self._open: set[socket.socket] = set()
        self._listening = socket.create_server((host, port))
        self.target = Target(id=host, port=self._listening.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop as a killed process does: the kernel closes everything."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream, suppress(OSError):
            while True:
                connection.settimeout(self._keep_alive)
                try:
                    line = stream.readline()
                except TimeoutError:
                    connection.close()
                    stream.close()
                    self.closed_by_origin.set()
                    break
                if not line:
                    self.closed_by_client.set()
                    break
                connection.settimeout(LIMIT)
                if not self._answer(connection, stream, line):
                    break
        self._open.discard(connection)

    def _answer(self, connection: socket.socket, stream: BinaryIO, line: bytes) -> bool:
        headers = http.client.parse_headers(stream)
        method, path, _ = line.decode().split(" ")
        body = stream.read(int(headers.get("Content-Length", "0")))
        if path == "/silent":
            connection.settimeout(LIMIT)
            connection.recv(1)
            return False
        if path == "/hang-up":
            return False
        if path == "/rubbish":
            connection.sendall(b"what?\r\n\r\n")
            return False
        status = int(path.rsplit("/", 1)[1]) if path.startswith("/status/") else 200
        if path == "/healthy" and not self.healthy:
            status = 500
        told = {"name": self.name, "path": path, "headers": dict(headers), "body": body.decode()}
        text = b"" if method == "HEAD" or status == 204 else json.dumps(told).encode()
        first = b"HTTP/1.1 %d Said\r\n" % status
        if path == "/chunked":
            connection.sendall(first + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(text), text))
            return True
        if path == "/until-close":
            connection.sendall(first + b"\r\n" + text)
            return False
        connection.sendall(first + b"Content-Length: %d\r\n\r\n%s" % (len(text), text))
        return headers.get("Connection") != "close"


@dataclass
class Verdicts:
    """Says what it was told of a target; healthy if nothing."""

    states: dict[Target, HealthState] = field(default_factory=dict)

    def state(self, group: str, target: Target) -> HealthState | None:
        return self.states.get(target, HealthState.HEALTHY)


def balancer(
    *targets: Target, port: int, action: Action | None = None, idle_timeout_seconds: float = 5.0
) -> LoadBalancer:
    """An application load balancer with one listener, whose default rule sends everything to *targets*."""
    group = TargetGroup(
        arn="group", name="balanced", target_type="ip", targets=targets, health_check=HealthCheck(path="/healthy")
    )
    rule = Rule(
        arn="rule",
        priority=DEFAULT_RULE_PRIORITY,
        conditions=(),
        action=action or Forward(groups=((group.arn, 1),)),
    )
    return LoadBalancer(
        arn="balancer",
        name="balancer",
        kind="application",
        dns_name="balancer.example",
        zones=("us-east-1a",),
        listeners=(Listener(arn="listener", port=port, rules=(rule,)),),
        groups=(group,),
        idle_timeout_seconds=idle_timeout_seconds,
    )


GONE = FixedResponse(status=410, content_type="application/json", body='{"msg": "gone"}')


@dataclass
class Door:
    """A running node of an application load balancer."""

    node: ApplicationLoadBalancerNode
    port: int
    verdicts: Verdicts
    requests: list[tuple[object, ...]]

    def connect(self) -> http.client.HTTPConnection:
        """A new connection to the node."""
        return http.client.HTTPConnection(HOST, self.port, timeout=LIMIT)

    def ask(
        self, path: str, *, method: str = "GET", body: str | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, str]:
        """Status and text of the answer, through a fresh connection."""
        connection = self.connect()
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()


@contextmanager
def door(
    *targets: Target,
    action: Action | None = None,
    idle_timeout_seconds: float = 5.0,
    close_noticed_after: float = LIMIT,
    server: FrontDoorServer | None = None,
) -> Iterator[Door]:
    """A node in front of *targets*."""
    own = server or FrontDoorServer()
    port = free_port()
    requests: list[tuple[object, ...]] = []

    def note(*request: object) -> None:
        requests.append(request)

    hook: RequestHook = note
    verdicts = Verdicts()
    node = ApplicationLoadBalancerNode(
        address=HOST,
        zone="us-east-1a",
        view=NodeView(balancer(*targets, port=port, action=action, idle_timeout_seconds=idle_timeout_seconds)),
        health=verdicts,
        clock=Clock.start(speed=100),
        on_request=hook,
        close_noticed_after=close_noticed_after,
    )
    own.listen(HOST, port, lambda reader, writer: node.serve(port, reader, writer))

    async def close() -> None:
        node.close()

    try:
        yield Door(node=node, port=port, verdicts=verdicts, requests=requests)
    finally:
        own.call(close())
        if server is None:
            own.close()
