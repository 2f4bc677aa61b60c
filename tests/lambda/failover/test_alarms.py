"""B13: what the alarms say that a change waits for."""

from __future__ import annotations

import pytest

from dr_core.bake import AlarmSeen, AlarmState

from .world import World


@pytest.mark.parametrize("state", ["OK", "ALARM", "INSUFFICIENT_DATA"])
def test_an_alarm_is_seen_as_it_is(world: World, state: str) -> None:
    world.alarms["etl"] = state

    assert world.deployment.alarms.look(["etl"]) == [AlarmSeen(name="etl", state=AlarmState(state), reason="why etl")]


def test_an_alarm_that_does_not_exist_is_told(world: World) -> None:
    """CloudWatch leaves it out of its answer, as it does a composite one."""
    world.alarms["other"] = "OK"
    missing, other = world.deployment.alarms.look(["etl", "other"])

    assert (missing.state, other.state) == (AlarmState.UNREAD, AlarmState.OK)
    assert "no metric alarm of that name" in missing.reason


def test_alarms_that_cannot_be_read_are_told(world: World) -> None:
    world.alarms["etl"] = "OK"
    world.broken.add("describe_alarms")
    (seen,) = world.deployment.alarms.look(["etl"])

    assert seen.state is AlarmState.UNREAD
    assert "Rate exceeded" in seen.reason


def test_nobody_is_asked_for_no_alarm(world: World) -> None:
    world.broken.add("describe_alarms")

    assert world.deployment.alarms.look([]) == []
