"""``python -m tests.life_cycle_proof``: deploys, updates and deletions by CloudFormation's own requests, all of them.

Runs ``tests/drill/test_life_cycle.py`` with the tests that take minutes, and writes what came of each to docs/results.
Exit code 1 if one did not hold.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from emr_drill import bench, result_files
from emr_drill.preflight import REPOSITORY

FILE = REPOSITORY / "docs" / "results" / "life-cycle.json"
PAGE = FILE.with_suffix(".md")
TESTS = "tests/drill/test_life_cycle.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One test.

    Attributes:
        name: its function's name.
        seconds: of machine time.
        outcome: ``held``, ``failed`` or ``not run``.
        why: what pytest says of one that did not hold, first line.
    """

    name: str
    seconds: float
    outcome: str
    why: str


def read(report: str) -> list[Held]:
    """What pytest's report in JUnit's form says of each test, in the order of their names."""
    found = []
    for case in ElementTree.fromstring(report).iter("testcase"):
        problem = next((one for one in case if one.tag in ("failure", "error", "skipped")), None)
        outcome = "held" if problem is None else "not run" if problem.tag == "skipped" else "failed"
        why = "" if problem is None else (problem.get("message") or "").splitlines()[0]
        found.append(
            Held(name=case.attrib["name"], seconds=round(float(case.attrib["time"]), 1), outcome=outcome, why=why)
        )
    return sorted(found, key=lambda one: one.name)


def page(found: Sequence[Held], *, commit: str, measured: str) -> str:
    """The table for people."""
    held = sum(one.outcome == "held" for one in found)
    rows = [
        f"| {one.name.removeprefix('test_').replace('_', ' ')} | {one.outcome}{f': {one.why}' if one.why else ''} "
        f"| {one.seconds:.0f} |"
        for one in found
    ]
    return "\n".join(
        [
            "# Deploys, updates and deletions",
            "",
            f"What [`{TESTS}`](../../{TESTS}) drives through CloudFormation's own requests, commit `{commit}`, "
            f"measured {measured}; {held} of {len(found)} held.  `make proof` runs it; "
            "[docs/life-cycle.md](../life-cycle.md) tells what these are about.",
            "",
            "| | came of it | seconds on this machine |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


def main() -> int:
    """Run them and write it down."""
    commit = bench.commit()  # before it runs: what is changed meanwhile is not measured
    with tempfile.TemporaryDirectory(prefix="emr-dr-life-cycle-") as folder:
        report = Path(folder) / "report.xml"
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", TESTS, f"--junitxml={report}"],
            cwd=REPOSITORY,
            env={**os.environ, "EMR_DR_LIFE_CYCLE": "1"},
            check=False,
        )
        found = read(report.read_text("utf-8"))
    measured = datetime.now(tz=UTC).date().isoformat()
    content = {
        "what": "deploys, updates and deletions by CloudFormation's own requests",
        "commit": commit,
        "measured": measured,
        "machine": result_files.machine(),
        "tests": [asdict(one) for one in found],
    }
    result_files.write(FILE, json.dumps(content, indent=1) + "\n")
    result_files.write(PAGE, page(found, commit=commit[:10], measured=measured))
    return 0 if found and all(one.outcome == "held" for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
