"""What a fault finds when it strikes, and what a person does there."""

from __future__ import annotations

import json
from typing import Any

from emr_drill.faults.scene import BY_HAND

from .noting import scene


def test_zones_are_named_once_in_order_of_preference() -> None:
    assert scene([]).zones == ["us-east-1a", "us-east-1b", "us-east-1c"]


def test_other_zones_are_those_that_a_launch_may_choose() -> None:
    assert scene([]).other_zones == ["us-east-1b", "us-east-1c"]


def test_the_zone_of_another_managed_cluster_is_chosen_last() -> None:
    """A2."""
    assert scene([], b="b").other_zones == ["us-east-1c", "us-east-1b"]


def test_everything_in_service_is_known() -> None:
    assert scene([]).serving == ["j-1", "j-2"]


def test_a_person_lifts_the_protection_before_ending_a_cluster() -> None:
    calls: list[tuple[Any, ...]] = []
    scene(calls).terminate_as_a_person()

    assert calls == [
        ("client", "emr"),
        ("client.set_termination_protection", ("JobFlowIds", ["j-1"]), ("TerminationProtected", False)),
        ("client.terminate_job_flows", ("JobFlowIds", ["j-1"])),
    ]


def test_a_person_asks_for_a_failover_by_the_machines_input() -> None:
    calls: list[tuple[Any, ...]] = []
    scene(calls).ask_for_failover()

    arguments = dict(calls[-1][1:])
    assert arguments["stateMachineArn"] == "arn:machine"
    assert arguments["name"].startswith(BY_HAND)
    request = json.loads(arguments["input"])["request"]
    assert (request["kind"], request["managed_cluster"], request["reason"]) == ("failover", "a", "manual")
