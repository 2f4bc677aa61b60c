"""B13: a change reaches the second managed cluster only when the first one has served well with it."""

from __future__ import annotations

import pytest

from dr_core.bake import Changed, judge_bake
from dr_core.evidence import Verdict
from dr_core.operation_plan import Next

WELL, SICK, OPEN = Verdict.HEALTHY, Verdict.UNHEALTHY, Verdict.UNKNOWN


def changed(age: float, verdict: Verdict) -> Changed:
    return Changed(title="g7", serving_from=1000 - age, verdict=verdict, reason="why")


@pytest.mark.parametrize(
    ("rule", "others", "decision"),
    [
        ("nothing else was changed", [], Next.GO_ON),
        ("it served well for its time", [changed(300, WELL)], Next.GO_ON),
        ("its time is not over", [changed(299, WELL)], Next.WAIT),
        ("it is sick, and the change stops there", [changed(10, SICK)], Next.STOP),
        ("it fell sick later", [changed(599, SICK)], Next.STOP),
        ("nobody can tell: not knowing is no proof", [changed(300, OPEN)], Next.WAIT),
        ("nobody could tell for as long again", [changed(600, OPEN)], Next.GO_ON),
        ("an old change has nothing to do with this one", [changed(600, SICK)], Next.GO_ON),
        ("one of two is sick", [changed(10, WELL), changed(10, SICK)], Next.STOP),
        ("one of two has to wait", [changed(400, WELL), changed(10, WELL)], Next.WAIT),
    ],
)
def test_the_next_one_is_changed(rule: str, others: list[Changed], decision: Next) -> None:
    assert judge_bake(others, now=1000, bake=300)[0] is decision, rule


def test_a_newer_request_is_waited_for_whatever_else_there_is() -> None:
    """It may be the way back of this very change."""
    decision, message = judge_bake([changed(300, WELL)], newer=["b"], now=1000, bake=300)

    assert (decision, message) == (Next.WAIT, "b is being changed by a newer request")
    assert judge_bake([changed(10, SICK)], newer=["b"], now=1000, bake=300)[0] is Next.STOP


def test_without_a_time_to_bake_nobody_is_asked() -> None:
    assert judge_bake([changed(0, SICK)], now=1000, bake=0)[0] is Next.GO_ON


def test_what_stops_a_change_is_named() -> None:
    _, message = judge_bake([changed(10, SICK)], now=1000, bake=300)

    assert message == "g7, which was changed 10 s ago, is unhealthy: why"
