"""How long a planned retirement waits, when an incarnation counts as fenced, and what its stack needs."""

from __future__ import annotations

from typing import Any

import pytest

from dr_core.retirement_plan import (
    CLUSTER_ENDED,
    CLUSTER_ENDING,
    SETTLE_SECONDS,
    SUBMIT_SECONDS,
    Drain,
    DrainSeen,
    Fence,
    FenceSeen,
    StackDeletion,
    Work,
    ends_gently,
    judge_drain,
    judge_fence,
    judge_stack,
    linger_left,
    planned_still,
)


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


def drained(
    *, work: Work, waited: float = 3600, ending: bool = False, evicted: bool = False, limit: float = 14_400
) -> Drain:
    """The judgement, *waited* seconds after the incarnation went out of service."""
    seen = DrainSeen(work=work, cluster_ending=ending, evicted=evicted, out_of_service_at=1000)
    return judge_drain(seen=seen, now=1000 + waited, limit=limit)


NOT_KNOWN = Work(unknown={"livy": "connection refused"})
BUSY = [Work(batches=(7,)), Work(sessions=(7,)), Work(applications=("application_1_1",)), NOT_KNOWN]


@pytest.mark.parametrize("work", BUSY, ids=str)
def test_what_has_work_is_waited_for(work: Work) -> None:
    """B11: also for what nobody could read."""
    assert drained(work=work) is Drain.WAIT


def test_what_has_no_work_is_drained() -> None:
    """B11: every batch, session and application came to its end."""
    assert drained(work=Work()) is Drain.DRAINED


@pytest.mark.parametrize(("waited", "decision"), [(SETTLE_SECONDS - 0.1, Drain.WAIT), (SETTLE_SECONDS, Drain.DRAINED)])
def test_jobs_may_still_come_for_a_while(waited: float, decision: Drain) -> None:
    """A14: a node of the load balancer may not know yet that it went out of service."""
    assert drained(work=Work(), waited=waited) is decision


def test_a_limit_of_nothing_waits_for_nobody() -> None:
    """Who sets it wants the end at once, and no alarm where nothing runs."""
    assert drained(work=Work(), waited=0, limit=0) is Drain.DRAINED


@pytest.mark.parametrize("work", BUSY, ids=str)
@pytest.mark.parametrize(("waited", "decision"), [(14_399.9, Drain.WAIT), (14_400, Drain.OVERDUE)])
def test_the_drain_has_a_limit(work: Work, waited: float, decision: Drain) -> None:
    """A forgotten session would hold its cluster for ever."""
    assert drained(work=work, waited=waited) is decision


@pytest.mark.parametrize("work", BUSY, ids=str)
@pytest.mark.parametrize("waited", [0, 20_000])
def test_an_eviction_ends_the_drain(work: Work, waited: float) -> None:
    """A12: a failover waits for the slot."""
    assert drained(work=work, waited=waited, evicted=True) is Drain.EVICTED


def test_an_eviction_of_what_is_drained_ends_no_job() -> None:
    """Nobody has to be told of one."""
    assert drained(work=Work(), evicted=True) is Drain.DRAINED


@pytest.mark.parametrize("work", [Work(), *BUSY], ids=str)
@pytest.mark.parametrize("evicted", [True, False])
@pytest.mark.parametrize("waited", [0, 20_000])
def test_a_cluster_that_ends_is_not_waited_for(work: Work, evicted: bool, waited: float) -> None:
    """A14: nothing comes to its end there any more but by the cluster's own."""
    assert drained(work=work, ending=True, evicted=evicted, waited=waited) is Drain.CLUSTER_ENDING


def test_terminating_is_ending_and_not_ended() -> None:
    """Its services go away; its containers may still write."""
    assert {"TERMINATING"} == CLUSTER_ENDING - CLUSTER_ENDED


@pytest.mark.parametrize(
    ("drained_at", "evicted", "left"),
    [
        (None, False, 900),
        (None, True, 0),
        (1000, False, 800),
        (1000, True, 0),
        (200, False, 0),
        (201, False, 1),
        (0, False, 0),
    ],
)
def test_livy_stays_up_after_the_drain(drained_at: float | None, evicted: bool, left: float) -> None:
    """B6: a client that polls every 15 minutes reads its result too."""
    assert linger_left(drained_at=drained_at, evicted=evicted, now=1100, linger=900) == left


@pytest.mark.parametrize(
    ("served", "terminate_requested", "planned"),
    [(True, False, True), (True, True, False), (False, False, False), (False, True, False)],
)
def test_a_retirement_that_is_started_again_stays_what_it_was(
    served: bool, terminate_requested: bool, planned: bool
) -> None:
    """A14: its execution was lost, and its jobs must not be."""
    assert planned_still(served=served, terminate_requested=terminate_requested) is planned


GENTLE = {"planned": True, "evicted": False, "terminate_requested": False, "waited": 299.9, "limit": 300}


def test_a_planned_retirement_closes_ids_before_it_ends_the_cluster() -> None:
    """B6: no 5xx between the end of the last application and the 410."""
    assert ends_gently(**GENTLE)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changed", [{"planned": False}, {"evicted": True}, {"terminate_requested": True}, {"waited": 300}], ids=str
)
def test_a_cluster_is_ended_at_once_where_time_counts(changed: dict[str, Any]) -> None:
    """A12: where it failed, where a failover needs the slot, and where applications do not end."""
    assert not ends_gently(**{**GENTLE, **changed})


@pytest.mark.parametrize(
    ("work", "words"),
    [
        (Work(), "nothing"),
        (Work(batches=(7, 9)), "batches 7, 9"),
        (
            Work(sessions=(1,), applications=("application_1_1",)),
            "interactive sessions 1; applications application_1_1",
        ),
        (NOT_KNOWN, "not known: livy (connection refused)"),
        (
            Work(batches=(7,), unknown={"livy": "x", "resource_manager": "y"}),
            "batches 7; not known: livy (x), resource_manager (y)",
        ),
        (Work(batches=tuple(range(20))), f"batches {', '.join(map(str, range(20)))}"),
        (Work(batches=tuple(range(22))), f"batches {', '.join(map(str, range(20)))} and 2 more"),
    ],
)
def test_work_is_told_in_words(work: Work, words: str) -> None:
    """They go to people, whatever the length of the lists."""
    assert str(work) == words


@pytest.mark.parametrize("work", BUSY, ids=str)
def test_only_what_is_known_to_be_done_is_done(work: Work) -> None:
    """A14: silence is no proof."""
    assert Work().known_done
    assert not work.known_done
