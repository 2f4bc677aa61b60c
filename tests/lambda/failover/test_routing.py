"""Slots: one for each incarnation, taken by a condition, and opened before it is noted down."""

from __future__ import annotations

from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from dr_core.record import Incarnation
from failover import routing
from failover.errors import InvariantError
from failover.record_store import Change
from failover.routing import ensure_routed, reroute

from .scenarios import settled
from .world import World, rule_of


@pytest.fixture
def incarnation(world: World) -> Incarnation:
    """Generation 1, up and not verified yet."""
    world.run_operation(world.request("launch", "op1"), until="Verify")
    return world.incarnation(1)


def hold(world: World, *numbers: int) -> None:
    for number in numbers:
        world.put({"kind": "slot", "id": str(number), "generation": 90 + number})


def test_its_ids_lead_to_it(world: World, incarnation: Incarnation) -> None:
    """A13: by its prefix, in its slot."""
    routed = ensure_routed(world.deployment, incarnation, evicts=False)
    assert routed == replace(incarnation, slot=1)
    assert world.incarnation(1).slot == 1
    assert list(world.targets["slot-1"]) == [incarnation.primary_address]
    assert rule_of(1) in str(world.rules["id-1"])


def test_what_is_routed_is_left_as_it_is(world: World, incarnation: Incarnation) -> None:
    """A14: no second slot, and no call."""
    routed = ensure_routed(world.deployment, incarnation, evicts=False)
    assert routed is not None
    calls = world.calls
    assert ensure_routed(world.deployment, routed, evicts=False) == routed
    assert world.calls == calls


def test_the_first_free_slot_is_taken(world: World) -> None:
    """Slots in use are passed over."""
    world.put({"kind": "slot", "id": "1", "generation": 90})
    world.run_operation(world.request("launch", "op1"))
    assert world.incarnation(1).slot == 2


def test_no_free_slot_is_no_error(world: World, incarnation: Incarnation) -> None:
    """Its turn comes; nobody's rules are changed."""
    hold(world, 1, 2, 3, 4)
    assert ensure_routed(world.deployment, incarnation, evicts=False) is None
    assert world.rules == {}


def test_a_slot_that_it_holds_already_is_used(world: World, incarnation: Incarnation) -> None:
    """Whoever took it for this incarnation died before it could say so."""
    world.put({"kind": "slot", "id": "3", "generation": 1})
    routed = ensure_routed(world.deployment, incarnation, evicts=False)
    assert routed is not None
    assert routed.slot == 3
    assert settled(world)["slots"] == {1: None, 2: None, 3: 1, 4: None}


def test_a_slot_that_somebody_takes_meanwhile_is_passed_over(
    world: World, incarnation: Incarnation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A14: two incarnations in one slot would answer for each other."""
    change = world.record.change

    def change_after_somebody_else(wanted: Change) -> bool:
        hold(world, 1)
        return change(wanted)

    monkeypatch.setattr(world.record, "change", change_after_somebody_else)
    routed = ensure_routed(world.deployment, incarnation, evicts=False)
    assert routed is not None
    assert routed.slot == 2


def test_a_slot_that_was_taken_by_a_write_whose_answer_was_lost_is_its_own(
    world: World, incarnation: Incarnation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A14: the SDK writes again and is refused; a second slot would never be free again."""
    change = world.record.change

    def change_twice(wanted: Change) -> bool:
        change(wanted)
        return change(wanted)

    monkeypatch.setattr(world.record, "change", change_twice)
    routed = ensure_routed(world.deployment, incarnation, evicts=False)
    assert routed is not None
    assert routed.slot == 1
    assert settled(world)["slots"] == {1: 1, 2: None, 3: None, 4: None}


def test_a_slot_that_could_not_be_opened_is_not_noted_down(world: World, incarnation: Incarnation) -> None:
    """A14: the next call opens the same one."""
    world.broken = {"modify_rule"}
    with pytest.raises(ClientError):
        ensure_routed(world.deployment, incarnation, evicts=False)
    assert world.incarnation(1).slot is None
    world.broken.clear()
    routed = ensure_routed(world.deployment, world.incarnation(1), evicts=False)
    assert routed is not None
    assert routed.slot == 1


@pytest.mark.parametrize("missing", ["primary_address", "id_prefix"])
def test_what_cannot_be_reached_gets_no_slot(world: World, incarnation: Incarnation, missing: str) -> None:
    """A slot that leads nowhere would answer 503."""
    item = {name: value for name, value in incarnation.to_item().items() if name != missing}
    with pytest.raises(InvariantError, match="g000001 cannot be routed to"):
        ensure_routed(world.deployment, Incarnation.from_item(item), evicts=False)
    assert settled(world)["slots"][1] is None


@pytest.mark.parametrize("evicts", [False, True])
def test_a_failover_has_one_that_drains_give_its_slot_up(
    world: World, incarnation: Incarnation, evicts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A14: it cannot wait for the end of jobs; anything else can.  It waits all the same until the slot is free."""
    evicted = list[object]()
    monkeypatch.setattr(routing, "evict_one", evicted.append)
    hold(world, 1, 2, 3)
    assert ensure_routed(world.deployment, incarnation, evicts=evicts) is not None
    assert evicted == []
    world.put({**incarnation.to_item(), "slot": None})
    hold(world, 1, 2, 3, 4)
    assert ensure_routed(world.deployment, incarnation, evicts=evicts) is None
    assert evicted == ([world.deployment] if evicts else [])


@pytest.mark.parametrize("slot", [None, 2])
@pytest.mark.parametrize("other", [0, 1])
def test_what_holds_a_slot_is_routed_anew(world: World, incarnation: Incarnation, slot: int | None, other: int) -> None:
    """A13: its Livy turned out to number from 0; a slot that somebody took meanwhile is somebody's."""
    world.put({"kind": "slot", "id": "2", "generation": incarnation.generation + other})
    reroute(world.deployment, replace(incarnation, slot=slot, unseeded=True))
    assert (world.rules == {}) == (slot is None or other > 0)
    if world.rules:
        assert "/[0-9]{1,8}" in str(world.rules["id-2"])


def test_what_numbers_from_0_gets_such_a_rule_at_once(world: World, incarnation: Incarnation) -> None:
    """A13: it was known before a slot came free."""
    ensure_routed(world.deployment, replace(incarnation, unseeded=True), evicts=False)
    assert "/[0-9]{1,8}" in str(world.rules["id-1"])
    assert "1001" in str(world.rules["header-1"])
