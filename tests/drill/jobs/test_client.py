"""A plain Livy client against sockets that misbehave."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from emr_drill.jobs.client import Answer, LivyClient

HOST = "127.0.0.1"


def http(status: str, body: str = "", *, close: bool = False) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n"
    return (head + ("Connection: close\r\n" if close else "") + f"\r\n{body}").encode()


class Server:
    """Accepts connections and answers each request with the next of ``answers``; empty bytes close the connection."""

    def __init__(self) -> None:
        self.answers: list[bytes] = []
        self.requests: list[str] = []
        self.connections = 0
        self._socket = socket.create_server((HOST, 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while request := self._read(connection):
                self.requests.append(request)
                answer = self.answers.pop(0)
                if not answer:
                    return
                connection.sendall(answer)

    def _read(self, connection: socket.socket) -> str:
        text = b""
        while b"\r\n\r\n" not in text:
            if not (piece := connection.recv(4096)):
                return ""
            text += piece
        head, _, body = text.partition(b"\r\n\r\n")
        length = next((line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b"0")
        while len(body) < int(length):
            body += connection.recv(4096)
        return (head + b"\r\n\r\n" + body).decode()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


Connect = Callable[..., LivyClient]


@pytest.fixture
def client(server: Server) -> Iterator[Connect]:
    made: list[LivyClient] = []

    def connect(*, keep: bool = False, addresses: tuple[str, ...] = (HOST,), limit_seconds: float = 15) -> LivyClient:
        made.append(LivyClient(addresses=lambda: addresses, port=server.port, keep=keep, limit_seconds=limit_seconds))
        return made[-1]

    yield connect
    for one in made:
        one.close()


def test_a_request_is_json_and_so_is_the_answer(server: Server, client: Connect) -> None:
    server.answers = [http("201 Created", '{"id": 1001000000}')]

    answer = client().call("POST", "/batches", {"file": "job.py"})

    assert (answer.status, answer.body) == (201, {"id": 1001000000})
    assert server.requests[0].startswith("POST /batches HTTP/1.1\r\n")
    assert json.loads(server.requests[0].partition("\r\n\r\n")[2]) == {"file": "job.py"}


def test_an_answer_without_a_body_has_none(server: Server, client: Connect) -> None:
    server.answers = [http("404 Not Found")]

    assert client().call("GET", "/batches/1") == Answer(status=404)


def test_an_answer_that_is_no_json_keeps_its_status(server: Server, client: Connect) -> None:
    """As a gateway's page of HTML."""
    server.answers = [http("502 Bad Gateway", "<html>")]

    assert client().call("GET", "/batches/1") == Answer(status=502, error="<html>")


def test_each_call_connects_anew(server: Server, client: Connect) -> None:
    server.answers = [http("200 OK"), http("200 OK")]
    one = client()
    one.call("GET", "/1")
    one.call("GET", "/2")

    assert (server.connections, one.connected) == (2, False)
    assert "connection: close" in server.requests[0].lower()


def test_a_kept_connection_is_used_again(server: Server, client: Connect) -> None:
    server.answers = [http("200 OK"), http("200 OK")]
    one = client(keep=True)
    one.call("GET", "/1")
    one.call("GET", "/2")

    assert (server.connections, one.connected) == (1, True)


def test_a_connection_that_the_server_ends_is_not_kept(server: Server, client: Connect) -> None:
    server.answers = [http("200 OK", close=True)]
    one = client(keep=True)
    one.call("GET", "/1")

    assert not one.connected


def test_a_broken_connection_is_an_answer_without_status(server: Server, client: Connect) -> None:
    """The server may or may not have taken the job."""
    server.answers = [b""]
    one = client(keep=True)

    answer = one.call("POST", "/batches", {})

    assert (answer.status, answer.ambiguous) == (0, True)
    assert "RemoteDisconnected" in answer.error
    assert not one.connected


def test_after_a_broken_connection_the_next_call_connects_anew(server: Server, client: Connect) -> None:
    server.answers = [b"", http("200 OK")]
    one = client(keep=True)
    one.call("GET", "/1")

    assert one.call("GET", "/2").status == 200


def test_silence_ends_with_the_time_limit(server: Server, client: Connect) -> None:
    server.answers = [b"HTTP/1.1 200 OK\r\n"]

    answer = client(limit_seconds=0.05).call("GET", "/1")

    assert (answer.status, "TimeoutError" in answer.error) == (0, True)


def test_the_next_address_of_the_name_is_tried(server: Server, client: Connect) -> None:
    """Nothing listens on the first: an AZ's node that is gone."""
    server.answers = [http("200 OK")]

    assert client(addresses=("127.0.0.2", HOST)).call("GET", "/1").status == 200


def test_a_front_door_that_refuses_is_an_answer_without_status(client: Connect) -> None:
    answer = client(addresses=("127.0.0.2",)).call("GET", "/1")

    assert (answer.status, "ConnectionRefusedError" in answer.error) == (0, True)


def test_a_name_without_addresses_is_an_answer_without_status(client: Connect) -> None:
    answer = client(addresses=()).call("GET", "/1")

    assert (answer.status, answer.error) == (0, "ConnectionError: the front door's name has no address")


def test_the_addresses_are_asked_for_at_each_connection(server: Server) -> None:
    """A client must not remember what a name resolved to yesterday."""
    server.answers = [http("200 OK")]
    now: list[str] = []
    one = LivyClient(addresses=lambda: now, port=server.port)
    before = one.call("GET", "/1").status
    now.append(HOST)

    assert (before, one.call("GET", "/1").status) == (0, 200)


@pytest.mark.parametrize(
    ("status", "ambiguous"),
    [(0, True), (500, True), (502, True), (503, True), (504, True), (201, False), (400, False), (410, False)],
)
def test_which_answers_leave_open_whether_the_job_was_taken(status: int, ambiguous: bool) -> None:
    assert Answer(status=status).ambiguous is ambiguous
