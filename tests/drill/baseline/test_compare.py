"""The comparison, with a stand-in for the drills that it starts."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from emr_drill import preflight, results
from emr_drill.baseline import compare as comparison
from emr_drill.baseline.compare import Run, compare, line_of, result_file, runs, speed_for
from emr_drill.baseline.run import FAULTS as BASELINE_FAULTS
from emr_drill.errors import DrillError
from emr_drill.faults.table import FAULTS

# A program that does what `python -m emr_dr_cli drill` does with these options: write a report.
DRILL = """#!{python} -S
import json, sys
words = [word for word in sys.argv[4:] if word not in ("--quiet", "--stream")]
options = dict(zip(words[::2], words[1::2]))
with open({folder!r} + "/started", "a") as file:
    file.write(" ".join(sys.argv[1:]) + "\\n")
report = json.loads({report!r})
report.update(fault=options["--fault"], seed=int(options["--seed"]), baseline=options.get("--baseline", ""))
with open(options["--json"], "w") as file:
    json.dump(report, file)
"""


def report(**changed: Any) -> dict[str, Any]:
    return {
        "fault": "hang-livy",
        "seed": 2,
        "speed": 2.0,
        "baseline": "script",
        "submits_again_seconds": 311.0,
        "submits_refused": 7,
        "jobs": {"submitted": 57, "lost": 9, "wrong": 3, "succeeded": 40},
        "incarnations": [{}, {}],
        "problem": "",
        "machine_seconds": 200.0,
        **changed,
    }


BASELINE = Run(fault="hang-livy", seed=2, system="script")


def test_five_faults_with_the_same_seeds_for_both() -> None:
    ours = [(run.fault, run.seed) for run in runs() if run.system == "ours"]
    theirs = [(run.fault, run.seed) for run in runs() if run.system == "script"]

    assert ours == theirs
    assert len({fault for fault, _ in ours}) == 5
    assert {fault for fault, _ in ours} <= FAULTS.keys()
    assert {seed for _, seed in ours} == {1, 2, 3}


def test_both_are_asked_for_the_same_but_who_they_are() -> None:
    """Fault, seed, speed, jobs: whatever else is the same."""
    ours = Run(fault="hang-livy", seed=2, system="ours").arguments(speed=5.0, assembly=Path("out"))
    theirs = BASELINE.arguments(speed=5.0, assembly=Path("out"))

    common = ["--fault", "hang-livy", "--seed", "2", "--speed", "5.0", "--stream"]
    assert ours == [*common, "--assembly", "out"]
    assert theirs == [*common, "--baseline", "script"]


@pytest.mark.parametrize(("fault", "speed"), [("kill-primary", 5.0), ("hang-livy", 2.0), ("az-blackhole", 2.0)])
def test_drills_are_no_faster_than_sockets_allow(fault: str, speed: float) -> None:
    assert speed_for(fault) == speed
    assert speed_for(fault, 25.0) == 25.0


def test_what_is_kept_of_a_report_comes_from_clients_and_ledger() -> None:
    line = line_of(BASELINE, report())

    assert (line["seed"], line["recovery_seconds"], line["submits_refused"]) == (2, 311.0, 7)
    assert (line["jobs"]["lost"], line["jobs"]["wrong"], line["jobs"]["doubled"]) == (9, 3, 0)
    assert line["clusters_launched"] == 1


@pytest.mark.parametrize("other", [{"seed": 3}, {"fault": "kill-primary"}, {"baseline": ""}])
def test_the_report_of_another_drill_is_refused(other: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="the report of hang-livy script seed 2 is one of"):
        line_of(BASELINE, report(**other))


def test_a_result_file_puts_both_beside_each_other() -> None:
    ours = Run(fault="hang-livy", seed=2, system="ours")
    found = [(ours, report(baseline="", submits_again_seconds=90.0)), (BASELINE, report())]
    content = result_file(found, commit_id="c0ffee", seeds=[2])

    assert (content["commit"], content["seeds"]) == ("c0ffee", [2])
    assert [one["recovery_seconds"] for one in content["faults"]["hang-livy"]["ours"]] == [90.0]
    assert [one["recovery_seconds"] for one in content["faults"]["hang-livy"]["script"]] == [311.0]
    assert list(content["faults"]["hang-livy"]) == ["ours", "script"]


@pytest.fixture
def drills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Makes the comparison start a program of the test's own instead of drills; the file that lists what it started."""
    program = tmp_path / "python"
    program.write_text(DRILL.format(python=sys.executable, folder=str(tmp_path), report=json.dumps(report())))
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(preflight, "synthesize", lambda output: None)
    monkeypatch.setattr(comparison, "RESULTS", tmp_path / "results" / "comparison.json")
    monkeypatch.setattr(results, "write", lambda: None)
    return tmp_path / "started"


def test_every_drill_is_run_once_and_written(drills: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    content = compare(first_block=40, at_once=2, workdir=tmp_path, say=lines.append, seeds=(1, 2))

    assert json.loads((tmp_path / "results" / "comparison.json").read_text()) == content
    started = drills.read_text().splitlines()
    assert len(started) == len(lines) == 20
    assert {line.split("--speed ")[1].split()[0] for line in started if "--fault hang-livy" in line} == {"2.0"}
    assert {line.split("--speed ")[1].split()[0] for line in started if "--fault kill-primary" in line} == {"5.0"}
    assert {fault: [len(one) for one in systems.values()] for fault, systems in content["faults"].items()} == {
        fault: [2, 2] for fault in BASELINE_FAULTS
    }


def test_a_line_for_each_drill_says_what_became_of_it(drills: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    compare(first_block=40, at_once=1, workdir=tmp_path, say=lines.append, seeds=(1,), faults=("hang-livy",))

    assert lines[1].startswith("hang-livy script seed 1: recovery 311 s, 7 submits refused, submitted 57, lost 9")


def test_a_drill_that_never_recovered_is_told(drills: Path, tmp_path: Path) -> None:
    program = tmp_path / "python"
    program.write_text(program.read_text().replace("311.0", "null").replace('"problem": ""', '"problem": "in vain"'))
    lines: list[str] = []
    compare(first_block=40, at_once=1, workdir=tmp_path, say=lines.append, seeds=(1,), faults=("hang-livy",))

    assert "recovery never" in lines[0]
    assert lines[0].endswith("; in vain")


def test_a_drill_that_could_not_run_ends_the_comparison(drills: Path, tmp_path: Path) -> None:
    (tmp_path / "python").write_text("#!/bin/sh\nexit 2\n")

    with pytest.raises(DrillError, match="hang-livy ours seed 1 gave no report"):
        compare(first_block=40, at_once=1, workdir=tmp_path, say=print, seeds=(1,), faults=("hang-livy",))
    assert not (tmp_path / "results").exists()
