"""Rows in which a person asks for something while jobs run."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from dr_core.record import Incarnation, IncarnationState
from dr_core.requests import DrainMode, Kind, Reason, read_by_hand
from emr_drill.faults.judging import Found, judge_row
from emr_drill.faults.lost import LostJob
from emr_drill.faults.model import Fault
from emr_drill.faults.planned import BAKE_SECONDS, DRAIN_SECONDS, LINGER_SECONDS, ROWS
from emr_drill.faults.scene import BY_HAND
from emr_drill.faults.table import FAULTS
from emr_drill.faults.traces import Seen
from failover.steps.cut_over import _notice

from .noting import done_by

ENDED = LostJob(name="overlong-1-try1", overlong=True, named=True)
WENT_WELL = Found(
    seen=Seen(names={"zone": "us-east-1a"}),
    serving_in=["us-east-1b"],
    operations=[("switched over", "")],
    launched=["g2"],
    subjects=["dep: a switched over", "dep: jobs of g1 did not end in time"],
    metrics={"DrainOverdue": 1.0},
    jobs={"lost": 1},
    lost=[ENDED],
)


@pytest.mark.parametrize(
    ("name", "reason", "drain"),
    [
        ("switchover", Reason.MANUAL, DrainMode.WAIT),
        ("evacuate", Reason.EVACUATION, DrainMode.NOW),
        ("fail-back", Reason.FAILBACK, DrainMode.WAIT),
    ],
)
def test_a_person_asks_by_the_machines_input(name: str, reason: Reason, drain: DrainMode) -> None:
    """B13: what is started is what the machine's first step accepts."""
    arguments = dict(done_by(*FAULTS[name].acts)[-1][1:])
    request = read_by_hand(json.loads(arguments["input"])["request"], execution_name=arguments["name"])

    assert (request.kind, request.reason, request.drain) == (Kind.SWITCHOVER, reason, drain)
    assert not arguments["name"].startswith(BY_HAND), "it is what the row is about, and counts"


def returned(zone: str) -> str:
    """What the product's message says when a fail-back ended in *zone*."""
    new = Incarnation(
        managed_cluster="a",
        generation=3,
        state=IncarnationState.VERIFYING,
        availability_zone=zone,
        cluster_id="j-3",
    )
    request = read_by_hand(
        {"kind": "switchover", "reason": "failback", "managed_cluster": "a", "because": "well again"},
        execution_name="by-hand",
    )
    return _notice(request, new, [], repair_failed=False, yarn_is_dead=False).done


@pytest.mark.parametrize(
    ("name", "calls"),
    [
        ("upgrade", ["deploys.change"]),
        ("rollback", ["deploys.change", "deploys.take_back"]),
        ("bad-upgrade", ["clusters.break_release", "deploys.change"]),
        ("limits-and-tags", ["deploys.change"]),
    ],
)
def test_a_person_deploys_changed_settings(name: str, calls: list[str]) -> None:
    fault = FAULTS[name]

    assert [call[0] for call in done_by(*fault.acts)] == calls
    assert fault.change and fault.managed_cluster == "a", "the first one to be changed is the one that is looked at"


def test_the_release_that_cannot_be_set_up_is_the_one_that_is_deployed() -> None:
    (_, broken), _ = done_by(*FAULTS["bad-upgrade"].acts)

    assert FAULTS["bad-upgrade"].change == (f"set.cluster.release_label={broken}",)


@pytest.mark.parametrize("fault", ROWS, ids=lambda fault: fault.name)
def test_more_than_twenty_jobs_run_meanwhile(fault: Fault) -> None:
    assert fault.load is not None
    assert fault.load.running >= 20 and fault.load.jobs > fault.load.running


@pytest.mark.parametrize("fault", ROWS, ids=lambda fault: fault.name)
def test_some_jobs_outlast_the_drain_limit_where_jobs_are_waited_for(fault: Fault) -> None:
    """B13: and the time that Livy stays up for after that, in which they might end well."""
    assert fault.load is not None
    waits = [row.expect.overdue for row in (fault, fault.under("active-active"))]

    assert waits == [fault.load.overlong > 0] * 2
    two_launches = 2 * 750
    assert fault.load.overlong_seconds > two_launches + BAKE_SECONDS + DRAIN_SECONDS + LINGER_SECONDS


def did_not_hold(name: str, found: Found) -> list[str]:
    """What was not as it must be, but for what was not written down."""
    row = judge_row(replace(FAULTS[name], struck=()), found, fence_overdue=False)
    return row.did_not_hold


def test_a_switchover_that_disturbs_nobody_holds() -> None:
    assert did_not_hold("switchover", WENT_WELL) == []


@pytest.mark.parametrize("name", ["switchover", "evacuate"])
def test_whatever_leaves_an_az_serves_elsewhere_then(name: str) -> None:
    """B13: a message about a cluster that took over says nothing about where it is."""
    stayed = did_not_hold(name, replace(WENT_WELL, serving_in=["us-east-1a"]))
    assert "what serves should have left us-east-1a, it is in us-east-1a" in stayed


def test_a_refused_submit_is_no_planned_change() -> None:
    """B13: 0 failed submits."""
    assert did_not_hold("switchover", replace(WENT_WELL, submits_refused=2)) == [
        "2 submits were refused, though nothing was broken"
    ]


@pytest.mark.parametrize(
    ("lost", "why"),
    [
        ([ENDED, replace(ENDED, name="x", overlong=False)], "x was ended, though it takes less than the drain limit"),
        ([replace(ENDED, name="x", named=False)], "x was ended, and no message named it before"),
        (
            [replace(ENDED, name="x", answered="failure")],
            "the client of x, which was ended, was told 'failure' and not by 410",
        ),
        ([], "no job outlasted the drain limit, so that nothing shows what becomes of one"),
    ],
)
def test_what_a_switchover_ends_is_what_was_told_before(lost: list[LostJob], why: str) -> None:
    """B13: no result of a job that ends within the limit is lost; whoever loses one was named, and is told by 410."""
    assert did_not_hold("switchover", replace(WENT_WELL, lost=lost)) == [why]


def test_what_an_evacuation_ends_has_to_be_told() -> None:
    found = replace(WENT_WELL, metrics={}, subjects=["dep: a switched over"], lost=[replace(ENDED, overlong=False)])
    told = replace(found, subjects=[*found.subjects, "dep: jobs of g1 are ended"])

    assert [why for why in did_not_hold("evacuate", found) if "jobs of .* are ended" in why]
    assert did_not_hold("evacuate", told) == []


def test_a_fail_back_returns_to_the_az_that_was_evacuated() -> None:
    """B13: a cluster that serves anywhere else in the end is none."""
    row = FAULTS["fail-back"]
    found = Found(
        operations=[("switched over", "")] * 2,
        launched=["g2", "g3"],
        subjects=["dep: a switched over", "dep: jobs of g1 are ended"],
        lost=[replace(ENDED, overlong=False)],
        jobs={"lost": 1},
    )
    names = {"zone": "us-east-1a", "old": "j-1"}

    def not_held(zone: str) -> list[str]:
        entry = {"at": 2.0, "kind": "notification", "subject": "dep: a switched over", "message": returned(zone)}
        seen = Seen(entries=[entry], names=names, since=1.0)
        return judge_row(row, replace(found, seen=seen), fence_overdue=False).did_not_hold

    assert not_held("us-east-1a") == []
    assert [why for why in not_held("us-east-1b") if "the AZ that was evacuated" in why]


def test_a_change_that_is_taken_back_leaves_the_old_one_alone() -> None:
    """B13."""
    found = Found(
        operations=[("failed", "")],
        launched=["g2"],
        subjects=["dep: switchover of a failed"],
        old_serves=True,
        old_state="WAITING",
        alive=["g1"],
        serving=["g1"],
    )
    row = FAULTS["bad-upgrade"]
    row = replace(row, struck=(), expect=replace(row.expect, shows=()))

    assert judge_row(row, found, fence_overdue=False).did_not_hold == []
    refused = judge_row(row, replace(found, submits_refused=1), fence_overdue=False)
    assert refused.did_not_hold == ["1 submits were refused, though nothing was broken"]


def test_limits_and_tags_change_what_serves_and_replace_nothing() -> None:
    """B13: the row fails if a cluster is launched for them, or a submit is refused."""
    row = FAULTS["limits-and-tags"]
    found = Found(old_serves=True, old_state="WAITING", alive=["g1"], serving=["g1"])
    row = replace(row, struck=(), expect=replace(row.expect, shows=()))

    assert judge_row(row, found, fence_overdue=False).did_not_hold == []
    assert judge_row(row, replace(found, submits_refused=1), fence_overdue=False).did_not_hold
    assert judge_row(row, replace(found, launched=["g2"]), fence_overdue=False).did_not_hold
