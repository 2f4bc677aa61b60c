"""What a client meets at a node of the application load balancer (A1, A5, A10)."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from emr_drill.front_door.health import HealthState
from emr_drill.front_door.model import Target
from emr_drill.front_door.rules import Request
from tests.drill.front_door.world import GONE, HOST, Door, Origin, door, eventually, free_port


@pytest.fixture
def origin() -> Iterator[Origin]:
    """A target that answers."""
    made = Origin()
    yield made
    made.close()


@pytest.fixture
def front(origin: Origin) -> Iterator[Door]:
    """A node in front of it."""
    with door(origin.target, idle_timeout_seconds=0.4) as made:
        yield made


def test_request_reaches_the_target_as_it_was_sent(front: Door) -> None:
    """Path, query and body are passed on untouched."""
    status, text = front.ask("/batches/%31?x=1", method="POST", body='{"file": "a"}')
    told = json.loads(text)
    assert (status, told["path"], told["body"]) == (200, "/batches/%31?x=1", '{"file": "a"}')


def test_client_is_named_to_the_target(front: Door) -> None:
    """X-Forwarded-For is continued."""
    _, text = front.ask("/", headers={"X-Forwarded-For": "10.0.0.1"})
    assert json.loads(text)["headers"]["X-Forwarded-For"] == "10.0.0.1, 127.0.0.1"


def test_client_connection_serves_several_requests(front: Door, origin: Origin) -> None:
    """One connection on either side."""
    connection = front.connect()
    for _ in range(3):
        connection.request("GET", "/")
        assert connection.getresponse().read()
    connection.close()
    assert origin.connections == 1


@pytest.mark.parametrize("path", ["/chunked", "/until-close", "/"])
def test_body_of_any_framing_arrives_whole(front: Door, path: str) -> None:
    """Chunked, ended by closing, of a stated length."""
    status, text = front.ask(path)
    assert (status, json.loads(text)["path"]) == (200, path)


def test_chunked_request_arrives_whole(front: Door) -> None:
    """A client that does not know its length."""
    connection = front.connect()
    connection.request(
        "POST", "/", body=iter([b"one ", b"two"]), encode_chunked=True, headers={"Transfer-Encoding": "chunked"}
    )
    assert json.loads(connection.getresponse().read())["body"] == "one two"
    connection.close()


@pytest.mark.parametrize(("method", "path", "status"), [("HEAD", "/", 200), ("GET", "/status/204", 204)])
def test_answer_without_body_keeps_the_connection(
    front: Door, origin: Origin, method: str, path: str, status: int
) -> None:
    """Nothing waits for a body that does not come."""
    assert front.ask(path, method=method)[0] == status
    assert front.ask("/")[0] == 200
    assert origin.connections == 1


def test_status_of_the_target_is_passed_on(front: Door) -> None:
    """Whatever it is."""
    assert front.ask("/status/404")[0] == 404


def test_fixed_response_needs_no_target() -> None:
    """The 410 of a retired id."""
    with door(action=GONE) as front:
        assert front.ask("/batches/7") == (410, '{"msg": "gone"}')


def test_request_is_reported_to_the_hook(front: Door, origin: Origin) -> None:
    """With node, port, method, target of the request, status, target and rule."""
    front.ask("/status/404")
    eventually(lambda: bool(front.requests))
    assert front.requests[0][1:] == (HOST, front.port, "GET", "/status/404", 404, str(origin.target), "default")


def test_health_check_is_not_reported_to_the_hook(front: Door) -> None:
    """Else they would bury the clients' requests."""
    front.ask("/", headers={"User-Agent": "ELB-HealthChecker/2.0"})
    front.ask("/seen")
    eventually(lambda: bool(front.requests))
    assert [request[4] for request in front.requests] == ["/seen"]


def test_broken_request_is_refused(front: Door) -> None:
    """400 and the connection ends."""
    connection = front.connect()
    connection.connect()
    connection.sock.sendall(b"GET /\r\nbroken header\r\n\r\n")
    assert connection.sock.recv(100).startswith(b"HTTP/1.1 400")
    connection.close()


def test_target_that_refuses_is_502() -> None:
    """Nothing listens there."""
    with door(Target(id=HOST, port=free_port())) as front:
        assert front.ask("/")[0] == 502


@pytest.mark.parametrize("path", ["/hang-up", "/rubbish"])
def test_target_that_does_not_answer_properly_is_502(front: Door, path: str) -> None:
    """It closed, or it does not speak HTTP."""
    assert front.ask(path)[0] == 502


def test_silent_target_is_504(front: Door) -> None:
    """After the idle time-out."""
    assert front.ask("/silent")[0] == 504


def test_group_without_target_is_503() -> None:
    """There is nobody to send it to."""
    with door() as front:
        assert front.ask("/")[0] == 503


def test_new_target_gets_nothing(front: Door, origin: Origin) -> None:
    """Not even if it is the only one."""
    front.verdicts.states[origin.target] = HealthState.INITIAL
    assert front.ask("/")[0] == 503


def test_unhealthy_target_gets_nothing_beside_a_healthy_one(origin: Origin) -> None:
    """Health decides who gets requests (A5)."""
    other = Origin(name="other")
    with door(origin.target, other.target) as front:
        front.verdicts.states[origin.target] = HealthState.UNHEALTHY
        assert {json.loads(front.ask("/")[1])["name"] for _ in range(4)} == {"other"}
    other.close()


def test_without_healthy_target_all_unhealthy_ones_are_used(origin: Origin) -> None:
    """The load balancer fails open; a new target stays out."""
    other = Origin(name="other")
    new = Target(id=HOST, port=free_port())
    with door(origin.target, other.target, new) as front:
        front.verdicts.states |= {
            origin.target: HealthState.UNHEALTHY,
            other.target: HealthState.UNHEALTHY,
            new: HealthState.INITIAL,
        }
        assert {json.loads(front.ask("/")[1])["name"] for _ in range(4)} == {"", "other"}
    other.close()


def test_healthy_targets_take_turns(origin: Origin) -> None:
    """Round robin."""
    other = Origin(name="other")
    with door(origin.target, other.target) as front:
        assert [json.loads(front.ask("/")[1])["name"] for _ in range(4)] == ["", "other", "", "other"]
    other.close()


def test_answer_can_be_foreseen_without_asking(front: Door, origin: Origin) -> None:
    """Who owns a path now, for the drill's own check of owners."""
    answer = front.node.answer(front.port, Request(method="GET", target="/batches/1"))
    assert (answer.rule, answer.group, answer.targets, answer.status) == ("default", "balanced", (origin.target,), None)


def test_target_that_closes_first_is_502() -> None:
    """The load balancer's idle time-out is above the target's keep-alive: a pooled connection is closed under it."""
    origin = Origin(keep_alive=0.1)
    with door(origin.target, idle_timeout_seconds=5.0) as front:
        assert front.ask("/")[0] == 200
        assert origin.closed_by_origin.wait(5)
        assert front.ask("/")[0] == 502
        assert front.ask("/")[0] == 200  # on a fresh connection
    origin.close()


def test_load_balancer_that_closes_first_never_meets_a_closed_connection() -> None:
    """Its idle time-out is below the target's keep-alive: the remedy."""
    origin = Origin(keep_alive=5.0)
    with door(origin.target, idle_timeout_seconds=0.1) as front:
        assert front.ask("/")[0] == 200
        assert origin.closed_by_client.wait(5)
        assert front.ask("/")[0] == 200
    assert origin.connections == 2
    origin.close()


def test_closed_connection_is_noticed_after_a_while() -> None:
    """A service that was restarted long ago is asked on a new connection."""
    origin = Origin(keep_alive=0.1)
    with door(origin.target, close_noticed_after=0.0) as front:
        assert front.ask("/")[0] == 200
        assert origin.closed_by_origin.wait(5)
        eventually(lambda: front.ask("/")[0] == 200)
    origin.close()


def test_idle_client_connection_is_closed(front: Door) -> None:
    """The idle time-out holds on the client's side, too."""
    connection = front.connect()
    connection.connect()
    assert connection.sock.recv(1) == b""
    connection.close()
