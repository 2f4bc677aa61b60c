"""The table of the comparison, for people; made from the result file."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

TITLES = {"ours": "emr-dr", "script": "recipe's script"}
COLUMNS = ("lost", "unreported", "doubled", "wrong")


def comparison_table(content: Mapping[str, Any]) -> str:
    """The comparison as Markdown: a pair of rows for each fault."""
    seeds = ", ".join(str(seed) for seed in content["seeds"])
    lines = [
        f"Simulated services, seeds {seeds}, {_speeds(content)}, commit `{content['commit'][:10]}`, measured "
        f"{content['measured']}. Recovery is the median in seconds; failed submits, clusters and jobs are sums over "
        "the seeds:",
        "",
        "| fault | | recovery | failed submits | clusters launched | jobs | lost | unreported | doubled | **wrong** |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for fault, systems in content["faults"].items():
        for system, drills in systems.items():
            shown = fault if system == next(iter(systems)) else ""
            lines.append(f"| {shown} | {TITLES[system]} | {' | '.join(_cells(drills))} |")
    return "\n".join(lines)


def _speeds(content: Mapping[str, Any]) -> str:
    """At which speed which faults were drilled."""
    faults: dict[float, list[str]] = {}
    for fault, systems in content["faults"].items():
        for speed in sorted({one["speed"] for drills in systems.values() for one in drills}):
            faults.setdefault(speed, []).append(fault)
    return ", ".join(f"speed {speed:g} ({', '.join(names)})" for speed, names in faults.items())


def _cells(drills: Sequence[Mapping[str, Any]]) -> list[str]:
    recoveries = [math.inf if one["recovery_seconds"] is None else one["recovery_seconds"] for one in drills]
    recovery = statistics.median(recoveries)
    jobs = {name: sum(one["jobs"][name] for one in drills) for name in ("submitted", *COLUMNS)}
    return [
        f"{recovery:.0f}" if math.isfinite(recovery) else "never",
        str(sum(one["submits_refused"] for one in drills)),
        str(sum(one["clusters_launched"] for one in drills)),
        str(jobs["submitted"]),
        *(f"**{jobs[name]}**" if name == "wrong" else str(jobs[name]) for name in COLUMNS),
    ]
