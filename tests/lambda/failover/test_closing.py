"""The end of an operation: each part of it once, and nobody else's lease."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_core.record import Outcome
from failover.closing import Notice, answer_once, close, release_lease

from .parts import OPERATIONS
from .world import World

NOTICE = Notice(subject="s", happened="h", done="d", to_do="t")


def asked(world: World) -> dict[str, Any]:
    """The request of a launch that CloudFormation waits for, and that holds the lease."""
    request = world.request("launch", "op1")
    world.expect_answer("op1", request)
    world.step("operation", "Claim", request)
    return request


def test_cloudformation_is_answered_once(world: World) -> None:
    """With what the template may ask for."""
    asked(world)
    for _ in range(2):
        answer_once(world.deployment, world.operation("op1"), succeeded=True, reason="r", data={"Generation": "1"})
    assert world.answers == [{"request": "op1", "succeeded": True, "reason": "r", "data": {"Generation": "1"}}]


def test_nobody_is_answered_who_did_not_ask(world: World) -> None:
    """The monitor's operations and people's."""
    world.step("operation", "Claim", world.request("launch", "op1"))
    answer_once(world.deployment, world.operation("op1"), succeeded=True, reason="r")
    assert world.answers == []
    assert not world.operation("op1").answered


def test_an_answer_that_was_not_sent_is_not_marked(world: World) -> None:
    """The other order would leave a stack waiting for an hour."""
    asked(world)
    world.broken = {"send"}
    with pytest.raises(ClientError):
        answer_once(world.deployment, world.operation("op1"), succeeded=True, reason="r")
    assert not world.operation("op1").answered


def test_the_outcome_is_recorded_and_told(world: World) -> None:
    """One message: what happened, what was done, what to do next."""
    asked(world)
    close(world.deployment, world.operation("op1"), outcome=Outcome.FAILED, message="m", notice=NOTICE)
    assert (world.operation("op1").outcome, world.operation("op1").message) == (Outcome.FAILED, "m")
    assert [each["subject"] for each in world.notices] == ["emr-dr-active-passive: s"]


def test_the_first_outcome_stands(world: World) -> None:
    """And nobody is told of a second one."""
    asked(world)
    close(world.deployment, world.operation("op1"), outcome=Outcome.CANCELLED, message="m")
    close(world.deployment, world.operation("op1"), outcome=Outcome.FAILED, message="n", notice=NOTICE)
    assert (world.operation("op1").outcome, world.operation("op1").message) == (Outcome.CANCELLED, "m")
    assert world.notices == []


def test_an_outcome_that_came_meanwhile_stands(world: World) -> None:
    """Recorded after this one had read the operation."""
    asked(world)
    before = world.operation("op1")
    close(world.deployment, before, outcome=Outcome.LAUNCHED, message="m")
    close(world.deployment, before, outcome=Outcome.FAILED, message="n")
    assert world.operation("op1").outcome is Outcome.LAUNCHED


def test_people_are_told_before_the_outcome_is_recorded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A function that dies in between tells twice, not never."""
    asked(world)
    told: list[int] = []
    monkeypatch.setattr(world.record, "change", lambda _: told.append(len(world.notices)))
    close(world.deployment, world.operation("op1"), outcome=Outcome.FAILED, message="m", notice=NOTICE)
    assert told == [1]


def test_a_message_that_is_refused_keeps_no_outcome_back(world: World) -> None:
    """Or the operation would never end."""
    asked(world)
    world.broken = {"publish"}
    close(world.deployment, world.operation("op1"), outcome=Outcome.FAILED, message="m", notice=NOTICE)
    assert world.operation("op1").outcome is Outcome.FAILED


def test_the_lease_is_given_back(world: World) -> None:
    """For the next operation; a second time does no harm."""
    asked(world)
    for _ in range(2):
        release_lease(world.deployment, managed_cluster="a", execution=world.execution(OPERATIONS, "op1"))
    assert world.managed_cluster().lease is None


def test_the_lease_of_another_execution_is_left_alone(world: World) -> None:
    """A14: at most one operation for a managed cluster."""
    asked(world)
    release_lease(world.deployment, managed_cluster="a", execution="another")
    assert world.managed_cluster().lease is not None
