"""docs/performance.md from docs/results/performance.json, so that no figure is written by hand.  Pure."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from emr_drill.preflight import REPOSITORY

RESULTS = REPOSITORY / "docs" / "results" / "performance.json"
DOCUMENT = REPOSITORY / "docs" / "performance.md"
GOAL_RATIO = 2.5
MEMORY_MIB = 256
NAMES = {
    "empty": "an empty Python CDK app: one stack, one resource that makes nothing",
    "one_strategy": "platform and one strategy, with policy checks",
    "one_strategy_without_checks": "the same without policy checks",
    "whole_app": "what `cdk synth` runs: both strategies, with policy checks",
}


def ratio(content: Mapping[str, Any], name: str = "one_strategy", *, key: str = "seconds") -> float:
    """How many times the empty app's median the one of *name* is."""
    synthesis = content["synthesis"]
    return _median(synthesis[name], key) / _median(synthesis["empty"], key)


def document(content: Mapping[str, Any]) -> str:
    """The whole page."""
    machine = content["machine"]
    lines = [
        "# Performance",
        "",
        "Made by `make bench` from [results/performance.json](results/performance.json), which has every raw time;",
        "nothing here is written by hand.  What is compared was measured in turns.  Medians; *processor* is what the",
        "processes used of it, which other work on the machine disturbs less than the seconds of the wall do.",
        "",
        f"Commit `{content['commit'][:10]}`, measured {content['measured']}, {machine['system']}, Python "
        f"{machine['python']}, {machine['cores']} cores, load average {_loads(content)}.",
        "",
        "## Synthesis",
        "",
        "| | seconds | processor seconds | times the empty app | (processor) |",
        "|---|---|---|---|---|",
    ]
    for name, text in NAMES.items():
        times = content["synthesis"][name]
        lines.append(
            f"| {text} | {_median(times, 'seconds'):.1f} | {_median(times, 'processor_seconds'):.1f} | "
            f"{ratio(content, name):.2f} | {ratio(content, name, key='processor_seconds'):.2f} |"
        )
    met = "met" if ratio(content) <= GOAL_RATIO else "**not met**"
    lines += [
        "",
        f"Goal for one strategy: at most {GOAL_RATIO:g} times the empty app: {met} ({ratio(content):.2f}).",
        "",
        *_why(content),
        "",
        "## Functions",
        "",
        "Import of each handler in a fresh process with what Lambda's runtime brings along, without compiled files, as",
        "after a deploy; the SDK is imported by the first call, not by the import.",
        "",
        "| handler | seconds | processor seconds |",
        "|---|---|---|",
        *(
            f"| `{name}` | {_median(times, 'seconds'):.2f} | {_median(times, 'processor_seconds'):.2f} |"
            for name, times in sorted(content["imports"].items())
        ),
        "",
        f"A round of the prober over {content['incarnations']} incarnations (five reads each, evidence written), a",
        "tick of the monitor over two managed clusters and that record; services and AWS answer at once, from this",
        "machine.  *First* includes connections; memory is the highest of the process, SDK included.",
        "",
        "| | first, seconds | later, median | processor | memory, MiB |",
        "|---|---|---|---|---|",
    ]
    for name, text in (("prober", "prober, a round"), ("monitor", "monitor, a tick")):
        measured = content["rounds"][name]
        later = measured["rounds"][1:]
        lines.append(
            f"| {text} | {measured['rounds'][0]['seconds']:.2f} | {_median(later, 'seconds'):.2f} | "
            f"{_median(later, 'processor_seconds'):.2f} | {measured['peak_mib']:.0f} of {MEMORY_MIB} |"
        )
    lines += [
        "",
        "## Sizes",
        "",
        "| template | KiB (limit 1,024) | resources (limit 500) |",
        "|---|---|---|",
        *(
            f"| {name} | {each['bytes'] / 1024:.0f} | {each['resources']} |"
            for name, each in sorted(content["sizes"]["templates"].items())
        ),
        "",
        "| function package, zipped | KiB |",
        "|---|---|",
        *(f"| `{name}` | {size / 1024:.0f} |" for name, size in sorted(content["sizes"]["functions"].items())),
    ]
    return "\n".join(lines) + "\n"


def _why(content: Mapping[str, Any]) -> list[str]:
    """Where the time goes, as far as the rows differ; the last sentence is from counting jsii's calls in both apps.

    One strategy makes 2,197 and waits 8.7 of its 11.1 s for their answers, the empty app makes 9 and waits 3.0 of its
    3.7 s.
    """
    one, without, whole = (
        _median(content["synthesis"][name], "processor_seconds")
        for name in ("one_strategy", "one_strategy_without_checks", "whole_app")
    )
    checks = f"{one - without:.1f} s" if one > without else "nothing that can be told from chance"
    return [
        f"What remains, in processor seconds: the policy checks (cdk-nag and our own) are {checks};",
        f"a second strategy is {whole - one:.1f} s.  Most of the rest is waiting for Node: each construct is",
        "some calls from Python to Node and back (jsii), of which the empty app makes a handful.",
    ]


def _loads(content: Mapping[str, Any]) -> str:
    found = [each["load"] for times in content["synthesis"].values() for each in times]
    found += [each["load"] for each in content["rounds"].values()]
    return f"{min(found):g} to {max(found):g}"


def _median(times: Sequence[Mapping[str, float]], key: str) -> float:
    return statistics.median(each[key] for each in times)
