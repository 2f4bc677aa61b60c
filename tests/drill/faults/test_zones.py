"""Faults of AZs and of launches do what they are called."""

from __future__ import annotations

from typing import Any

import pytest

from emr_drill.faults.table import FAULTS

from .noting import done_by

KILLED = ("clusters.kill_primary", "j-1")
ZONES = ("us-east-1a", "us-east-1b", "us-east-1c")


@pytest.mark.parametrize(
    ("name", "calls"),
    [
        ("az-blackhole", [("outages.black_hole_zone", "us-east-1a")]),
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
