"""A11: reads that end in time whatever the other side does, and what each end means."""

from __future__ import annotations

import errno
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from dr_core import readings, routing
from dr_core.config import ServicePorts
from dr_core.evidence import Service, Verdict
from dr_core.readings import Answered, NotAnswered, NotAsked
from prober import looking

from ..http_server import canned_server, odd_server, refused_port
from .conftest import World

LIMIT = 0.2
NO_ANSWER = NotAnswered(detail="no whole answer within 0.2 s")


def test_an_answer_has_status_and_body() -> None:
    with canned_server() as server:
        server.answers["GET", "/x?y=1"] = (503, "starting")

        assert looking.fetch("127.0.0.1", server.port, "/x?y=1", limit=LIMIT) == Answered(status=503, body="starting")


def test_a_body_is_sent_as_json() -> None:
    with canned_server() as server:
        server.answers["POST", "/batches"] = (201, {})

        looking.fetch("127.0.0.1", server.port, "/batches", limit=LIMIT, method="POST", body={"file": "x"})

        assert server.requests == [("POST", "/batches", {"file": "x"})]


def test_nobody_listens() -> None:
    """A dead primary."""
    assert looking.fetch("127.0.0.1", refused_port(), "/", limit=LIMIT) == NotAnswered(detail="connection refused")


def test_a_server_that_says_nothing_is_cut() -> None:
    """A stopped process: the system accepts the connection, no byte comes."""
    with odd_server(lambda connected: _until_closed(connected)) as port:
        assert looking.fetch("127.0.0.1", port, "/", limit=LIMIT) == NO_ANSWER


def test_a_server_that_trickles_its_headers_is_cut() -> None:
    """The limit is for the whole answer: each byte would start a socket's own limit anew."""
    with odd_server(lambda connected: _trickle(connected, b"HTTP/1.1 200 OK\r\n")) as port:
        assert looking.fetch("127.0.0.1", port, "/", limit=LIMIT) == NO_ANSWER


def test_a_server_that_trickles_its_body_is_cut() -> None:
    with odd_server(lambda connected: _trickle(connected, b"HTTP/1.1 200 OK\r\n\r\n{")) as port:
        assert looking.fetch("127.0.0.1", port, "/", limit=LIMIT) == NO_ANSWER


def test_a_server_that_hangs_up_has_not_answered() -> None:
    with odd_server(lambda connected: None) as port:
        answer = looking.fetch("127.0.0.1", port, "/", limit=LIMIT)

    assert isinstance(answer, NotAnswered)
    assert answer.detail.startswith("no answer: ")


@pytest.mark.parametrize("said", [b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"])
def test_a_server_that_does_not_speak_http_has_not_answered(said: bytes) -> None:
    def talk(connected: socket.socket) -> None:
        connected.recv(4096)
        connected.sendall(said)

    with odd_server(talk) as port:
        answer = looking.fetch("127.0.0.1", port, "/", limit=LIMIT)

    assert isinstance(answer, NotAnswered)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.EHOSTUNREACH, NotAnswered(detail="no answer: OSError [Errno 113] x")),
        (errno.ENETUNREACH, NotAsked(detail="could not ask: [Errno 101] x")),
        (errno.EMFILE, NotAsked(detail="could not ask: [Errno 24] x")),
    ],
)
def test_what_fails_on_our_side_is_no_word_about_the_service(
    monkeypatch: pytest.MonkeyPatch, number: int, expected: object
) -> None:
    """A14."""

    def fail(*_: Any, **__: Any) -> None:
        raise OSError(number, "x")

    monkeypatch.setattr(socket, "create_connection", fail)

    assert type(looking.fetch("10.0.0.7", 1, "/", limit=LIMIT)) is type(expected)


def test_every_service_of_a_healthy_primary(world: World, pool: ThreadPoolExecutor) -> None:
    looks = looking.begin_looks(pool, [world.address], config=world.config)
    services = looking.end_looks(looks)[world.address].services

    assert {service: reading.verdict for service, reading in services.items()} == {
        service: Verdict.HEALTHY for service in Service
    }


def test_a_primary_whose_livy_died(world: World, pool: ThreadPoolExecutor) -> None:
    ports = ServicePorts(
        livy=refused_port(),
        resource_manager=world.config.ports.resource_manager,
        name_node=world.config.ports.name_node,
    )

    config = replace(world.config, ports=ports)
    services = looking.end_looks(looking.begin_looks(pool, [world.address], config=config))[world.address].services

    assert [services[each].verdict for each in Service] == [Verdict.UNHEALTHY, Verdict.HEALTHY, Verdict.HEALTHY]
    assert services[Service.LIVY].detail == "connection refused"


def test_each_primary_is_read_by_itself(world: World, pool: ThreadPoolExecutor) -> None:
    looks = looking.end_looks(looking.begin_looks(pool, [world.address, "127.0.0.2"], config=world.config))

    assert {address: seen.services[Service.LIVY].verdict for address, seen in looks.items()} == {
        "127.0.0.1": Verdict.HEALTHY,
        "127.0.0.2": Verdict.UNHEALTHY,
    }
    assert ("GET", readings.LIVY_SESSIONS, None) in world.livy.requests


def test_a_name_has_every_address_once(monkeypatch: pytest.MonkeyPatch, pool: ThreadPoolExecutor) -> None:
    addresses = ["10.0.2.1", "10.0.1.1", "10.0.2.1"]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: [(0, 0, 0, "", (each, 1)) for each in addresses])

    assert looking.resolve(pool, "nlb.example.com", 1, limit=LIMIT) == ["10.0.1.1", "10.0.2.1"]


def test_a_name_that_nobody_knows_has_none(monkeypatch: pytest.MonkeyPatch, pool: ThreadPoolExecutor) -> None:
    def fail(*_: Any) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)

    assert looking.resolve(pool, "nlb.example.com", 1, limit=LIMIT) == []


def test_the_control_passes(world: World, pool: ThreadPoolExecutor) -> None:
    assert looking.look_at_front_door(pool, config=world.config).reached


def test_the_control_asks_for_the_fixed_answer(world: World, pool: ThreadPoolExecutor) -> None:
    looking.look_at_front_door(pool, config=world.config)

    assert world.front_door.requests == [("GET", "/_front-door/health", None)]


def test_the_control_passes_if_one_address_answers(
    world: World, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address in a dead zone must not blind who looks from elsewhere."""
    monkeypatch.setattr(looking, "resolve", lambda *_, **__: ["127.0.0.2", "127.0.0.1"])

    assert looking.look_at_front_door(pool, config=replace(world.config, front_door_host="nlb.example.com")).reached


@pytest.mark.parametrize("answer", [(503, ""), (410, "")])
def test_the_control_fails_without_the_fixed_answer(
    world: World, pool: ThreadPoolExecutor, answer: tuple[int, str]
) -> None:
    world.front_door.answers["GET", routing.HEALTH_PATH] = answer

    assert not looking.look_at_front_door(pool, config=world.config).reached


def test_the_control_fails_without_an_address(
    world: World, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "resolve", lambda *_, **__: [])

    assert not looking.look_at_front_door(pool, config=world.config).reached


def _until_closed(connected: socket.socket) -> None:
    while connected.recv(4096):
        pass


def _trickle(connected: socket.socket, beginning: bytes) -> None:
    connected.recv(4096)
    connected.sendall(beginning)
    connected.settimeout(0.02)
    while True:
        connected.sendall(b"x")
        try:
            if not connected.recv(4096):
                return
        except TimeoutError:
            continue
