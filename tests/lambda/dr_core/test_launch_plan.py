"""Whether a cluster may be launched, and when a launch goes on, is ready, or is given up."""

from __future__ import annotations

from typing import Any

import pytest

from dr_core.launch_plan import (
    ENDING_SECONDS,
    LEAST_LAUNCH_SECONDS,
    Dying,
    LaunchDecision,
    LaunchSeen,
    in_the_way,
    judge_launch,
    launch_budget_left,
    launch_deadline,
    longest_wait,
    time_left,
    what_happened,
)


def judged(*, now: float = 10.0, **seen: Any) -> tuple[LaunchDecision, str]:
    """The judgement on what was *seen*, as a pair."""
    judgement = judge_launch(seen=LaunchSeen(**seen), now=now, deadline=100)
    return judgement.decision, judgement.message


def test_a_waiting_cluster_with_an_address_is_ready() -> None:
    """EMR's WAITING comes after the steps; RUNNING does not say that they ended."""
    assert judged(cluster_state="WAITING", address_known=True) == (
        LaunchDecision.READY,
        "EMR calls the cluster WAITING",
    )


def test_a_ready_cluster_is_taken_after_its_deadline_too() -> None:
    """It is there: starting again would cost eight minutes."""
    assert judged(cluster_state="WAITING", address_known=True, now=101)[0] is LaunchDecision.READY


def test_a_waiting_cluster_without_an_address_is_waited_for() -> None:
    """Nothing can be registered yet."""
    assert judged(cluster_state="WAITING") == (LaunchDecision.WAIT, "launching: WAITING")


@pytest.mark.parametrize("state", ["STARTING", "BOOTSTRAPPING", "RUNNING"])
def test_a_cluster_on_its_way_is_waited_for(state: str) -> None:
    """Whatever its stack says."""
    assert judged(cluster_state=state, stack_status="CREATE_IN_PROGRESS") == (
        LaunchDecision.WAIT,
        f"launching: {state}",
    )


@pytest.mark.parametrize("state", ["TERMINATING", "TERMINATED", "TERMINATED_WITH_ERRORS"])
def test_a_cluster_that_ends_is_given_up(state: str) -> None:
    """A12: the next AZ is tried at once, with EMR's reason on record."""
    assert judged(cluster_state=state, cluster_reason="no capacity") == (
        LaunchDecision.ABANDON,
        f"EMR calls the cluster {state}: no capacity",
    )


@pytest.mark.parametrize("status", ["CREATE_FAILED", "ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"])
def test_a_stack_that_failed_is_given_up(status: str) -> None:
    """Nobody updates an incarnation's stack, so that it fails or is being deleted."""
    assert judged(stack_status=status) == (LaunchDecision.ABANDON, f"its stack is {status}")


def test_a_stack_that_failed_under_a_living_cluster_is_given_up() -> None:
    """The stack takes the cluster with it."""
    assert judged(stack_status="DELETE_IN_PROGRESS", cluster_state="STARTING")[0] is LaunchDecision.ABANDON


@pytest.mark.parametrize("status", ["CREATE_IN_PROGRESS", "CREATE_COMPLETE", "REVIEW_IN_PROGRESS"])
def test_a_stack_on_its_way_is_waited_for(status: str) -> None:
    """Its cluster is not known yet."""
    assert judged(stack_status=status) == (LaunchDecision.WAIT, f"launching: {status}")


def test_a_launch_that_nobody_has_seen_is_waited_for() -> None:
    """CreateStack was called a moment ago."""
    assert judged() == (LaunchDecision.WAIT, "launching: stack requested")


@pytest.mark.parametrize(("now", "decision"), [(99.9, LaunchDecision.WAIT), (100, LaunchDecision.ABANDON)])
def test_a_launch_is_given_up_at_its_deadline(now: float, decision: LaunchDecision) -> None:
    """A cluster may hang in its bootstrap for an hour."""
    assert judged(cluster_state="BOOTSTRAPPING", now=now)[0] is decision


@pytest.mark.parametrize(
    ("seen", "message"),
    [
        ({"cluster_state": "STARTING", "stack_status": "CREATE_IN_PROGRESS"}, ": STARTING"),
        ({"stack_status": "CREATE_IN_PROGRESS"}, ": CREATE_IN_PROGRESS"),
        ({}, ""),
    ],
)
def test_the_end_of_a_launch_says_how_far_it_came(seen: dict[str, Any], message: str) -> None:
    """The sentence goes to people."""
    assert judged(now=200, **seen)[1] == f"it was not ready at its deadline{message}"


@pytest.mark.parametrize(("started_at", "deadline"), [(0, 1300.0), (-2000, 700.0), (-1400, 1300.0)])
def test_the_deadline_is_the_earlier_of_the_two(started_at: float, deadline: float) -> None:
    """One AZ's limit, and that of the operation, which CloudFormation waits for."""
    found = launch_deadline(created_at=100, started_at=started_at, launch_limit=1200, total_limit=2700)
    assert found == deadline


@pytest.mark.parametrize(
    ("created", "left"),
    [
        ([], 3),
        ([1000.0], 2),
        ([1000.0, 1001.0, 1002.0], 0),
        ([1000.0, 1001.0, 1002.0, 1003.0], 0),
        ([1000.0 - 86_400, 1000.0], 2),
        ([1000.1 - 86_400, 1000.0], 1),
        ([2000.0], 2),
    ],
)
def test_automatic_launches_of_a_day_are_counted(created: list[float], left: int) -> None:
    """A14: what new clusters do not mend must not cost more and more of them; clocks of writers may differ."""
    assert launch_budget_left(created, now=1000.0, limit=3) == left


@pytest.mark.parametrize(
    ("now", "launch_limit", "enough"),
    [
        (2700 - LEAST_LAUNCH_SECONDS, 1200, True),
        (2700.1 - LEAST_LAUNCH_SECONDS, 1200, False),
        (2640, 60, True),
        (2641, 60, False),
    ],
)
def test_no_launch_begins_that_cannot_end_in_time(now: float, launch_limit: float, enough: bool) -> None:
    """A14: it would cost money, and nobody would use it."""
    assert time_left(now=now, started_at=0, launch_limit=launch_limit, total_limit=2700) is enough


NOW = 5000.0
LONG_AGO = NOW - ENDING_SECONDS


@pytest.mark.parametrize(
    ("dying", "waited_for"),
    [
        ([], []),
        ([Dying(generation=1)], []),
        ([Dying(generation=1, ending_since=NOW)], []),
        ([Dying(generation=2), Dying(generation=1)], [1]),
        ([Dying(generation=3), Dying(generation=1), Dying(generation=2)], [1, 2]),
        ([Dying(generation=1, ending_since=LONG_AGO + 0.1), Dying(generation=2)], [1]),
        ([Dying(generation=1, ending_since=LONG_AGO), Dying(generation=2)], []),
        ([Dying(generation=1), Dying(generation=2, ending_since=LONG_AGO)], []),
    ],
)
def test_one_cluster_too_many_may_live(dying: list[Dying], waited_for: list[int]) -> None:
    """A14: the next AZ is tried while the last one's cluster ends, but not while that of the one before lives."""
    assert in_the_way(dying, now=NOW) == waited_for


def test_a_message_says_what_happened_in_each_zone() -> None:
    """A person reads it: in the order in which they were tried."""
    given_up = {"1b": "it was not ready at its deadline", "1a": "no capacity"}
    assert what_happened(["1a", "1b", "1c"], given_up=given_up) == (
        "1a: no capacity; 1b: it was not ready at its deadline; 1c: given up"
    )


@pytest.mark.parametrize(("length", "told"), [(250, "x" * 250), (251, "x" * 247 + "...")])
def test_a_long_reason_is_cut(length: int, told: str) -> None:
    """CloudFormation takes 1,000 characters for all zones together."""
    assert what_happened(["1a"], given_up={"1a": "x" * length}) == f"1a: {told}"


@pytest.mark.parametrize(
    ("launch_limit", "total_limit", "seconds"), [(1200, 2700, 2340), (100, 2700, 2600), (1200, 300, 0)]
)
def test_a_launch_may_be_waited_for_until_it_could_not_end_in_time(
    launch_limit: float, total_limit: float, seconds: float
) -> None:
    """Its limit counts from the same moment."""
    assert longest_wait(launch_limit=launch_limit, total_limit=total_limit) == seconds
