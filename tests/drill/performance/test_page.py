"""The page is made from the result file (B13)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emr_drill.performance import page


def times(*seconds: float) -> list[dict[str, float]]:
    return [{"seconds": each * 2, "processor_seconds": each**2, "load": each} for each in seconds]


def content(*, one: float = 4.0) -> dict[str, Any]:
    rounds = [{"seconds": each, "processor_seconds": each / 2} for each in (3.0, 1.0, 2.0, 1.5)]
    return {
        "commit": "0123456789abcdef",
        "measured": "2026-11-29",
        "machine": {"system": "Linux", "python": "3.11.2", "cores": 2},
        "synthesis": {
            "empty": times(1.0, 2.0, 9.0),
            "one_strategy": times(one, one, one),
            "one_strategy_without_checks": times(3.0, 3.0, 3.0),
            "whole_app": times(8.0, 8.0, 8.0),
        },
        "sizes": {
            "templates": {"ActivePassive": {"bytes": 204800, "resources": 150}},
            "functions": {"monitor": 51200},
        },
        "imports": {"monitor.handler": times(0.1, 0.2, 0.3)},
        "incarnations": 50,
        "rounds": {name: {"load": 20.0, "rounds": rounds, "peak_mib": 99.6} for name in ("prober", "monitor")},
    }


def test_the_page_is_made_from_the_committed_results() -> None:
    if not page.RESULTS.exists():
        pytest.skip("nothing was measured yet: make bench")
    assert page.document(json.loads(page.RESULTS.read_text())) == page.DOCUMENT.read_text(), "run: make bench"


def test_ratios_are_of_medians_and_of_what_a_person_waits_for() -> None:
    assert page.ratio(content()) == 2.0
    assert page.ratio(content(), key="processor_seconds") == 4.0
    assert page.ratio(content(), "whole_app") == 4.0


def test_whether_the_goal_is_met_is_said() -> None:
    assert "at most 2.5 times the empty app: met (2.00)" in page.document(content())
    assert "at most 2.5 times the empty app: **not met** (2.60)" in page.document(content(one=5.2))


def test_where_the_time_goes_is_read_off_the_rows() -> None:
    """Whatever the page says of causes was measured in the same run."""
    assert "(cdk-nag and our own) are 7.0 s;\na second strategy is 48.0 s." in page.document(content())
    assert "are nothing that can be told from chance;" in page.document(content(one=3.0))


def test_times_loads_memory_and_sizes_stand_in_the_tables() -> None:
    text = page.document(content())

    assert "| platform and one strategy, with policy checks | 8.0 | 16.0 | 2.00 | 4.00 |" in text
    assert "load average 1 to 20" in text
    assert "| `monitor.handler` | 0.40 | 0.04 |" in text
    # The first round makes its connections.
    assert "| prober, a round | 3.00 | 1.50 | 0.75 | 100 of 256 |" in text
    assert "| ActivePassive | 200 | 150 |" in text
    assert "| `monitor` | 50 |" in text
