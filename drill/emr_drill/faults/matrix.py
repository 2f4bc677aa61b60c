"""The drill matrix: which rows of the fault table were drilled with which strategy and services, and how many held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emr_drill.faults.model import WARM, Fault
from emr_drill.faults.results import summaries
from emr_drill.faults.table import FAULTS, NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One strategy with one kind of services.

    Attributes:
        results: names of its result files.
        strategy: what ``--strategy`` takes.
        real: whether with real services.
    """

    results: tuple[str, ...]
    strategy: str
    real: bool = False

    @property
    def title(self) -> str:
        """Of the column."""
        return f"{self.strategy}, {'real' if self.real else 'simulated'}"

    def runs(self, contents: Mapping[str, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Its drills, of all files that exist."""
        return [run for name in self.results for run in contents.get(name, {}).get("runs", [])]

    def has(self, fault: Fault) -> bool:
        """Whether a row is for it."""
        return fault.is_for(self.strategy) and (fault.real or not self.real)


COLUMNS = (
    Column(results=("faults-simulated",), strategy="active-passive"),
    Column(results=("faults-real",), strategy="active-passive", real=True),
    Column(results=("faults-active-active", "recovery-active-active"), strategy="active-active"),
    Column(results=("faults-active-active-real",), strategy="active-active", real=True),
    Column(results=("faults-warm-standby", "recovery-warm-standby"), strategy=WARM),
    Column(results=("faults-warm-standby-real",), strategy=WARM, real=True),
)
NOT_RUN = "not run"


def matrix_table(contents: Mapping[str, Mapping[str, Any]]) -> str:
    """The matrix as Markdown.

    Args:
        contents: content of result files, by name; one that does not exist has no drills.
    """
    held = {column: {one.fault: one for one in summaries({"runs": column.runs(contents)})} for column in COLUMNS}
    rows = [fault for fault in FAULTS.values() if fault.name != NONE]
    lines = [
        f"| fault | {' | '.join(column.title for column in COLUMNS)} |",
        f"|---|{'---|' * len(COLUMNS)}",
    ]
    for fault in rows:
        cells = []
        for column in COLUMNS:
            summary = held[column].get(fault.name)
            if summary is not None:
                cells.append(f"{summary.held} of {summary.runs}")
            else:
                cells.append(NOT_RUN if column.has(fault) else "")
        lines.append(f"| `{fault.name}` | {' | '.join(cells)} |")
    totals = []
    for column in COLUMNS:
        drilled = held[column].values()
        totals.append(f"**{sum(one.held for one in drilled)} of {sum(one.runs for one in drilled)}**")
    lines += [f"| **held, of drills** | {' | '.join(totals)} |", "", *_commits(contents)]
    return "\n".join(lines)


def _commits(contents: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What was drilled, of which commit: a matrix of several codes must not look like one of one."""
    lines = []
    for column in COLUMNS:
        commits = list(dict.fromkeys(f"`{run['commit'][:10]}`" for run in column.runs(contents) if run.get("commit")))
        lines.append(f"* {column.title}: {'commit ' + ', '.join(commits) if commits else NOT_RUN}")
    return lines
