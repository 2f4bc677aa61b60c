"""What a stock client believes, from what happened to it (A6, A8)."""

from __future__ import annotations

from typing import Any

import pytest

from emr_drill.clients.kinds import Kind
from emr_drill.clients.story import StockTry, hear
from tests.drill.clients.world import CURL, DEFERRED, SYNC, stock, told

ID = 1001000007


def last(*events: tuple[Any, ...], kind: Kind = SYNC, killed: int | None = None) -> str:
    return told(stock(kind=kind, killed=killed), ("posted", 1, ID), *events).tries[-1].told


@pytest.mark.parametrize(
    ("events", "word"),
    [
        ([("terminated", 1, "success"), ("try ended", 1, "success")], "success"),
        ([("terminated", 1, "dead"), ("try ended", 1, "failed")], "failure"),
        ([("terminated", 1, "killed"), ("try ended", 1, "retry")], "failure"),
        ([("status", 1, 410), ("try ended", 1, "retry")], "lost"),
        ([("status", 1, 404), ("try ended", 1, "failed")], "gone"),
        ([("status", 1, 502), ("try ended", 1, "failed")], "disturbed"),
        ([("try ended", 1, "failed", "'recovering' is not a valid BatchState")], "disturbed"),
        ([("terminated", 1, "success"), ("status", 1, 502), ("try ended", 1, "failed")], "disturbed"),
        ([("try ended", 1, "failed", f"Batch {ID} did not succeed")], "failure"),
        ([("try ended", 1, "failed", f"Batch {ID} did not succeed with 'str' object")], "disturbed"),
        ([("try ended", 1, "success")], "success"),
    ],
)
def test_the_word_of_a_try(events: list[tuple[Any, ...]], word: str) -> None:
    assert last(*events) == word


def test_a_client_that_kills_its_job_stopped_it() -> None:
    assert last(("deletes", 1, ID), ("try ended", 1, "failed"), killed=30) == "stopped"


def test_a_script_that_asks_again_after_a_5xx_has_not_given_up() -> None:
    job = told(
        stock(kind=CURL), ("posted", 1, ID), ("unclear", 1, 502), ("terminated", 1, "success"), ("ended", 1, "success")
    )

    assert (job.tries[-1].told, job.tries[-1].disturbed_polls, job.verdict) == ("success", 1, "success")


def test_a_retry_that_posts_is_another_try() -> None:
    job = told(
        stock(),
        *[("posted", 1, ID), ("status", 1, 410), ("try ended", 1, "retry")],
        *[("posted", 2, ID + 1), ("terminated", 2, "success"), ("try ended", 2, "success"), ("ended", 2, "success")],
    )

    assert [(one.name, one.told) for one in job.tries] == [("k-try1", "lost"), ("k-try2", "success")]
    assert (job.retries, job.verdict, job.replayed) == (1, "success", 0)


def test_a_deferred_task_that_ends_again_without_a_post_is_a_replay() -> None:
    """Airflow 3.0.6: apache/airflow#56704."""
    job = told(
        stock(kind=DEFERRED),
        *[("posted", 1, ID), ("status", 1, 410), ("try ended", 1, "retry")],
        *[("try ended", 2, "failed"), ("ended", 2, "failed")],
    )

    assert (job.replayed, job.refused, len(job.tries), job.verdict) == (1, 0, 1, "failed")


@pytest.mark.parametrize("kind", [SYNC, DEFERRED])
def test_a_task_that_ends_without_any_post_was_refused(kind: Kind) -> None:
    job = stock(kind=kind)

    assert (
        hear(job, {"event": "try ended", "try": 1, "state": "failed", "error": "Could not submit batch."}, 1.0) is False
    )
    assert (job.refused, job.replayed) == (1, 0)


def test_a_post_is_told_apart_from_other_events() -> None:
    job = stock()

    assert hear(job, {"event": "posted", "try": 1, "id": ID}, 1.0) is True
    assert hear(job, {"event": "terminated", "try": 1, "state": "success"}, 1.0) is None


def test_a_job_runs_while_a_cluster_has_it_and_its_client_waits() -> None:
    job = told(stock(), ("posted", 1, ID))
    before = job.running
    job.tries[-1].application = "application_1_1"
    while_it_runs = job.running
    told(job, ("terminated", 1, "success"), ("try ended", 1, "success"), ("ended", 1, "success"))

    assert (before, while_it_runs, job.running, job.finished) == (False, True, False, True)


def test_what_was_deleted_is_kept() -> None:
    job = told(stock(killed=30), ("posted", 1, ID), ("deletes", 1, ID))

    assert isinstance(job.tries[0], StockTry)
    assert job.tries[0].deletes == [ID]
