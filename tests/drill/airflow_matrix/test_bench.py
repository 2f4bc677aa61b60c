"""The matrix goes on where it stopped, and its result file grows."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from emr_drill import campaign
from emr_drill.airflow_matrix import bench
from emr_drill.airflow_matrix import drilled as matrix_drill
from emr_drill.airflow_matrix.cases import Group
from emr_drill.airflow_matrix.clients import Operator, clients
from emr_drill.airflow_matrix.drilled import Options
from emr_drill.errors import DrillError

from .world import content, group, run


@pytest.fixture(autouse=True)
def code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "code", lambda: "this")
    monkeypatch.setattr(bench, "commit", lambda: "c" * 40)


def plan(**changes: Any) -> bench.Plan:
    return bench.Plan(**{"strategies": ["active-passive"], "seeds": [1], "groups": [Group.WIRE, Group.DIES], **changes})


def asked(monkeypatch: pytest.MonkeyPatch, file: Path) -> list[list[str]]:
    """What groups each deployment is asked for; each of them ends well."""
    found: list[list[str]] = []

    def process(plan: bench.Plan, strategy: str, seed: int, groups: list[Group], **rest: Any) -> None:
        found.append([str(each) for each in groups])
        known = bench.read(file)
        for each in groups:
            known["groups"][bench.name_of(strategy, plan.services, seed, each)] = group(run())
        file.write_text(json.dumps(known))

    monkeypatch.setattr(bench, "_process", process)
    return found


def test_it_goes_on_with_what_is_not_shown_of_this_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "results.json"
    file.write_text(
        json.dumps(
            content(
                **{
                    "active-passive/simulated/1/wire": group(run()),
                    "active-passive/simulated/1/dies": group(run(), code="another"),
                    "active-active/simulated/1/wire": group(run()),
                }
            )
        )
    )
    found = asked(monkeypatch, file)
    said: list[str] = []
    left = bench.run(plan(), block=40, workdir=tmp_path, say=said.append, go_on=True, file=file)

    assert found == [["dies"]]
    assert "active-active/simulated/1/wire" in left["groups"]
    bench.run(plan(), block=40, workdir=tmp_path, say=said.append, go_on=True, file=file)
    assert found == [["dies"]] and said[-1] == "active-passive, seed 1: shown before"


@pytest.mark.parametrize("changes", [{"code": "unknown"}, {"copies": 1}, {"clients": ["ours-sync-3.0.6"]}])
def test_what_nobody_can_look_up_or_is_less_than_asked_is_run_again(
    changes: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "results.json"
    file.write_text(json.dumps(content(**{"active-passive/simulated/1/wire": group(run(), **changes)})))
    monkeypatch.setattr(bench, "code", lambda: changes.get("code", "this"))
    found = asked(monkeypatch, file)
    bench.run(plan(groups=[Group.WIRE]), block=40, workdir=tmp_path, say=lambda text: None, go_on=True, file=file)

    assert found == [["wire"]]


def test_each_group_is_written_as_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "new" / "results.json"

    def drilled(options: Options, *, on_group: Any, **rest: Any) -> None:
        on_group(Group.WIRE, [run()])
        assert list(bench.read(file)["groups"]) == ["active-active/simulated/3/wire"]
        on_group(Group.DIES, [run(), run(outcome="wrong")])

    monkeypatch.setattr(matrix_drill, "run", drilled)
    options = Options(
        strategy="active-active", groups=tuple(Group), clients=clients((Operator.OURS,), ("3.0.6",)), seed=3
    )
    bench.drill(options, file=file, console=None)  # type: ignore[arg-type]
    written = bench.read(file)

    assert [len(one["runs"]) for one in written["groups"].values()] == [2, 1]
    assert written["groups"]["active-active/simulated/3/wire"]["code"] == "this"
    assert written["groups"]["active-active/simulated/3/wire"]["clients"] == [
        "ours-sync-3.0.6",
        "ours-deferrable-3.0.6",
    ]
    assert not bench.passed(written)


def test_a_change_of_the_operator_is_another_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    asked: list[tuple[str, ...]] = []

    def git(*arguments: str) -> str:
        asked.append(arguments)
        return ""

    monkeypatch.setattr(campaign, "_git", git)
    bench.code()

    assert all("provider/emr_dr_airflow" in " ".join(arguments) for arguments in asked)


@pytest.mark.parametrize(
    ("changes", "bad"),
    [
        ({}, False),
        ({"outcome": "disturbed"}, True),
        ({"outcome": "disturbed", "case": "expired"}, False),  # a person has to look at what ended unseen
        ({"outcome": "lost and said"}, True),
        ({"outcome": "lost and said", "case": "away-at-poll"}, True),
        ({"outcome": "lost and said", "case": "expired"}, True),
        ({"outcome": "lost and said", "struck": False}, True),  # nothing befell it
        ({"outcome": "wrong"}, True),
        ({"outcome": "doubled"}, True),
        ({"outcome": "silent"}, True),
        ({"strangers": [7]}, True),
        ({"outcome": "wrong", "operator": "stock"}, False),  # which promises nothing
    ],
)
def test_what_our_operator_must_not_do(changes: dict[str, Any], bad: bool) -> None:
    """A6, A9: each job's effect once, and its task says so; no other's batch deleted."""
    one = group(run(**changes))

    assert bool(bench.broken(one)) is bad
    assert ("NOT AS IT MUST BE" in bench.line("n", one)) is bad


def test_a_drill_that_fails_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")

    with pytest.raises(DrillError, match=r"active-passive, seed 1: the drill failed \(exit code 1\)"):
        bench.run(plan(), block=40, workdir=tmp_path, say=lambda text: None, file=tmp_path / "results.json")
