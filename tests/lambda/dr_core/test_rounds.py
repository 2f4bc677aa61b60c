from __future__ import annotations

import pytest

from dr_core.rounds import next_round


@pytest.mark.parametrize(
    ("rule", "now", "due"),
    [
        ("the next one after a quick round", 100.4, 110.0),
        ("at a fixed distance from the start", 113.0, 120.0),
        ("the last one", 149.9, 150.0),
        ("a missed one is not made up for", 121.0, 130.0),
        ("a round that ends when the next is due waits for the one after", 110.0, 120.0),
        ("none when the schedule starts the next minute", 150.4, None),
        ("none after that", 175.0, None),
    ],
)
def test_the_next_round_is(rule: str, now: float, due: float | None) -> None:
    assert next_round(100.0, now, round_seconds=10) == due, rule


def test_rounds_of_a_minute() -> None:
    seen, due = [], 0.0
    while due is not None:
        seen.append(due)
        due = next_round(0.0, due + 3.5, round_seconds=10)  # type: ignore[assignment]

    assert seen == [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]
