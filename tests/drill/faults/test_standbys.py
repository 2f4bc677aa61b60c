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
from emr_drill.faults.traces import Seen
from emr_drill.ports import Service

from .noting import done_by

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


def test_a_resource_manager_forgets_jobs_that_run_on() -> None:
    """Livy goes first: it would call jobs failed that YARN does not know."""
    assert done_by(*FAULTS["resourcemanager-restarted"].acts) == [
        ("clusters.hold_termination", "j-1"),
        ("clusters.kill_service", "j-1", Service.LIVY),
        ("clusters.kill_service", "j-1", Service.NAME_NODE),
        ("clusters.restart_resource_manager", "j-1"),
        ("clusters.release_termination", "j-1"),
    ]


@pytest.mark.parametrize(("at", "struck"), [(179.0, False), (180.0, True)])
def test_its_word_would_have_counted_long_before_the_cluster_ended(at: float, struck: bool) -> None:
    """Else nothing shows that it is not believed."""
    ended = {"at": at, "kind": "cluster", "cluster": "j-1", "state": "TERMINATED"}
    seen = Seen(entries=[ended], names={"old": "j-1"}, moments={"the cut-over": 0.0})

    assert (FAULTS["resourcemanager-restarted"].struck[1].why_not(seen) is None) is struck


@pytest.mark.parametrize(
    ("found", "fence_overdue"),
    [(replace(TAKEN, jobs={"doubled": 1}), False), (TAKEN, True)],
)
def test_no_job_may_write_after_its_410(found: Found, fence_overdue: bool) -> None:
    """A14: nor may the limit pass, as EMR ends the cluster before it."""
    row = replace(FAULTS["resourcemanager-restarted"].under(WARM), struck=())
    assert judge_row(row, TAKEN, fence_overdue=False).did_not_hold == []
    assert judge_row(row, found, fence_overdue=fence_overdue).did_not_hold != []
