"""Rows where a warm standby is kept."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from emr_drill.faults.judging import Found, judge_row
from emr_drill.faults.model import WARM
from emr_drill.faults.scene import Scene
from emr_drill.faults.standbys import KILLS_STANDBY
from emr_drill.faults.table import FAULTS

TAKEN = Found(
    operations=[("failed over", ""), ("stands by", "")],
    launched=["g3"],
    subjects=["dep: a failed over"],
    serving=["g2", "g3"],
    alive=["g2", "g3"],
)


def did_not_hold(name: str, found: Found) -> list[str]:
    """What was not as it must be where a standby is kept, but for what was not written down."""
    row = judge_row(replace(FAULTS[name].under(WARM), struck=()), found, fence_overdue=False)
    return row.did_not_hold


def test_the_standby_takes_over_and_the_next_one_is_launched() -> None:
    assert did_not_hold("kill-primary", TAKEN) == []


@pytest.mark.parametrize(
    "found",
    [
        replace(TAKEN, launched=["g3", "g4"]),
        replace(TAKEN, operations=[("failed over", "")]),
        replace(TAKEN, serving=["g2"]),
    ],
)
def test_it_does_not_hold_otherwise(found: Found) -> None:
    """A launch on the way, no next standby, or a cluster that nobody knows of."""
    assert did_not_hold("kill-primary", found) != []


def test_only_rows_that_say_what_must_happen_are_for_it() -> None:
    assert FAULTS["kill-primary"].is_for(WARM)
    assert not FAULTS["stuck-starting"].is_for(WARM)
    assert FAULTS["kill-standby"].is_for(WARM)
    assert not FAULTS["kill-standby"].is_for("active-passive")


def test_what_strikes_a_standby_leaves_what_serves_alone() -> None:
    struck: list[str] = []
    clusters = SimpleNamespace(kill_primary=struck.append)
    scene = Scene(
        stand_in=cast("Any", SimpleNamespace(clusters=clusters)),
        deployment=cast("Any", None),
        cluster_id="j-1",
        generation=1,
        managed_cluster="a",
        availability_zone="us-east-1a",
        standby="j-2",
    )
    KILLS_STANDBY.do(scene)
    assert struck == ["j-2"]
