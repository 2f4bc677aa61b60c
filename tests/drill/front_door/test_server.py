"""Where nodes listen, and what a person is told if they cannot."""

from __future__ import annotations

import errno
import socket

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
