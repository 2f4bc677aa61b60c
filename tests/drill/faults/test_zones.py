"""Faults of AZs and of launches do what they are called."""

from __future__ import annotations

from typing import Any

import pytest

from emr_drill.faults.model import Page
from emr_drill.faults.seen import names
from emr_drill.faults.table import FAULTS
from emr_drill.faults.traces import Seen
from emr_drill.faults.zones import CUT_SECONDS

from .noting import done_by, scene

KILLED = ("clusters.kill_primary", "j-1")
ZONES = ("us-east-1a", "us-east-1b", "us-east-1c")


@pytest.mark.parametrize(
    ("name", "calls"),
    [
        ("az-blackhole", [("outages.black_hole_zone", "us-east-1a")]),
        ("az-blackhole-of-two", [("outages.black_hole_zone", "us-east-1a")]),
        (
            "az-blackhole-unfenced",
            [
                ("outages.black_hole_zone", "us-east-1a", ("hold_terminations", True)),
                ("outages.restore_zone", "us-east-1a"),
            ],
        ),
        ("prober-network-gone", [("outages.cut_prober", "us-east-1a"), ("outages.restore_prober", "us-east-1a")]),
        ("no-capacity-one-az", [("clusters.fail_capacity", "us-east-1b"), KILLED]),
        (
            "no-capacity-all",
            [
                *(("clusters.fail_capacity", zone) for zone in ZONES),
                KILLED,
                *(("clusters.restore_capacity", zone) for zone in ZONES),
            ],
        ),
        ("stuck-starting", [("clusters.stick_in_starting", "us-east-1b"), KILLED]),
        ("bootstrap-fails", [("clusters.fail_bootstrap", "us-east-1b"), KILLED]),
        ("canary-fails", [("clusters.fail_canary", 1), KILLED]),
        ("bad-seed-once", [("clusters.bad_seed", 1), KILLED]),
        ("bad-seed-always", [("clusters.bad_seed", 1000), KILLED]),
    ],
)
def test_a_fault_does_what_it_is_called(name: str, calls: list[tuple[Any, ...]]) -> None:
    assert done_by(*FAULTS[name].acts) == calls


def test_a_person_who_ends_a_cluster_asks_for_another_one_later() -> None:
    calls = [call[0] for call in done_by(*FAULTS["terminate-by-user"].acts)]

    assert calls.index("client.terminate_job_flows") < calls.index("client.start_execution")


CAPACITY = "INTERNAL_ERROR The selected Availability Zone us-east-1b does not have enough capacity for the request."


def entry(kind: str, **values: Any) -> dict[str, Any]:
    return {"at": 1.0, "kind": kind, **values}


def ended(reason: str, *, zone: str = "us-east-1b", state: str = "TERMINATED_WITH_ERRORS") -> dict[str, Any]:
    return entry("cluster", cluster="j-2", state=state, reason=reason, availability_zone=zone)


def told(subject: str, message: str) -> dict[str, Any]:
    return entry("notification", subject=subject, message=message)


def seed(step: str = "emr-dr-seed-livy-o1", state: str = "COMPLETED") -> dict[str, Any]:
    return entry("step", step=step, state=state)


def look(zone: str, verdict: str = "unhealthy") -> dict[str, Any]:
    return entry("evidence", observer=f"prober:{zone}", service="resource_manager", verdict=verdict, detail="no")


@pytest.mark.parametrize(
    ("name", "entries", "struck"),
    [
        ("no-capacity-one-az", [ended(CAPACITY)], True),
        ("no-capacity-one-az", [ended(CAPACITY, zone="us-east-1c")], False),
        ("no-capacity-one-az", [ended("INSTANCE_FAILURE The master instance terminated")], False),
        ("no-capacity-all", [ended(CAPACITY), ended(CAPACITY, zone="us-east-1c")], True),
        ("no-capacity-all", [ended(CAPACITY)], False),
        ("bootstrap-fails", [ended("BOOTSTRAP_FAILURE On the master instance")], True),
        ("bootstrap-fails", [ended("BOOTSTRAP_FAILURE On the master instance", zone="us-east-1a")], False),
        ("stuck-starting", [told("d: launch of a in us-east-1b given up", "... at its deadline: STARTING.")], True),
        ("stuck-starting", [told("d: launch of a in us-east-1c given up", "... at its deadline: STARTING.")], False),
        ("stuck-starting", [told("d: launch of a in us-east-1b given up", "EMR calls the cluster TERMINATED")], False),
        ("canary-fails", [told("d: failover of a failed", "... not fit to serve: the canary job failed (...)")], True),
        ("canary-fails", [told("d: failover of a failed", "... no availability zone is left")], False),
        ("bad-seed-once", [seed("seed-livy"), seed(state="RUNNING"), seed()], True),
        ("bad-seed-once", [seed("seed-livy")], False),
        ("bad-seed-once", [seed(), seed()], False),
        ("bad-seed-always", [seed()], True),
        ("bad-seed-always", [seed("seed-livy")], False),
        ("az-blackhole", [look("us-east-1b"), look("us-east-1c")] * 3, True),
        ("az-blackhole", [look("us-east-1b"), look("us-east-1c", "healthy")] * 3, False),
        ("az-blackhole", [look("us-east-1a"), look("us-east-1b")] * 3, False),
        ("az-blackhole-of-two", [look("us-east-1b")] * 3, True),
        ("az-blackhole-of-two", [look("us-east-1a")] * 3, False),
        (
            "terminate-by-user",
            [entry("cluster", cluster="j-1", state="TERMINATED", reason="USER_REQUEST Terminated by user request")],
            True,
        ),
        ("terminate-by-user", [entry("cluster", cluster="j-1", state="TERMINATED", reason="INSTANCE_FAILURE")], False),
    ],
)
def test_a_row_holds_only_if_its_fault_struck(name: str, entries: list[dict[str, Any]], struck: bool) -> None:
    seen = Seen(entries=entries, names=names(scene([])))

    assert all(trace.why_not(seen) is None for trace in FAULTS[name].struck) is struck


@pytest.mark.parametrize(("silent", "struck"), [(CUT_SECONDS, True), (100.0, False)])
def test_a_prober_without_a_network_says_nothing(silent: float, struck: bool) -> None:
    (trace,) = FAULTS["prober-network-gone"].struck
    times = [5.0, 15.0, 15.0 + silent, 25.0 + silent]
    entries = [{**look("us-east-1a"), "at": at} for at in times]
    entries += [{**look("us-east-1b"), "at": at} for at in range(0, 500, 10)]

    assert (trace.why_not(Seen(entries=entries, names=names(scene([])), until=500.0)) is None) is struck


@pytest.mark.parametrize("name", ["no-capacity-one-az", "stuck-starting", "bootstrap-fails"])
def test_where_the_second_az_has_trouble_the_third_one_serves_and_a_person_is_told(name: str) -> None:
    expect = FAULTS[name].expect

    assert expect.zone == "third"
    assert any(page.is_about("d: launch of a in us-east-1b given up") for page in expect.told)


def test_what_was_seeded_in_the_end_does_not_serve_unseeded() -> None:
    unseeded = Page(metric="ServingUnseeded")

    assert unseeded not in FAULTS["bad-seed-once"].expect.allowed
    assert unseeded in FAULTS["bad-seed-always"].expect.told


def test_the_loss_of_one_of_two_azs_is_rehearsed_with_two_azs() -> None:
    """A12: what is deployed has the two AZs and no third one to go to."""
    settings = dict(each.split("=", 1) for each in FAULTS["az-blackhole-of-two"].settings)

    assert settings["set.network.availability_zones"] == "[us-east-1a, us-east-1b]"
