"""The benchmark of stock clients: cases in, a result file out, a case at a time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emr_drill.clients import bench, environments
from emr_drill.clients.cases import CASES, Case
from emr_drill.clients.judgement import Counts

NAMES = ["both-busy", "control", "polls-switchover"]


def found(**changes: Any) -> dict[str, Any]:
    jobs = Counts(submitted=36).to_dict() | changes.pop("jobs", {})
    return {
        **{"jobs": jobs, "complaints": [], "at_fault": {}, "speed": 5.0, "seed": 1, "services": "real"},
        **{"clients": {"by_kind": {}, "causes": {}}, "machine_seconds": 1.0, "problem": "", "operations": []},
        **{"fault_row": None},
        **changes,
    }


class Runs:
    """Cases that were run; what they find is changed by a test."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.found: dict[str, dict[str, Any]] = {}

    def measure(self, case: Case, **_: Any) -> dict[str, Any]:
        self.names.append(case.name)
        return self.found.get(case.name, found(services=case.services))


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    made = Runs()
    monkeypatch.setattr(bench, "_measure", made.measure)
    monkeypatch.setattr(environments, "check", lambda kinds: None)
    monkeypatch.setattr(bench, "code", lambda: "c0de")
    return made


def go(names: list[str], folder: Path, *, go_on: bool = False) -> tuple[dict[str, Any], list[str]]:
    said: list[str] = []
    content = bench.run(
        names, block=50, seed=1, workdir=folder, say=said.append, go_on=go_on, file=folder / "result.json"
    )
    return content, said


def test_each_case_is_written_as_it_ends(runs: Runs, tmp_path: Path) -> None:
    content, said = go(NAMES, tmp_path)

    assert json.loads((tmp_path / "result.json").read_text()) == content
    assert list(content["cases"]) == NAMES
    assert said[0] == "both-busy: submitted 36"


def test_going_on_leaves_out_what_was_shown_of_this_code(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go(NAMES[:2], tmp_path)
    go(NAMES, tmp_path, go_on=True)
    assert runs.names == NAMES

    monkeypatch.setattr(bench, "code", lambda: "other")
    go(NAMES[:1], tmp_path, go_on=True)
    assert runs.names == [*NAMES, NAMES[0]]


def test_a_case_that_failed_is_run_again(runs: Runs, tmp_path: Path) -> None:
    runs.found["both-busy"] = found(jobs={"wrong": 1})
    content, said = go(["both-busy"], tmp_path)
    go(["both-busy"], tmp_path, go_on=True)

    assert runs.names == ["both-busy", "both-busy"]
    assert not bench.passed(content)
    assert "NOT AS IT MUST BE: 1 wrong" in said[0]


@pytest.mark.parametrize(
    "report",
    [
        found(jobs={"wrong": 1}),
        found(jobs={"killed_others": 1}),
        found(jobs={"kills_missed": 1}),
        found(jobs={"unreported": 1}),
        found(clients={"misrouted": 2}),
        found(clients={"pollers": {"wrong": 1}}),
        found(problem="waited in vain"),
    ],
)
def test_what_must_not_be_behind_the_product(report: dict[str, Any]) -> None:
    assert bench.broken(CASES["both-busy"], report)


def test_what_a_stock_client_does_to_itself_is_counted_and_not_judged() -> None:
    jobs = {"disturbed": 3, "doubled": 1, "given_up": 2, "lost": 4, "refused": 1, "replayed": 1}

    assert bench.broken(CASES["cluster-dies"], found(jobs=jobs)) == []


def test_the_control_promises_nothing() -> None:
    assert bench.broken(CASES["control"], found(jobs={"wrong": 20, "killed_others": 4})) == []


def test_a_case_that_cannot_be_run_yet_is_said_to_be(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = Case(name="later", what="", fault="no-such-row")
    monkeypatch.setattr(bench, "CASES", {"later": case})
    _, said = go(["later"], tmp_path)

    assert runs.names == []
    assert said == ["later: left out, it waits for row no-such-row of the fault table"]


def test_jobs_and_polls_are_counted(runs: Runs, tmp_path: Path) -> None:
    pollers = {"pollers": {"asked": 5000, "wrong": 0, "statuses": {"200": 5000}}}
    runs.found["polls-switchover"] = found(services="simulated", clients={"by_kind": {}, **pollers})
    content, _ = go(NAMES, tmp_path)

    assert (bench.real_jobs(content), bench.polls(content)) == (36, 5000)
