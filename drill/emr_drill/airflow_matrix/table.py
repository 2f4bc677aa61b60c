"""The tables of the matrix, for people; made from the result file.  Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from emr_drill.airflow_matrix.cases import CASES
from emr_drill.airflow_matrix.clients import MODES, Operator
from emr_drill.airflow_matrix.outcomes import Outcome

WORST_FIRST = (
    Outcome.WRONG,
    Outcome.DOUBLED,
    Outcome.SILENT,
    Outcome.LOST_AND_SAID,
    Outcome.DISTURBED,
    Outcome.RIGHT,
)
SPOKEN = {Operator.OURS: "`EmrLivyOperator`", Operator.STOCK: "stock `LivyOperator`"}
Run = Mapping[str, Any]


def airflow_matrix_table(content: Mapping[str, Any]) -> str:
    """Every case, operator and mode as Markdown: what became of the runs that the fault struck."""
    runs = [run for group in content["groups"].values() for run in group["runs"]]
    struck = [run for run in runs if run["struck"]]
    columns = [(operator, mode) for operator in Operator for mode in MODES]
    heads = " | ".join(f"{SPOKEN[operator]}, {mode}" for operator, mode in columns)
    lines = [
        _origin(content),
        "",
        f"| what happens | {heads} |",
        f"|---|{'---|' * len(columns)}",
    ]
    for case in CASES.values():
        cells = [_cell(_of(struck, case=case.name, operator=operator, mode=mode)) for operator, mode in columns]
        if any(cells):
            lines.append(f"| `{case.name}`: {case.what} | {' | '.join(cells)} |")
    cells = [f"**{_cell(_of(struck, operator=operator, mode=mode))}**" for operator, mode in columns]
    lines.append(f"| **all** | {' | '.join(cells)} |")
    lines += ["", *(_sum(runs, operator) for operator in Operator), _untouched(runs)]
    return "\n".join(lines)


def airflow_summary(content: Mapping[str, Any]) -> str:
    """One row for each operator and mode."""
    runs = [run for group in content["groups"].values() for run in group["runs"] if run["struck"]]
    words = list(reversed(WORST_FIRST))
    lines = [
        _origin(content),
        "",
        f"| operator, mode | runs | {' | '.join(words)} | others' batches deleted |",
        f"|---|---|{'---|' * len(words)}---|",
    ]
    for operator in Operator:
        for mode in MODES:
            own = _of(runs, operator=operator, mode=mode)
            counts = Counter(run["outcome"] for run in own)
            cells = [str(len(own)), *(str(counts[word]) for word in words), str(sum(len(r["strangers"]) for r in own))]
            lines.append(f"| {SPOKEN[operator]}, {mode} | {' | '.join(cells)} |")
    return "\n".join(lines)


def runs_of(content: Mapping[str, Any], services: str, operator: Operator = Operator.OURS) -> int:
    """How many runs there are with an operator."""
    return sum(
        run["operator"] == operator
        for group in content["groups"].values()
        if group["services"] == services
        for run in group["runs"]
    )


def _origin(content: Mapping[str, Any]) -> str:
    groups: Sequence[Mapping[str, Any]] = list(content["groups"].values())
    runs = [run for group in groups for run in group["runs"]]

    def several(name: Callable[[Mapping[str, Any]], object], of: Iterable[Mapping[str, Any]]) -> str:
        return ", ".join(dict.fromkeys(str(name(one)) for one in of))

    services = Counter(group["services"] for group in groups for _ in group["runs"])
    return (
        f"{' and '.join(f'{count} runs on {name} services' for name, count in sorted(services.items()))}, "
        f"{several(lambda one: one['strategy'], groups)}; Airflow {several(lambda one: one['release'], runs)}; "
        f"commit {several(lambda one: '`' + one['commit'][:10] + '`', groups)}, "
        f"measured {several(lambda one: one['measured'], groups)}:"
    )


def _of(runs: Iterable[Run], **wanted: str) -> list[Run]:
    return [run for run in runs if all(run[name] == value for name, value in wanted.items())]


def _cell(runs: Sequence[Run]) -> str:
    counts = Counter(run["outcome"] for run in runs)
    texts = [f"{counts[word]} {word}" for word in reversed(WORST_FIRST) if counts[word]]
    others = sum(len(run["strangers"]) for run in runs)
    return ", ".join([*texts, *([f"{others} others' batches deleted"] if others else [])])


def _sum(runs: Sequence[Run], operator: Operator) -> str:
    own = _of(runs, operator=operator)
    counts = Counter(run["outcome"] for run in own)
    others = sum(len(run["strangers"]) for run in own)
    return (
        f"{SPOKEN[operator]}: of {len(own)} runs {counts[Outcome.WRONG]} wrong, {counts[Outcome.DOUBLED]} doubled, "
        f"{counts[Outcome.SILENT]} silent; others' batches deleted: {others}.  "
    )


def _untouched(runs: Sequence[Run]) -> str:
    untouched = [run for run in runs if not run["struck"]]
    counts = Counter(run["outcome"] for run in untouched)
    texts = ", ".join(f"{count} {word}" for word, count in sorted(counts.items()))
    return (
        f"{len(untouched)} runs are not in the table, as the fault did not strike them (their jobs were on the other "
        f"half, or had ended): {texts or 'none'}."
    )
