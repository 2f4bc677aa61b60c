"""What was told within the hour is not told again, and is counted where a person wants to know how often it was."""

from __future__ import annotations

from failover.closing import Notice
from failover.told import TELL_AGAIN_SECONDS, note_told, tell_of_call_off, untold

from .world import World

NOTICE = Notice(subject="failover of a called off", happened="A look did not confirm it.", done="Nothing.", to_do="No.")


def test_what_was_told_is_not_told_again_within_the_hour(world: World) -> None:
    assert untold(world.deployment, []) == set()
    note_told(world.deployment, ["one"])
    assert untold(world.deployment, ["one", "two"]) == {"two"}
    world.clock.now += TELL_AGAIN_SECONDS
    assert untold(world.deployment, ["one", "two"]) == {"one", "two"}


def test_a_service_that_comes_and_goes_is_told_of_once_an_hour_and_counted(world: World) -> None:
    """G3: a message every two minutes is one that nobody reads."""
    for _ in range(4):
        tell_of_call_off(world.deployment, NOTICE)
        world.clock.now += 120
    (first,) = world.notices
    assert "more times" not in first["message"]
    world.clock.now += TELL_AGAIN_SECONDS
    tell_of_call_off(world.deployment, NOTICE)
    assert "A look did not confirm it. The same happened 3 more times since the last" in world.notices[-1]["message"]
    world.clock.now += TELL_AGAIN_SECONDS
    tell_of_call_off(world.deployment, NOTICE)
    assert "more times" not in world.notices[-1]["message"]


def test_another_message_is_told_at_once(world: World) -> None:
    tell_of_call_off(world.deployment, NOTICE)
    tell_of_call_off(world.deployment, Notice(subject="failover of b called off", happened="", done="", to_do=""))
    assert len(world.notices) == 2
