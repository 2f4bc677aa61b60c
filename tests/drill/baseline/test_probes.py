"""The script's look at the three services (A11)."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from emr_drill.baseline.probes import LIVY, NAME_NODE, NAME_NODE_STATUS, RESOURCE_MANAGER, failed_services

GOOD: dict[str, Any] = {
    "/ws/v1/cluster": {"clusterInfo": {"state": "STARTED"}},
    NAME_NODE_STATUS: {"beans": [{"State": "active"}]},
    "/sessions": {"from": 0, "total": 0, "sessions": []},
}


class Primary:
    """Three services on one port: their questions differ."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = dict(GOOD)
        self.silent = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer = outer.answers.get(self.path)
                if answer == "hang":
                    outer.silent.wait(30)
                    return
                status, body = answer if isinstance(answer, tuple) else (200, answer)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def look(self, **changed: Any) -> list[str]:
        ports = dict.fromkeys((LIVY, RESOURCE_MANAGER, NAME_NODE), self.port)
        return failed_services("127.0.0.1", ports={**ports, **changed}, limit_seconds=0.3)


@pytest.fixture
def primary() -> Iterator[Primary]:
    made = Primary()
    yield made
    made.silent.set()
    made.server.shutdown()
    made.server.server_close()


def test_three_good_answers_are_no_complaint(primary: Primary) -> None:
    assert primary.look() == []


@pytest.mark.parametrize(
    ("path", "answer", "complaint"),
    [
        ("/ws/v1/cluster", {"clusterInfo": {"state": "STOPPED"}}, "ResourceManager answered {"),
        (NAME_NODE_STATUS, {"beans": [{"State": "standby"}]}, "NameNode answered {"),
        (NAME_NODE_STATUS, {"beans": []}, "NameNode did not answer: IndexError"),
        ("/sessions", {"msg": "starting"}, "Livy answered {"),
        ("/sessions", (500, {}), "Livy answered 500"),
        ("/sessions", b"<html>", "Livy did not answer: JSONDecodeError"),
        ("/ws/v1/cluster", [], "ResourceManager did not answer: TypeError"),
        ("/sessions", "hang", "Livy did not answer: TimeoutError"),
    ],
)
def test_any_other_answer_is_one(primary: Primary, path: str, answer: Any, complaint: str) -> None:
    primary.answers[path] = answer

    (found,) = primary.look()

    assert found.startswith(complaint)


def test_a_service_that_nobody_runs_is_one(primary: Primary) -> None:
    (found,) = primary.look(**{LIVY: 1})

    assert found.startswith("Livy did not answer: ConnectionRefusedError")


def test_what_is_wrong_with_each_is_told(primary: Primary) -> None:
    primary.answers = {}

    assert [found.split()[0] for found in primary.look()] == [RESOURCE_MANAGER, NAME_NODE, LIVY]
