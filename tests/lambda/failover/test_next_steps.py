"""What a person reads about what comes next."""

from __future__ import annotations

import json
import shlex

import pytest

from dr_core.requests import Kind, OperationRequest, Reason, read_by_hand
from failover.next_steps import failover_command, next_steps

from .parts import OPERATIONS
from .world import World


def request(**changes: object) -> OperationRequest:
    values = {"operation": "a-1-1", "kind": Kind.FAILOVER, "reason": Reason.UNHEALTHY, "managed_cluster": "a"}
    return OperationRequest(**{**values, "incident": "a-1", **changes})  # type: ignore[arg-type]


def test_the_command_starts_what_it_says(world: World) -> None:
    """A12: pasted into a shell at night."""
    words = shlex.split(failover_command(world.deployment, "a"))
    assert words[:4] == ["aws", "stepfunctions", "start-execution", "--state-machine-arn"]
    assert words[4:6] == [OPERATIONS, "--input"]
    read = read_by_hand(json.loads(words[6])["request"], execution_name="mine")
    assert (read.kind, read.reason, read.managed_cluster) == (Kind.FAILOVER, Reason.MANUAL, "a")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "This was attempt 1 of 3: if a is still unhealthy, the monitor starts the next one by itself"),
        ({"operation": "a-1-2"}, "This was attempt 2 of 3: if a is still unhealthy"),
        ({"operation": "a-1-3"}, "This was attempt 3 of 3: none follows by itself."),
        ({"operation": "a-1-3"}, "start a failover: aws stepfunctions start-execution"),
        ({"operation": "mine"}, "It was an attempt: if a is still unhealthy"),
        ({"reason": Reason.UPGRADE, "kind": Kind.SWITCHOVER}, "rolls its stack back by itself. Deploy again"),
        ({"reason": Reason.BOOTSTRAP, "kind": Kind.LAUNCH}, "rolls its stack back by itself. Deploy again"),
        ({"reason": Reason.MANUAL, "kind": Kind.REPAIR}, "start a failover, which replaces the cluster and loses"),
        ({"reason": Reason.MANUAL}, "Nobody starts it again: do that yourself, under another name"),
        ({"reason": Reason.EVACUATION, "kind": Kind.SWITCHOVER}, "Nobody starts it again"),
    ],
)
def test_what_comes_next_is_told(world: World, changes: dict[str, object], words: str) -> None:
    """A12: whether it is tried again by itself, and what to do if not."""
    assert words in next_steps(world.deployment, request(**changes))
