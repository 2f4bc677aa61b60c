"""What has to be found in what a drill wrote down."""

from __future__ import annotations

from typing import Any

import pytest

from emr_drill.faults.traces import Seen, Silence, Trace, silent_minutes

NAMES = {"old": "j-1", "zone": "us-east-1a"}


def entry(at: float = 100.0, kind: str = "cluster", **values: Any) -> dict[str, Any]:
    return {"at": at, "kind": kind, **values}


def why_not(trace: Trace | Silence, *entries: dict[str, Any], **seen: Any) -> str | None:
    return trace.why_not(Seen(**{"entries": entries, "names": NAMES, "since": 10.0, "until": 1000.0, **seen}))


def trace(**changes: Any) -> Trace:
    return Trace(**{"what": "it ends", "kind": "cluster", **changes})


@pytest.mark.parametrize(
    ("like", "values", "found"),
    [
        ({}, {}, True),
        ({"state": "TERMINATED"}, {"state": "TERMINATED"}, True),
        ({"state": "TERMINATED"}, {"state": "TERMINATED_WITH_ERRORS"}, False),
        ({"state": "TERMINATED*"}, {"state": "TERMINATED_WITH_ERRORS"}, True),
        ({"state": "T*", "cluster": "{old}"}, {"state": "TERMINATED", "cluster": "j-1"}, True),
        ({"state": "T*", "cluster": "{old}"}, {"state": "TERMINATED", "cluster": "j-2"}, False),
        ({"state": "T*"}, {}, False),
        ({"accepted": "False"}, {"accepted": False}, True),
        ({"accepted": "False"}, {"accepted": True}, False),
    ],
)
def test_an_entry_is_found_by_what_is_in_it(like: dict[str, str], values: dict[str, Any], found: bool) -> None:
    assert (why_not(trace(like=like), entry(**values)) is None) is found


def test_an_entry_of_another_kind_is_not_meant() -> None:
    assert why_not(trace(), entry(kind="step")) == "it ends: seen 0 times, at least 1 must be"


def test_what_was_before_the_fault_does_not_count() -> None:
    """Functions hand over what they measured when they end, which may be after the fault."""
    assert why_not(trace(), entry(at=9.0)) is not None
    assert why_not(trace(), entry(at=10.0)) is None


@pytest.mark.parametrize(("count", "why"), [(1, "seen 1 times, at least 2"), (2, ""), (3, ""), (4, "at most 3")])
def test_there_must_be_enough_and_not_too_many(count: int, why: str) -> None:
    found = why_not(trace(least=2, most=3), *[entry()] * count)

    assert (why in found) if found else not why


@pytest.mark.parametrize(("seconds", "found"), [(2.0, False), (2.1, True)])
def test_a_number_must_be_above_another(seconds: float, found: bool) -> None:
    assert (why_not(trace(above={"seconds": 2.0}), entry(seconds=seconds)) is None) is found


@pytest.mark.parametrize(("at", "found"), [(899.0, False), (900.0, True)])
def test_what_must_come_after_a_moment_may_not_come_before(at: float, found: bool) -> None:
    wanted = trace(after="the cut-over", seconds=600.0)

    assert (why_not(wanted, entry(at=at), moments={"the cut-over": 300.0}) is None) is found


def test_after_a_moment_that_never_came_there_is_nothing() -> None:
    assert why_not(trace(after="the cut-over"), entry()) is not None


@pytest.mark.parametrize(("apart", "found"), [(30.0, True), (60.0, False)])
def test_what_comes_all_the_time_must_come_so_often(apart: float, found: bool) -> None:
    entries = [entry(at=100 + number * apart) for number in range(10)]
    why = why_not(trace(per_minute=1.5), *entries)

    assert (why is None) is found
    assert found or why == "it ends: seen 1.0 times in a minute, 1.5 must be"


def test_once_is_never_often() -> None:
    assert why_not(trace(per_minute=1.5), entry()) is not None


@pytest.mark.parametrize(
    ("times", "minutes"),
    [
        ([60, 120, 180], 0),
        ([110, 239], 1),  # nothing from 120 to 180
        ([110, 290], 2),
        ([119.9, 300.1], 3),
        ([60, 300, 310, 900], 9),
        ([50, 60, 200], 1),  # 0 to 60 is the time before the fault
        ([900], 13),
        ([], 15),  # up to the end
    ],
)
def test_minutes_are_counted_whole_as_alarms_do(times: list[float], minutes: int) -> None:
    assert silent_minutes(times, since=60.0, until=1020.0) == minutes


def test_whoever_must_be_silent_is_found_out() -> None:
    wanted = Silence(what="nobody speaks", kind="evidence", like={"observer": "prober:{zone}"}, minutes=3)
    others = [entry(at=at, kind="evidence", observer="prober:us-east-1b") for at in range(10, 1000, 10)]
    before, after = (entry(at=at, kind="evidence", observer="prober:us-east-1a") for at in (20, 400))

    assert why_not(wanted, *others, before, after) is None
    between = entry(at=200, kind="evidence", observer="prober:us-east-1a")
    assert (
        why_not(wanted, *others, before, between, after)
        == "nobody speaks: for 2 whole minutes at the longest, 3 must be"
    )
