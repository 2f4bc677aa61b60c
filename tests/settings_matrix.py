"""``python -m tests.settings_matrix``: settings that people choose, synthesized, linted and drilled.

Each row (:mod:`tests.matrix_rows`) is synthesized with every policy check, its templates are linted, that of the
incarnations too, and what was synthesized is drilled: a failover has to come of it as the fault table says.  Results go
to docs/results.  ``--sample`` takes one row that follows from the commit, in about a minute and a half, and writes
nothing; ``--go-on`` leaves out what an earlier run has shown of the same code.
Exit code 1 if a row did not hold.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from emr_drill import bench, campaign, preflight, result_files
from emr_drill.errors import DrillError
from emr_drill.faults.model import FASTEST
from emr_drill.faults.table import find
from tests.gates import tool
from tests.matrix_rows import ROWS, Row, settings_of

RESULTS = preflight.REPOSITORY / "docs" / "results"
FILE, PAGE = RESULTS / "settings-matrix.json", RESULTS / "settings-matrix.md"
BLOCK = 28
LARGEST_OUTPUT = 2000


def sample(commit: str, rows: Sequence[Row] = ROWS) -> Row:
    """A row that follows from a commit, so that nobody can pick it and each one has its turn."""
    return min(rows, key=lambda row: sha256(f"{commit} {row.name}".encode()).digest())


def prove(row: Row, *, folder: Path, block: int, speed: float) -> dict[str, Any]:
    """Synthesize, lint and drill one row, the drill's clock at *speed*; what came of it."""
    began = time.monotonic()
    file, assembly = folder / f"{row.name}.yaml", folder / f"{row.name}.out"
    file.write_text(yaml.safe_dump(settings_of(row)))
    found: dict[str, Any] = {"row": row.name, "strategy": row.strategy, "fault": row.fault}
    try:
        preflight.synthesize(assembly, context=(f"settings={file}",))
        found["templates"] = lint(assembly)
        words = ["--fault", row.fault, "--strategy", row.strategy, "--seed", "1"]
        words += ["--speed", f"{min(speed, find(row.fault).fastest):g}"]
        words += ("--assembly", str(assembly)) if row.own is None else row.own
        report = bench.Drills(workdir=folder).run(row.name, words, block=block)
        found |= {key: value for key, value in campaign.kept(report).items() if key not in found}
    except DrillError as error:
        found |= {"passed": False, "why": [str(error)]}
    return {**found, "seconds": round(time.monotonic() - began, 1)}


def lint(assembly: Path) -> int:
    """Lint every template of an assembly; how many there are.

    Raises:
        DrillError: the linter has something to say, or there is no template of incarnations.
    """
    templates = sorted(assembly.rglob("*.template.json"))
    # Without it the row would hold although the most important resource was not looked at.
    if not any(template.name == "Incarnation.template.json" for template in templates):
        raise DrillError(f"{assembly} has no template of incarnations")
    ended = subprocess.run(
        [str(word) for word in tool("cfn-lint", *templates)],
        cwd=preflight.REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode != 0:
        raise DrillError(f"cfn-lint: {(ended.stdout + ended.stderr).strip()[-LARGEST_OUTPUT:]}")
    return len(templates)


def still_good(content: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Rows of an earlier result file that held, of this code and with these settings."""
    now, settings = campaign.code(), {row.name: settings_of(row) for row in ROWS}
    return {
        each["row"]: each
        for each in content["rows"]
        if each["passed"] and each["code"] == now != "unknown" and each["settings"] == settings.get(each["row"])
    }


def measured_of(content: Mapping[str, Any]) -> str:
    """Of which commit the rows are: of several where ``--only`` or ``--go-on`` kept earlier ones."""
    commit, day, codes = content["commit"][:10], content["measured"], {each["code"] for each in content["rows"]}
    if len(codes) <= 1:
        return f"commit `{commit}`, measured {day}"
    return (
        f"of {len(codes)} commits, the latest `{commit}`, measured {day}: `code`, a digest of what a drill runs, tells "
        "which rows are of the same one"
    )


def as_text(content: Mapping[str, Any]) -> str:
    """What docs/results/settings-matrix.md holds."""
    what = {row.name: row.what for row in ROWS}
    held = sum(each["passed"] for each in content["rows"])
    lines = [
        "# The settings matrix",
        "",
        "Written by `make proof`: each row's settings are synthesized with every policy check, every template is "
        "linted, that of the incarnations too, and what was synthesized is drilled with simulated services, "
        "seed 1; with TLS the drill makes certificates and a bucket of its own and synthesizes anew with these.  A row "
        "holds if the drill was as the fault table says.",
        "",
        f"{held} of {len(content['rows'])} rows held; {measured_of(content)}; recovery in seconds on the drill's "
        "clock, from the fault to the first job accepted.",
        "",
        "| row | what the settings choose | drilled | templates | recovery | jobs lost, told | code | held |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for each in content["rows"]:
        why = " ".join("; ".join(each.get("why", [])).split())
        jobs, recovery = each.get("jobs") or {}, each.get("recovery_seconds")
        lines.append(
            f"| `{each['row']}` | {what.get(each['row'], '')} | {each['strategy']}, `{each['fault']}` "
            f"| {each.get('templates', '-')} | {'-' if recovery is None else f'{recovery:.0f}'} "
            f"| {jobs.get('lost', '-')} | `{each['code'][:10]}` | {'yes' if each['passed'] else f'**no**: {why}'} |"
        )
    return "\n".join([*lines, ""])


def save(results: Mapping[str, Mapping[str, Any]]) -> None:
    """Write both files, rows in their order."""
    content = {
        "what": "settings that people choose: synthesized, linted, drilled with simulated services",
        "commit": bench.commit(),
        "measured": datetime.now(tz=UTC).date().isoformat(),
        "machine": result_files.machine(),
        "rows": [results[row.name] for row in ROWS if row.name in results],
    }
    result_files.write(FILE, json.dumps(content, indent=1) + "\n")
    PAGE.write_text(as_text(content))


def main() -> int:
    """Command line; 0 if every row held."""
    parser = argparse.ArgumentParser(prog="python -m tests.settings_matrix", description=__doc__)
    parser.add_argument("--sample", action="store_true", help="one row that follows from the commit")
    parser.add_argument("--go-on", action="store_true", help="only what the result file does not show of this code")
    parser.add_argument("--only", metavar="ROW", action="append", choices=[row.name for row in ROWS])
    parser.add_argument("--speed", type=float, default=FASTEST, help="of the drills' clock; lower on a busy machine")
    parser.add_argument("--block", type=int, default=BLOCK, help="address block of the drills")
    arguments = parser.parse_args()
    console = Console(stderr=True, soft_wrap=True)
    rows = [row for row in ROWS if not arguments.only or row.name in arguments.only]
    known: dict[str, dict[str, Any]] = {}
    if arguments.sample:
        rows = [sample(bench.commit())]
    elif FILE.exists():
        earlier = json.loads(FILE.read_text())
        good = still_good(earlier)
        known = {each["row"]: each for each in earlier["rows"]} if arguments.only else good if arguments.go_on else {}
        rows = [row for row in rows if not (arguments.go_on and row.name in good)]
    code, failed = campaign.code(), 0
    with tempfile.TemporaryDirectory(prefix="emr-dr-matrix-") as folder:
        for row in rows:
            found = prove(row, folder=Path(folder), block=arguments.block, speed=arguments.speed)
            if arguments.sample and campaign.says_nothing(found):
                console.print(f"{row.name}: this machine may have been too busy for its speed; once more, slower")
                speed = min(arguments.speed, find(row.fault).fastest) / campaign.SLOWER
                found = prove(row, folder=Path(folder), block=arguments.block, speed=speed)
            failed += not found["passed"]
            console.print(
                f"{'held' if found['passed'] else 'FAILED'}  {row.name}: {row.what} ({found['seconds']:.0f} s)"
                + "".join(f"\n    {why}" for why in found["why"]),
                style="green" if found["passed"] else "bold red",
                markup=False,
            )
            if not arguments.sample:
                known[row.name] = {**found, "settings": settings_of(row), "code": code}
                save(known)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
