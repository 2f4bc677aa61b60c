"""The row in which one thing comes after the other."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from dr_core.config import Policy
from dr_core.requests import DrainMode, Kind, Reason, read_by_hand
from emr_drill.faults.in_a_row import FAILOVERS, REMAINS
from emr_drill.faults.judging import Found, judge_row
from emr_drill.faults.model import Moment
from emr_drill.faults.planned import SETTINGS
from emr_drill.faults.scene import BY_HAND
from emr_drill.faults.table import FAULTS
from emr_drill.jobs.plan import STEADY_JOBS

from .noting import done_by

ROW = FAULTS["in-a-row"]
STRATEGIES = {"active-passive": 1, "active-active": 2}


def test_two_failovers_an_upgrade_and_an_evacuation() -> None:
    *others, evacuation = done_by(*ROW.acts)
    request = read_by_hand(json.loads(dict(evacuation[1:])["input"])["request"], execution_name="x")

    kill = ("clusters.kill_primary", "j-1")
    assert others[:3] == [kill, kill, ("deploys.change",)]
    assert ROW.change and ROW.managed_cluster == "a"
    assert (request.kind, request.reason, request.drain) == (Kind.SWITCHOVER, Reason.EVACUATION, DrainMode.NOW)
    assert not dict(evacuation[1:])["name"].startswith(BY_HAND), "it is what the row is about, and counts"


def test_each_begins_when_all_of_the_one_before_is_over() -> None:
    assert [act.after for act in ROW.acts] == [Moment.FAULT, Moment.REST, Moment.REST, Moment.REST]


def test_no_more_failovers_than_happen_without_a_person() -> None:
    """A6: the third one within two hours would wait, and the row with it."""
    kills = [call for call in done_by(*ROW.acts) if call[0] == "clusters.kill_primary"]

    assert len(kills) == FAILOVERS == Policy().failovers_before_block
    assert not any("block" in setting for setting in ROW.settings)


def test_draining_and_lingering_are_as_short_as_in_planned_rows() -> None:
    assert ROW.settings == SETTINGS


def test_jobs_come_until_the_last_act_is_over() -> None:
    assert ROW.load is not None
    assert ROW.load.every * STEADY_JOBS >= ROW.expect.limit_seconds
    assert ROW.load.overlong == 0, "what outlasts the drain limit is for the planned rows"


def went_well(replaced: int) -> Found:
    """What must be found where an upgrade replaces so many clusters."""
    return Found(
        operations=[("failed over", "")] * 2 + [("switched over", "")] * (replaced + 1),
        launched=[f"g{number}" for number in range(2, replaced + 5)],
        subjects=["dep: a failed over", "dep: a switched over"],
        jobs={"lost": 9, "resubmitted": 9},
        submits_refused=12,
    )


def did_not_hold(strategy: str, found: Found) -> list[str]:
    row = ROW.under(strategy)
    row = replace(row, struck=(), expect=replace(row.expect, shows=()))
    return judge_row(row, found, fence_overdue=False).did_not_hold


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_four_things_that_go_well_hold(strategy: str) -> None:
    """While nothing serves submits are refused, as in any failover."""
    assert ROW.is_for(strategy)
    assert did_not_hold(strategy, went_well(STRATEGIES[strategy])) == []


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("kind", ["failed over", "switched over"])
@pytest.mark.parametrize("more", [-1, 1])
def test_as_many_operations_as_must_be_and_no_other(strategy: str, kind: str, more: int) -> None:
    found = went_well(STRATEGIES[strategy])
    changed = [*found.operations, (kind, "")]
    if more < 0:
        changed = list(found.operations)
        changed.remove((kind, ""))

    assert any(
        f"operations should end as {kind!r}" in why
        for why in did_not_hold(strategy, replace(found, operations=changed))
    )


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_cluster_more_than_must_be_is_told(strategy: str) -> None:
    found = went_well(STRATEGIES[strategy])

    (why,) = did_not_hold(strategy, replace(found, launched=[*found.launched, "g9"]))
    assert "clusters should be launched" in why


@pytest.mark.parametrize(
    "changes", [{"subjects": ["dep: a failed over", "dep: a switched over", "dep: jobs of g4 are ended"]}]
)
def test_that_an_evacuation_ends_jobs_may_be_told(changes: dict[str, Any]) -> None:
    assert did_not_hold("active-passive", replace(went_well(1), **changes)) == []


def test_nothing_waits_for_a_person() -> None:
    found = replace(went_well(1), metrics={"FailoverBlocked": 1.0})

    assert did_not_hold("active-passive", found) == [
        "a person was told what this fault must not lead to: an alarm on FailoverBlocked"
    ]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_must_remain_is_what_the_templates_retain(strategy: str, request: pytest.FixtureRequest) -> None:
    """A5: whoever retains one thing more has to say so in the row, and why."""
    template = request.getfixturevalue(strategy.replace("-", "_"))
    kept = [
        (body["Type"], name)
        for name, body in template["Resources"].items()
        if body.get("DeletionPolicy", "Delete") != "Delete"
    ]

    assert len(kept) == len(REMAINS)
    for kind, name in kept:
        assert [one for one in REMAINS if one.kind == kind and name.startswith(one.logical_id)]
