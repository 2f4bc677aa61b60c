"""What clients were told against what really happened (A13)."""

from __future__ import annotations

from typing import Any

import pytest

from emr_drill.jobs.judgement import Judgement, judge, recovered_at, refused_after
from emr_drill.jobs.ledger import Entry
from emr_drill.jobs.plan import Job
from emr_drill.jobs.submitter import Progress, Submission, Try

OLD, NEW = "dep-a-g1", "dep-a-g2"


def owner(batch: Try) -> str | None:
    return None if batch.id is None else {1001: OLD, 1002: NEW}.get(batch.id // 1_000_000)


def job(*, fails: bool = False) -> Job:
    return Job(key="k", seconds=10, fails=fails, keeps_connection=False)


def batch(batch_id: int | None, told: str, *, at: float = 100.0, named: set[str] | None = None) -> Try:
    return Try(name="k-try1", id=batch_id, told=told, told_at=at, named=named if named is not None else {"k-try1"})


def wrote(incarnation: str, event: str = "effect", at: float = 50.0) -> Entry:
    return Entry(job="k", incarnation=incarnation, application="application_1_1", at=at, event=event)


def judged(tries: list[Try], ledger: list[Entry], *, fails: bool = False) -> Judgement:
    return judge([Progress(job=job(fails=fails), tries=tries)], ledger, owner)


def test_a_success_with_its_effect_is_a_success() -> None:
    assert judged([batch(1001000000, "success")], [wrote(OLD)]).counts.to_dict() | {"submitted": 1} == {
        **dict.fromkeys(judged([], []).counts.to_dict(), 0),
        "submitted": 1,
        "succeeded": 1,
    }


@pytest.mark.parametrize(
    ("tries", "ledger", "fails", "why"),
    [
        ([batch(1001000000, "success")], [], False, "no effect"),
        ([batch(1001000000, "success")], [wrote(NEW)], False, "effect of another incarnation"),
        ([batch(1001000000, "success")], [wrote(OLD)], True, "fails on purpose"),
        ([batch(1001000000, "failure")], [wrote(OLD)], False, "wrote its effect"),
        ([batch(1001000000, "failure")], [wrote(OLD, "failed")], False, "does not fail of its own"),
        ([batch(1001000000, "success", named={"k-try1", "other"})], [wrote(OLD)], False, "another batch's answer"),
        ([batch(7, "success")], [wrote(OLD)], False, "an id of no incarnation"),
    ],
)
def test_a_false_word_to_the_client_is_wrong(tries: list[Try], ledger: list[Entry], fails: bool, why: str) -> None:
    assert judged(tries, ledger, fails=fails).counts.wrong == 1, why


def test_a_job_that_fails_on_purpose_and_says_so_is_not_wrong() -> None:
    counts = judged([batch(1001000000, "failure")], [wrote(OLD, "failed")], fails=True).counts

    assert (counts.failed, counts.wrong) == (1, 0)


@pytest.mark.parametrize("fails", [True, False])
def test_a_failure_of_the_cluster_that_is_told_is_lost_and_not_wrong(fails: bool) -> None:
    """Its NameNode is dead, say, and Livy says that the job failed: the truth, though not the job's fault."""
    counts = judged([batch(1001000000, "failure")], [], fails=fails).counts

    assert (counts.broken, counts.lost, counts.wrong, counts.failed, counts.unreported) == (1, 1, 0, 0, 0)


def test_a_job_that_fails_on_purpose_is_not_broken() -> None:
    counts = judged([batch(1001000000, "failure")], [wrote(OLD, "failed")], fails=True).counts

    assert (counts.broken, counts.lost) == (0, 0)


def test_a_job_that_is_lost_by_410_is_not_broken() -> None:
    assert judged([batch(1001000000, "lost")], []).counts.broken == 0


def lost_then_done(old_effect_at: float | None) -> Judgement:
    ledger = [wrote(NEW, at=300)] + ([wrote(OLD, at=old_effect_at)] if old_effect_at is not None else [])
    return judged([batch(1001000000, "lost", at=200), batch(1002000000, "success", at=310)], ledger)


def test_a_job_lost_and_run_again_is_lost_once_and_succeeds() -> None:
    counts = lost_then_done(None).counts

    assert (counts.lost, counts.resubmitted, counts.succeeded, counts.doubled) == (1, 1, 1, 0)


def test_an_effect_of_the_old_cluster_after_its_410_is_doubled() -> None:
    assert lost_then_done(201).counts.doubled == 1


def test_an_effect_of_the_old_cluster_before_its_410_is_repeated_but_not_doubled() -> None:
    counts = lost_then_done(199).counts

    assert (counts.repeated, counts.doubled) == (1, 0)


def test_a_job_that_fails_on_both_clusters_has_no_effect_to_repeat() -> None:
    tries = [batch(1001000000, "lost", at=200), batch(1002000000, "failure", at=310)]
    counts = judged(tries, [wrote(OLD, "failed", at=150), wrote(NEW, "failed", at=300)], fails=True).counts

    assert (counts.repeated, counts.doubled, counts.failed) == (0, 0, 1)


@pytest.mark.parametrize("told", ["", "lost"])
def test_a_job_without_a_last_word_is_unreported(told: str) -> None:
    assert judged([batch(1001000000, told)], []).counts.unreported == 1


def test_a_404_although_the_job_lived_is_a_disturbed_client() -> None:
    counts = judged([batch(1001000000, "gone")], [wrote(OLD, at=150)]).counts

    assert (counts.disturbed, counts.lost) == (1, 0)


def test_a_404_of_a_job_that_went_down_with_its_cluster_is_a_lost_one() -> None:
    counts = judged([batch(1001000000, "gone")], []).counts

    assert (counts.disturbed, counts.lost) == (0, 1)


def test_a_job_never_taken_by_a_cluster_is_not_lost() -> None:
    counts = judged([batch(None, "")], []).counts

    assert (counts.lost, counts.unreported) == (0, 1)


def test_a_false_word_is_no_success() -> None:
    counts = judged([batch(1001000000, "success")], []).counts

    assert (counts.succeeded, counts.wrong, counts.lost) == (0, 1, 1)


class TestWhereEachClusterCountsFromZero:
    """The id says nothing; which cluster answered the submit does."""

    def judged(
        self, tries: list[Try], ledger: list[Entry], homes: dict[str, str], gone: dict[str, float] | None = None
    ) -> Judgement:
        gone_at = (gone or {}).get
        return judge([Progress(job=job(), tries=tries)], ledger, lambda batch: homes.get(batch.name), gone_at)

    def tries(self, told: str = "gone") -> list[Try]:
        return [
            Try(name="k-try1", id=3, told=told, told_at=200, named={"k-try1"}),
            Try(name="k-try2", id=3, told="success", told_at=310, named={"k-try2"}),
        ]

    def test_the_same_id_twice_is_two_tries(self) -> None:
        counts = self.judged(self.tries(), [wrote(NEW, at=300)], {"k-try1": OLD, "k-try2": NEW}).counts

        assert (counts.lost, counts.succeeded, counts.wrong, counts.doubled) == (1, 1, 0, 0)

    def test_an_effect_after_the_404_is_doubled(self) -> None:
        ledger = [wrote(OLD, at=201), wrote(NEW, at=300)]

        assert self.judged(self.tries(), ledger, {"k-try1": OLD, "k-try2": NEW}).counts.doubled == 1

    def test_an_effect_before_the_404_is_repeated(self) -> None:
        ledger = [wrote(OLD, at=199), wrote(NEW, at=300)]
        counts = self.judged(self.tries(), ledger, {"k-try1": OLD, "k-try2": NEW}).counts

        assert (counts.repeated, counts.doubled) == (1, 0)

    @pytest.mark.parametrize(("first_effect", "expected"), [(201, (1, 0)), (199, (0, 1))])
    def test_one_cluster_that_took_both_tries_can_double_too(
        self, first_effect: float, expected: tuple[int, int]
    ) -> None:
        ledger = [wrote(OLD, at=first_effect), wrote(OLD, at=300)]
        counts = self.judged(self.tries(), ledger, {"k-try1": OLD, "k-try2": OLD}).counts

        assert (counts.doubled, counts.repeated) == expected

    @pytest.mark.parametrize(("gone_at", "expected"), [(199.0, (1, 0)), (200.0, (1, 0)), (201.0, (0, 1))])
    def test_a_404_means_lost_if_the_cluster_was_gone_and_disturbed_if_it_lived(
        self, gone_at: float, expected: tuple[int, int]
    ) -> None:
        ledger = [wrote(OLD, at=150), wrote(NEW, at=300)]
        counts = self.judged(self.tries(), ledger, {"k-try1": OLD, "k-try2": NEW}, {OLD: gone_at}).counts

        assert (counts.lost, counts.disturbed) == expected

    def test_the_truth_heard_in_time_is_no_loss_although_the_cluster_is_gone_later(self) -> None:
        told = Try(name="k-try1", id=3, told="success", told_at=200, named={"k-try1"})

        assert self.judged([told], [wrote(OLD, at=150)], {"k-try1": OLD}, {OLD: 190}).counts.lost == 0

    def test_a_job_that_nobody_said_anything_about_is_lost_with_its_cluster(self) -> None:
        silent = Try(name="k-try1", id=3, named={"k-try1"})
        counts = self.judged([silent], [wrote(OLD, at=150)], {"k-try1": OLD}, {OLD: 190}).counts

        assert (counts.lost, counts.unreported) == (1, 1)

    def test_one_effect_of_a_cluster_that_took_both_tries_is_one(self) -> None:
        counts = self.judged(self.tries(), [wrote(OLD, at=300)], {"k-try1": OLD, "k-try2": OLD}).counts

        assert (counts.doubled, counts.repeated) == (0, 0)

    def test_the_answer_of_another_batch_of_the_same_id_is_wrong(self) -> None:
        stranger = Try(name="k-try1", id=3, told="success", told_at=200, named={"k-try1", "other-try1"})
        judgement = self.judged([stranger], [], {"k-try1": OLD})

        assert judgement.counts.wrong == 1
        assert "other-try1" in judgement.complaints[0]


def submission(at: float, accepted: bool, name: str = "") -> Submission:
    return Submission(at=at, answered=at + 1, accepted=accepted, status=201 if accepted else 502, name=name)


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        ([(10, True), (110, False), (120, False), (130, True), (140, True)], 131),
        ([(10, True), (110, False), (120, True), (125, False), (130, True)], 131),
        ([(10, True), (110, True), (130, True)], 111),
        ([(10, True), (110, False)], None),
        ([], None),
    ],
)
def test_recovery_is_the_first_accepted_submit_after_which_none_fails(log: list[Any], expected: float | None) -> None:
    assert recovered_at([submission(at, accepted) for at, accepted in log], fault_at=100) == expected


def test_a_submit_whose_job_is_lost_afterwards_is_no_recovery() -> None:
    log = [submission(110, True, "a"), submission(120, True, "b"), submission(130, True, "c")]

    assert recovered_at(log, fault_at=100, lost={"b"}) == 131


def test_tries_that_are_lost_are_named() -> None:
    assert lost_then_done(None).lost == {"k-try1"}
    assert judged([batch(1001000000, "success")], [wrote(OLD)]).lost == set()


def test_submits_refused_are_counted_from_the_fault_on() -> None:
    log = [submission(at, accepted) for at, accepted in [(90, False), (98, False), (99, False), (110, False)]]

    assert refused_after([*log, submission(120, True)], fault_at=100) == 2
