"""A14: an execution that Step Functions does not know has ended, unless it is young."""

from __future__ import annotations

import pytest

from dr_core.execution_status import YOUNG_SECONDS, is_forgotten


@pytest.mark.parametrize(
    ("rule", "since", "forgotten"),
    [
        ("it was known long ago", 1000.0 - 90 * 86_400, True),
        ("it was known a minute ago", 1000.0 - YOUNG_SECONDS, True),
        ("it was known a moment ago: DescribeExecution is eventually consistent", 1000.1 - YOUNG_SECONDS, False),
        ("it was known just now, by a clock that is ahead", 1001.0, False),
        ("nobody knows since when", None, True),
    ],
)
def test_an_unknown_execution_is_forgotten(rule: str, since: float | None, forgotten: bool) -> None:
    assert is_forgotten(since=since, now=1000.0) is forgotten, rule
