"""Which draining incarnation makes room for a failover."""

from __future__ import annotations

from typing import Any

import pytest

from dr_core.eviction_plan import choose_eviction, leaving
from dr_core.record import Incarnation, IncarnationState


def incarnation(generation: int, **values: Any) -> Incarnation:
    """One that drains since its generation's number."""
    return Incarnation(
        **{
            "generation": generation,
            "managed_cluster": "a",
            "state": IncarnationState.RETIRING,
            "serving_to": float(generation),
            **values,
        }
    )


def chosen(*incarnations: Incarnation, holding: set[int] | None = None) -> int | None:
    """The generation that has to go; every one holds a slot unless *holding* says which."""
    held = {each.generation for each in incarnations} if holding is None else holding
    found = choose_eviction(incarnations, holding=held)
    return found.generation if found else None


def going(*incarnations: Incarnation, holding: set[int] | None = None) -> int | None:
    """The generation that goes already."""
    held = {each.generation for each in incarnations} if holding is None else holding
    found = leaving(incarnations, holding=held)
    return found.generation if found else None


def test_the_one_that_drains_for_longest_goes() -> None:
    """A12: it has had the most time."""
    assert chosen(incarnation(3), incarnation(2, serving_to=9.0), incarnation(4, serving_to=3.5)) == 3


def test_one_that_only_lingers_goes_before_one_whose_jobs_run() -> None:
    """A12: no job is lost with it."""
    assert chosen(incarnation(1), incarnation(2, drained_at=1000.0)) == 2


def test_the_one_that_lingers_for_longest_goes() -> None:
    """A12: most of its clients have read their results; when it went out of service does not count."""
    assert chosen(incarnation(1, drained_at=1000.0), incarnation(2, drained_at=999.0)) == 2


def test_the_older_one_goes_where_all_else_is_equal() -> None:
    """Two controllers choose the same."""
    assert chosen(incarnation(2, serving_to=5.0), incarnation(1, serving_to=5.0)) == 1


@pytest.mark.parametrize("state", [state for state in IncarnationState if state is not IncarnationState.RETIRING])
def test_only_what_drains_is_evicted(state: IncarnationState) -> None:
    """A14: never what serves or begins."""
    assert chosen(incarnation(1, state=state)) is None


@pytest.mark.parametrize("known", ["evicted_at", "fenced_at", "terminate_requested_at", "ends_now"])
def test_what_ends_already_is_not_evicted(known: str) -> None:
    """It would not end sooner for that."""
    assert chosen(incarnation(1, **{known: 5.0}), incarnation(2)) == 2


def test_what_never_served_is_not_evicted() -> None:
    """It does not drain: its retirement is unplanned."""
    assert chosen(incarnation(1, serving_to=None)) is None


def test_what_holds_no_slot_is_not_evicted() -> None:
    """Nothing would come free."""
    assert chosen(incarnation(1), incarnation(2), holding={2, 3}) == 2


def test_nobody_is_evicted_where_nobody_drains() -> None:
    """The failover waits, and says so."""
    assert chosen() is None


@pytest.mark.parametrize("known", ["evicted_at", "fenced_at", "ends_now"])
def test_one_whose_slot_comes_free_in_a_moment_is_leaving(known: str) -> None:
    """A12: one failover takes one slot."""
    assert going(incarnation(1), incarnation(2, **{known: 5.0})) == 2


@pytest.mark.parametrize(
    "values",
    [{}, {"terminate_requested_at": 5.0}, {"drained_at": 5.0}, {"evicted_at": 5.0, "state": "retired"}],
    ids=str,
)
def test_others_are_not_leaving(values: dict[str, Any]) -> None:
    """The fence of one that failed may take five minutes: nobody waits for it while another one only drains."""
    state = IncarnationState(values.get("state", "retiring"))
    assert going(incarnation(1, **{**values, "state": state})) is None


def test_one_that_gave_its_slot_up_is_not_leaving() -> None:
    """Nothing comes free any more."""
    assert going(incarnation(1, evicted_at=5.0), holding={2}) is None
