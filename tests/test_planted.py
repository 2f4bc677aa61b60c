"""That planted faults are caught, for two of them; ``make proof`` plants all."""

from __future__ import annotations

from pathlib import Path

import pytest

from .planted import (
    FAULTS,
    REPOSITORY,
    SLICES,
    STORIES,
    Fault,
    Outcome,
    as_json,
    as_text,
    check_unchanged,
    look_for,
    plant,
    run,
)

SAMPLE = ("fence skipped", "lease taken over while its execution runs")


@pytest.mark.parametrize("fault", [each for each in FAULTS if each.name in SAMPLE], ids=lambda each: each.name)
def test_a_planted_fault_is_caught(fault: Fault) -> None:
    check_unchanged([fault])

    assert look_for(fault).caught_by


@pytest.mark.parametrize("fault", FAULTS, ids=lambda each: each.name)
def test_what_a_fault_changes_stands_there_once(fault: Fault, tmp_path: Path) -> None:
    """Else ``make proof`` would prove nothing."""
    plant(fault, tmp_path / "lambda")

    for file, _, after in fault.changes:
        assert after in (tmp_path / "lambda" / file).read_text()


def test_a_fault_that_nobody_notices_is_said() -> None:
    harmless = Fault(
        name="harmless", file="failover/errors.py", before="Going on would", after="To go on would",
        tests=("tests/test_mutants.py",),
    )  # fmt: skip
    with pytest.raises(SystemExit, match="harmless: not caught by tests/test_mutants"):
        look_for(harmless)


def test_a_fault_whose_place_is_gone_is_said(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="it is there 0 times"):
        plant(
            Fault(name="lost", file="failover/errors.py", before="no such text", after="", tests=()), tmp_path / "copy"
        )


def test_the_tests_run_with_the_copy() -> None:
    """Not with what is installed."""
    broken = Fault(
        name="broken", file="dr_core/id_ranges.py", before="FIRST_PREFIX = 1000", after="FIRST_PREFIX = 1001", tests=()
    )
    code, output = run(broken, ["tests/lambda/dr_core/test_id_ranges.py"])

    assert code == 1, output


def test_results_name_the_fault_and_who_caught_it() -> None:
    outcome = Outcome(fault=FAULTS[0], caught_by=("tests/x/test_y.py::test_z[a]",), said="that is wrong")

    assert "| `test_y.py::test_z[a]` | that is wrong |" in as_text([outcome])
    assert '"caught": 1' in as_json([outcome])


def test_the_tests_of_a_story_are_as_many_as_there_are() -> None:
    """One that is left out may be the one that notices."""
    assert f"\nSLICES = {SLICES}\n" in (REPOSITORY / STORIES).read_text()
