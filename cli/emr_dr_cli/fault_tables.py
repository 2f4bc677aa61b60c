"""The fault table and its results on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from emr_drill.faults.results import summaries
from emr_drill.faults.table import FAULTS


def fault_table() -> Table:
    """Every row, with what it does and what must happen."""
    table = Table(title="faults", show_lines=True, title_justify="left")
    table.add_column("--fault", no_wrap=True)
    table.add_column("what is done")
    table.add_column("what must happen")
    table.add_column("real", justify="center")
    for fault in FAULTS.values():
        table.add_row(fault.name, fault.what, fault.must, "yes" if fault.real else "")
    return table


def line(result: Mapping[str, Any]) -> str:
    """One drill's result in a line, and a line for each thing that was not as it must be."""
    head = f"{result['fault']} (seed {result['seed']}): "
    if not result["passed"]:
        files = [f"files of this drill: {result['files']}"] if result.get("files") else []
        return "\n    ".join([head + "FAILED", *result["why"], *files])
    outcomes = ", ".join(result["operations"]) or "no operation"
    return f"{head}as it must be: {outcomes}"


def result_table(content: Mapping[str, Any]) -> Table:
    """Every row, in how many of its drills it held, and how long it took until submits were accepted again."""
    table = Table(title=content["what"], title_justify="left")
    table.add_column("fault", no_wrap=True)
    table.add_column("held", justify="right")
    table.add_column("operations")
    table.add_column("submits again after, seconds", justify="right")
    table.add_column("jobs lost", justify="right")
    for summary in summaries(content):
        table.add_row(
            summary.fault,
            f"{summary.held} of {summary.runs}",
            ", ".join(summary.outcomes) or "-",
            "-" if summary.seconds is None else f"{summary.seconds:.0f}",
            str(summary.lost),
            style="" if summary.held == summary.runs else "red",
        )
    return table
