"""The submitter against a small Livy that can be told to misbehave."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from emr_drill.clock import Clock
from emr_drill.jobs.client import LivyClient
from emr_drill.jobs.plan import Job
from emr_drill.jobs.submitter import Submitter


class SmallLivy(ThreadingHTTPServer):
    """Takes batches and answers what ``script`` says; the n-th call of a kind gets the n-th answer, the last stays."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: dict[str, list[tuple[int, Any]]] = {}
        self.calls: list[tuple[str, str]] = []

    def answer(self, method: str, path: str) -> tuple[int, Any]:
        self.calls.append((method, path))
        answers = self.script[f"{method} {path}"]
        return answers.pop(0) if len(answers) > 1 else answers[0]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer()

    def _answer(self) -> None:
        assert isinstance(self.server, SmallLivy)
        status, body = self.server.answer(self.command, self.path)
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def livy() -> Iterator[SmallLivy]:
    server = SmallLivy()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def submitter(livy: SmallLivy, monkeypatch: pytest.MonkeyPatch) -> Iterator[Submitter]:
    port = livy.server_address[1]
    original = LivyClient.__init__

    def on_port(self: LivyClient, **arguments: Any) -> None:
        original(self, **{**arguments, "port": port})

    monkeypatch.setattr(LivyClient, "__init__", on_port)
    made = Submitter(clock=Clock.start(speed=500), addresses=lambda: ["127.0.0.1"], file="job.py")
    made.start()
    yield made
    made.stop()


JOB = Job(key="k", seconds=1, fails=False, keeps_connection=True)
TAKEN = (201, {"id": 1001000000, "name": "k-try1", "state": "starting"})
DONE = (200, {"id": 1001000000, "name": "k-try1", "state": "success", "appId": "application_1_1"})


def until_idle(submitter: Submitter) -> None:
    deadline = time.monotonic() + 20
    while not submitter.idle():
        assert time.monotonic() < deadline, "the submitter never came to an end"
        time.sleep(0.01)


def test_a_job_is_posted_and_polled_by_id_to_its_end(livy: SmallLivy, submitter: Submitter) -> None:
    livy.script = {"POST /batches": [TAKEN], "GET /batches/1001000000": [(200, {"state": "running"}), DONE]}

    submitter.add([JOB])
    until_idle(submitter)

    assert submitter.jobs[0].tries[0].told == "success"
    assert submitter.jobs[0].tries[0].application == "application_1_1"


def test_polls_go_on_through_5xx(livy: SmallLivy, submitter: Submitter) -> None:
    livy.script = {"POST /batches": [TAKEN], "GET /batches/1001000000": [(502, {}), (503, {}), (504, {}), DONE]}

    submitter.add([JOB])
    until_idle(submitter)

    assert submitter.jobs[0].tries[0].disturbed_polls == 3


def test_an_ambiguous_post_is_repeated_under_the_same_name_and_adopted(livy: SmallLivy, submitter: Submitter) -> None:
    duplicate = (400, {"msg": "Duplicate session name: Some(k-try1) for session 1001000001"})
    livy.script = {
        "POST /batches": [(504, {}), duplicate],
        "GET /batches/k-try1": [DONE],
        "GET /batches/1001000000": [DONE],
    }

    submitter.add([JOB])
    until_idle(submitter)

    assert [one.accepted for one in submitter.submissions] == [False, True]
    assert submitter.jobs[0].tries[0].id == 1001000000


def test_a_410_runs_the_job_again_under_another_name(livy: SmallLivy, submitter: Submitter) -> None:
    livy.script = {
        "POST /batches": [TAKEN, (201, {"id": 1002000000, "name": "k-try2"})],
        "GET /batches/1001000000": [(410, {})],
        "GET /batches/1002000000": [(200, {"name": "k-try2", "state": "success"})],
    }

    submitter.add([JOB])
    until_idle(submitter)

    assert [(batch.name, batch.told) for batch in submitter.jobs[0].tries] == [
        ("k-try1", "lost"),
        ("k-try2", "success"),
    ]
