"""``emr-dr airflow-matrix`` and the drill that it starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emr_drill.airflow_matrix import bench
from emr_drill.airflow_matrix.bench import Plan
from emr_drill.airflow_matrix.cases import Group
from emr_drill.airflow_matrix.drilled import Options

from .conftest import Cli


class Bench:
    """What was asked."""

    def __init__(self) -> None:
        self.plan = Plan()
        self.options: dict[str, Any] = {}

    def run(self, plan: Plan, **options: Any) -> dict[str, Any]:
        self.plan, self.options = plan, options
        return {"groups": {}}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench()
    monkeypatch.setattr(bench, "run", made.run)
    return made


def test_everything_unless_told_otherwise(cli: Cli, asked: Bench) -> None:
    assert cli("airflow-matrix").code == 0
    assert (list(asked.plan.strategies), list(asked.plan.groups)) == (["active-passive", "active-active"], list(Group))
    assert (list(asked.plan.operators), list(asked.plan.releases)) == (["ours", "stock"], ["3.0.6", "2.11.0"])
    assert list(asked.plan.seeds) == [1, 2]


def test_some_of_it_on_real_services(cli: Cli, asked: Bench, tmp_path: Path) -> None:
    ended = cli(
        *("airflow-matrix", "--services", "real", "--operator", "ours", "--groups", "wire,dies", "--go-on"),
        *("--strategies", "active-passive", "--block", "41", "--workdir", str(tmp_path / "new")),
    )

    assert ended.code == 0
    assert (asked.plan.services, asked.plan.operators, asked.plan.groups) == ("real", ["ours"], ["wire", "dies"])
    assert list(asked.plan.releases) == ["3.0.6"]
    assert (asked.options["go_on"], asked.options["block"]) == (True, 41)


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [
        ("--groups", "wire,nonsense", "wire, livy-restart, dies"),
        ("--operator", "nonsense", "ours, stock"),
        ("--services", "nonsense", "simulated, real"),
        ("--strategies", "nonsense", "active-passive, active-active"),
        ("--releases", "3.0.6,nonsense", "3.0.6, 2.11.0"),
        ("--seeds", "1,nonsense", "whole numbers"),
    ],
)
def test_a_word_that_it_does_not_know_is_refused(cli: Cli, asked: Bench, option: str, value: str, allowed: str) -> None:
    """Before anything is started, with what there is."""
    ended = cli("airflow-matrix", option, value)

    assert ended.code == 2
    assert option in ended.err and "nonsense" in ended.err and allowed in " ".join(ended.err.split())
    assert asked.options == {}


def test_a_run_that_is_not_as_it_must_be_is_1(cli: Cli, asked: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "passed", lambda content: False)

    assert cli("airflow-matrix").code == 1


def test_one_deployment(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given: list[tuple[Options, Path]] = []
    monkeypatch.setattr(bench, "drill", lambda options, *, file, console: given.append((options, file)))
    ended = cli(
        *("airflow-drill", "active-active", "--file", str(tmp_path / "r.json"), "--groups", "upgrade"),
        *("--operators", "ours", "--releases", "2.11.0", "--copies", "3", "--seed", "7"),
    )
    ((options, file),) = given

    assert ended.code == 0 and file == tmp_path / "r.json"
    assert (options.strategy, options.groups, options.copies, options.seed) == ("active-active", ["upgrade"], 3, 7)
    assert [client.name for client in options.clients] == ["ours-sync-2.11.0", "ours-deferrable-2.11.0"]
