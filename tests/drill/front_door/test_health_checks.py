"""Checks are really made (A5)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest

from emr_drill.clock import Clock
from emr_drill.front_door.health import HealthState
from emr_drill.front_door.health_checks import HealthBoard, Membership, Probe, run_check
from emr_drill.front_door.model import HealthCheck, Target, TargetGroup
from emr_drill.front_door.server import FrontDoorServer
from tests.drill.front_door.world import HOST, Origin, eventually, free_port

CLOCK = Clock.start(speed=1000)
CHECK = HealthCheck(path="/healthy", interval_seconds=5, timeout_seconds=0.2, healthy_threshold=2)


@pytest.fixture
def origin() -> Iterator[Origin]:
    """A target that answers."""
    made = Origin()
    yield made
    made.close()


@pytest.fixture
def board() -> Iterator[HealthBoard]:
    """A board of its own thread."""
    server = FrontDoorServer()
    made = HealthBoard(clock=CLOCK, loop=server.loop, on_change=lambda *_: None)
    yield made
    server.call(made.close())
    server.close()


def membership(target: Target, *, group: str = "group", delay: float = 300) -> Membership:
    """A registration whose verdicts come at once."""
    return Membership(
        group=TargetGroup(
            arn=group,
            name=group,
            target_type="ip",
            targets=(target,),
            health_check=CHECK,
            deregistration_delay_seconds=delay,
        ),
        target=target,
        addresses=(target.id,),
        healthy_at=CLOCK.now,
        healthy_after=lambda: 0.0,
        unhealthy_after=lambda: 0.0,
    )


def becomes(board: HealthBoard, target: Target, state: HealthState) -> Callable[[], bool]:
    return lambda: board.state("group", target) is state


def test_target_that_answers_becomes_healthy(board: HealthBoard, origin: Origin) -> None:
    """Checked on its own port and path."""
    board.replace([membership(origin.target)])
    eventually(becomes(board, origin.target, HealthState.HEALTHY))


def test_target_with_a_wrong_status_becomes_unhealthy(board: HealthBoard, origin: Origin) -> None:
    """Connecting is not enough."""
    board.replace([membership(origin.target)])
    eventually(becomes(board, origin.target, HealthState.HEALTHY))
    origin.healthy = False
    eventually(becomes(board, origin.target, HealthState.UNHEALTHY))
    _, check = board.reported("group")[origin.target]
    assert check is not None
    assert check.reason == "Target.ResponseCodeMismatch"


def test_dead_target_becomes_unhealthy(board: HealthBoard, origin: Origin) -> None:
    """Nothing listens any more."""
    board.replace([membership(origin.target)])
    eventually(becomes(board, origin.target, HealthState.HEALTHY))
    origin.close()
    eventually(becomes(board, origin.target, HealthState.UNHEALTHY))


def test_deregistered_target_is_draining_and_still_known_to_nodes(board: HealthBoard, origin: Origin) -> None:
    """Nodes that have not heard yet go on using it."""
    board.replace([membership(origin.target, delay=1e9)])
    eventually(becomes(board, origin.target, HealthState.HEALTHY))
    board.replace([])
    assert board.reported("group")[origin.target][0] is HealthState.DRAINING
    assert board.state("group", origin.target) is HealthState.HEALTHY


def test_drained_target_is_reported_no_more(board: HealthBoard, origin: Origin) -> None:
    """After the deregistration delay."""
    board.replace([membership(origin.target, delay=0)])
    board.replace([])
    assert board.reported("group") == {}


def test_target_that_comes_back_starts_anew(board: HealthBoard, origin: Origin) -> None:
    """Registered while it drains."""
    board.replace([membership(origin.target)])
    eventually(becomes(board, origin.target, HealthState.HEALTHY))
    origin.close()
    board.replace([])
    board.replace([membership(origin.target)])
    assert board.state("group", origin.target) is HealthState.INITIAL


def test_groups_with_the_same_check_share_it(board: HealthBoard, origin: Origin) -> None:
    """Slot and balanced group ask the same question: one checker."""
    board.replace([membership(origin.target), membership(origin.target, group="other")])
    eventually(becomes(board, origin.target, HealthState.HEALTHY))
    assert board.state("other", origin.target) is HealthState.HEALTHY
    assert board.checkers == 1


@pytest.mark.parametrize(
    ("check", "reason"),
    [
        (HealthCheck(path="/silent", timeout_seconds=0.05), "Target.Timeout"),
        (HealthCheck(path="/status/500"), "Target.ResponseCodeMismatch"),
        (HealthCheck(path="/hang-up"), "Target.ResponseCodeMismatch"),
    ],
)
def test_failed_check_says_why(origin: Origin, check: HealthCheck, reason: str) -> None:
    """With the reason codes of DescribeTargetHealth."""
    probe = Probe(addresses=(HOST,), port=origin.target.port, check=check)
    assert asyncio.run(run_check(probe, HOST, 0.0)).reason == reason


def test_refused_check_says_why() -> None:
    """Nothing listens."""
    probe = Probe(addresses=(HOST,), port=free_port(), check=HealthCheck())
    assert asyncio.run(run_check(probe, HOST, 0.0)).reason == "Target.FailedHealthChecks"


def test_connection_is_enough_for_a_tcp_check(origin: Origin) -> None:
    """Whatever it would answer."""
    probe = Probe(addresses=(HOST,), port=origin.target.port, check=HealthCheck(protocol="TCP", path="/status/500"))
    assert asyncio.run(run_check(probe, HOST, 0.0)).passed
