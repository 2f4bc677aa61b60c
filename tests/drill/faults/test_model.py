"""What a row of the fault table is made of."""

from __future__ import annotations

import pytest

from emr_drill.faults.model import Act, Fault, Moment, Old, Outcome, Page, cancel, failover, nothing, page, repair


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


@pytest.mark.parametrize("given", [{}, {"subject": "a", "metric": "b"}])
def test_a_page_is_one_of_both(given: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="a page is a subject or a metric, got"):
        Page(**given)


@pytest.mark.parametrize(
    ("wanted", "words"), [(Page(subject="s"), 'a message "s"'), (Page(metric="M"), "an alarm on M")]
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


def test_what_must_not_happen_is_watched_for_longer_than_a_verdict_takes() -> None:
    assert nothing().watch_seconds >= 180
