"""Lines to the front door: each mishap does what its case says (A6, A9)."""

from __future__ import annotations

import gzip
import http.client
import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from emr_drill.airflow_matrix.cases import Action, Mishap, Request
from emr_drill.airflow_matrix.lines import PAGE, Exchange, Line, given, what_for
from emr_drill.front_door.http_messages import Head


class Livy:
    """Gives id 7 to every POST and tells of a batch that has ended."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, Any]] = []
        livy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, format: str, *arguments: object) -> None:
                pass

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                livy.requests.append((self.command, self.path, json.loads(body) if body else None))
                content = json.dumps({"id": 7, "state": "success"}).encode()
                self.send_response(201 if self.command == "POST" else 200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_DELETE = answer

        class Server(ThreadingHTTPServer):
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def world() -> Iterator[tuple[Exchange, Livy]]:
    livy = Livy()
    exchange = Exchange(addresses=lambda: ["127.0.0.1"], port=livy.port)
    exchange.start()
    try:
        yield exchange, livy
    finally:
        exchange.stop()
        livy.close()


def ask(line: Line, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", line.port, timeout=10)
    try:
        connection.request(method, path, None if body is None else json.dumps(body))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def submit(line: Line) -> tuple[int, bytes]:
    return ask(line, "POST", "/batches", {"name": "n"})


def poll(line: Line) -> tuple[int, bytes]:
    return ask(line, "GET", "/batches/7/state")


def mishap(request: Request, action: Action, **more: Any) -> Sequence[Mishap]:
    return [Mishap(request=request, action=action, **more)]


def test_what_has_no_mishap_goes_through() -> None:
    with world() as (exchange, livy):
        line = exchange.open("k", [])

        assert submit(line)[0] == 201
        assert poll(line) == (200, b'{"id": 7, "state": "success"}')
        assert line.batches == [7] and line.polls() == 1 and not line.met
        assert [one.request for one in line.seen] == [Request.SUBMIT, Request.POLL]
        assert [path for _, path, _ in livy.requests] == ["/batches", "/batches/7/state"]


def test_nobody_gets_what_is_answered_with_a_status() -> None:
    with world() as (exchange, livy):
        line = exchange.open("k", mishap(Request.POLL, Action.STATUS, status=503, after=1, times=2))
        submit(line)
        assert line.names == {"n"}

        assert [poll(line)[0] for _ in range(4)] == [200, 503, 503, 200]
        assert len(livy.requests) == 3 and line.met


@pytest.mark.parametrize(
    ("action", "status", "answer"),
    [(Action.TAKEN, 502, b"<html>Bad Gateway</html>"), (Action.PAGE, 0, PAGE)],
)
def test_livy_has_what_its_client_is_not_told_of(action: Action, status: int, answer: bytes) -> None:
    with world() as (exchange, livy):
        line = exchange.open("k", mishap(Request.SUBMIT, action, status=status))

        assert submit(line) == (status or 200, answer)
        assert len(livy.requests) == 1 and line.batches == [7]


def test_an_answer_is_held_until_the_fault_strikes() -> None:
    with world() as (exchange, livy):
        line = exchange.open("k", mishap(Request.SUBMIT, Action.ANSWER_AFTER))
        told: list[int] = []
        thread = threading.Thread(target=lambda: told.append(submit(line)[0]), daemon=True)
        thread.start()
        until(lambda: line.held and len(livy.requests) == 1)
        time.sleep(0.1)
        assert told == []
        exchange.strike()
        thread.join(5)

        assert told == [502] and line.batches == [7]


def test_a_request_is_held_until_the_fault_strikes() -> None:
    with world() as (exchange, livy):
        line = exchange.open("k", mishap(Request.SUBMIT, Action.ASK_AFTER))
        thread = threading.Thread(target=lambda: submit(line), daemon=True)
        thread.start()
        until(lambda: line.held)
        assert livy.requests == []
        exchange.strike()
        thread.join(5)

        assert len(livy.requests) == 1
        exchange.again()


def test_a_front_door_that_is_away_takes_no_connection_for_a_while() -> None:
    with world() as (exchange, livy):
        line = exchange.open("k", mishap(Request.SUBMIT, Action.AWAY, seconds=0.5))
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            submit(line)
        with pytest.raises(ConnectionRefusedError):
            submit(line)
        assert livy.requests == []
        until(lambda: answers(line))

        assert line.batches == [7]


def answers(line: Line) -> bool:
    try:
        return submit(line)[0] == 201
    except (OSError, http.client.HTTPException):
        return False


def test_a_black_hole_answers_nothing_for_a_while() -> None:
    with world() as (exchange, livy):
        line = exchange.open("k", mishap(Request.SUBMIT, Action.HANG, seconds=0.4))
        began = time.monotonic()
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            submit(line)
        assert time.monotonic() - began >= 0.4 and livy.requests == []

        assert submit(line)[0] == 201


def test_a_ghost_has_the_name_before() -> None:
    with world() as (exchange, livy):
        line = exchange.open("k", mishap(Request.SUBMIT, Action.GHOST))
        ask(line, "POST", "/batches", {"name": "n", "file": "f"})

        assert [body for _, _, body in livy.requests] == [{"name": "n"}, {"name": "n", "file": "f"}]


def test_livy_has_forgotten_the_batch_when_its_poll_arrives() -> None:
    with world() as (exchange, livy):
        line = exchange.open("k", mishap(Request.POLL, Action.FORGET))
        submit(line)
        poll(line)

        assert [(method, path) for method, path, _ in livy.requests[1:]] == [
            ("GET", "/batches/7"),
            ("DELETE", "/batches/7"),
            ("GET", "/batches/7/state"),
        ]


def until(true: Any) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_connection_is_kept_only_while_a_client_looks_for_its_batch() -> None:
    """A9: a poll on a kept connection would always come to the same server."""
    with world() as (exchange, _):
        line = exchange.open("k", [])
        connection = http.client.HTTPConnection("127.0.0.1", line.port, timeout=10)
        kept = []
        for method, path in (("GET", "/batches/8"), ("GET", "/batches/a-name"), ("POST", "/batches")):
            connection.request(method, path, "{}" if method == "POST" else None)
            answer = connection.getresponse()
            answer.read()
            kept.append(not answer.will_close)
        connection.close()

        assert kept == [True, True, False]


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/batches", (Request.SUBMIT, None)),
        ("GET", "/batches/7", (Request.POLL, 7)),
        ("GET", "/batches/7/state", (Request.POLL, 7)),
        ("GET", "/batches/7/log?size=9", (Request.LOG, 7)),
        ("GET", "/batches/8", (Request.PROBE, 8)),
        ("GET", "/batches/a-name", (Request.NAME, None)),
        ("DELETE", "/batches/8", (Request.DELETE, 8)),
    ],
)
def test_what_a_request_is_for(method: str, path: str, expected: tuple[Request, int | None]) -> None:
    head = Head(first=method, second=path, third="HTTP/1.1", headers=())

    assert what_for(head, [7]) == expected


@pytest.mark.parametrize(
    ("request_", "status", "content", "expected"),
    [
        (Request.SUBMIT, "201", b'{"id": 7, "name": "k"}', 7),
        (Request.SUBMIT, "500", b'{"id": 7, "name": "k"}', None),
        (Request.PROBE, "200", b'{"id": 7, "name": "k"}', 7),
        (Request.PROBE, "200", b'{"id": 7, "name": "l"}', None),
        (Request.PROBE, "200", b'{"id": 7, "name": null}', None),
        (Request.PROBE, "404", b"<html>no</html>", None),
        (Request.PROBE, "200", b"<html>no</html>", None),
        (Request.POLL, "200", b'{"id": 7, "name": "k"}', None),
    ],
)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_a_batch_is_its_client_s_own_by_the_answer_to_its_submit_or_by_its_name(
    request_: Request, status: str, content: bytes, expected: int | None, packed: bool
) -> None:
    answer = Head(
        first="HTTP/1.1", second=status, third="OK", headers=(("Content-Encoding", "gzip"),) if packed else ()
    )

    assert given({"k"}, request_, answer, gzip.compress(content) if packed else content) == expected
