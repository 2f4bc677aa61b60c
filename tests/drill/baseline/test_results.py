"""The table of the comparison."""

from __future__ import annotations

from typing import Any

from emr_drill.baseline.results import comparison_table


def drill(
    seed: int, recovery: float | None, *, refused: int = 10, wrong: int = 0, speed: float = 5.0
) -> dict[str, Any]:
    jobs = {"submitted": 57, "lost": 9, "unreported": 1, "doubled": 2, "wrong": wrong}
    return {
        "seed": seed,
        "speed": speed,
        "recovery_seconds": recovery,
        "submits_refused": refused,
        "clusters_launched": 1,
        "jobs": jobs,
    }


CONTENT: dict[str, Any] = {
    "seeds": [1, 2, 3],
    "commit": "0123456789abcdef",
    "measured": "2026-11-21",
    "faults": {
        "kill-primary": {
            "ours": [drill(1, 600), drill(2, 620), drill(3, 700)],
            "script": [drill(seed, 300, wrong=2) for seed in (1, 2, 3)],
        },
        "hang-livy": {
            "ours": [drill(seed, 90, speed=2.0) for seed in (1, 2, 3)],
            "script": [drill(1, 300, speed=2.0), drill(2, None, speed=2.0), drill(3, None, speed=2.0)],
        },
    },
}


def rows() -> list[list[str]]:
    lines = comparison_table(CONTENT).splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")][2:]


def test_both_systems_stand_side_by_side_for_each_fault() -> None:
    assert [row[:2] for row in rows()] == [
        ["kill-primary", "emr-dr"],
        ["", "recipe's script"],
        ["hang-livy", "emr-dr"],
        ["", "recipe's script"],
    ]


def test_recovery_is_the_median_and_counts_are_sums() -> None:
    assert rows()[0][2:] == ["620", "30", "3", "171", "27", "3", "6", "**0**"]
    assert rows()[1][2:] == ["300", "30", "3", "171", "27", "3", "6", "**6**"]


def test_what_mostly_does_not_recover_never_does() -> None:
    assert rows()[3][2] == "never"


def test_how_it_was_measured_is_told() -> None:
    text = comparison_table(CONTENT).splitlines()[0]

    assert "seeds 1, 2, 3, speed 5 (kill-primary), speed 2 (hang-livy), commit `0123456789`, measured" in text
