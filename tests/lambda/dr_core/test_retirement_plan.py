"""When an incarnation counts as fenced, and what its stack needs."""

from __future__ import annotations

import pytest

from dr_core.retirement_plan import SUBMIT_SECONDS, Fence, FenceSeen, StackDeletion, judge_fence, judge_stack


def fenced(
    *,
    cluster_state: str = "TERMINATING",
    reachable: bool = False,
    running: int = 0,
    waited: float = 0,
) -> Fence:
    """The judgement, *waited* seconds after the end was requested."""
    seen = FenceSeen(
        cluster_state=cluster_state,
        resource_manager_reachable=reachable,
        running_applications=running,
        requested_at=1000,
    )
    return judge_fence(seen=seen, now=1000 + waited, limit=300)


@pytest.mark.parametrize("state", ["TERMINATED", "TERMINATED_WITH_ERRORS", ""])
def test_a_cluster_that_ended_is_fenced(state: str) -> None:
    """Nothing can run on instances that are gone; nor on a cluster that never was."""
    assert fenced(cluster_state=state) is Fence.CLOSED


@pytest.mark.parametrize("state", ["WAITING", "RUNNING", "TERMINATING"])
def test_a_cluster_that_lives_is_not_fenced(state: str) -> None:
    """Containers of a dead primary write on until EMR says that they are gone."""
    assert fenced(cluster_state=state) is Fence.OPEN


def test_an_empty_list_of_applications_is_proof() -> None:
    """The ResourceManager knows what runs."""
    assert fenced(reachable=True, waited=SUBMIT_SECONDS) is Fence.CLOSED


def test_an_empty_list_is_no_proof_while_a_submission_may_be_under_way() -> None:
    """Livy's spark-submit takes seconds from its start to the application in the list."""
    assert fenced(reachable=True, waited=SUBMIT_SECONDS - 0.1) is Fence.OPEN


def test_a_running_application_is_not_fenced() -> None:
    """It was told to end and has not."""
    assert fenced(reachable=True, running=1, waited=SUBMIT_SECONDS) is Fence.OPEN


def test_silence_is_no_proof() -> None:
    """Nobody who answers "none" is not the same as "none"."""
    assert fenced(reachable=False, waited=SUBMIT_SECONDS) is Fence.OPEN


@pytest.mark.parametrize(("waited", "fence"), [(299.9, Fence.OPEN), (300, Fence.OVERDUE)])
def test_the_wait_for_a_proof_is_bounded(waited: float, fence: Fence) -> None:
    """With an alarm: clients must learn some time that their jobs are lost."""
    assert fenced(waited=waited) is fence


def test_proof_goes_before_the_bound() -> None:
    """No alarm where there is certainty."""
    assert fenced(cluster_state="TERMINATED", waited=1000) is Fence.CLOSED


@pytest.mark.parametrize(
    ("status", "deletion"),
    [
        ("", StackDeletion.GONE),
        ("DELETE_COMPLETE", StackDeletion.GONE),
        ("DELETE_IN_PROGRESS", StackDeletion.WAIT),
        ("DELETE_FAILED", StackDeletion.DELETE),
        ("CREATE_COMPLETE", StackDeletion.DELETE),
        ("CREATE_IN_PROGRESS", StackDeletion.DELETE),
        ("ROLLBACK_COMPLETE", StackDeletion.DELETE),
    ],
)
def test_what_a_stack_needs(status: str, deletion: StackDeletion) -> None:
    """A failed deletion is repeated; a stack may be deleted while it is being created."""
    assert judge_stack(status) is deletion
