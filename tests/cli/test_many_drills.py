"""``emr-dr drill --fault all``: many drills, one table."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emr_drill import campaign
from emr_drill.campaign import Plan
from emr_drill.faults.table import FAULTS

from .conftest import Cli


class Campaign:
    """What drills find, and how they were asked for."""

    def __init__(self) -> None:
        self.passed = True
        self.plan: Plan | None = None
        self.workdir = Path()

    def run(
        self,
        plan: Plan,
        *,
        workdir: Path,
        say: Callable[[dict[str, Any]], None],
        save: Callable[[dict[str, Any]], None],
    ) -> dict[str, Any]:
        self.plan, self.workdir = plan, workdir
        runs = [
            {"fault": name, "seed": seed, "passed": self.passed, "why": ["[bold] one thing"], "operations": []}
            for name, seed in plan.runs
        ]
        for one in runs:
            say(one)
        return {"what": "the fault table", "runs": runs}


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Campaign:
    made = Campaign()
    monkeypatch.setattr(campaign, "run", made.run)
    return made


def test_all_is_the_whole_table(cli: Cli, found: Campaign) -> None:
    ended = cli("drill", "--fault", "all")

    assert ended.code == 0
    assert found.plan is not None
    assert {fault.name for fault in found.plan.faults} == {
        fault.name for fault in FAULTS.values() if fault.is_for("active-passive")
    } - {"none"}
    assert (found.plan.seeds, found.plan.at_once, found.plan.speed) == ([1], 1, None)


def test_another_strategy_has_a_table_of_its_own(cli: Cli, found: Campaign) -> None:
    """A2."""
    cli("drill", "--strategy", "active-active", "--fault", "all")

    assert found.plan is not None
    assert found.plan.strategy == "active-active"
    assert "kill-all-primaries" in {fault.name for fault in found.plan.faults}


def test_several_seeds_are_several_drills(cli: Cli, found: Campaign) -> None:
    cli("drill", "--fault", "kill-livy", "--seeds", "1,2,3", "--at-once", "2", "--block", "33", "--speed", "5")

    assert found.plan is not None
    assert found.plan.runs == [("kill-livy", 1), ("kill-livy", 2), ("kill-livy", 3)]
    assert (found.plan.at_once, found.plan.first_block, found.plan.speed) == (2, 33, 5.0)


def test_one_row_that_did_not_hold_is_1(cli: Cli, found: Campaign) -> None:
    found.passed = False
    ended = cli("drill", "--fault", "kill-livy,hang-livy")

    assert ended.code == 1
    assert "kill-livy (seed 1): FAILED" in ended.err
    assert "[bold] one thing" in ended.err
    assert "0 of 1" in ended.err


def test_json_is_the_content_of_a_result_file(cli: Cli, found: Campaign) -> None:
    ended = cli("drill", "--fault", "kill-livy,hang-livy", "--json", "-")

    assert [run["fault"] for run in json.loads(ended.out)["runs"]] == ["kill-livy", "hang-livy"]


def test_no_files_are_left(cli: Cli, found: Campaign) -> None:
    cli("drill", "--fault", "all")

    assert not found.workdir.exists()


@pytest.mark.parametrize("word", [["--keep"], ["--workdir", "somewhere"]])
def test_what_is_for_one_drill_is_refused(cli: Cli, found: Campaign, word: list[str]) -> None:
    ended = cli("drill", "--fault", "all", *word)

    assert (ended.code, found.plan) == (2, None)
    assert "are for one drill" in ended.err


@pytest.mark.parametrize("seeds", ["", "1,x", "1,,2", "-1"])
def test_seeds_that_are_none_are_refused(cli: Cli, found: Campaign, seeds: str) -> None:
    ended = cli("drill", "--seeds", seeds)

    assert (ended.code, found.plan) == (2, None)
    assert "whole numbers" in ended.err
