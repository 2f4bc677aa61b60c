"""B13: a change reaches the second managed cluster only when the first one has served well with it."""

from __future__ import annotations

import pytest

from dr_core.bake import AlarmSeen, AlarmState, Changed, judge_bake
from dr_core.evidence import Verdict
from dr_core.operation_plan import Next

WELL, SICK, OPEN = Verdict.HEALTHY, Verdict.UNHEALTHY, Verdict.UNKNOWN


def changed(age: float, verdict: Verdict) -> Changed:
    return Changed(title="g7", serving_from=1000 - age, verdict=verdict, reason="why")


def alarm(state: AlarmState) -> AlarmSeen:
    return AlarmSeen(name="etl-failed", state=state, reason="why")


@pytest.mark.parametrize(
    ("rule", "others", "waited", "decision"),
    [
        ("nothing else was changed", [], 0, Next.GO_ON),
        ("it served well for its time", [changed(300, WELL)], 0, Next.GO_ON),
        ("its time is not over", [changed(299, WELL)], 0, Next.WAIT),
        ("it is sick, and the change stops there", [changed(10, SICK)], 0, Next.STOP),
        ("it fell sick later", [changed(599, SICK)], 300, Next.STOP),
        ("it is sick, however long the next one had waited before", [changed(600, SICK)], 0, Next.STOP),
        ("nobody can tell: not knowing is no proof", [changed(300, OPEN)], 300, Next.WAIT),
        ("nobody could tell for as long again", [changed(600, OPEN)], 300, Next.STOP),
        ("an old change gets its time as well", [changed(9999, OPEN)], 299, Next.WAIT),
        ("an old change serves well", [changed(9999, WELL)], 0, Next.GO_ON),
        ("one of two is sick", [changed(10, WELL), changed(10, SICK)], 0, Next.STOP),
        ("one of two has to wait", [changed(400, WELL), changed(10, WELL)], 0, Next.WAIT),
        (
            "one of two has to wait, the other has run out of time",
            [changed(700, OPEN), changed(10, WELL)],
            300,
            Next.WAIT,
        ),
    ],
)
def test_the_next_one_is_changed(rule: str, others: list[Changed], waited: float, decision: Next) -> None:
    assert judge_bake(others, now=1000, waited=waited, bake=300)[0] is decision, rule


@pytest.mark.parametrize(
    ("rule", "state", "age", "waited", "decision"),
    [
        ("it is quiet", AlarmState.OK, 300, 300, Next.GO_ON),
        ("it is on", AlarmState.ALARM, 10, 10, Next.STOP),
        ("it is on when the time is over", AlarmState.ALARM, 300, 300, Next.STOP),
        ("CloudWatch cannot tell", AlarmState.INSUFFICIENT_DATA, 300, 300, Next.WAIT),
        ("CloudWatch could not tell for as long again", AlarmState.INSUFFICIENT_DATA, 600, 600, Next.STOP),
        ("it cannot be read", AlarmState.UNREAD, 300, 300, Next.WAIT),
        ("it could not be read for as long again", AlarmState.UNREAD, 600, 600, Next.STOP),
    ],
)
def test_an_alarm_has_a_say(rule: str, state: AlarmState, age: float, waited: float, decision: Next) -> None:
    answer, message = judge_bake([changed(age, WELL)], alarms=[alarm(state)], now=1000, waited=waited, bake=300)

    assert answer is decision, rule
    assert state is AlarmState.OK or ("etl-failed" in message and "why" in message)


def test_an_alarm_says_nothing_of_a_change_that_nobody_has_yet() -> None:
    """It may be what this deploy mends."""
    alarms = [alarm(AlarmState.ALARM)]

    assert judge_bake([], alarms=alarms, now=1000, waited=0, bake=300)[0] is Next.GO_ON
    assert judge_bake([changed(9, WELL)], alarms=alarms, now=1000, waited=0, bake=0)[0] is Next.GO_ON


def test_a_short_bake_leaves_time_for_some_rounds() -> None:
    assert judge_bake([changed(100, OPEN)], now=1000, waited=59, bake=10)[0] is Next.WAIT
    assert judge_bake([changed(100, OPEN)], now=1000, waited=60, bake=10)[0] is Next.STOP


def test_a_newer_request_is_waited_for_whatever_else_there_is() -> None:
    """It may be the way back of this very change."""
    decision, message = judge_bake([changed(300, WELL)], newer=["b"], now=1000, waited=0, bake=300)

    assert (decision, message) == (Next.WAIT, "b is being changed by a newer request")
    assert judge_bake([changed(10, SICK)], newer=["b"], now=1000, waited=0, bake=300)[0] is Next.STOP


def test_without_a_time_to_bake_nobody_is_asked() -> None:
    assert judge_bake([changed(0, SICK)], now=1000, waited=0, bake=0)[0] is Next.GO_ON


def test_what_stops_a_change_is_named() -> None:
    _, message = judge_bake([changed(10, SICK)], now=1000, waited=0, bake=300)

    assert message == "g7, which was changed 10 s ago, is unhealthy: why"
