"""What result files of the fault table say, row by row; and the document that is made from table and results."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emr_drill.faults.model import WARM, Fault
from emr_drill.faults.table import FAULTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """All drills of one row.

    Attributes:
        fault: the row's name.
        runs: how many drills.
        held: in how many of them everything was as it must be.
        seconds: median of the time from the fault to the first submit accepted after which none was refused;
            ``None`` if that never came.
        lost: jobs that went down with a cluster, in all drills.
        bad: jobs unreported, doubled or wrong, in all drills.
        speeds: of the drill's clock.
        outcomes: how operations ended, each word once.
        listed: what is allowed and has to be told.
    """

    fault: str
    runs: int
    held: int
    seconds: float | None
    lost: int
    bad: int
    speeds: Sequence[float]
    outcomes: Sequence[str]
    listed: Sequence[str]


def summaries(content: Mapping[str, Any]) -> list[Summary]:
    """One for each row that a result file has drills of, in the table's order."""
    names = {run["fault"] for run in content["runs"]}
    return [
        _summary(name, [run for run in content["runs"] if run["fault"] == name]) for name in FAULTS if name in names
    ]


def _summary(name: str, runs: Sequence[Mapping[str, Any]]) -> Summary:
    # A drill that could not run has no more than its name and why.
    seconds = [run["submits_again_seconds"] for run in runs if run.get("submits_again_seconds") is not None]
    jobs = [run.get("jobs", {}) for run in runs]
    return Summary(
        fault=name,
        runs=len(runs),
        held=sum(bool(run["passed"]) for run in runs),
        seconds=statistics.median(seconds) if seconds else None,
        lost=sum(counts.get("lost", 0) for counts in jobs),
        bad=sum(counts.get(one, 0) for counts in jobs for one in ("unreported", "doubled", "wrong")),
        speeds=sorted({run["speed"] for run in runs if run.get("speed") is not None}),
        outcomes=list(dict.fromkeys(outcome for run in runs for outcome in run.get("operations", []))),
        listed=list(dict.fromkeys(one for run in runs for one in run.get("listed", []))),
    )


def document(results: Sequence[Mapping[str, Any]]) -> str:
    """``docs/faults.md``.

    Args:
        results: content of result files, in the order in which they stand there; may be empty.
    """
    lines = [
        "# Faults",
        "",
        "What `emr-dr drill --fault NAME` can break, and what must come of it; `--fault all` runs the whole table.",
        "A drill passes, with exit code 0, exactly when its row held: the fault really struck, the outcome, the",
        "clusters launched, what people were told and that they were told nothing else, what became of every job and",
        "of the old cluster, and that nothing is left over.  In no row a job may be unreported, doubled or wrong,",
        "except doubled where the fence limit passed, which is listed, and none may go to a cluster that is given up",
        "before it serves.",
        "",
        "Made from the [fault table](../drill/emr_drill/faults/) and result files by `python -m emr_drill.results`.",
        "",
        "| fault | what is done | what shows that it struck | what must happen | what people are told | who notices | "
        "real |",
        "|---|---|---|---|---|---|---|",
    ]
    for fault in FAULTS.values():
        struck = "; ".join(trace.what for trace in fault.struck)
        told = "; ".join(page.text for page in fault.expect.told) or "nothing"
        lines.append(
            f"| `{fault.name}` | {fault.what} | {struck} | {fault.must} | {told} | {fault.notices} | "
            f"{'yes' if fault.real else ''} |"
        )
    lines += ["", *_otherwise()]
    for content in results:
        lines += ["", *_measured(content)]
    return "\n".join(lines) + "\n"


def _otherwise() -> list[str]:
    """What must happen under other strategies, where it is not the same."""
    lines = [
        "## Where two managed clusters serve",
        "",
        "With `--strategy active-active` one of the two is struck, which one follows from the seed.  What must happen",
        "is the same, but for:",
        "",
        "| fault | what must happen | what people are told |",
        "|---|---|---|",
    ]
    for fault in FAULTS.values():
        other = fault.under("active-active")
        if fault.is_for("active-active") and (fault.strategies or other is not fault):
            lines.append(_row_under("active-active", fault))
    lines += [
        "",
        "## Where a warm standby is kept",
        "",
        f"With `--strategy {WARM}` (`standby: warm`) the drill waits for the standby before it breaks anything, and at",
        "the end for the next one.  These rows are for it:",
        "",
        "| fault | what must happen | what people are told |",
        "|---|---|---|",
        *(_row_under(WARM, fault) for fault in FAULTS.values() if fault.is_for(WARM)),
    ]
    return lines


def _row_under(strategy: str, fault: Fault) -> str:
    other = fault.under(strategy)
    told = "; ".join(page.text for page in other.expect.told) or "nothing"
    only = " (this strategy alone)" if fault.strategies else ""
    return f"| `{fault.name}`{only} | {other.must} | {told} |"


def _measured(content: Mapping[str, Any]) -> list[str]:
    strategy, services = content.get("strategy", "active-passive"), content["services"]
    seeds = ", ".join(str(seed) for seed in content["seeds"])
    rows = summaries(content)
    commits = dict.fromkeys(run.get("commit", content["commit"])[:10] for run in content["runs"])
    commit = f"commit{'s' if len(commits) > 1 else ''} {', '.join(f'`{each}`' for each in commits)}"
    lines = [
        f"## Measured: {strategy}, {services} services",
        "",
        f"Seeds {seeds}, {commit}, {content['measured']}.  {sum(row.held for row in rows)} of "
        f"{sum(row.runs for row in rows)} drills were as they must be.  Seconds run from the fault to the first submit",
        "accepted after which none was refused, median, on the drill's clock; the faster it goes, the more of them are",
        "the machine's own.  What is promised is measured at speed 5, and is in the README.",
        "",
        "| fault | held | speed | operations | seconds | jobs lost | unreported, doubled, wrong | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        seconds = "-" if row.seconds is None else f"{row.seconds:.0f}"
        lines.append(
            f"| `{row.fault}` | {row.held} of {row.runs} | {', '.join(f'{speed:g}' for speed in row.speeds) or '-'} | "
            f"{', '.join(row.outcomes) or '-'} | {seconds} | {row.lost} | {row.bad} | {'; '.join(row.listed)} |"
        )
    failed = [run for run in content["runs"] if not run["passed"]]
    if failed:
        lines += ["", "Not as they must be:", ""]
        lines += [f"* `{run['fault']}`, seed {run['seed']}: {'; '.join(run['why'])}" for run in failed]
    return lines
