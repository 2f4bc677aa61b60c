"""Which limits what serves shall have."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dr_core.record import Incarnation, IncarnationState, ManagedCluster
from dr_core.scaling import (
    SETTLE_SECONDS,
    FleetShares,
    Limits,
    Scaling,
    Unit,
    serves_alone,
    set_by_others,
    wanted_limits,
)

NOW = 1_800_000_000.0
SCALING = Scaling(minimum_instances=2, maximum_instances=10, maximum_instances_alone=20)
USUAL, ALONE = Limits(minimum=2, maximum=10), Limits(minimum=2, maximum=20)
A, B = ManagedCluster(name="a", serving_generation=1), ManagedCluster(name="b", serving_generation=2)
SERVING_A = Incarnation(generation=1, managed_cluster="a", state=IncarnationState.SERVING)
SERVING_B = Incarnation(generation=2, managed_cluster="b", state=IncarnationState.SERVING)


def alone(
    *incarnations: Incarnation,
    managed_clusters: tuple[ManagedCluster, ...] = (A, B),
    ended: tuple[int, ...] = (),
    name: str = "a",
) -> bool:
    return serves_alone(name, managed_clusters=managed_clusters, incarnations=incarnations, ended=ended)


@pytest.mark.parametrize(("minimum", "maximum"), [(0, 10), (11, 10), (-1, -1)])
def test_limits_that_emr_would_refuse_are_refused(minimum: int, maximum: int) -> None:
    with pytest.raises(ValueError, match=f"got {minimum} to {maximum}"):
        Limits(minimum=minimum, maximum=maximum)


def test_the_maximum_alone_is_no_less_than_the_usual_one() -> None:
    with pytest.raises(ValueError, match="maximum_instances_alone is at least maximum_instances"):
        Scaling(minimum_instances=2, maximum_instances=10, maximum_instances_alone=9)


def test_without_a_maximum_alone_nothing_changes_while_alone() -> None:
    assert Scaling(minimum_instances=2, maximum_instances=10).alone == USUAL


@pytest.mark.parametrize("scaling", [SCALING, Scaling(minimum_instances=2, maximum_instances=10)])
def test_scaling_is_read_as_it_was_written(scaling: Scaling) -> None:
    assert Scaling.from_dict(scaling.to_dict()) == scaling


def test_numbers_that_arrive_as_text_are_numbers() -> None:
    """CloudFormation passes every property of a custom resource on as text."""
    texts: dict[str, Any] = {name: str(value) for name, value in SCALING.to_dict().items()}
    assert Scaling.from_dict(texts) == SCALING


def test_limits_are_read_as_the_record_keeps_them() -> None:
    assert Limits.from_dict(USUAL.to_dict()) == USUAL


SHARES = FleetShares(core_maximum=4, task_units=3, spot_percent=75)
OF_FLEETS = Scaling(minimum_instances=5, maximum_instances=20, maximum_instances_alone=40, fleets=SHARES)


def test_units_of_fleets_are_divided() -> None:
    """B5: core nodes are on demand, and of what task nodes may be so many in a hundred are spot."""
    assert OF_FLEETS.usual == Limits(minimum=5, maximum=20, unit=Unit.FLEET_UNITS, core=4, on_demand=8)
    assert OF_FLEETS.alone == Limits(minimum=5, maximum=40, unit=Unit.FLEET_UNITS, core=4, on_demand=13)
    assert OF_FLEETS.core_units == 2


def test_without_a_task_fleet_every_unit_is_a_core_nodes() -> None:
    """A3: also those that come while it serves alone."""
    scaling = Scaling(
        minimum_instances=2, maximum_instances=10, maximum_instances_alone=20, fleets=FleetShares(core_maximum=10)
    )
    assert scaling.alone == Limits(minimum=2, maximum=20, unit=Unit.FLEET_UNITS)
    assert (scaling.alone.most_core, scaling.alone.most_on_demand) == (20, 20)


@pytest.mark.parametrize(("units", "spot_percent", "on_demand"), [(4, 100, 0), (4, 0, 4), (3, 50, 2), (1, 99, 1)])
def test_a_part_of_a_unit_is_on_demand(units: int, spot_percent: int, on_demand: int) -> None:
    shares = FleetShares(core_maximum=1, task_units=units, spot_percent=spot_percent)
    assert shares.on_demand_of(units) == on_demand


@pytest.mark.parametrize("shares", [(0, 1, 50), (1, -1, 50), (1, 1, 101), (1, 1, -1)])
def test_shares_that_make_no_sense_are_refused(shares: tuple[int, int, int]) -> None:
    core_maximum, task_units, spot_percent = shares
    with pytest.raises(ValueError, match="core_maximum is 1 or more"):
        FleetShares(core_maximum=core_maximum, task_units=task_units, spot_percent=spot_percent)


@pytest.mark.parametrize("minimum", [3, 8])
def test_a_core_fleet_begins_between_one_unit_and_its_most(minimum: int) -> None:
    with pytest.raises(ValueError, match="the core fleet begins with 1 to core_maximum"):
        Scaling(minimum_instances=minimum, maximum_instances=20, fleets=SHARES)


def test_scaling_of_fleets_is_read_as_it_was_written() -> None:
    texts: dict[str, Any] = {name: str(value) for name, value in OF_FLEETS.to_dict().items()}
    assert Scaling.from_dict(OF_FLEETS.to_dict()) == Scaling.from_dict(texts) == OF_FLEETS


def test_limits_of_fleets_are_read_as_the_record_keeps_them() -> None:
    assert Limits.from_dict(OF_FLEETS.usual.to_dict()) == OF_FLEETS.usual


@pytest.mark.parametrize("part", ["core", "on_demand"])
def test_a_part_is_not_above_the_whole(part: str) -> None:
    values: dict[str, Any] = {"minimum": 1, "maximum": 10, part: 11}
    with pytest.raises(ValueError, match=f"{part} is at most the maximum"):
        Limits(**values)


def test_limits_are_equal_however_they_were_said() -> None:
    """EMR tells a part that is the whole, or leaves it out."""
    assert Limits(minimum=1, maximum=10, core=10, on_demand=10) == Limits(minimum=1, maximum=10)


def test_limits_say_what_they_count() -> None:
    assert USUAL.counted == "2 to 10 instances"
    assert OF_FLEETS.usual.counted == "5 to 20 units (at most 4 in core nodes and 8 on demand)"


def test_nobody_is_alone_while_both_serve() -> None:
    """A3."""
    assert not alone(SERVING_A, SERVING_B)


def test_a_deployment_of_one_is_never_alone() -> None:
    """Active-passive: there is no half to stand in for."""
    assert not alone(SERVING_A, managed_clusters=(A,))


@pytest.mark.parametrize(
    "changes",
    [{"isolated_at": NOW}, {"terminate_requested_at": NOW}, {"state": IncarnationState.RETIRING}],
)
def test_the_other_half_is_out_of_service(changes: dict[str, Any]) -> None:
    """A9: isolated, about to be ended, or retired before its successor serves."""
    other = replace(SERVING_B, **changes)
    assert alone(SERVING_A, other)
    assert not alone(SERVING_A, other, name="b")


def test_a_half_that_emr_has_ended_is_out_of_service() -> None:
    """A person ended it: nothing isolates it, and nothing replaces it."""
    assert alone(SERVING_A, SERVING_B, ended=(2,))


def test_two_that_are_out_of_service_are_not_alone() -> None:
    assert not alone(replace(SERVING_A, isolated_at=NOW), replace(SERVING_B, isolated_at=NOW))


def test_a_half_whose_successor_serves_is_in_service() -> None:
    gone = replace(SERVING_B, state=IncarnationState.RETIRING)
    assert not alone(SERVING_A, gone, replace(SERVING_B, generation=3))


def test_a_half_that_has_never_served_is_none() -> None:
    """While a stack is made the first half is up before the second one is launched."""
    assert not alone(SERVING_A, managed_clusters=(A, ManagedCluster(name="b")))


def test_a_half_that_is_deleted_is_none() -> None:
    assert not alone(SERVING_A, managed_clusters=(A, replace(B, tombstone=True)))


def test_whoever_serves_alone_gets_room_at_once() -> None:
    assert wanted_limits(SCALING, alone=True, last_alone_at=None, now=NOW) == ALONE


@pytest.mark.parametrize(("ago", "limits"), [(SETTLE_SECONDS - 1, ALONE), (SETTLE_SECONDS, USUAL)])
def test_it_gives_it_back_when_both_have_served_for_a_while(ago: float, limits: Limits) -> None:
    """B5: hysteresis; a half that comes and goes must not make the other one grow and shrink."""
    assert wanted_limits(SCALING, alone=False, last_alone_at=NOW - ago, now=NOW) == limits


def test_jobs_have_a_quarter_of_an_hour_to_end_before_machines_go() -> None:
    """B5: what is taken back are core nodes, on which jobs may run."""
    assert wanted_limits(SCALING, alone=False, last_alone_at=NOW - 899, now=NOW) == ALONE
    assert wanted_limits(SCALING, alone=False, last_alone_at=NOW - 900, now=NOW) == USUAL


def test_who_was_never_alone_has_the_usual_limits() -> None:
    assert wanted_limits(SCALING, alone=False, last_alone_at=None, now=NOW) == USUAL


@pytest.mark.parametrize(
    ("found", "by_others"),
    [
        (USUAL, False),
        (ALONE, False),
        (Limits(minimum=2, maximum=8), False),
        (Limits(minimum=2, maximum=50), True),
        (None, True),
    ],
)
def test_limits_that_we_never_set_are_a_persons(found: Limits | None, by_others: bool) -> None:
    given = Limits(minimum=2, maximum=8)
    assert set_by_others(found, scaling=SCALING, given=given) is by_others
