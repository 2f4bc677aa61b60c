"""Whether a planned launch will find a slot."""

from __future__ import annotations

from typing import Any

import pytest

from dr_core.record import Incarnation, IncarnationState, Slot
from dr_core.slot_plan import draining, slots_left, slots_wanted


def incarnation(generation: int, state: str, **values: Any) -> Incarnation:
    return Incarnation(generation=generation, managed_cluster="a", state=IncarnationState(state), **values)


def slots(*held: int | None) -> list[Slot]:
    return [Slot(number=number, generation=each) for number, each in enumerate(held, start=1)]


@pytest.mark.parametrize(("followers", "wanted"), [(0, 1), (1, 3), (2, 4)])
def test_who_goes_first_leaves_room_for_the_others_and_the_way_back(followers: int, wanted: int) -> None:
    """B13: a change that runs out of slots in the middle can neither go on nor back."""
    assert slots_wanted(followers=followers) == wanted


def test_both_halves_may_move_twice_while_both_drain() -> None:
    """B13: seven slots; before the second change two serve and two drain, before the third two serve and four drain."""
    two = [incarnation(1, "retiring"), incarnation(2, "retiring"), incarnation(3, "serving"), incarnation(4, "serving")]
    assert slots_left(slots(1, 2, 3, 4, None, None, None), two, operation="op") == slots_wanted(followers=1)
    four = [incarnation(each, "retiring") for each in (1, 2, 3, 4)] + [incarnation(each, "serving") for each in (5, 6)]
    assert slots_left(slots(1, 2, 3, 4, 5, 6, None), four, operation="op") == slots_wanted(followers=0)


@pytest.mark.parametrize(("followers", "wanted"), [(0, 1), (1, 2), (2, 3)])
def test_the_way_back_leaves_room_for_no_other_one(followers: int, wanted: int) -> None:
    """B13: after it nobody has to come back, and CloudFormation gives up where it fails."""
    assert slots_wanted(followers=followers, way_back=True) == wanted


def test_nobody_known_holds_a_slot_all_the_same() -> None:
    """A12: the record of slots is what nobody may take from another."""
    assert slots_left(slots(7, None), [], operation="op") == 1


@pytest.mark.parametrize(
    "going",
    [
        incarnation(1, "abandoned"),
        incarnation(1, "retired"),
        incarnation(1, "retiring", evicted_at=1),
        incarnation(1, "retiring", fenced_at=1),
        incarnation(1, "retiring", terminate_requested_at=1),
        incarnation(1, "retiring", ends_now=True),
    ],
    ids=["abandoned", "retired", "evicted", "fenced", "its end is asked for", "ends"],
)
def test_what_comes_free_in_minutes_is_free(going: Incarnation) -> None:
    """A launch takes longer."""
    assert slots_left(slots(1, None), [going], operation="op") == 2
    assert draining(slots(1, None), [going]) == []


@pytest.mark.parametrize("state", ["retiring", "serving", "standby", "verifying"])
def test_what_stays_is_not(state: str) -> None:
    assert slots_left(slots(1, None), [incarnation(1, state)], operation="op") == 1


def test_what_another_operation_launches_will_need_one() -> None:
    """Two managed clusters that move at once must not count on the same slot."""
    begun = incarnation(1, "launching", operation="other")
    assert slots_left(slots(None, None), [begun], operation="op") == 1
    assert slots_left(slots(None, None), [begun], operation="other") == 2


def test_those_that_drain_are_named_oldest_first() -> None:
    known = [
        incarnation(2, "retiring"),
        incarnation(1, "retiring"),
        incarnation(3, "serving"),
        incarnation(4, "retiring"),
    ]
    assert [each.generation for each in draining(slots(1, 2, 3), known)] == [1, 2]
