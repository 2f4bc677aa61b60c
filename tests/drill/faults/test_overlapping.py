"""B13, A2: what comes in the way of what a person has done."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from dr_core.requests import Kind, Reason, read_by_hand
from emr_drill.faults.model import Moment
from emr_drill.faults.table import FAULTS
from emr_drill.faults.traces import Seen
from emr_drill.ports import Service

from .noting import done_by

ROW = FAULTS["sick-while-moved"]


def test_a_switchover_is_asked_for_and_its_old_cluster_falls_sick_while_the_other_one_is_launched() -> None:
    _, asked, killed = done_by(*ROW.acts)
    request = read_by_hand(json.loads(dict(asked[1:])["input"])["request"], execution_name="x")

    assert (request.kind, request.reason) == (Kind.SWITCHOVER, Reason.MANUAL)
    assert killed == ("clusters.kill_service", "j-1", Service.RESOURCE_MANAGER)
    assert [act.after for act in ROW.acts] == [Moment.FAULT, Moment.LAUNCH]


def test_it_is_for_two_halves_alone() -> None:
    """Without another half what is sick stays in service until the other cluster takes over."""
    assert [name for name in ("active-active", "active-passive", "active-passive-warm") if ROW.is_for(name)] == [
        "active-active"
    ]


@pytest.mark.parametrize(
    ("message", "holds"),
    [
        ("It gets no new jobs while another managed cluster serves; ids of its jobs lead to it as before.", True),
        ("It was left in service, as nobody else is known to be healthy in its place: jobs may fail.", False),
    ],
)
def test_it_holds_only_if_the_sick_one_got_no_new_jobs(message: str, holds: bool) -> None:
    (trace,) = ROW.expect.shows
    told = {"kind": "notification", "at": 10.0, "message": f"a is unhealthy. {message}"}

    assert (trace.why_not(Seen(entries=[told])) is None) is holds
    assert trace.why_not(replace(Seen(), entries=[])) is not None


DEPLOY = FAULTS["deploy-while-evacuated"]


def test_an_evacuation_is_asked_for_and_somebody_deploys_while_its_cluster_is_launched() -> None:
    _, asked, *_ = done_by(*DEPLOY.acts)
    request = read_by_hand(json.loads(dict(asked[1:])["input"])["request"], execution_name="x")

    assert (request.kind, request.reason) == (Kind.SWITCHOVER, Reason.EVACUATION)
    assert [act.after for act in DEPLOY.acts] == [Moment.FAULT, Moment.LAUNCH]


def test_the_deploy_has_to_leave_the_az_in_its_place() -> None:
    """The AZ is the preferred one, to which a deploy returns by itself."""
    assert DEPLOY.expect.leaves_zone
    assert DEPLOY.expect.operations == {"switched over": (1, 1), "failed": (1, 1)}
