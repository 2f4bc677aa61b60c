"""Tables of documents that are made from result files, so that no figure is written by hand.

``python -m emr_drill.results`` writes them anew; a test compares them.
"""

from __future__ import annotations

import json
import math
import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from emr_drill.airflow_matrix.table import airflow_matrix_table, airflow_summary
from emr_drill.baseline.results import comparison_table
from emr_drill.clients.table import stock_clients_table
from emr_drill.faults.matrix import COLUMNS, matrix_table
from emr_drill.faults.results import document
from emr_drill.preflight import REPOSITORY
from emr_drill.report import PHASE_TEXTS

DOCUMENT = REPOSITORY / "README.md"
FAULT_DOCUMENT = REPOSITORY / "docs" / "faults.md"
AIRFLOW_DOCUMENT = REPOSITORY / "docs" / "airflow.md"
AIRFLOW_RESULTS = "airflow-matrix"
RESULTS = REPOSITORY / "docs" / "results"
FAULT_RESULTS = (
    "faults-simulated",
    "faults-real",
    "faults-active-active",
    "faults-active-active-real",
    "faults-warm-standby",
    "faults-warm-standby-real",
)
# A result file is written after each drill, when others are still to come.
NOT_MEASURED = "-"
# Median from the moment that Livy hangs, while YARN is healthy, to the first job accepted.
PROMISED_REPAIR_SECONDS = 120.0


def recovery_table(content: Mapping[str, Any]) -> str:
    """The recovery benchmark as Markdown."""
    drills, promised = content["drills"], content["promised"]
    seeds = ", ".join(str(drill["seed"]) for drill in drills)
    lines = [
        f"Active-passive, primary killed, simulated services at speed {content['speed']:g}, seeds {seeds} "
        f"(the last one derived from commit `{content['commit'][:10]}`), measured {content['measured']}; seconds:",
        "",
        "| | median | worst | budget | |",
        "|---|---|---|---|---|",
    ]
    for name, budget in promised["budget"].items():
        values = [drill["launch_slack"] if name == "launch_slack" else drill["phases"].get(name) for drill in drills]
        text = PHASE_TEXTS.get(name, "launching: the part that is not EMR's")
        lines.append(f"| {name} | {_median(values)} | {_worst(values)} | {budget:.0f} | {text} |")
    overhead = [drill["overhead_seconds"] for drill in drills]
    launch = [drill["emr_launch_seconds"] for drill in drills]
    recovery = [drill["recovery_seconds"] for drill in drills]
    lines += [
        f"| **overhead, ours** | **{_median(overhead)}** | **{_worst(overhead)}** | "
        f"{promised['median']:.0f} median, {promised['worst']:.0f} worst | recovery minus EMR's launch |",
        f"| EMR's launch | {_median(launch)} | {_worst(launch)} | | CreateStack to WAITING |",
        f"| **recovery** | **{_median(recovery)}** | **{_worst(recovery)}** | | fault to the first job accepted, none "
        "refused after it |",
    ]
    counts = {name: sum(drill["jobs"][name] for drill in drills) for name in ("submitted", "lost", "resubmitted")}
    bad = {name: sum(drill["jobs"][name] for drill in drills) for name in ("unreported", "doubled", "wrong")}
    lines += [
        "",
        f"Of {counts['submitted']} jobs in these {len(drills)} drills, {counts['lost']} were running on the cluster "
        f"that died and were lost; every client was told and {counts['resubmitted']} were run again. Unreported: "
        f"{bad['unreported']}, doubled: {bad['doubled']}, wrong: {bad['wrong']}.",
    ]
    return "\n".join(lines)


def repair_median(content: Mapping[str, Any]) -> float:
    """Median seconds from the fault to the first submit accepted; a drill that failed counts as endless."""
    return statistics.median(_repairs(content))


def repair_table(content: Mapping[str, Any]) -> str:
    """The drills in which Livy hangs and is mended in place, as Markdown."""
    runs = content["runs"]
    seeds = ", ".join(str(seed) for seed in content["seeds"])
    speeds = ", ".join(sorted({f"{run['speed']:g}" for run in runs if "speed" in run}))
    lost = sum(run.get("jobs", {}).get("lost", 0) for run in runs)
    launched = sum(run.get("launched", 0) for run in runs)
    return "\n".join(
        [
            f"Livy hangs (SIGSTOP), YARN is healthy; simulated services at speed {speeds}, seeds {seeds}, commit "
            f"`{content['commit'][:10]}`, measured {content['measured']}; seconds:",
            "",
            "| | median | worst | promised |",
            "|---|---|---|---|",
            "| **mended in place**, fault to the first job accepted, none refused after it | "
            f"**{_median(_repairs(content))}** | **{_worst(_repairs(content))}** | {PROMISED_REPAIR_SECONDS:.0f} "
            "median |",
            "",
            f"Clusters launched: {launched}, jobs lost: {lost}.",
        ]
    )


def _repairs(content: Mapping[str, Any]) -> list[float]:
    return _endless([run["recovery_seconds"] if run["passed"] else None for run in content["runs"]])


# Where another managed cluster serves on, seconds from the fault: until every new submit succeeds again, and until one
# that is sick but answers gets no new job any more.
PROMISED_OTHER_HALF = {"recovery": (15.0, 20.0), "isolated": (50.0, 70.0)}
# What is measured for each, by the fault that shows it.
OTHER_HALF_FAULTS = {"kill-primary": "recovery", "stop-resourcemanager": "isolated"}


def other_half_table(content: Mapping[str, Any]) -> str:
    """The drills of active-active as Markdown."""
    seeds = ", ".join(str(seed) for seed in content["seeds"])
    runs = content["runs"]
    lines = [
        f"Active-active, one of two struck while a job is submitted every two seconds; simulated services at speed "
        f"{runs[0]['speed']:g}, seeds {seeds}, commit `{content['commit'][:10]}`, measured {content['measured']}; "
        "seconds from the fault:",
        "",
        "| fault | until | median | worst | promised |",
        "|---|---|---|---|---|",
    ]
    for fault, name in OTHER_HALF_FAULTS.items():
        for figure, text in _OTHER_HALF_FIGURES.items():
            values = _of_drills(runs, fault, figure)
            promised = PROMISED_OTHER_HALF[name] if figure == name else None
            bound = f"{promised[0]:.0f} median, {promised[1]:.0f} worst" if promised else ""
            bold = "**" if promised else ""
            lines.append(
                f"| `{fault}` | {text} | {bold}{_median(values)}{bold} | {bold}{_worst(values)}{bold} | {bound} |"
            )
    jobs = {name: sum(run["jobs"][name] for run in runs if "jobs" in run) for name in ("submitted", "lost")}
    bad = {name: sum(run["jobs"][name] for run in runs if "jobs" in run) for name in ("unreported", "doubled", "wrong")}
    lines += [
        "",
        f"{sum(bool(run['passed']) for run in runs)} of {len(runs)} drills were as they must be.  Of "
        f"{jobs['submitted']} jobs {jobs['lost']} were lost, and every client was told.  "
        f"Unreported: {bad['unreported']}, doubled: {bad['doubled']}, wrong: {bad['wrong']}.",
    ]
    return "\n".join(lines)


_OTHER_HALF_FIGURES = {
    "recovery": "every new submit succeeds again",
    "isolated": "the load balancer sends the one that was struck no new job",
    "redundancy": "two serve again",
}


def _of_drills(runs: Sequence[Mapping[str, Any]], fault: str, figure: str) -> list[float | None]:
    """A figure of every drill with *fault*; a drill that failed counts as endless."""
    key = {"recovery": "submits_again_seconds"}.get(figure, f"{figure}_seconds")
    return [run.get(key) if run["passed"] else None for run in runs if run["fault"] == fault]


def kept_other_half(content: Mapping[str, Any]) -> bool:
    """Whether median and worst of what is promised are within it."""
    for fault, figure in OTHER_HALF_FAULTS.items():
        values = _endless(_of_drills(content["runs"], fault, figure))
        median, worst = PROMISED_OTHER_HALF[figure]
        if not values or statistics.median(values) > median or max(values) > worst:
            return False
    return True


# With a warm standby, seconds from the fault to the first job accepted: median and worst.
PROMISED_STANDBY = (90.0, 105.0)


def standby_table(content: Mapping[str, Any]) -> str:
    """The drills of a warm standby that takes over, as Markdown."""
    runs = [run for run in content["runs"] if run["fault"] == "kill-primary"]
    seeds = ", ".join(str(run["seed"]) for run in runs)
    speeds = ", ".join(sorted({f"{run['speed']:g}" for run in runs if "speed" in run}))
    lines = [
        f"Active-passive with a warm standby, primary killed, simulated services at speed {speeds}, seeds {seeds}, "
        f"commit `{content['commit'][:10]}`, measured {content['measured']}; seconds:",
        "",
        "| | median | worst | promised | |",
        "|---|---|---|---|---|",
    ]
    for name in ("detect", "decide", "launch", "verify", "cut_over"):
        values = [run["phases"].get(name) if run["passed"] else None for run in runs]
        text = "taking the standby; nothing is launched" if name == "launch" else PHASE_TEXTS[name]
        lines.append(f"| {name} | {_median(values)} | {_worst(values)} | | {text} |")
    recovery = standby_recoveries(content)
    redundancy = [run["redundancy_seconds"] if run["passed"] else None for run in runs]
    median, worst = PROMISED_STANDBY
    lines += [
        f"| **recovery** | **{_median(recovery)}** | **{_worst(recovery)}** | {median:.0f} median, {worst:.0f} worst | "
        "fault to the first job accepted, none refused after it |",
        f"| redundancy | {_median(redundancy)} | {_worst(redundancy)} | | fault to the next standby |",
    ]
    bad = {name: sum(run["jobs"][name] for run in runs if "jobs" in run) for name in ("unreported", "doubled", "wrong")}
    lines += ["", f"Unreported: {bad['unreported']}, doubled: {bad['doubled']}, wrong: {bad['wrong']}."]
    return "\n".join(lines)


def standby_recoveries(content: Mapping[str, Any]) -> list[float | None]:
    """Recovery of each drill in which a standby took over; a drill that failed has none."""
    runs = [run for run in content["runs"] if run["fault"] == "kill-primary"]
    return [run["recovery_seconds"] if run["passed"] else None for run in runs]


def kept_standby(content: Mapping[str, Any]) -> bool:
    """Whether median and worst are within what is promised."""
    recovery = _endless(standby_recoveries(content))
    median, worst = PROMISED_STANDBY
    return bool(recovery) and statistics.median(recovery) <= median and max(recovery) <= worst


# Name of a result file, and what makes its table.
TABLES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "recovery-active-passive": recovery_table,
    "repair-hang-livy": repair_table,
    "recovery-warm-standby": standby_table,
    "recovery-active-active": other_half_table,
    "comparison": comparison_table,
    "stock-clients": stock_clients_table,
}


def fault_document() -> str:
    """``docs/faults.md`` from the fault table and its result files."""
    files = [RESULTS / f"{name}.json" for name in FAULT_RESULTS]
    return document([json.loads(file.read_text()) for file in files if file.exists()])


def drill_matrix() -> str | None:
    """The drill matrix from the result files of the fault table; ``None`` if there is none."""
    files = {name: RESULTS / f"{name}.json" for column in COLUMNS for name in column.results}
    contents = {name: json.loads(file.read_text()) for name, file in files.items() if file.exists()}
    return matrix_table(contents) if contents else None


def filled(document: str) -> str:
    """*document* with every table between its markers made anew from its result file, and with the drill matrix.

    Raises:
        ValueError: a table has no place in the document.
    """
    for name, table in TABLES.items():
        file = RESULTS / f"{name}.json"
        if file.exists():
            document = _put(document, name, table(json.loads(file.read_text())))
    matrix = drill_matrix()
    if matrix is not None:
        document = _put(document, "matrix", matrix)
    runs = airflow_runs()
    return document if runs is None else _put(document, AIRFLOW_RESULTS, airflow_summary(runs))


def airflow_runs() -> dict[str, Any] | None:
    """What the fault matrix of Airflow's operators found; ``None`` if it was not run."""
    file = RESULTS / f"{AIRFLOW_RESULTS}.json"
    content: dict[str, Any] | None = json.loads(file.read_text()) if file.exists() else None
    return content


def airflow_document() -> str:
    """``docs/airflow.md`` with its table made anew."""
    document, runs = AIRFLOW_DOCUMENT.read_text(), airflow_runs()
    return document if runs is None else _put(document, AIRFLOW_RESULTS, airflow_matrix_table(runs))


def _put(document: str, name: str, table: str) -> str:
    begin, end = f"<!-- results: {name} -->", "<!-- end of results -->"
    place = re.compile(re.escape(begin) + r".*?" + re.escape(end), re.DOTALL)
    if not place.search(document):
        raise ValueError(f"the document has no place for {name}: put {begin!r} and {end!r} where the table goes")
    before, after = place.split(document, maxsplit=1)
    return f"{before}{begin}\n{table}\n{end}{after}"


def write() -> None:
    """Make the tables of the README and the document of faults anew."""
    DOCUMENT.write_text(filled(DOCUMENT.read_text()))
    FAULT_DOCUMENT.write_text(fault_document())
    AIRFLOW_DOCUMENT.write_text(airflow_document())


def _median(values: Sequence[float | None]) -> str:
    return _text(statistics.median(_endless(values))) if values else NOT_MEASURED


def _worst(values: Sequence[float | None]) -> str:
    return _text(max(_endless(values))) if values else NOT_MEASURED


def _endless(values: Sequence[float | None]) -> list[float]:
    """A drill that did not recover has no value: it counts as one that takes for ever."""
    return [math.inf if value is None else value for value in values]


def _text(seconds: float) -> str:
    return f"{seconds:.0f}" if math.isfinite(seconds) else "never"


if __name__ == "__main__":
    write()
