"""Rows in which a person asks for something while jobs run."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from dr_core.requests import DrainMode, Kind, Reason, read_by_hand
from emr_drill.faults.judging import Found, judge_row
from emr_drill.faults.scene import BY_HAND
from emr_drill.faults.table import FAULTS

from .noting import done_by

WENT_WELL = Found(
    operations=[("switched over", "")],
    launched=["g2"],
    subjects=["dep: a switched over", "dep: jobs of g1 are ended"],
)


@pytest.mark.parametrize(
    ("name", "reason", "drain"),
    [("switchover", Reason.MANUAL, DrainMode.WAIT), ("evacuate", Reason.EVACUATION, DrainMode.NOW)],
)
def test_a_person_asks_by_the_machines_input(name: str, reason: Reason, drain: DrainMode) -> None:
    """B13: what is started is what the machine's first step accepts."""
    arguments = dict(done_by(*FAULTS[name].acts)[-1][1:])
    request = read_by_hand(json.loads(arguments["input"])["request"], execution_name=arguments["name"])

    assert (request.kind, request.reason, request.drain) == (Kind.SWITCHOVER, reason, drain)
    assert not arguments["name"].startswith(BY_HAND), "it is what the row is about, and counts"


def did_not_hold(name: str, found: Found) -> list[str]:
    """What was not as it must be, but for what was not written down."""
    row = judge_row(replace(FAULTS[name], struck=()), found, fence_overdue=False)
    return row.did_not_hold


def test_a_switchover_that_disturbs_nobody_holds() -> None:
    quiet = replace(WENT_WELL, subjects=["dep: a switched over"])

    assert did_not_hold("switchover", quiet) == []


def test_a_refused_submit_is_no_planned_change() -> None:
    """B13: 0 failed submits."""
    assert "2 submits were refused, though nothing was broken" in did_not_hold(
        "evacuate", replace(WENT_WELL, submits_refused=2)
    )


def test_a_switchover_loses_no_job() -> None:
    found = replace(WENT_WELL, subjects=["dep: a switched over"], jobs={"lost": 1})

    assert any("no job should be lost" in why for why in did_not_hold("switchover", found))


def test_what_an_evacuation_ends_has_to_be_told() -> None:
    found = replace(WENT_WELL, subjects=["dep: a switched over"], jobs={"lost": 3})

    assert [why for why in did_not_hold("evacuate", found) if "jobs of .* are ended" in why]
    assert did_not_hold("evacuate", replace(WENT_WELL, jobs={"lost": 3})) == []
