"""Which policies of managed scaling EMR takes."""

from __future__ import annotations

from typing import Any

import pytest

from emr_drill.stand_in.emr_scaling import maximum_of, problem_of


def policy(**changes: Any) -> dict[str, Any]:
    limits = {"UnitType": "Instances", "MinimumCapacityUnits": 2, "MaximumCapacityUnits": 10, **changes}
    return {"ComputeLimits": limits}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"UnitType": "VCPU"},
        {"MinimumCapacityUnits": 10},
        {"MaximumCoreCapacityUnits": 10, "MaximumOnDemandCapacityUnits": 0},
    ],
)
def test_what_makes_sense_is_taken(changes: dict[str, Any]) -> None:
    assert problem_of(policy(**changes), fleets=False) is None


@pytest.mark.parametrize(
    "bad",
    [
        {},
        policy(UnitType="InstanceFleetUnits"),
        policy(MinimumCapacityUnits=0),
        policy(MinimumCapacityUnits=11),
        policy(MaximumCoreCapacityUnits=11),
        policy(MaximumOnDemandCapacityUnits=-1),
    ],
)
def test_what_makes_none_is_refused(bad: dict[str, Any]) -> None:
    assert problem_of(bad, fleets=False) is not None


def test_a_cluster_of_fleets_counts_units_of_fleets_alone() -> None:
    """B5: API reference of ``ComputeLimits``."""
    assert problem_of(policy(UnitType="InstanceFleetUnits"), fleets=True) is None
    for unit in ("Instances", "VCPU"):
        assert "is InstanceFleetUnits, got" in (problem_of(policy(UnitType=unit), fleets=True) or "")


def test_the_most_of_a_policy() -> None:
    assert (maximum_of(policy()), maximum_of(None)) == (10, None)
