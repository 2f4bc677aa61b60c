"""``emr-dr compare``."""

from __future__ import annotations

from typing import Any

import pytest

from emr_drill.baseline import compare as comparison
from emr_drill.errors import DrillError

from .conftest import Cli


class Comparison:
    """What the comparison finds, and how it was asked."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}

    def compare(self, **arguments: Any) -> dict[str, Any]:
        self.asked = arguments
        arguments["say"]("hang-livy script seed 1: recovery 311 s [bold]")
        drill = {
            "seed": 1,
            "speed": 5.0,
            "recovery_seconds": 311.0,
            "submits_refused": 7,
            "clusters_launched": 1,
            "jobs": {"submitted": 57, "lost": 9, "unreported": 0, "doubled": 0, "wrong": 3},
        }
        return {
            "seeds": [1],
            "commit": "c0ffee",
            "measured": "2026-11-21",
            "faults": {"hang-livy": {"ours": [drill], "script": [drill]}},
        }


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Comparison:
    made = Comparison()
    monkeypatch.setattr(comparison, "compare", made.compare)
    return made


def test_drills_are_told_and_the_table_is_shown(cli: Cli, found: Comparison) -> None:
    ended = cli("compare")

    assert ended.code == 0
    assert "hang-livy script seed 1: recovery 311 s [bold]" in ended.out
    assert "recipe's script" in ended.out


def test_figures_to_quote_need_no_option(cli: Cli, found: Comparison) -> None:
    cli("compare")

    assert found.asked["speed"] is None
    assert list(found.asked["seeds"]) == [1, 2, 3]


def test_every_option_arrives(cli: Cli, found: Comparison) -> None:
    cli("compare", "--block", "40", "--at-once", "4", "--speed", "25", "--seeds", "1")

    asked = found.asked
    assert (asked["first_block"], asked["at_once"], asked["speed"], list(asked["seeds"])) == (40, 4, 25.0, [1])


def test_what_could_not_run_is_2(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: Any) -> None:
        raise DrillError("the drill with hang-livy ours seed 1 gave no report (exit code 2)")

    monkeypatch.setattr(comparison, "compare", fail)

    ended = cli("compare")

    assert ended.code == 2
    assert "hang-livy ours seed 1 gave no report" in ended.err
