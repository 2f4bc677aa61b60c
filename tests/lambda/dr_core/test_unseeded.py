"""A13: no id may lead to a job of somebody else, though a Livy could not be given a range of its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dr_core.record import Incarnation, IncarnationState
from dr_core.unseeded import QUARANTINE_SECONDS, UNSEEDED_CLAIM, seed_step_name, why_not_unseeded

NOW = 1_800_000_000.0
WEEK = 7 * 24 * 3600


def incarnation(generation: int, state: IncarnationState = IncarnationState.SERVING, **times: float) -> Incarnation:
    name = f"d-a-g{generation}"
    return Incarnation(
        generation=generation,
        managed_cluster="a",
        state=state,
        stack_name=name,
        **times,  # type: ignore[arg-type]
    )


def refused(*others: Incarnation, batch_id: int = 0, claimed_by: int | None = None) -> str | None:
    """Why generation 5 may not serve unseeded beside *others*."""
    mine = incarnation(5, IncarnationState.VERIFYING)
    return why_not_unseeded(
        generation=5, batch_id=batch_id, incarnations=[mine, *others], claimed_by=claimed_by, now=NOW
    )


def test_alone_it_may_serve() -> None:
    """Also beside any number of seeded ones."""
    assert refused() is None
    assert refused(incarnation(3), incarnation(4)) is None


@pytest.mark.parametrize("claimed_by", [None, 5])
def test_it_is_not_in_its_own_way(claimed_by: int | None) -> None:
    """A step that is called again finds its own claim and its own mark."""
    mine = replace(incarnation(5), unseeded=True)
    assert why_not_unseeded(generation=5, batch_id=1, incarnations=[mine], claimed_by=claimed_by, now=NOW) is None


@pytest.mark.parametrize("state", [each for each in IncarnationState if each is not IncarnationState.RETIRED])
def test_there_is_one_at_a_time(state: IncarnationState) -> None:
    """Until its ids answer 410, clients may ask for them."""
    other = replace(incarnation(4, state, created_at=NOW - 10 * WEEK), unseeded=True)
    assert refused(other) == "d-a-g4 numbers from 0 too and is not retired"


def test_one_that_was_only_allowed_counts_like_one_that_says_so() -> None:
    """Its function died before it could note that down; its rule may be there."""
    assert refused(incarnation(4), claimed_by=4) == "d-a-g4 numbers from 0 too and is not retired"
    assert refused(incarnation(4), claimed_by=3) is None


@pytest.mark.parametrize("last", ["created_at", "serving_to", "fenced_at"])
def test_clients_may_ask_for_a_week(last: str) -> None:
    """The latest of the times that are known counts."""
    times = dict.fromkeys(("created_at", "serving_to", "fenced_at"), NOW - 2 * WEEK)
    retired = replace(incarnation(4, IncarnationState.RETIRED, **times), unseeded=True)
    assert refused(retired) is None
    recent = replace(retired, **{last: NOW - WEEK + 1})  # type: ignore[arg-type]
    assert refused(recent) == "d-a-g4 numbered from 0 too and was retired within the last 7 days"
    assert refused(replace(retired, **{last: NOW - WEEK})) is None  # type: ignore[arg-type]
    assert QUARANTINE_SECONDS == WEEK


def test_one_whose_times_nobody_knows_was_retired_a_moment_ago() -> None:
    """Fail closed."""
    other = replace(incarnation(4, IncarnationState.RETIRED), unseeded=True)
    assert "within the last 7 days" in (refused(other) or "")


@pytest.mark.parametrize(("batch_id", "allowed"), [(0, True), (99_999_999, True), (100_000_000, False)])
def test_its_ids_have_to_be_those_of_its_rule(batch_id: int, allowed: bool) -> None:
    """An id of ten digits may belong to another incarnation."""
    assert (refused(batch_id=batch_id) is None) == allowed


def test_every_other_one_is_looked_at() -> None:
    """The first may be harmless."""
    harmless = replace(incarnation(3, IncarnationState.RETIRED, created_at=NOW - 2 * WEEK), unseeded=True)
    harmful = replace(incarnation(4), unseeded=True)
    assert "d-a-g4" in (refused(harmless, harmful) or "")


def test_names() -> None:
    """A14: what is asked for again is found again."""
    assert seed_step_name("op1") == "emr-dr-seed-livy-op1"
    assert UNSEEDED_CLAIM == {"kind": "deployment", "id": "unseeded"}
