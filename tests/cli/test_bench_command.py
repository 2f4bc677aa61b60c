"""``emr-dr bench-drill``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emr_drill import bench
from emr_drill.bench import Verdict
from emr_drill.errors import DrillError

from .conftest import Cli


class Bench:
    """What the benchmark finds, and how it was asked."""

    def __init__(self) -> None:
        self.overheads: list[float | None] = [120.0, 130.0]
        self.asked: dict[str, Any] = {}

    def run(self, **arguments: Any) -> tuple[dict[str, Any], Verdict]:
        self.asked = arguments
        arguments["say"]("seed 1: FAILED: ['[bold]']")
        phases = {"detect": 30.0, "decide": 8.0, "launch": 470.0, "verify": 55.0, "cut_over": 30.0}
        drills = [
            {"seed": seed, "overhead_seconds": overhead, "phases": phases if overhead else {}, "launch_slack": 5.0}
            for seed, overhead in enumerate(self.overheads, start=1)
        ]
        values = [float("inf") if overhead is None else overhead for overhead in self.overheads]
        promised = {"median": 150.0, "worst": 165.0, "budget": bench.BUDGET}
        return {"promised": promised, "drills": drills}, Verdict(median=min(values), worst=max(values))


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench()
    monkeypatch.setattr(bench, "run", made.run)
    return made


def test_a_kept_promise_is_0(cli: Cli, found: Bench) -> None:
    ended = cli("bench-drill")

    assert ended.code == 0
    assert "median 120 s (promised 150), worst 130 s (promised 165): kept" in ended.out


@pytest.mark.parametrize("overhead", [166.0, None])
def test_a_broken_promise_is_1(cli: Cli, found: Bench, overhead: float | None) -> None:
    found.overheads.append(overhead)

    ended = cli("bench-drill")

    assert ended.code == 1
    assert "NOT KEPT" in ended.out


def test_what_could_not_run_is_2(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: Any) -> None:
        raise DrillError("the drill with seed 1 gave no report (exit code 2):\ncannot run: 127.20.0.1:8998 is in use")

    monkeypatch.setattr(bench, "run", fail)

    ended = cli("bench-drill")

    assert ended.code == 2
    assert "127.20.0.1:8998 is in use" in ended.err


def test_phases_are_shown_for_each_seed_with_their_budget(cli: Cli, found: Bench) -> None:
    out = cli("bench-drill").out

    assert "(budget 45)" in out
    assert any(row.replace("│", " ").split() == ["2", "30", "8", "5", "55", "30", "130.0"] for row in out.splitlines())


def test_a_drill_without_phases_is_shown(cli: Cli, found: Bench) -> None:
    found.overheads = [None]

    assert "│    1 │" in cli("bench-drill").out


def test_lines_are_shown_as_they_are(cli: Cli, found: Bench) -> None:
    """Rich would take brackets for markup."""
    assert "FAILED: ['[bold]']" in cli("bench-drill").out


def test_it_is_asked_as_given_and_leaves_no_files(cli: Cli, found: Bench) -> None:
    cli("bench-drill", "--block", "33", "--at-once", "1")

    assert (found.asked["first_block"], found.asked["at_once"]) == (33, 1)
    assert isinstance(found.asked["workdir"], Path) and not found.asked["workdir"].exists()


@pytest.mark.parametrize(("words", "got"), [(["--block", "9"], "got 9"), (["--at-once", "0"], "--at-once")])
def test_what_cannot_be_is_refused_at_once(cli: Cli, found: Bench, words: list[str], got: str) -> None:
    ended = cli("bench-drill", *words)

    assert (ended.code, got in ended.err, found.asked) == (2, True, {})
