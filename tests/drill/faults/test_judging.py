"""Whether a row held: a good one spoiled in one way at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dr_core.metrics import ATTEMPTS_EXHAUSTED, MONITOR_HEARTBEAT, RECONCILED, SERVING_UNSEEDED
from emr_drill.faults.alarms import ALARMS
from emr_drill.faults.judging import Found, RowResult, judge_row
from emr_drill.faults.model import Act, Expectation, Fault, Page, cancel, failover, nothing, page, repair
from emr_drill.faults.traces import Seen, Trace
from emr_drill.survivors import SurvivorSeen

JOBS = {"lost": 0, "resubmitted": 0, "unreported": 0, "doubled": 0, "wrong": 0}
TAKEN_OVER: dict[str, Any] = {
    "operations": [("failed over", "")],
    "launched": ["dep-a-g2"],
    "subjects": ["dep: a failed over"],
    "jobs": {**JOBS, "lost": 3, "resubmitted": 3},
    "alive": ["dep-a-g2"],
    "serving": ["dep-a-g2"],
}
SERVES_ON: dict[str, Any] = {
    "jobs": JOBS,
    "old_serves": True,
    "old_state": "WAITING",
    "alive": ["dep-a-g1"],
    "serving": ["dep-a-g1"],
}
MENDED = {**SERVES_ON, "operations": [("repaired", "")], "subjects": ["dep: Livy of a was restarted"]}
CALLED_OFF = {
    **SERVES_ON,
    "operations": [("cancelled", "")],
    "launched": ["dep-a-g2"],
    "subjects": ["dep: failover of a called off before anything was ended"],
}
ENTRY = {"at": 5.0, "kind": "api fault", "action": "s3:GetObject"}
HIT = Trace(what="a call is hit", kind="api fault")


def wrong(expect: Expectation, facts: dict[str, Any], *, fence_overdue: bool = False, **changes: Any) -> list[str]:
    """What did not hold."""
    return judged(expect, {**facts, **changes}, fence_overdue=fence_overdue).did_not_hold


def judged(expect: Expectation, facts: dict[str, Any], *, fence_overdue: bool = False) -> RowResult:
    fault = Fault(
        name="f", acts=(Act(what="x", do=lambda scene: None),), expect=expect, must="it must", notices="nobody"
    )
    return judge_row(fault, Found(**facts), fence_overdue=fence_overdue)


@pytest.mark.parametrize(
    ("expect", "facts"),
    [
        (failover(), TAKEN_OVER),
        (repair(), MENDED),
        (cancel(), CALLED_OFF),
        (nothing(), SERVES_ON),
        (page(Page(metric="M")), {**TAKEN_OVER, "operations": [], "launched": [], "metrics": {"M": 1.0}}),
    ],
    ids=lambda value: value.outcome if isinstance(value, Expectation) else "",
)
def test_what_is_as_it_must_be_holds(expect: Expectation, facts: dict[str, Any]) -> None:
    result = judged(expect, facts)

    assert (result.did_not_hold, result.held, result.listed) == ([], True, [])


@pytest.mark.parametrize(
    ("expect", "facts", "changes", "words"),
    [
        (failover(), TAKEN_OVER, {"operations": []}, ["1 operations should end as 'failed over', 0 did"]),
        (
            failover(),
            TAKEN_OVER,
            {"operations": [("failed over", "m1"), ("failed over", "m2")]},
            ["should end as 'failed over', 2 did", "m1", "m2"],
        ),
        (
            failover(),
            TAKEN_OVER,
            {"operations": [("failed", "no AZ is left"), ("failed over", "")]},
            ["0 operations should end as 'failed', 1 did", "no AZ is left"],
        ),
        (nothing(), SERVES_ON, {"operations": [("cancelled", "m")]}, ["ended as 'cancelled', which this fault"]),
        (repair(), MENDED, {"operations": [("failed over", "m")]}, ["'repaired', 0 did", "ended as 'failed over'"]),
        (failover(), TAKEN_OVER, {"launched": []}, ["1 clusters should be launched, 0 were"]),
        (failover(launches=(2, 3)), TAKEN_OVER, {}, ["2 to 3 clusters should be launched, 1 were: dep-a-g2"]),
        (nothing(), SERVES_ON, {"launched": ["dep-a-g2"]}, ["0 clusters should be launched, 1 were: dep-a-g2"]),
        (
            failover(pages=(Page(subject="lost"),), may=(Page(subject="^[ab]$"),)),
            TAKEN_OVER,
            {"subjects": ["a", "a", "b", "a failed over"]},
            ['a person should be told by a message "lost", the topic was told: a; b; a failed over'],
        ),
        (failover(pages=(Page(metric="M"),)), TAKEN_OVER, {}, ["by an alarm on M, the topic was told: dep: a failed"]),
        (failover(), TAKEN_OVER, {"subjects": []}, ['by a message "failed over", the topic was told: nothing']),
        (repair(), MENDED, {"subjects": []}, ['by a message "was restarted", the topic was told: nothing']),
        (cancel(), CALLED_OFF, {"subjects": []}, ['by a message "called off", the topic was told: nothing']),
        (
            failover(pages=(Page(missing=MONITOR_HEARTBEAT),)),
            TAKEN_OVER,
            {"silent": {MONITOR_HEARTBEAT: 2}},
            ["by an alarm on the missing MonitorHeartbeat"],
        ),
        (nothing(), SERVES_ON, {"subjects": ["x", "x"]}, ['told what this fault must not lead to: "x"']),
        (failover(), TAKEN_OVER, {"subjects": ["a failed over", "y"]}, ['told what this fault must not lead to: "y"']),
        (nothing(), SERVES_ON, {"metrics": {ATTEMPTS_EXHAUSTED: 1}}, ["must not lead to: an alarm on AttemptsEx"]),
        (failover(), TAKEN_OVER, {"metrics": {SERVING_UNSEEDED: 1}}, ["must not lead to: an alarm on ServingUnseed"]),
        (nothing(), SERVES_ON, {"silent": {MONITOR_HEARTBEAT: 3}}, ["must not lead to: an alarm on the missing Mon"]),
        (nothing(), SERVES_ON, {"silent": {RECONCILED: 5}}, ["must not lead to: an alarm on the missing Reconciled"]),
        (failover(), TAKEN_OVER, {"jobs": {**JOBS, "unreported": 1}}, ["1 jobs unreported, there must be none"]),
        (failover(), TAKEN_OVER, {"jobs": {**JOBS, "wrong": 2}}, ["2 jobs wrong, there must be none"]),
        (failover(), TAKEN_OVER, {"jobs": {**JOBS, "doubled": 1}}, ["1 jobs doubled, and no fence limit had passed"]),
        (failover(fence_bound=True), TAKEN_OVER, {"jobs": {**JOBS, "doubled": 1}}, ["1 jobs doubled, and no fence"]),
        (failover(), TAKEN_OVER, {"fence_overdue": True}, ["the fence limit passed: nobody knew"]),
        (repair(), MENDED, {"jobs": {**JOBS, "lost": 1}}, ["1 were and 0"]),
        (nothing(), SERVES_ON, {"jobs": {**JOBS, "resubmitted": 1}}, ["no job should be lost, but 0 were and 1"]),
        (failover(), TAKEN_OVER, {"recovered": False}, ["the front door does not accept jobs again"]),
        (nothing(), SERVES_ON, {"old_serves": False}, ["the old incarnation should serve on"]),
        (nothing(), SERVES_ON, {"old_state": "TERMINATED"}, ["should not be touched, EMR calls it TERMINATED"]),
        (failover(), TAKEN_OVER, {"old_serves": True}, ["the old incarnation should be replaced"]),
        (failover(), TAKEN_OVER, {"old_state": "WAITING"}, ["the old cluster should be ended, EMR calls it WAITING"]),
        (failover(), TAKEN_OVER, {"submits_to_old": 2}, ["2 jobs went to the old incarnation after the cut-over"]),
        (failover(), TAKEN_OVER, {"submits_to_given_up": 2}, ["2 jobs went to incarnations that were given up before"]),
        (
            failover(zone="third"),
            TAKEN_OVER,
            {"seen": Seen(names={"third": "us-east-1c"}), "serving_in": ["us-east-1b"]},
            ["what serves should be in us-east-1c, it is in us-east-1b"],
        ),
        (
            failover(zone="third"),
            TAKEN_OVER,
            {"seen": Seen(names={"third": ""}), "serving_in": []},
            ["what serves should be in an AZ that there is not (third), it is in none"],
        ),
        (failover(shows=(HIT,)), TAKEN_OVER, {}, ["what must happen did not: a call is hit: seen 0 times"]),
        (failover(), TAKEN_OVER, {"unretired": ["generation 3 is abandoned"]}, ["left over: generation 3 is"]),
        (failover(), TAKEN_OVER, {"alive": ["dep-a-g2", "dep-a-g3"]}, ["not in service: dep-a-g3"]),
        (failover(), TAKEN_OVER, {"acts_left": ["after the page: it heals"]}, ["never done, for want of"]),
    ],
)
def test_what_is_otherwise_is_told(
    expect: Expectation, facts: dict[str, Any], changes: dict[str, Any], words: list[str]
) -> None:
    found = wrong(expect, facts, **changes)

    assert len(found) == len(words), found
    assert [word for word, sentence in zip(words, found, strict=True) if word not in sentence] == []


@pytest.mark.parametrize("metric", sorted(ALARMS - {"FenceOverdue"}))
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_no_alarm_rings_that_the_row_does_not_list(metric: str, value: float) -> None:
    found = wrong(nothing(), SERVES_ON, metrics={metric: value})

    assert (found == []) is (value == 0)
    assert wrong(nothing(pages=(Page(metric=metric),)), SERVES_ON, metrics={metric: 1.0}) == []
    assert wrong(nothing(may=(Page(metric=metric),)), SERVES_ON, metrics={metric: value}) == []


def test_a_silence_that_is_short_enough_rings_no_alarm() -> None:
    assert wrong(nothing(), SERVES_ON, silent={MONITOR_HEARTBEAT: 2, RECONCILED: 4}) == []


def test_the_alarm_of_a_fence_limit_that_may_pass_is_no_false_page() -> None:
    subjects = ["dep: nobody knows whether dep-a-g1 still runs jobs", "dep: a failed over"]

    assert wrong(failover(fence_bound=True), TAKEN_OVER, subjects=subjects, metrics={"FenceOverdue": 1.0}) == []
    assert len(wrong(failover(), TAKEN_OVER, subjects=subjects)) == 1


def test_whoever_served_alone_had_room_and_gave_it_back() -> None:
    """A9."""
    right = SurvivorSeen(before=10, alone=20, during=20, after=10, raised_seconds=80.0)
    grows = failover(survivor_grows=True)

    assert wrong(grows, TAKEN_OVER, survivor=right) == []
    assert wrong(grows, TAKEN_OVER, survivor=None) == []  # the settings give it none
    (never,) = wrong(grows, TAKEN_OVER, survivor=replace(right, during=10, raised_seconds=None))
    assert "should be allowed 20 instances, it was allowed 10 at most" in never
    (kept,) = wrong(grows, TAKEN_OVER, survivor=replace(right, after=20))
    assert "should be allowed 10 instances again when both serve, it is allowed 20 at the end" in kept
    assert wrong(failover(), TAKEN_OVER, survivor=replace(right, after=20)) == []


def test_what_serves_is_where_it_should_be() -> None:
    seen = Seen(names={"third": "us-east-1c"})

    assert wrong(failover(zone="third"), TAKEN_OVER, seen=seen, serving_in=["us-east-1c"]) == []
    assert len(wrong(failover(zone="third"), TAKEN_OVER, seen=seen, serving_in=["us-east-1c", "us-east-1c"])) == 1


@pytest.mark.parametrize(("now", "left"), [(["us-east-1c"], True), (["us-east-1a"], False), ([], False)])
def test_an_az_that_a_person_wants_to_leave_is_left(now: list[str], left: bool) -> None:
    """B13: that something was switched over says nothing about where to."""
    seen = Seen(names={"zone": "us-east-1a"})
    told = wrong(replace(failover(), leaves_zone=True), TAKEN_OVER, seen=seen, serving_in=now)

    assert [each for each in told if "should have left us-east-1a" in each] == told
    assert (told == []) is left


def test_a_fault_that_never_struck_is_told_first() -> None:
    fault = Fault(
        name="f",
        acts=(Act(what="x", do=lambda scene: None),),
        expect=failover(),
        must="it must",
        notices="nobody",
        struck=(HIT,),
    )

    def judged(*entries: dict[str, Any]) -> list[str]:
        found = Found(**{**TAKEN_OVER, "seen": Seen(entries=entries), "recovered": False})
        return judge_row(fault, found, fence_overdue=False).did_not_hold

    assert judged(ENTRY) == ["the front door does not accept jobs again"]
    assert judged()[0] == "the fault never struck: a call is hit: seen 0 times, at least 1 must be"
    assert judged({**ENTRY, "kind": "other"}) == judged()


def test_doubled_jobs_are_listed_where_the_fence_limit_passed() -> None:
    result = judged(failover(fence_bound=True), {**TAKEN_OVER, "jobs": {**JOBS, "doubled": 2}}, fence_overdue=True)

    assert result.held
    assert result.listed == ["the fence limit passed, with an alarm; jobs doubled because of that: 2"]


def test_a_result_says_what_must_happen() -> None:
    result = judged(nothing(), SERVES_ON)

    assert (result.name, result.must) == ("f", "it must")
