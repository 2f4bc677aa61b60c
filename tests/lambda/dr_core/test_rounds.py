from __future__ import annotations

from decimal import Decimal

import pytest

from dr_core.rounds import Run, is_overtime, next_round

RUN = Run(function="prober:us-east-1a", began_at=1000.5)


def rounds(*, round_seconds: int, lasts: float = 3.5) -> list[float]:
    """Every round of one run that nobody relieves, each of which *lasts* so many seconds."""
    seen: list[float] = []
    due: float | None = 0.0
    while due is not None:
        seen.append(due)
        due = next_round(0.0, due + lasts, round_seconds=round_seconds)
    return seen


@pytest.mark.parametrize(
    ("rule", "now", "due"),
    [
        ("the next one after a quick round", 100.4, 110.0),
        ("at a fixed distance from the start", 113.0, 120.0),
        ("the last one of the minute", 149.9, 150.0),
        ("a missed one is not made up for", 121.0, 130.0),
        ("a round that ends when the next is due waits for the one after", 110.0, 120.0),
        ("past the minute it stands half a round later", 150.4, 165.0),
        ("after a last round that ended past the minute, too", 163.0, 165.0),
        ("at the same distances from then on", 165.4, 175.0),
        ("a missed one past the minute is not made up for", 176.0, 185.0),
        ("one that ends when the next is due waits for the one after, past the minute, too", 175.0, 185.0),
        ("the last one of all", 199.0, 205.0),
        ("none when the next start has come or will not come", 205.4, None),
        ("none after that", 275.0, None),
    ],
)
def test_the_next_round_is(rule: str, now: float, due: float | None) -> None:
    """A11."""
    assert next_round(100.0, now, round_seconds=10) == due, rule


def test_rounds_of_a_run() -> None:
    """A11: six in its minute, and what bridges the time until a start that is late."""
    assert rounds(round_seconds=10) == [0, 10, 20, 30, 40, 50, 65, 75, 85, 95, 105]


@pytest.mark.parametrize("round_seconds", [5, 10, 15, 20, 30])
def test_a_schedule_that_is_as_late_as_it_may_be_leaves_no_hole(round_seconds: int) -> None:
    """A11: two starts are 1 to 119 s apart, and what was last seen then is not older than a verdict lets it be."""
    seen = rounds(round_seconds=round_seconds, lasts=0.5)
    for late in range(1, 120):
        looks = [each for each in seen if each < late]
        assert late - looks[-1] <= 1.5 * round_seconds, late


@pytest.mark.parametrize(
    ("rule", "due", "overtime"),
    [("the last of its minute", 150.0, False), ("the first past it", 165.0, True), ("the last of all", 205.0, True)],
)
def test_a_round_past_the_minute_is_made_only_if_nobody_else_makes_it(rule: str, due: float, overtime: bool) -> None:
    assert is_overtime(100.0, due) is overtime, rule


@pytest.mark.parametrize(
    ("rule", "newest", "relieved"),
    [
        ("nobody has announced himself", None, False),
        ("nobody but this run", Run.from_item(RUN.to_item()), False),
        ("a younger one", Run(function=RUN.function, began_at=1060.0), True),
        (
            "an older one: this run could not write down that it began",
            Run(function=RUN.function, began_at=940.0),
            False,
        ),
    ],
)
def test_a_run_is_relieved_by(rule: str, newest: Run | None, relieved: bool) -> None:
    assert RUN.relieved_by(newest) is relieved, rule


def test_a_run_is_not_relieved_by_itself_whatever_its_time() -> None:
    """The table keeps milliseconds."""
    run = Run(function="monitor", began_at=1000.0004)

    assert not run.relieved_by(Run.from_item(run.to_item()))
    run = Run(function="monitor", began_at=1000.0006)
    assert not run.relieved_by(Run.from_item(run.to_item()))


def test_a_run_is_an_item_of_the_evidence_table() -> None:
    """The newest of a function replaces the one before; it goes when evidence goes."""
    assert RUN.to_item() == {
        "incarnation": "run",
        "observed": "prober:us-east-1a",
        "began_at": Decimal("1000.500"),
        "expires_at": 87_400,
    }
    assert Run.from_item(RUN.to_item()) == RUN
