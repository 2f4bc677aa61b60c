"""Giving back: an isolated incarnation gets new jobs again, unless it is about to end."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from failover.giving_back import give_back

from .scenarios import launched
from .world import World


def isolated(world: World, **changes: Any) -> None:
    """Generation 1 was taken out of the balanced group because it was sick."""
    launched(world)
    world.targets["balanced"].pop("10.0.1.1")
    world.put({**world.incarnation(1).to_item(), "isolated_at": 1, **changes})


def test_it_gets_new_jobs_again(world: World) -> None:
    """A10: registered with the balanced group, and no longer noted down as isolated."""
    isolated(world)
    assert give_back(world.deployment, 1)
    assert "10.0.1.1" in world.targets["balanced"]
    assert world.incarnation(1).isolated_at is None


def test_a_second_call_does_nothing(world: World) -> None:
    """A14."""
    isolated(world)
    give_back(world.deployment, 1)
    calls = world.calls
    assert not give_back(world.deployment, 1)
    assert world.calls == calls


def test_it_is_registered_before_that_is_noted_down(world: World) -> None:
    """A14: a function that dies in between does it again."""
    isolated(world)
    world.broken = {"register_targets"}
    with pytest.raises(ClientError, match="Rate exceeded"):
        give_back(world.deployment, 1)
    assert world.incarnation(1).isolated_at is not None
    world.broken.clear()
    assert give_back(world.deployment, 1)


@pytest.mark.parametrize(
    "change", [{"isolated_at": None}, {"state": "retiring"}, {"terminate_requested_at": 5}, {"primary_address": None}]
)
def test_who_ends_or_was_not_isolated_is_left_alone(world: World, change: dict[str, Any]) -> None:
    """New jobs on it would be lost."""
    isolated(world)
    item = {**world.incarnation(1).to_item(), **change}
    world.put({name: value for name, value in item.items() if value is not None})
    before = world.incarnation(1)
    assert not give_back(world.deployment, 1)
    assert "10.0.1.1" not in world.targets["balanced"]
    assert world.incarnation(1) == before


def test_an_address_that_was_handed_on_is_left_alone(world: World) -> None:
    """It is somebody else's now."""
    isolated(world)
    world.put({**world.incarnation(1).to_item(), "generation": 7, "id": "g000007", "isolated_at": None})
    assert not give_back(world.deployment, 1)
    assert "10.0.1.1" not in world.targets["balanced"]


def meanwhile(world: World, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Somebody changes the incarnation while it is being registered."""
    join = type(world.deployment.front_door).join_balanced_group

    def join_while_somebody_works(self: Any, address: str) -> None:
        join(self, address)
        item = {**world.incarnation(1).to_item(), **changes}
        world.put({name: value for name, value in item.items() if value is not None})

    monkeypatch.setattr(type(world.deployment.front_door), "join_balanced_group", join_while_somebody_works)


@pytest.mark.parametrize("changes", [{"isolated_at": 7}, {"terminate_requested_at": 7}, {"state": "retiring"}])
def test_whoever_isolates_or_ends_it_meanwhile_has_the_last_word(
    world: World, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A14: the reconciliation holds no lease."""
    isolated(world)
    meanwhile(world, monkeypatch, **changes)
    assert not give_back(world.deployment, 1)
    assert "10.0.1.1" not in world.targets["balanced"]
    assert world.incarnation(1).isolated_at is not None


def test_two_may_give_it_back_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A14: the one that comes second does not undo it."""
    isolated(world)
    meanwhile(world, monkeypatch, isolated_at=None)
    assert give_back(world.deployment, 1)
    assert "10.0.1.1" in world.targets["balanced"]


@pytest.mark.parametrize("generation", [None, 5])
def test_nobody_needs_nothing(world: World, generation: int | None) -> None:
    """Nothing was in service, or the record lost it."""
    isolated(world)
    assert not give_back(world.deployment, generation)
