"""What stock clients believe against the ledger and the servers (A9)."""

from __future__ import annotations

from emr_drill.clients.judgement import Counts, StockJudgement, judge
from emr_drill.clients.listing import Batch
from emr_drill.clients.story import StockJob
from emr_drill.jobs.ledger import Entry
from tests.drill.clients.world import CURL, SYNC, A, B, on, stock, told, wrote

HERE, THERE = on(A, 7), on(B, 7, "other-try1")
SUCCESS = [("posted", 1, 7), ("terminated", 1, "success"), ("try ended", 1, "success"), ("ended", 1, "success")]
KILLED = [("posted", 1, 7), ("deletes", 1, 7), ("try ended", 1, "failed"), ("ended", 1, "failed")]
FAILURE = [("posted", 1, 7), ("terminated", 1, "dead"), ("try ended", 1, "failed"), ("ended", 1, "failed")]


def judged(*jobs: StockJob, batches: list[Batch], ledger: list[Entry]) -> StockJudgement:
    return judge(jobs, batches, ledger)


def counted(job: StockJob, ledger: list[Entry], batches: list[Batch] | None = None) -> dict[str, int]:
    counts = judged(job, batches=batches or [HERE, THERE], ledger=ledger).counts.to_dict()
    return {name: count for name, count in counts.items() if count and name != "submitted"}


def test_a_success_with_its_effect() -> None:
    assert counted(told(stock(), *SUCCESS), [wrote(HERE)]) == {"succeeded": 1}


def test_a_failure_of_its_own_fault() -> None:
    assert counted(told(stock(fails=True), *FAILURE), [wrote(HERE, "failed")]) == {"failed": 1}


def test_success_of_a_job_that_failed_is_wrong() -> None:
    """The other cluster's batch 7 succeeded."""
    assert counted(told(stock(fails=True), *SUCCESS), [wrote(HERE, "failed"), wrote(THERE)]) == {"wrong": 1}


def test_success_before_the_job_did_anything_is_wrong() -> None:
    assert counted(told(stock(), *SUCCESS, at=50), [wrote(HERE, at=90)]) == {"wrong": 1}


def test_failure_of_a_job_that_did_its_work_is_wrong() -> None:
    assert counted(told(stock(), *FAILURE), [wrote(HERE)]) == {"wrong": 1}


def test_failure_before_the_job_failed_is_wrong_although_it_did_fail_later() -> None:
    """Two jobs that end alike must not hide that the state was another's."""
    assert counted(told(stock(fails=True), *FAILURE, at=50), [wrote(HERE, "failed", at=90)]) == {"wrong": 1}


def test_a_cluster_that_could_not_run_the_job_is_broken_and_not_wrong() -> None:
    assert counted(told(stock(), *FAILURE), []) == {"broken": 1}


def test_410_is_a_lost_try_and_its_second_run_is_no_double() -> None:
    again = on(B, 8, "k-try2")
    job = told(
        stock(),
        *[("posted", 1, 7), ("status", 1, 410), ("try ended", 1, "retry")],
        *[("posted", 2, 8), ("terminated", 2, "success"), ("try ended", 2, "success"), ("ended", 2, "success")],
    )

    assert counted(job, [wrote(again)], [HERE, again]) == {"succeeded": 1, "lost": 1, "resubmitted": 1}
    assert counted(job, [wrote(HERE, at=90), wrote(again)], [HERE, again])["repeated"] == 1
    assert counted(job, [wrote(HERE, at=150), wrote(again)], [HERE, again])["doubled"] == 1


def test_giving_up_on_a_5xx_is_disturbed_and_the_second_run_beside_the_first_is_doubled() -> None:
    again = on(B, 8, "k-try2")
    job = told(
        stock(),
        *[("posted", 1, 7), ("status", 1, 502), ("try ended", 1, "retry")],
        *[("posted", 2, 8), ("terminated", 2, "success"), ("try ended", 2, "success"), ("ended", 2, "success")],
    )
    found = judged(job, batches=[HERE, again], ledger=[wrote(HERE, at=150), wrote(again)])

    assert (found.counts.disturbed, found.counts.doubled, found.counts.wrong) == (1, 1, 0)
    assert {kind: dict(causes) for kind, causes in found.causes.items()} == {SYNC.name: {"502": 1}}
    assert "doubled" in found.complaints[0]


def test_giving_up_on_a_5xx_of_a_job_that_went_down_with_its_cluster_is_lost_and_not_disturbed() -> None:
    job = told(stock(), ("posted", 1, 7), ("status", 1, 502), ("try ended", 1, "failed"), ("ended", 1, "failed"))

    assert counted(job, []) == {"given_up": 1, "lost": 1}


def test_a_task_that_fails_on_a_5xx_and_tries_no_more_gave_up() -> None:
    job = told(stock(), ("posted", 1, 7), ("status", 1, 502), ("try ended", 1, "failed"), ("ended", 1, "failed"))

    assert counted(job, [wrote(HERE)]) == {"given_up": 1, "disturbed": 1}


def test_a_kill_that_meets_another_job_is_counted_where_the_delete_came_from() -> None:
    """on_kill deletes batch 7 of the cluster that the connection came to."""
    mine = told(
        stock(killed=30), ("posted", 1, 7), ("deletes", 1, 7), ("try ended", 1, "failed"), ("ended", 1, "failed")
    )
    other = told(stock("other", kind=CURL), ("posted", 1, 7))
    found = judged(mine, other, batches=[HERE, on(B, 7, "other-try1", missed=2)], ledger=[wrote(HERE, at=150)])

    assert found.by_kind[SYNC.name].killed_others == 1
    assert found.by_kind[SYNC.name].kills_missed == 1
    assert found.by_kind[SYNC.name].stopped == 1


def test_a_kill_that_meets_its_own_job() -> None:
    job = told(
        stock(killed=30), ("posted", 1, 7), ("deletes", 1, 7), ("try ended", 1, "failed"), ("ended", 1, "failed")
    )

    assert counted(job, [], [on(A, 7, missed=2)]) == {"stopped": 1}


def test_a_client_that_never_ends_is_unreported() -> None:
    assert counted(told(stock(), ("posted", 1, 7)), []) == {"unreported": 1}


def test_a_batch_that_its_server_never_listed_is_known_by_its_cluster() -> None:
    """It died before it was asked."""
    job = told(stock(), *SUCCESS)
    entry = Entry(job="k", incarnation=A, application="app-unknown", at=90, event="effect")

    assert judge([job], [], [entry], lambda batch: A).counts.succeeded == 1
    assert judge([job], [], [entry], lambda batch: B).counts.wrong == 1


def test_counts_add_up_over_kinds() -> None:
    found = judged(
        told(stock(), *SUCCESS),
        told(stock("other", kind=CURL), *SUCCESS),
        batches=[HERE, THERE],
        ledger=[wrote(HERE), wrote(THERE)],
    )

    assert found.counts == Counts(submitted=2, succeeded=2)
    assert set(found.by_kind) == {SYNC.name, CURL.name}
