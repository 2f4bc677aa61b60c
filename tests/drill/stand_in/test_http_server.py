"""A free port, and nothing left behind (A12)."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterable
from typing import Any

import pytest

from emr_drill.stand_in.http_server import HOST, HttpServer


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


def test_two_servers_take_different_ports() -> None:
    servers = [HttpServer(application), HttpServer(application)]
    try:
        assert servers[0].port != servers[1].port
    finally:
        for server in servers:
            server.stop()


def test_requests_are_answered() -> None:
    server = HttpServer(application)
    server.start()
    connection = http.client.HTTPConnection(HOST, server.port, timeout=10)
    try:
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"ok"
    finally:
        connection.close()
        server.stop()


def test_stop_closes_kept_alive_connections() -> None:
    """A client that keeps its connection does not keep a thread of the stand-in."""
    before = set(threading.enumerate())
    server = HttpServer(application)
    server.start()
    connection = http.client.HTTPConnection(HOST, server.port, timeout=10)
    connection.request("GET", "/")
    connection.getresponse().read()

    server.stop()
    for thread in set(threading.enumerate()) - before:
        thread.join(10)

    assert set(threading.enumerate()) - before == set()
    connection.close()


def test_stopped_server_refuses() -> None:
    server = HttpServer(application)
    server.start()
    server.stop()
    connection = http.client.HTTPConnection(HOST, server.port, timeout=10)

    with pytest.raises(ConnectionRefusedError):
        connection.request("GET", "/")


def test_stop_is_repeatable() -> None:
    server = HttpServer(application)
    server.start()
    server.stop()
    server.stop()
