"""The settings matrix: its rows, its sample and its files; ``make proof`` runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from emr_dr.settings import Settings
from emr_drill import bench, campaign, preflight
from emr_drill.errors import DrillError
from emr_drill.faults.table import chosen, find

from . import settings_matrix
from .matrix_rows import ROWS, Row, settings_of

# What people have to be able to choose.
REQUIRED = {
    *("existing-vpc", "two-azs", "one-nat", "no-nat", "mwaa-create", "defaults", "own-key", "permissions-boundary"),
    *("fleets", "tls", "tls-everywhere"),
}


def test_nothing_that_people_must_be_able_to_choose_is_missing() -> None:
    assert REQUIRED - {row.name for row in ROWS} == set()
    assert len({row.name for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_has_settings_that_are_taken_and_a_fault_that_can_be_drilled(row: Row) -> None:
    Settings.parse(settings_of(row))

    assert [fault.name for fault in chosen(row.fault, real=False, strategy=row.strategy)] == [row.fault]
    assert row.what


def test_no_two_rows_choose_the_same() -> None:
    seen = [(settings_of(row), row.strategy) for row in ROWS]

    assert all(one not in seen[:number] for number, one in enumerate(seen))


def test_each_row_has_its_turn_and_nobody_picks_it() -> None:
    """Of a hundred commits."""
    turns = {settings_matrix.sample(f"commit {number}").name for number in range(100)}

    assert turns == {row.name for row in ROWS}
    assert settings_matrix.sample("one") == settings_matrix.sample("one")


def result(row: Row, **values: Any) -> dict[str, Any]:
    found = {"row": row.name, "strategy": row.strategy, "fault": row.fault, "passed": True, "why": [], "templates": 5}
    return {**found, "settings": settings_of(row), "code": "abc", "recovery_seconds": 600.0, **values}


def content(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"commit": "0123456789abcdef", "measured": "2026-11-29", "rows": list(rows)}


def test_a_row_that_held_is_not_run_again_for_the_same_code_and_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign, "code", lambda: "abc")
    first, second, third, *_ = ROWS
    earlier = content(result(first), result(second, passed=False), result(third, settings={"other": 1}))

    assert settings_matrix.still_good(earlier).keys() == {first.name}
    assert settings_matrix.still_good(content(result(first, code="other"))) == {}


def test_the_page_says_what_did_not_hold() -> None:
    first, second, *_ = ROWS
    text = settings_matrix.as_text(content(result(first), result(second, passed=False, why=["no reason"])))

    assert "1 of 2 rows held; commit `0123456789`" in text
    assert "**no**: no reason" in text


def test_the_page_says_that_its_rows_are_of_several_commits() -> None:
    """`--only` and `--go-on` keep rows: one commit in the header would be said of all of them."""
    first, second, *_ = ROWS
    text = settings_matrix.as_text(content(result(first), result(second, code="def")))

    assert "of 2 commits, the latest `0123456789`" in text
    assert [line.split(" | ")[-2] for line in text.splitlines() if line.startswith("| `")] == ["`abc`", "`def`"]


def test_an_assembly_without_a_template_of_incarnations_does_not_hold(tmp_path: Path) -> None:
    """The most important resource would not have been looked at."""
    with pytest.raises(DrillError, match="no template of incarnations"):
        settings_matrix.lint(tmp_path)


def test_a_row_with_certificates_lets_the_drill_make_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings file can name them beforehand; every other row drills what it synthesized."""
    asked: list[list[str]] = []

    def run(_: object, name: str, words: list[str], *, block: int) -> dict[str, Any]:
        asked.append(words)
        raise DrillError("not here")

    monkeypatch.setattr(preflight, "synthesize", lambda *_, **__: None)
    monkeypatch.setattr(settings_matrix, "lint", lambda assembly: 5)
    monkeypatch.setattr(bench.Drills, "run", run)
    for name in ("tls-everywhere", "fleets", "two-azs"):
        (row,) = (row for row in ROWS if row.name == name)
        settings_matrix.prove(row, folder=tmp_path, block=28, speed=25.0)

    assert asked[0][-2:] == ["--tls", "--cluster-tls"]
    assert "--assembly" not in asked[0]
    assert asked[1][-2:] == ["--assembly", str(tmp_path / "fleets.out")]
    assert "--assembly" not in asked[2], "the row of the fault table names its two AZs itself"
    assert asked[2][-1] == f"{find('az-blackhole-of-two').fastest:g}"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_a_drill_deploys_for_itself_is_what_the_row_says(row: Row) -> None:
    own = dict(each.removeprefix("set.").split("=", 1) for each in find(row.fault).settings)

    assert bool(own) <= (row.own is not None)
    for name, value in own.items():
        found: Any = settings_of(row)
        for part in name.split("."):
            found = found[part]
        assert yaml.safe_load(value) == found
