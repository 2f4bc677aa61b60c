"""Many drills, with a stand-in for each."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from emr_drill import campaign, preflight
from emr_drill.campaign import Plan
from emr_drill.errors import DrillError
from emr_drill.faults.model import FASTEST
from emr_drill.faults.table import chosen, find


def report(fault: str, seed: int, **changes: Any) -> dict[str, Any]:
    return {
        "fault": fault,
        "seed": seed,
        **dict.fromkeys(campaign.KEPT),
        "passed": True,
        "operations": [
            {"outcome": "launched", "reason": "bootstrap"},
            {"outcome": "failed over", "reason": "unhealthy"},
        ],
        "managed_clusters": 1,
        "incarnations": [{}, {}],
        "fault_row": {"listed": ["one thing"]},
        "why_failed": [],
        "applications": {"a": "b"},
        "files": "somewhere",
        **changes,
    }


class Drills:
    """Answers for drills; notes how each was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, int]] = []
        self.failing: dict[str, str] = {}
        self.stopped = False
        self.waits = False
        self.over = threading.Event()

    def __call__(self, *, workdir: Path) -> Drills:
        return self

    def run(self, name: str, words: list[str], *, block: int) -> dict[str, Any]:
        self.asked.append((name, " ".join(words), block))
        fault, seed = name.split()
        if self.waits:
            self.over.wait(10)
            raise DrillError("the benchmark was stopped")
        if fault in self.failing:
            raise DrillError(self.failing[fault])
        return report(fault, int(seed))

    def stop(self) -> None:
        self.stopped = True
        self.over.set()


@pytest.fixture
def drills(monkeypatch: pytest.MonkeyPatch) -> Drills:
    made = Drills()
    monkeypatch.setattr(time, "sleep", lambda _: None)
    monkeypatch.setattr(campaign, "code", lambda: "abc")
    monkeypatch.setattr(campaign, "Drills", made)
    monkeypatch.setattr(preflight, "synthesize", lambda output, *, context: output.mkdir())
    return made


def plan(**changes: Any) -> Plan:
    values: dict[str, Any] = {
        "faults": [find("kill-livy"), find("hang-livy")],
        "seeds": [1, 2],
        "services": "simulated",
        "speed": None,
        "first_block": 40,
        "at_once": 1,
    }
    return Plan(**{**values, **changes})


def nothing(result: dict[str, Any]) -> None:
    """Said to nobody."""


def test_every_row_runs_with_every_seed(drills: Drills, tmp_path: Path) -> None:
    content = campaign.run(plan(), workdir=tmp_path, say=nothing)

    assert [(run["fault"], run["seed"]) for run in content["runs"]] == [
        *(("kill-livy", 1), ("hang-livy", 1), ("kill-livy", 2), ("hang-livy", 2)),
    ]
    assert content["seeds"] == [1, 2]


def test_drills_are_asked_as_planned_on_one_assembly(drills: Drills, tmp_path: Path) -> None:
    campaign.run(plan(seeds=[7], services="real"), workdir=tmp_path, say=nothing)

    assert drills.asked[0] == (
        "kill-livy 7",
        f"--fault kill-livy --seed 7 --services real --strategy active-passive --assembly {tmp_path / 'cdk.out'}",
        40,
    )


@pytest.mark.parametrize("name", ["upgrade", "expired-certificate"])
def test_a_row_with_settings_or_a_certificate_of_its_own_synthesizes_for_itself(
    name: str, drills: Drills, tmp_path: Path
) -> None:
    """The one assembly of all has other settings."""
    campaign.run(plan(faults=[find(name)]), workdir=tmp_path, say=nothing)

    assert "--assembly" not in drills.asked[0][1]


def test_a_speed_is_passed_on_and_a_given_assembly_is_used(drills: Drills, tmp_path: Path) -> None:
    campaign.run(plan(speed=5.0, assembly=Path("given")), workdir=tmp_path, say=nothing)

    assert "--speed 5 --assembly given" in drills.asked[0][1]
    assert not (tmp_path / "cdk.out").exists()


def test_each_result_is_said_in_order(drills: Drills, tmp_path: Path) -> None:
    said: list[str] = []
    campaign.run(plan(at_once=2), workdir=tmp_path, say=lambda result: said.append(result["fault"]))

    assert said == ["kill-livy", "hang-livy"] * 2


def test_where_files_are_is_said_and_not_kept(drills: Drills, tmp_path: Path) -> None:
    said: list[str] = []
    content = campaign.run(plan(), workdir=tmp_path, say=lambda result: said.append(result["files"]))

    assert said == ["somewhere"] * 4
    assert not any("files" in one for one in content["runs"])


def test_a_drill_that_cannot_run_counts_as_failed_and_the_others_go_on(drills: Drills, tmp_path: Path) -> None:
    drills.failing["kill-livy"] = "no report"
    content = campaign.run(plan(seeds=[1]), workdir=tmp_path, say=nothing)

    failed = {run["fault"]: run for run in content["runs"]}
    assert (failed["kill-livy"]["passed"], failed["kill-livy"]["why"]) == (False, ["no report"])
    assert failed["hang-livy"]["passed"]
    assert not campaign.passed(content)


def test_all_passed_is_passed(drills: Drills, tmp_path: Path) -> None:
    assert campaign.passed(campaign.run(plan(), workdir=tmp_path, say=nothing))


def test_an_interruption_stops_the_drills(drills: Drills, tmp_path: Path) -> None:
    def interrupt(result: dict[str, Any]) -> None:
        raise KeyboardInterrupt

    saved: list[object] = []
    with pytest.raises(KeyboardInterrupt):
        campaign.run(plan(), workdir=tmp_path, say=interrupt, save=saved.append)
    assert drills.stopped
    assert saved == []


def test_what_was_stopped_is_not_written_down(drills: Drills, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interruption ends the drills that run; they did not fail."""

    def stopped(*_: object, **__: object) -> Any:
        raise KeyboardInterrupt

    said: list[object] = []
    monkeypatch.setattr(campaign, "as_completed", stopped)
    drills.waits = True
    with pytest.raises(KeyboardInterrupt):
        campaign.run(plan(), workdir=tmp_path, say=said.append)
    assert said == []


def test_each_drill_is_saved_at_its_end(drills: Drills, tmp_path: Path) -> None:
    """Hours of drills must not be lost with the last one."""
    saved: list[int] = []
    campaign.run(plan(), workdir=tmp_path, say=nothing, save=lambda content: saved.append(len(content["runs"])))

    assert saved == [1, 2, 3, 4]


def test_what_was_shown_before_is_kept_and_not_run_again(drills: Drills, tmp_path: Path) -> None:
    first = campaign.run(plan(seeds=[1], assembly=Path("given")), workdir=tmp_path, say=nothing)
    drills.asked.clear()
    again = campaign.run(plan(earlier=campaign.still_good(first, plan())), workdir=tmp_path, say=nothing)

    assert [name for name, _, _ in drills.asked] == ["kill-livy 2", "hang-livy 2"]
    assert len(again["runs"]) == 4


@pytest.mark.parametrize("change", [{"passed": False}, {"code": "another"}, {"fault": "kill-primary"}, {"seed": 9}])
def test_what_was_shown_of_something_else_counts_for_nothing(
    drills: Drills, tmp_path: Path, change: dict[str, Any]
) -> None:
    content = campaign.run(plan(seeds=[1]), workdir=tmp_path, say=nothing)
    content["runs"] = [{**run, **change} for run in content["runs"]]

    assert campaign.still_good(content, plan()) == []


@pytest.mark.parametrize(
    ("answers", "known"),
    [(["tree\n", ""], True), (["tree\n", " M lambda/x.py\n"], False), ([None, ""], False), (["tree\n", None], False)],
)
def test_only_what_is_committed_has_a_name(
    monkeypatch: pytest.MonkeyPatch, answers: list[str | None], known: bool
) -> None:
    said = iter(answers)
    monkeypatch.setattr(campaign, "_git", lambda *_: next(said))

    assert (campaign.code() != "unknown") is known


def test_git_that_refuses_says_nothing() -> None:
    assert campaign._git("no-such-command") is None
    assert campaign._git("--version")


def test_code_that_nobody_can_name_shows_nothing(
    drills: Drills, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaign, "code", lambda: "unknown")
    content = campaign.run(plan(), workdir=tmp_path, say=nothing)

    assert campaign.still_good(content, plan()) == []


def test_drills_with_a_slow_clock_run_beside_the_others(drills: Drills, tmp_path: Path) -> None:
    campaign.run(plan(seeds=[1], slow_beside=3), workdir=tmp_path, say=nothing)

    assert {name: block for name, _, block in drills.asked} == {"kill-livy 1": 40, "hang-livy 1": 41}


def test_drills_do_not_start_together(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    monkeypatch.setattr(time, "sleep", slept.append)
    starts = campaign.Starts(seconds=12)
    for _ in range(3):
        starts.wait()

    assert slept == [0, 12, 24]


def test_what_is_kept_is_small_and_tells_what_happened() -> None:
    kept = campaign.kept(report("kill-livy", 3, passed=False, why_failed=["no"]))

    assert (kept["fault"], kept["seed"], kept["passed"], kept["why"]) == ("kill-livy", 3, False, ["no"])
    assert (kept["operations"], kept["launched"], kept["listed"]) == (["failed over"], 1, ["one thing"])
    assert "applications" not in kept


def test_a_drill_that_did_not_come_to_its_fault_has_nothing_listed() -> None:
    assert campaign.kept(report("kill-livy", 3, fault_row=None))["listed"] == []


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ({"passed": False, "speed": 25.0, "machine_late_seconds": 0.7}, True),
        ({"passed": False, "speed": 25.0, "machine_late_seconds": 0.1}, False),
        ({"passed": True, "speed": 25.0, "machine_late_seconds": 0.7}, False),
        ({"passed": False}, True),  # no report: it could not say
    ],
)
def test_what_fails_on_a_machine_that_is_too_busy_shows_nothing(run: dict[str, Any], expected: bool) -> None:
    assert campaign.says_nothing(run) is expected


def test_a_sample_follows_from_the_commit() -> None:
    first, second = campaign.sample("a" * 40), campaign.sample("b" * 40)

    assert first == campaign.sample("a" * 40)
    assert first != second
    assert len({fault.name for fault in first}) == campaign.SAMPLE_ROWS


def test_every_row_that_runs_fast_has_its_turn() -> None:
    seen = {fault.name for number in range(200) for fault in campaign.sample(str(number))}

    assert seen == {fault.name for fault in chosen("all", real=False) if fault.fastest == FASTEST}
