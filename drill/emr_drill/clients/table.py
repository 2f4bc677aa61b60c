"""The table of the stock clients' benchmark, for people; made from the result file.  Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

COLUMNS = ("given_up", "lost", "disturbed", "repeated", "doubled", "killed_others", "wrong")
TITLES = {"given_up": "failed for no fault of theirs", "killed_others": "others' batches deleted"}


def stock_clients_table(content: Mapping[str, Any]) -> str:
    """The benchmark as Markdown: a row for each case, then one for each client, then the polls."""
    cases: Mapping[str, Mapping[str, Any]] = content["cases"]
    real = {name: one for name, one in cases.items() if one["services"] == "real"}
    ours = [one for one in real.values() if one["system"] == "product"]
    commits = ", ".join(dict.fromkeys(f"`{one['commit'][:10]}`" for one in cases.values()))
    days = ", ".join(sorted({one["measured"] for one in cases.values()}))
    lines = [
        f"Real Livy, YARN, HDFS and Spark; six kinds of clients in each case; commit {commits}, measured {days}:",
        "",
        f"| case | jobs | {' | '.join(_title(name) for name in COLUMNS)} |",
        f"|---|---|{'---|' * len(COLUMNS)}",
    ]
    lines += [f"| {_case(name, one)} | {_cells(one['jobs'])} |" for name, one in real.items()]
    if ours:
        lines.append(f"| **behind the front door, all** | {_cells(_sum([one['jobs'] for one in ours]))} |")
    lines += _by_client(real)
    lines += _polls(cases)
    return "\n".join(lines)


def _title(name: str) -> str:
    text = TITLES.get(name, name)
    return f"**{text}**" if name == "wrong" else text


def _case(name: str, one: Mapping[str, Any]) -> str:
    return f"`{name}`: {one['what']}" if one["system"] == "product" else f"*{name}*: {one['what']}"


def _cells(jobs: Mapping[str, int]) -> str:
    cells = [str(jobs["submitted"]), *(str(jobs[name]) for name in COLUMNS[:-1]), f"**{jobs['wrong']}**"]
    return " | ".join(cells)


def _sum(counts: Sequence[Mapping[str, int]]) -> Mapping[str, int]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return total


def _by_client(real: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The figures of each client behind the front door, with those of the control beside them."""
    kinds = sorted({kind for one in real.values() for kind in one["clients"]["by_kind"]})
    lines = [
        "",
        "| client | jobs | disturbed | **wrong** | others' batches deleted | control: jobs | **wrong** | others' |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for kind in kinds:
        ours, control = (
            _sum([one["clients"]["by_kind"][kind] for one in real.values() if one["system"] == system])
            for system in ("product", "plain")
        )
        cells = [ours["submitted"], ours["disturbed"], f"**{ours['wrong']}**", ours["killed_others"]]
        cells += [control["submitted"], f"**{control['wrong']}**", control["killed_others"]]
        lines.append(f"| {kind} | {' | '.join(map(str, cells))} |")
    return lines


def _polls(cases: Mapping[str, Mapping[str, Any]]) -> list[str]:
    found = [one["clients"]["pollers"] for one in cases.values() if "pollers" in one["clients"]]
    if not found:
        return []
    asked, wrong = sum(one["asked"] for one in found), sum(one["wrong"] for one in found)
    statuses = _sum([one["statuses"] for one in found])
    texts = [f"{count} times {status if status != '0' else 'no answer'}" for status, count in sorted(statuses.items())]
    what = "; ".join(one["what"].removeprefix("thousands of polls by id ") for one in cases.values() if _polled(one))
    return [
        "",
        f"{asked} polls by id on simulated services ({what}) were answered {', '.join(texts)}; told of another batch, "
        f"or of none: **{wrong}**.",
    ]


def _polled(one: Mapping[str, Any]) -> bool:
    return "pollers" in one["clients"]
