"""``python -m tests.simulation``: how often verdicts are wrong and how soon they come; writes docs/results/verdicts.*.

Seeds 1 to 3, and three that are derived from the commit, so that nobody fits the rules to the seeds.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from .detection import DEATHS, seconds_to_claim, share_within
from .false_alarms import Count, simulate
from .model import POLICY

REPOSITORY = Path(__file__).resolve().parents[2]
RESULTS = REPOSITORY / "docs" / "results"
ROUNDS = 1_000_000
# One bad look of two observers is so common that nearly every round has to be judged.
ROUNDS_OF_ONE = 100_000
PHASES = 10_000
CLAIMED_WITHIN_SECONDS = 45
REQUIRED_SHARE = 0.99
FIXED_SEEDS = (1, 2, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """How soon one kind of death is claimed, in seconds."""

    words: str
    phases: int
    share_within_limit: float
    median: float
    percentile_99: float
    worst: float


def fresh_seeds(commit: str) -> tuple[int, ...]:
    """Three seeds that follow from a commit."""
    return tuple(int(hashlib.sha256(f"{commit} {number}".encode()).hexdigest()[:8], 16) for number in range(3))


def detection(index: int, *, phases: int) -> Detection:
    """Death number *index* over so many phases."""
    death = DEATHS[index]
    times = sorted(seconds_to_claim(seed, death) for seed in range(phases))
    return Detection(
        words=death.words,
        phases=phases,
        share_within_limit=share_within(times, CLAIMED_WITHIN_SECONDS),
        median=round(median(times), 1),
        percentile_99=round(times[int(phases * REQUIRED_SHARE) - 1], 1),
        worst=round(times[-1], 1),
    )


def as_text(usual: Sequence[Count], single: Sequence[Count], deaths: Sequence[Detection]) -> str:
    """What docs/results/verdicts.md holds."""
    lines = [
        "# Verdicts, simulated",
        "",
        "Written by `make proof` (`python -m tests.simulation`).  The rules of `dr_core.verdicts` over simulated time;",
        "what is simulated stands in `tests/simulation/model.py`.",
        "",
        "## False alarms",
        "",
        "A healthy incarnation.  5 % of all readings of a service say unhealthy, each by itself; in each thousand",
        "rounds one prober sees everything unhealthy for 60 s while its control passes; the load balancer's checks err",
        "as often, and it changes a target's health after two in a row.",
        "",
        "| seed | rule | rounds | unhealthy verdicts | a million rounds | operations started | past `Reassess` |",
        "|---|---|---|---|---|---|---|",
    ]
    for counts, rule in ((usual, f"{POLICY.bad_rounds} of {POLICY.rounds}"), (single, f"1 of {POLICY.rounds}")):
        for each in counts:
            a_million = each.unhealthy * 1_000_000 / each.rounds
            lines.append(
                f"| {each.seed} | {rule} | {each.rounds:,} | {each.unhealthy} | {a_million:,.0f} | {each.started} | "
                f"{each.passed} |"
            )
    lines += [
        "",
        "An operation past `Reassess` would isolate, repair or replace.  Required: none with the rule of the defaults.",
        "",
        "## Detection",
        "",
        "From a death at any phase of schedules and rounds to the claim of its operation; required: "
        f"{REQUIRED_SHARE:.0%} within {CLAIMED_WITHIN_SECONDS} s.",
        "",
        "| death | phases | within 45 s | median | 99 % | worst |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {each.words} | {each.phases:,} | {each.share_within_limit:.2%} | {each.median} s "
        f"| {each.percentile_99} s | {each.worst} s |"
        for each in deaths
    ]
    return "\n".join([*lines, ""])


def problems(usual: Sequence[Count], deaths: Sequence[Detection]) -> list[str]:
    """What is not as it is required."""
    found = [f"seed {each.seed}: {each.passed} operations past Reassess" for each in usual if each.passed]
    found += [
        f"{each.words}: {each.share_within_limit:.2%} within {CLAIMED_WITHIN_SECONDS} s"
        for each in deaths
        if each.share_within_limit < REQUIRED_SHARE
    ]
    return found


def main() -> int:
    """Simulate all and write the results; 0 if everything is as it is required."""
    began = time.monotonic()
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout.strip()
    seeds = FIXED_SEEDS + fresh_seeds(commit)
    with ProcessPoolExecutor() as pool:
        usual = list(pool.map(partial(simulate, rounds=ROUNDS, policy=POLICY), seeds))
        single = list(pool.map(partial(simulate, rounds=ROUNDS_OF_ONE, policy=replace(POLICY, bad_rounds=1)), seeds))
        deaths = list(pool.map(partial(detection, phases=PHASES), range(len(DEATHS))))
    found = problems(usual, deaths)
    data: dict[str, Any] = {
        "seeds_from_commit": commit,
        "false_alarms": {
            f"{POLICY.bad_rounds} of {POLICY.rounds}": [asdict(each) for each in usual],
            f"1 of {POLICY.rounds}": [asdict(each) for each in single],
        },
        "detection": [asdict(each) for each in deaths],
        "problems": found,
    }
    text = as_text(usual, single, deaths)
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "verdicts.json").write_text(json.dumps(data, indent=2) + "\n")
    (RESULTS / "verdicts.md").write_text(text)
    print(text)
    print(f"{time.monotonic() - began:.0f} s; " + ("; ".join(found) or "all as required"))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
