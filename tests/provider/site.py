"""Two simulated clusters behind the drill's front door, and a wire to it that can be cut in several ways."""

from __future__ import annotations

import http.client
import json
import os
import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from dr_core.id_ranges import first_id, prefix_of
from dr_core.routing import (
    GONE_BODY,
    GONE_PRIORITY,
    Conditions,
    gone_rules,
    header_conditions,
    header_rule_priority,
    id_conditions,
    id_rule_priority,
)
from emr_drill.clock import Clock
from emr_drill.front_door.application_load_balancer import ApplicationLoadBalancerNode
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
from emr_drill.front_door.rules import parse_conditions
from emr_drill.front_door.server import FrontDoorServer
from emr_drill.ports import PrimaryPlan
from emr_drill.primary.primary import SimulatedPrimary, SimulatedPrimaryFactory
from tests.drill.front_door.world import Verdicts
from tests.drill.primary.conftest import LIVY_CONF, STATE_DIRECTORY

PORT = 8998
CANARY = "emr-dr-canary-g"
SPEED = 20.0
LIMIT_SECONDS = 30.0
# Shorter than polls are apart, so that every poll comes through a connection of its own.
IDLE_SECONDS = 0.15
KEY = re.compile(r"^j-(.+)-job-[0-9a-f]{16}-t\d+-r\d+$")


@dataclass(kw_only=True)
class Fault:
    """What the wire does to some requests of one job.

    Attributes:
        request: ``submit``, ``poll``, ``name``, ``delete`` or ``log``.
        action: ``lose`` (the server gets it, the answer is lost), ``hang`` (nobody gets it, no answer comes),
            ``cut`` (nobody gets it, the connection breaks), ``page`` (200 and HTML), ``stranger`` (the answer tells
            of another batch), ``twice`` (the server gets it twice), ``ghost`` (the server gets one before that it
            refuses while starting it, and that keeps the name), a state that the answer tells of instead, or a status
            that the wire answers with.
        times: how many requests.
        after: how many requests before them go through.
    """

    request: str
    action: str | int
    times: int = 1
    after: int = 0


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One request as the wire saw it."""

    request: str
    name: str
    status: int


class Wire:
    """A proxy to *target* that knows which job a request is about."""

    def __init__(self, address: str, target: tuple[str, int]) -> None:
        self.address = address
        self.seen: list[Seen] = []
        self.faults: dict[str, list[Fault]] = {}
        self.names: dict[str, str] = {}
        self.bodies: dict[str, dict[str, Any]] = {}
        self._target = target
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None
        self.connect()

    def connect(self) -> None:
        """Let connections in."""
        wire = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = IDLE_SECONDS
            disable_nagle_algorithm = True  # head and body are two writes
            onward: http.client.HTTPConnection | None = None

            def finish(self) -> None:
                if self.onward is not None:
                    self.onward.close()
                with suppress(OSError):
                    super().finish()

            def log_message(self, format: str, *arguments: object) -> None:
                pass

            def answer(self) -> None:
                wire.serve(self)

            do_GET = do_POST = do_DELETE = answer

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request: object, client_address: object) -> None:
                pass  # a client that was killed

        self._server = Server((self.address, PORT), Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def refuse(self) -> None:
        """Let no connection in: they are refused."""
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()
        self._server = None

    def close(self) -> None:
        """Stop."""
        if self._server is not None:
            self.refuse()

    def of(self, key: str, request: str) -> list[Seen]:
        """The requests of one kind about one job."""
        return [one for one in list(self.seen) if one.request == request and _key(one.name) == key]

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("Content-Length") or 0)
        body = handler.rfile.read(length) if length else b""
        request, name = self._about(handler, body)
        fault = self._fault(_key(name), request)
        action = fault.action if fault else ""
        if action in ("hang", "cut"):
            self.seen.append(Seen(request=request, name=name, status=0))
            time.sleep(LIMIT_SECONDS if action == "hang" else 0)
            handler.close_connection = True
            return
        if isinstance(action, int):
            self._send(handler, action, b"<html>no</html>", request, name)
            return
        try:
            if action == "twice":
                self._pass_on(handler, body)
            elif action == "ghost":
                self._pass_on(handler, json.dumps({"name": name}).encode())
            status, content = self._pass_on(handler, body)
        except OSError:
            handler.close_connection = True
            return
        if request == "submit" and status == 201:
            self.names[str(json.loads(content)["id"])] = name
        if action == "lose":
            self.seen.append(Seen(request=request, name=name, status=0))
            handler.close_connection = True
            return
        if action == "page":
            content = b"<html>welcome</html>"
        elif action == "stranger":
            content = json.dumps({**json.loads(content), "name": "somebody-elses"}).encode()
        elif action not in ("", "twice", "ghost"):
            content = json.dumps({**json.loads(content), "state": action}).encode()
        self._send(handler, status, content, request, name)

    def _send(self, handler: BaseHTTPRequestHandler, status: int, content: bytes, request: str, name: str) -> None:
        self.seen.append(Seen(request=request, name=name, status=status))
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    def _pass_on(self, handler: Any, body: bytes) -> tuple[int, bytes]:
        if handler.onward is None:
            handler.onward = http.client.HTTPConnection(*self._target, timeout=LIMIT_SECONDS)
        headers = {key: value for key, value in handler.headers.items() if key.lower() != "connection"}
        headers["Content-Length"] = str(len(body))
        try:
            handler.onward.request(handler.command, handler.path, body or None, headers)
            answer = handler.onward.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            handler.onward.close()
            raise OSError(str(error)) from error

    def _about(self, handler: BaseHTTPRequestHandler, body: bytes) -> tuple[str, str]:
        if handler.command == "POST":
            sent = json.loads(body)
            self.bodies[str(sent.get("name"))] = sent
            return "submit", str(sent.get("name"))
        _, _, batch, *rest = [*handler.path.partition("?")[0].split("/"), ""]
        rest = [part for part in rest if part]
        if not batch.isdigit():
            return "name", batch
        name = self.names.get(batch, "")
        if not name:
            return "probe", ""
        return "log" if rest == ["log"] else "delete" if handler.command == "DELETE" else "poll", name

    def _fault(self, key: str, request: str) -> Fault | None:
        with self._lock:
            for fault in self.faults.get(key, []):
                if fault.request != request or fault.times == 0:
                    continue
                if fault.after > 0:
                    fault.after -= 1
                    return None
                fault.times -= 1
                return fault
        return None


def _key(name: str) -> str:
    found = KEY.match(name)
    return found[1] if found else ""


@dataclass(kw_only=True)
class Site:
    """Clusters, front door and wire; *host* is what clients are given."""

    host: str
    wire: Wire
    clusters: dict[int, SimulatedPrimary]
    ledger: Path
    _view: NodeView[LoadBalancer]
    _clock: Clock
    _verdicts: Verdicts
    _live: set[int] = field(default_factory=set)

    def effects(self, key: str) -> list[dict[str, Any]]:
        """What the job with *key* did, and where."""
        if not self.ledger.exists():
            return []
        lines = map(json.loads, self.ledger.read_text().splitlines())
        return [line for line in lines if line["job"] == key and line["event"] == "effect"]

    def batches(self, generation: int) -> list[dict[str, Any]]:
        """What a Livy itself lists, but for the canary."""
        listed = self.ask(generation, "GET", "/batches?size=1000")["sessions"]
        return [each for each in listed if not str(each["name"]).startswith(CANARY)]

    def ask(self, generation: int, method: str, path: str, body: Any = None) -> Any:
        """One request to the Livy of a generation, past the front door."""
        connection = http.client.HTTPConnection(self.clusters[generation].address, PORT, timeout=LIMIT_SECONDS)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def route(self, live: Sequence[int], *, in_service: Sequence[int]) -> None:
        """Let the front door lead ids of *live* generations to them, and new jobs to those *in_service*."""
        balancer = _balancer({each: self.clusters[each].address for each in live}, in_service)
        self._view.publish(balancer, effective_at=self._clock.now())

    def mark_unhealthy(self, generation: int) -> None:
        """Let health checks of a generation fail: the balanced group leaves it out."""
        target = Target(id=self.clusters[generation].address, port=PORT)
        self._verdicts.states[target] = HealthState.UNHEALTHY


@contextmanager
def site(folder: Path, generations: Sequence[int] = (1, 2), *, subnet: int = 1) -> Iterator[Site]:
    """Everything, up and answering.

    Args:
        folder: for machines and ledger.
        generations: the clusters; all are in service.
        subnet: tells sites of one process apart.
    """
    network = f"127.{191 + subnet % 60}.{1 + os.getpid() % 250}"
    clock = Clock.start(speed=SPEED)
    ledger = folder / "ledger.jsonl"
    clusters = {each: _cluster(each, f"{network}.{20 + each}", folder, ledger, clock) for each in generations}
    server = FrontDoorServer()
    verdicts = Verdicts()
    view = NodeView(_balancer({each: one.address for each, one in clusters.items()}, generations))
    node = ApplicationLoadBalancerNode(
        address=f"{network}.2",
        zone="us-east-1a",
        view=view,
        health=verdicts,
        clock=clock,
        on_request=lambda *request: None,
    )

    async def close() -> None:
        node.close()

    wire: Wire | None = None
    try:
        starting = [threading.Thread(target=one.start) for one in clusters.values()]
        for thread in starting:
            thread.start()
        for thread in starting:
            thread.join()
        server.listen(node.address, PORT, lambda reader, writer: node.serve(PORT, reader, writer))
        wire = Wire(f"{network}.3", (node.address, PORT))
        made = Site(
            host=wire.address,
            wire=wire,
            clusters=clusters,
            ledger=ledger,
            _view=view,
            _clock=clock,
            _verdicts=verdicts,
        )
        for each in generations:
            # As on each cluster: who asks for a generation asks for its first id, which is nobody's job.
            canary = {"file": "file:///job.py", "args": ["canary", "0", "succeed"], "name": f"{CANARY}{each}-1"}
            made.ask(each, "POST", "/batches", canary)
        yield made
    finally:
        if wire is not None:
            wire.close()
        server.call(close())
        server.close()
        for one in clusters.values():
            with suppress(Exception):
                one.terminate()


def _cluster(generation: int, address: str, folder: Path, ledger: Path, clock: Clock) -> SimulatedPrimary:
    machine = folder / f"g{generation}"
    store = machine / STATE_DIRECTORY.lstrip("/") / "v1" / "batch"
    store.mkdir(parents=True)
    for directory in (store, store.parent, store.parent.parent):
        directory.chmod(0o700)
    (store / "state").write_text(json.dumps({"nextSessionId": first_id(prefix_of(generation))}, separators=(",", ":")))
    return SimulatedPrimaryFactory().create(
        PrimaryPlan(
            cluster_id=f"j-{generation}",
            name=f"g{generation}",
            address=address,
            directory=machine,
            ledger=ledger,
            clock=clock,
            classifications={"livy-conf": LIVY_CONF},
        )
    )


def _balancer(live: dict[int, str], in_service: Sequence[int]) -> LoadBalancer:
    """The front door as the controller would leave it."""
    groups = [_group(f"slot-{each}", address) for each, address in live.items()]
    balanced = _group("balanced", *(live[each] for each in in_service))
    rules: list[Rule] = []
    for slot, generation in enumerate(live, start=1):
        to = Forward(groups=((f"slot-{generation}", 1),))
        rules.append(_rule(id_rule_priority(slot), id_conditions(prefix_of(generation)), to))
        rules.append(_rule(header_rule_priority(slot), header_conditions(prefix_of(generation)), to))
    gone = FixedResponse(status=410, content_type="application/json", body=GONE_BODY)
    rules += [_rule(GONE_PRIORITY + number, each, gone) for number, each in enumerate(gone_rules())]
    rules.append(_rule(DEFAULT_RULE_PRIORITY, [], Forward(groups=(("balanced", 1),))))
    return LoadBalancer(
        arn="balancer",
        name="balancer",
        kind="application",
        dns_name="balancer.example",
        zones=("us-east-1a",),
        listeners=(Listener(arn="listener", port=PORT, rules=tuple(sorted(rules, key=lambda rule: rule.priority))),),
        groups=(*groups, balanced),
        idle_timeout_seconds=25.0,
    )


def _group(name: str, *addresses: str) -> TargetGroup:
    return TargetGroup(
        arn=name,
        name=name,
        target_type="ip",
        targets=tuple(Target(id=address, port=PORT) for address in addresses),
        health_check=HealthCheck(path="/sessions"),
    )


def _rule(priority: int, conditions: Conditions, action: Action) -> Rule:
    return Rule(arn=str(priority), priority=priority, conditions=parse_conditions(conditions), action=action)
