"""What is written down of the simulations."""

from __future__ import annotations

import json
from dataclasses import replace

from .__main__ import FIXED_SEEDS, PHASES, RESULTS, ROUNDS, Detection, as_text, detection, fresh_seeds, problems
from .false_alarms import Count

GOOD = Count(seed=1, rounds=1_000_000, judged=70, unhealthy=2, started=1, passed=0)
SOON = Detection(words="it dies", phases=10_000, share_within_limit=0.9951, median=33.0, percentile_99=44.0, worst=47.0)


def test_fresh_seeds_follow_from_the_commit() -> None:
    assert fresh_seeds("abc") == fresh_seeds("abc")
    assert len({*fresh_seeds("abc"), *fresh_seeds("abd"), *FIXED_SEEDS}) == 9


def test_the_table() -> None:
    text = as_text([GOOD], [replace(GOOD, rounds=100_000, unhealthy=50)], [SOON])

    assert "| 1 | 3 of 4 | 1,000,000 | 2 | 2 | 1 | 0 |" in text
    assert "| 1 | 1 of 4 | 100,000 | 50 | 500 | 1 | 0 |" in text
    assert "| it dies | 10,000 | 99.51% | 33.0 s | 44.0 s | 47.0 s |" in text


def test_an_operation_past_the_second_look_is_a_problem() -> None:
    assert problems([GOOD], [SOON]) == []
    assert problems([replace(GOOD, passed=1)], [SOON]) == ["seed 1: 1 operations past Reassess"]


def test_a_late_detection_is_a_problem() -> None:
    assert problems([GOOD], [replace(SOON, share_within_limit=0.9899)]) == ["it dies: 98.99% within 45 s"]


def test_a_detection_is_summed_up() -> None:
    found = detection(0, phases=100)

    assert found.phases == 100
    assert found.median <= found.percentile_99 <= found.worst
    assert 0.9 <= found.share_within_limit <= 1


def test_the_committed_results_are_of_the_whole_run() -> None:
    """The figures in the table are of a run with every seed, round and phase, and all was as required."""
    data = json.loads((RESULTS / "verdicts.json").read_text())

    usual, single = data["false_alarms"].values()
    seeds = [*FIXED_SEEDS, *fresh_seeds(data["seeds_from_commit"])]
    assert [each["seed"] for each in usual] == [each["seed"] for each in single] == seeds
    assert {each["rounds"] for each in usual} == {ROUNDS}
    assert {each["phases"] for each in data["detection"]} == {PHASES}
    assert data["problems"] == []
    text = as_text(
        [Count(**each) for each in usual],
        [Count(**each) for each in single],
        [Detection(**each) for each in data["detection"]],
    )
    assert (RESULTS / "verdicts.md").read_text() == text
