"""The figures of documents come from result files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emr_drill import results

CONTENT: dict[str, Any] = {
    "speed": 5.0,
    "commit": "0123456789abcdef",
    "measured": "2026-11-21",
    "promised": {"median": 150.0, "worst": 165.0, "budget": {"detect": 45.0, "launch_slack": 15.0}},
    "drills": [
        {
            "seed": seed,
            "phases": {"detect": detect},
            "launch_slack": 2.0,
            "overhead_seconds": 100.0 + detect,
            "emr_launch_seconds": 450.0,
            "recovery_seconds": 550.0 + detect,
            "jobs": {"submitted": 27, "lost": 9, "resubmitted": 9, "unreported": 0, "doubled": 0, "wrong": 0},
        }
        for seed, detect in ((1, 20.0), (2, 30.0), (3, 41.0))
    ],
}


def test_tables_of_the_readme_are_made_from_the_committed_results() -> None:
    document = results.DOCUMENT.read_text()

    assert results.filled(document) == document, "run: python -m emr_drill.results"


def test_the_document_of_airflow_is_made_from_the_committed_results() -> None:
    assert results.airflow_document() == results.AIRFLOW_DOCUMENT.read_text(), "run: python -m emr_drill.results"


def test_the_document_of_faults_is_made_from_the_table_and_the_committed_results() -> None:
    assert results.fault_document() == results.FAULT_DOCUMENT.read_text(), "run: python -m emr_drill.results"


def repairs(*seconds: float, passed: bool = True) -> dict[str, Any]:
    return {
        "seeds": [1, 2, 3],
        "commit": "0123456789abcdef",
        "measured": "2026-11-21",
        "runs": [
            {"passed": passed, "speed": 2.0, "recovery_seconds": one, "launched": 0, "jobs": {"lost": 0}}
            for one in seconds
        ],
    }


def test_a_table_of_repairs_shows_median_worst_and_promise() -> None:
    table = results.repair_table(repairs(90.0, 100.0, 130.0))

    assert "| **100** | **130** | 120 median |" in table
    assert "at speed 2, seeds 1, 2, 3" in table
    assert "Clusters launched: 0, jobs lost: 0." in table


def test_a_repair_that_did_not_hold_counts_as_endless() -> None:
    assert results.repair_median(repairs(90.0, passed=False)) == float("inf")


def test_what_is_promised_of_a_repair() -> None:
    """Never to be tuned."""
    assert results.PROMISED_REPAIR_SECONDS == 120.0


def test_writing_makes_both_documents_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    monkeypatch.setattr(results, "DOCUMENT", tmp_path / "README.md")
    monkeypatch.setattr(results, "FAULT_DOCUMENT", tmp_path / "faults.md")
    monkeypatch.setattr(results, "AIRFLOW_DOCUMENT", tmp_path / "airflow.md")
    (tmp_path / "airflow.md").write_text("no run yet")
    (tmp_path / "README.md").write_text("nothing to fill")

    results.write()

    assert (tmp_path / "README.md").read_text() == "nothing to fill"
    assert "| `hang-livy` |" in (tmp_path / "faults.md").read_text()


def test_a_table_shows_median_and_worst_of_each_phase() -> None:
    table = results.recovery_table(CONTENT)

    assert "| detect | 30 | 41 | 45 |" in table
    assert "**130** | **141** | 150 median, 165 worst" in table


def test_a_table_counts_the_jobs_of_all_drills() -> None:
    assert "Of 81 jobs in these 3 drills, 27 were running" in results.recovery_table(CONTENT)


def test_a_drill_that_did_not_recover_counts_as_endless() -> None:
    hung = {**CONTENT["drills"][0], "phases": {}, "overhead_seconds": None, "recovery_seconds": None}

    table = results.recovery_table({**CONTENT, "drills": [*CONTENT["drills"][1:], hung]})

    assert "| detect | 41 | never | 45 |" in table
    assert "**141** | **never** | 150 median" in table


def test_a_document_without_a_place_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "recovery-active-passive.json").write_text(json.dumps(CONTENT))
    monkeypatch.setattr(results, "RESULTS", tmp_path)

    with pytest.raises(ValueError, match="no place for recovery-active-passive"):
        results.filled("nothing here")


def test_an_old_table_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "recovery-active-passive.json").write_text(json.dumps(CONTENT))
    monkeypatch.setattr(results, "RESULTS", tmp_path)

    filled = results.filled("a <!-- results: recovery-active-passive -->\nold\n<!-- end of results --> b")

    assert "old\n" not in filled
    assert filled.startswith("a ") and filled.endswith(" b")


def other_half(*seconds: float, passed: bool = True) -> dict[str, Any]:
    """A result file in which recovery and isolation took so long."""
    jobs = {"submitted": 77, "lost": 5, "unreported": 0, "doubled": 0, "wrong": 0}
    return {
        "seeds": [1, 2],
        "commit": "0123456789abcdef",
        "measured": "2026-11-28",
        "runs": [
            {
                "fault": fault,
                "passed": passed,
                "speed": 5.0,
                "submits_again_seconds": one,
                "isolated_seconds": one + 40,
                "redundancy_seconds": 600.0,
                "jobs": jobs,
            }
            for fault in results.OTHER_HALF_FAULTS
            for one in seconds
        ],
    }


def test_a_table_of_active_active_shows_what_is_promised_and_what_came() -> None:
    """A3."""
    table = results.other_half_table(other_half(10.0, 20.0))

    assert "| `kill-primary` | every new submit succeeds again | **15** | **20** | 15 median, 20 worst |" in table
    assert "| **55** | **60** | 50 median, 70 worst |" in table
    assert "4 of 4 drills were as they must be.  Of 308 jobs 20 were lost" in table


def test_what_is_not_measured_yet_is_no_figure() -> None:
    """A result file is written after each drill: an error there would end all that were to come."""
    begun = other_half(10.0)
    begun["runs"] = begun["runs"][:1]

    assert "| the load balancer sends the one that was struck no new job | **-** | **-** |" in results.other_half_table(
        begun
    )


@pytest.mark.parametrize(
    ("seconds", "passed", "kept"),
    [
        ((8, 12), True, True),
        ((8, 21), True, False),
        ((16, 17), True, False),
        ((8, 12), False, False),
        ((), True, False),
    ],
)
def test_the_promise_of_active_active_is_one_of_median_and_worst(
    seconds: tuple[float, ...], passed: bool, kept: bool
) -> None:
    """A3: a drill that failed counts as endless."""
    assert results.kept_other_half(other_half(*seconds, passed=passed)) is kept


def test_what_is_promised_of_active_active() -> None:
    """Never to be tuned."""
    assert results.PROMISED_OTHER_HALF == {"recovery": (15.0, 20.0), "isolated": (50.0, 70.0)}


def standby_taken(*seconds: float, passed: bool = True) -> dict[str, Any]:
    """A result file of drills in which a standby took over."""
    run = {
        "fault": "kill-primary",
        "passed": passed,
        "speed": 5.0,
        "phases": {"detect": 34.0, "decide": 6.0, "launch": 3.0, "verify": 4.0, "cut_over": 23.0},
        "redundancy_seconds": 640.0,
        "jobs": {"unreported": 0, "doubled": 0, "wrong": 0},
    }
    return {
        "commit": "0123456789abcdef",
        "measured": "2026-11-28",
        "runs": [{**run, "seed": seed, "recovery_seconds": each} for seed, each in enumerate(seconds, start=1)],
    }


def test_a_table_of_a_standby_shows_what_is_promised_and_what_came() -> None:
    """Issue: 90 s median, 105 s worst, and no launch in the path."""
    table = results.standby_table(standby_taken(70.0, 74.0, 80.0))

    assert "| **recovery** | **74** | **80** | 90 median, 105 worst |" in table
    assert "| redundancy | 640 | 640 |" in table
    assert results.PROMISED_STANDBY == (90.0, 105.0)


def test_a_standby_that_did_not_take_over_counts_as_endless() -> None:
    assert "**never**" in results.standby_table(standby_taken(70.0, passed=False))
