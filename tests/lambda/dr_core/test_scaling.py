"""Which limits what serves shall have."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dr_core.record import Incarnation, IncarnationState, ManagedCluster
from dr_core.scaling import SETTLE_SECONDS, Limits, Scaling, serves_alone, set_by_others, wanted_limits

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
