"""The benchmark of stock clients: every case, one after the other, and a result file that is written as each ends."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from emr_drill import result_files, results
from emr_drill.bench import commit
from emr_drill.campaign import code
from emr_drill.clients import environments
from emr_drill.clients.cases import CASES, CONTROL, PRODUCT, Case
from emr_drill.clients.kinds import KINDS
from emr_drill.errors import DrillError
from emr_drill.preflight import REPOSITORY

RESULTS = REPOSITORY / "docs" / "results" / "stock-clients.json"
WANTED_JOBS, WANTED_POLLS = 200, 10_000
# What must never be, behind the product.
FORBIDDEN = ("wrong", "killed_others", "kills_missed", "unreported")
KEPT = ("jobs", "clients", "complaints", "at_fault", "speed", "seed", "services", "machine_seconds")


def run(
    names: Sequence[str],
    *,
    block: int,
    seed: int,
    workdir: Path,
    say: Callable[[str], None],
    go_on: bool = False,
    file: Path = RESULTS,
) -> dict[str, Any]:
    """Run cases and write the result file and its table.

    Args:
        names: of the cases; those of other names that the file has stay in it.
        block: address block.
        seed: decides jobs and who runs them.
        workdir: for reports and for the files of cases.
        say: gets a line for each case.
        go_on: leave out what the file shows of this code.
        file: the result file.

    Raises:
        DrillError: a case could not run at all.
    """
    environments.check(KINDS)
    content = _earlier(file)
    for name in names:
        case = CASES[name]
        if case.missing:
            say(f"{name}: left out, it waits for {case.missing}")
            continue
        if go_on and still_good(content["cases"].get(name), code()):
            say(f"{name}: shown before")
            continue
        shown_of = {"commit": commit(), "code": code()}  # before it runs: what is changed meanwhile is not measured
        report = _measure(case, seed=seed, block=block, workdir=workdir)
        content["cases"][name] = result = {**kept(case, report), **shown_of}
        say(line(name, result))
        _write(content, file)
    return content


def _earlier(file: Path) -> dict[str, Any]:
    if file.exists():
        content: dict[str, Any] = json.loads(file.read_text())
        return content
    return {"what": "stock clients through the front door, and through plain TCP balancing", "cases": {}}


def _write(content: dict[str, Any], file: Path) -> None:
    content["machine"] = result_files.machine()
    content["cases"] = {name: content["cases"][name] for name in CASES if name in content["cases"]}
    result_files.write(file, json.dumps(content, indent=1) + "\n")
    if file == RESULTS:
        results.write()


def _measure(case: Case, *, seed: int, block: int, workdir: Path) -> dict[str, Any]:
    """One case in a process of its own, which synthesizes what its strategy and fault deploy; its JSON report."""
    output = workdir / f"{case.name}.json"
    output.unlink(missing_ok=True)
    command = [sys.executable, "-m", "emr_dr_cli", "client-case", case.name, "--seed", str(seed)]
    command += ["--block", str(block), "--json", str(output)]
    with (workdir / f"{case.name}.log").open("w") as log:
        process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for us: we tell it once
        )
        try:
            process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if not output.exists():
        said = (workdir / f"{case.name}.log").read_text(errors="replace").strip()[-2000:]
        raise DrillError(f"the case {case.name} gave no report (exit code {process.returncode}):\n{said}")
    report: dict[str, Any] = json.loads(output.read_text())
    return report


def kept(case: Case, report: Mapping[str, Any]) -> dict[str, Any]:
    """What the result file keeps of the report of one case."""
    why = broken(case, report)
    return {
        "what": case.what,
        "system": case.system,
        "fault": case.fault,
        "strategy": case.strategy if case.system == PRODUCT else "",
        "passed": not why,
        "why": why,
        **{name: report[name] for name in KEPT},
        "operations": [one["outcome"] for one in report["operations"] if one["reason"] != "bootstrap"],
        "row_held": None if report["fault_row"] is None else report["fault_row"]["held"],
        "row_did_not_hold": [] if report["fault_row"] is None else report["fault_row"]["did_not_hold"],
        "measured": datetime.now(tz=UTC).date().isoformat(),
    }


def broken(case: Case, report: Mapping[str, Any]) -> list[str]:
    """What is not as it must be behind the product; the control promises nothing."""
    why = [str(report["problem"])] if report["problem"] else []
    if case.system == CONTROL:
        return why
    why += [f"{report['jobs'][name]} {name}" for name in FORBIDDEN if report["jobs"].get(name)]
    clients = report["clients"]
    if clients.get("misrouted"):
        why.append(f"{clients['misrouted']} answers of a cluster for an id that is not its own")
    if clients.get("pollers", {}).get("wrong"):
        why.append(f"{clients['pollers']['wrong']} polls were told of another batch")
    return why


def still_good(result: Mapping[str, Any] | None, now: str) -> bool:
    """Whether a case need not be run again."""
    return result is not None and bool(result["passed"]) and result["code"] == now != "unknown"


def line(name: str, result: Mapping[str, Any]) -> str:
    """A sentence for the person who waits."""
    counts = {key: count for key, count in result["jobs"].items() if count}
    ending = "" if result["passed"] else f"; NOT AS IT MUST BE: {'; '.join(result['why'])}"
    return f"{name}: {', '.join(f'{key} {count}' for key, count in counts.items())}{ending}"


def passed(content: Mapping[str, Any]) -> bool:
    """Whether every case that was run is as it must be."""
    return all(result["passed"] for result in content["cases"].values())


def real_jobs(content: Mapping[str, Any]) -> int:
    """How many jobs ran on real Livy behind the product."""
    return sum(
        int(result["jobs"]["submitted"])
        for result in content["cases"].values()
        if result["system"] == PRODUCT and result["services"] == "real"
    )


def polls(content: Mapping[str, Any]) -> int:
    """How many polls there were on simulated services."""
    return sum(
        int(result["clients"].get("pollers", {}).get("asked", 0))
        for result in content["cases"].values()
        if result["services"] == "simulated"
    )
