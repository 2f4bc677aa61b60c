"""What a row of the fault table is made of."""

from __future__ import annotations

import pytest

from emr_drill.faults.model import (
    FENCE_PAGES,
    Act,
    Expectation,
    Fault,
    Moment,
    Old,
    Outcome,
    Page,
    cancel,
    failover,
    nothing,
    page,
    repair,
)


def act(**changes: object) -> Act:
    return Act(**{"what": "breaks it", "do": lambda scene: None, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "breaks it"),
        ({"seconds": 90.0}, "90 s after the fault: breaks it"),
        ({"after": Moment.CUT_OVER}, "after the cut-over: breaks it"),
        ({"after": Moment.PAGE, "seconds": 5.0}, "5 s after the page: breaks it"),
    ],
)
def test_an_act_says_when(changes: dict[str, object], text: str) -> None:
    assert act(**changes).text == text


def test_a_fault_tells_all_its_acts() -> None:
    fault = Fault(name="f", acts=(act(), act(seconds=9.0)), expect=nothing(), must="nothing", notices="nobody")

    assert fault.what == "breaks it; 9 s after the fault: breaks it"


def test_a_page_is_a_message_with_such_a_subject() -> None:
    wanted = Page(subject="failover of .* failed")

    assert wanted.came(subjects=["x", "dep: failover of a failed"], metrics={})
    assert not wanted.came(subjects=["dep: failover of a called off"], metrics={})


def test_a_page_is_a_metric_above_zero() -> None:
    wanted = Page(metric="FenceOverdue")

    assert wanted.came(subjects=[], metrics={"FenceOverdue": 1.0})
    assert not wanted.came(subjects=["FenceOverdue"], metrics={"FenceOverdue": 0.0})


@pytest.mark.parametrize(("metric", "minutes"), [("MonitorHeartbeat", 3), ("Reconciled", 5)])
def test_a_page_is_a_metric_that_is_missing_for_as_long_as_its_alarm_waits(metric: str, minutes: int) -> None:
    wanted = Page(missing=metric)

    assert wanted.came(subjects=[], metrics={}, silent={metric: minutes})
    assert not wanted.came(subjects=[], metrics={metric: 1.0}, silent={metric: minutes - 1})
    assert not wanted.came(subjects=[], metrics={})


def test_a_page_by_a_metric_is_about_no_message() -> None:
    assert Page(subject="b+").is_about("abba")
    assert not Page(metric="M").is_about("M")


@pytest.mark.parametrize("given", [{}, {"subject": "a", "metric": "b"}, {"metric": "a", "missing": "b"}])
def test_a_page_is_one_of_three(given: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="a page is a subject, a metric or a missing metric, got"):
        Page(**given)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (Page(subject="s"), 'a message "s"'),
        (Page(metric="M"), "an alarm on M"),
        (Page(missing="M"), "an alarm on the missing M"),
    ],
)
def test_a_page_can_be_told(wanted: Page, words: str) -> None:
    assert wanted.text == words


def test_a_failover_launches_one_and_ends_the_old_one() -> None:
    expect = failover()

    assert (expect.outcome, expect.launches, expect.old, expect.jobs_lost) == (
        Outcome.FAILOVER,
        (1, 1),
        Old.ENDED,
        True,
    )
    assert dict(expect.operations) == {"failed over": (1, 1), "failed": (0, 0)}


def test_a_repair_launches_nothing_and_loses_no_job() -> None:
    """A11: what can be mended in place is not replaced."""
    expect = repair()

    assert (expect.launches, expect.old, expect.jobs_lost) == ((0, 0), Old.SERVES, False)
    assert dict(expect.operations) == {"repaired": (1, 1)}


def test_a_cancelled_failover_loses_no_job_either() -> None:
    expect = cancel()

    assert (expect.launches, expect.old, expect.jobs_lost) == ((1, 1), Old.SERVES, False)
    assert dict(expect.operations) == {"cancelled": (1, 1)}


def test_nothing_means_no_operation_at_all() -> None:
    assert (nothing().operations, nothing().launches, nothing().old) == ({}, (0, 0), Old.SERVES)


def test_a_page_lets_nothing_begin_by_itself() -> None:
    expect = page(Page(metric="M"))

    assert (expect.operations, expect.launches, expect.pages) == ({}, (0, 0), (Page(metric="M"),))


@pytest.mark.parametrize(
    ("expect", "told"),
    [
        (failover(), [Page(subject="failed over")]),
        (failover(pages=(Page(metric="M"),)), [Page(metric="M"), Page(subject="failed over")]),
        (repair(), [Page(subject="was restarted")]),
        (cancel(), [Page(subject="called off")]),
        (nothing(), []),
        (page(Page(metric="M")), [Page(metric="M")]),
    ],
    ids=lambda value: value.outcome if isinstance(value, Expectation) else "",
)
def test_people_are_told_of_each_outcome(expect: Expectation, told: list[Page]) -> None:
    assert list(expect.told) == told


def test_what_acts_wait_for_is_not_the_outcome() -> None:
    """Else nothing would come of a row whose fault ends only when a person was told."""
    assert failover(pages=(Page(metric="M"),)).pages == (Page(metric="M"),)


def test_what_people_may_be_told_is_what_they_must_be_told_and_more() -> None:
    may = (Page(metric="N"),)

    assert failover(may=may).allowed == (*failover().told, *may)
    assert failover(fence_bound=True).allowed == (*failover().told, *FENCE_PAGES)
    assert nothing().allowed == ()
    assert nothing(may=may).allowed == may


def test_what_must_not_happen_is_watched_for_longer_than_a_verdict_takes() -> None:
    assert nothing().watch_seconds >= 180
