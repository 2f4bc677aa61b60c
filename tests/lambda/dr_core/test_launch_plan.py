"""When a launch goes on, is ready, or is given up."""

from __future__ import annotations

from typing import Any

import pytest

from dr_core.launch_plan import LaunchDecision, LaunchSeen, judge_launch, launch_deadline


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
