"""Where nodes listen, and what a person is told if they cannot."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Iterator

import pytest

from emr_drill.errors import DrillError
from emr_drill.front_door.server import FrontDoorServer, cannot_listen, check_address
from tests.drill.front_door.world import HOST, free_port


def test_port_in_use_is_named_with_the_remedy() -> None:
    """Address, port, and how to find who has it."""
    server = FrontDoorServer()
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(DrillError, match=rf"{HOST}:{port}: port {port} is in use .*another block"):
            server.listen(HOST, port, lambda reader, writer: None)  # type: ignore[arg-type, return-value]
    server.close()


def test_missing_loopback_address_is_named_with_the_remedy() -> None:
    """macOS has 127.0.0.1 alone until told otherwise."""
    error = cannot_listen("127.10.1.2", 8998, OSError(errno.EADDRNOTAVAIL, "no"))
    assert "sudo ifconfig lo0 alias 127.10.1.2 up" in str(error)


def test_address_of_another_machine_cannot_be_listened_on() -> None:
    """The check that runs before anything is started."""
    with pytest.raises(DrillError, match=r"192\.0\.2\.1"):
        check_address("192.0.2.1")


def test_low_port_is_named_with_the_remedy() -> None:
    """Below 1024 needs a right that a drill does not have."""
    assert "1024" in str(cannot_listen("127.10.1.2", 80, OSError(errno.EACCES, "no")))


def test_closing_twice_does_no_harm() -> None:
    """And ends the thread."""
    server = FrontDoorServer()
    server.close()
    server.close()
    assert server.loop.is_closed()


def test_port_is_free_again_after_listening() -> None:
    """A load balancer that was deleted leaves nothing behind."""
    server, port = FrontDoorServer(), free_port()
    server.listen(HOST, port, lambda reader, writer: None)  # type: ignore[arg-type, return-value]
    server.stop_listening(HOST, port)
    server.listen(HOST, port, lambda reader, writer: None)  # type: ignore[arg-type, return-value]
    assert server.listening == {(HOST, port)}
    server.close()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say back what was said."""
    while data := await reader.read(100):
        writer.write(data)


def says(connection: socket.socket, text: bytes) -> bytes:
    """What comes back in a moment."""
    connection.settimeout(0.5)
    connection.sendall(text)
    return connection.recv(100)


@pytest.fixture
def server() -> Iterator[FrontDoorServer]:
    made = FrontDoorServer()
    yield made
    made.close()


def test_a_silent_address_takes_no_connection_and_refuses_none(server: FrontDoorServer) -> None:
    """As in an AZ that is gone: nobody says no, nobody says anything (A11)."""
    port = free_port()
    server.listen(HOST, port, echo)
    server.silence(HOST)

    for _ in range(2):
        with pytest.raises(TimeoutError):
            socket.create_connection((HOST, port), timeout=0.3)
    assert server.listening == {(HOST, port)}


def test_an_open_connection_to_a_silent_address_hears_nothing_more_and_breaks_when_it_is_back(
    server: FrontDoorServer,
) -> None:
    port = free_port()
    server.listen(HOST, port, echo)
    with socket.create_connection((HOST, port), timeout=5) as connection:
        assert says(connection, b"one") == b"one"
        server.silence(HOST)
        server.silence(HOST)
        with pytest.raises(TimeoutError):
            says(connection, b"two")

        server.unsilence(HOST)
        server.unsilence(HOST)
        connection.settimeout(5)
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    with socket.create_connection((HOST, port), timeout=5) as connection:
        assert says(connection, b"three") == b"three"


def test_a_listener_that_is_made_on_a_silent_address_is_silent(server: FrontDoorServer) -> None:
    port = free_port()
    server.silence(HOST)
    server.listen(HOST, port, echo)
    with pytest.raises(TimeoutError):
        socket.create_connection((HOST, port), timeout=0.3)

    server.unsilence(HOST)
    with socket.create_connection((HOST, port), timeout=5) as connection:
        assert says(connection, b"one") == b"one"


def test_a_silent_listener_can_be_removed(server: FrontDoorServer) -> None:
    port = free_port()
    server.listen(HOST, port, echo)
    server.silence(HOST)
    server.stop_listening(HOST, port)

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, port), timeout=5)


def test_a_silent_port_that_is_taken_is_named(server: FrontDoorServer) -> None:
    server.silence(HOST)
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(DrillError, match="is in use there"):
            server.listen(HOST, port, echo)
    assert server.listening == set()


def test_the_end_closes_what_is_silent(server: FrontDoorServer) -> None:
    port = free_port()
    server.listen(HOST, port, echo)
    with socket.create_connection((HOST, port), timeout=5) as connection:
        assert says(connection, b"one") == b"one"
        server.silence(HOST)
        server.close()
        connection.settimeout(5)
        assert connection.recv(1) == b""
