"""A12: where the next incarnation goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import Any

import pytest

from dr_core.availability_zones import (
    EVACUATED_SECONDS,
    EVACUATION,
    FAILOVER,
    LEFT_SECONDS,
    Place,
    choose,
    left_by,
    left_zones,
    shared_zones,
)
from dr_core.config import SubnetChoice
from dr_core.record import Incarnation, IncarnationState
from dr_core.requests import Kind, OperationRequest, Reason

SUBNETS = [SubnetChoice(availability_zone=zone, subnet_id=f"subnet-{zone}") for zone in ("1a", "1b", "1c")]


@pytest.mark.parametrize(
    ("rule", "failed", "used_by_others", "tried", "chosen"),
    [
        ("the first by preference", None, {}, [], "1a"),
        ("not the one that failed", "1a", {}, [], "1b"),
        ("not one that another managed cluster uses", None, {"1a": "b"}, [], "1b"),
        ("not one that was tried", None, {}, ["1a"], "1b"),
        ("none of these", "1a", {"1b": "b"}, [], "1c"),
        ("preference among the rest", "1c", {}, [], "1a"),
        ("an unknown zone excludes nothing", "9z", {"9y": "b"}, ["9x"], "1a"),
    ],
)
def test_the_zone_is(
    rule: str, failed: str | None, used_by_others: dict[str, str], tried: list[str], chosen: str
) -> None:
    place = choose(SUBNETS, failed=failed, used_by_others=used_by_others, tried=tried)

    assert place is not None and place.subnet.availability_zone == chosen, rule
    assert place.shared_with is None


def test_the_zone_of_another_managed_cluster_is_the_last_that_is_taken() -> None:
    """A11: one zone's end would take both, so a person hears of it."""
    place = choose(SUBNETS, failed="1a", used_by_others={"1a": "c", "1b": "b"}, tried=["1c"])

    assert place == Place(subnet=SUBNETS[1], shared_with="b")


def test_zones_of_others_are_taken_in_the_order_of_preference() -> None:
    place = choose(SUBNETS, failed=None, used_by_others={"1a": "b", "1b": "c", "1c": "d"}, tried=["1a"])

    assert place == Place(subnet=SUBNETS[1], shared_with="c")


@pytest.mark.parametrize(("failed", "tried"), [("1a", ["1b", "1c"]), (None, ["1a", "1b", "1c"])])
def test_there_may_be_none_left(failed: str | None, tried: list[str]) -> None:
    """A12: never the one that failed, nor one that was tried, whoever uses them."""
    assert choose(SUBNETS, failed=failed, used_by_others={"1a": "b", "1c": "b"}, tried=tried) is None


def test_a_second_subnet_of_an_excluded_zone_is_excluded_too() -> None:
    doubled = [SubnetChoice(availability_zone="1a", subnet_id="subnet-2"), *SUBNETS]

    place = choose(doubled, failed="1a", used_by_others={}, tried=())

    assert place == Place(subnet=SUBNETS[1])


def test_a_zone_that_another_managed_cluster_uses_may_be_forbidden() -> None:
    """A2: what must not share an AZ stays down until another one has room."""
    assert choose(SUBNETS, failed="1a", used_by_others={"1b": "b"}, tried=["1c"], share=False) is None


@pytest.mark.parametrize(
    ("rule", "left", "used_by_others", "tried", "chosen"),
    [
        ("after those that nobody left", {"1a": FAILOVER}, {}, [], "1b"),
        ("before one that is shared, if it failed", {"1a": FAILOVER, "1b": FAILOVER}, {"1c": "b"}, [], "1a"),
        ("after one that is shared, if it was evacuated", {"1a": EVACUATION, "1b": EVACUATION}, {"1c": "b"}, [], "1c"),
        ("rather than none", {"1a": EVACUATION}, {}, ["1b", "1c"], "1a"),
        ("in the order of preference, if all failed", {"1c": FAILOVER, "1b": FAILOVER, "1a": FAILOVER}, {}, [], "1a"),
        ("one that failed before one that was evacuated", {"1a": EVACUATION, "1b": FAILOVER}, {}, ["1c"], "1b"),
        (
            "free ones before shared ones, if all were evacuated",
            {"1a": EVACUATION, "1b": EVACUATION, "1c": EVACUATION},
            {"1a": "b"},
            [],
            "1b",
        ),
    ],
)
def test_a_zone_that_was_left_lately_is_taken(
    rule: str, left: dict[str, str], used_by_others: dict[str, str], tried: list[str], chosen: str
) -> None:
    """A12: what ended the one before may be there still; B13: whoever evacuated it wants nothing there."""
    place = choose(SUBNETS, failed=None, used_by_others=used_by_others, tried=tried, left=left)

    assert place is not None and place.subnet.availability_zone == chosen, rule


@dataclass(frozen=True, kw_only=True)
class Situation:
    """The AZs, the one that failed, that of the other half, those without machines, the setting, those left lately."""

    zones: tuple[str, ...]
    failed: str | None
    other: str | None
    without: tuple[str, ...]
    share: bool
    left_by_failover: tuple[str, ...]
    evacuated: tuple[str, ...]

    @property
    def left(self) -> dict[str, str]:
        return {**dict.fromkeys(self.left_by_failover, FAILOVER), **dict.fromkeys(self.evacuated, EVACUATION)}

    @property
    def order(self) -> list[str]:
        """The specification: never the failed one; the other's late, if it may be shared; what was evacuated last."""
        may = [zone for zone in self.zones if zone != self.failed and (zone != self.other or self.share)]
        alone, beside = [zone for zone in may if zone != self.other], [zone for zone in may if zone == self.other]
        return [
            *(zone for zone in alone if zone not in self.left),
            *(zone for zone in alone if self.left.get(zone) == FAILOVER),
            *(zone for zone in beside if self.left.get(zone) != EVACUATION),
            *(zone for zone in alone if self.left.get(zone) == EVACUATION),
            *(zone for zone in beside if self.left.get(zone) == EVACUATION),
        ]

    @property
    def taken(self) -> list[str]:
        """What an operation tries, one after the other, until one has machines."""
        taken = list[str]()
        while True:
            place = choose(
                [each for each in SUBNETS if each.availability_zone in self.zones],
                failed=self.failed,
                used_by_others={self.other: "b"} if self.other is not None else {},
                tried=taken,
                share=self.share,
                left=self.left,
            )
            if place is None:
                return taken
            taken.append(place.subnet.availability_zone)
            if taken[-1] not in self.without:
                return taken


def situations(count: int) -> Iterator[Situation]:
    zones = tuple(each.availability_zone for each in SUBNETS[:count])
    some = [each for length in range(count + 1) for each in combinations(zones, length)]
    every = product((None, *zones), (None, *zones), some, (True, False), some, some)
    for failed, other, without, share, left_by_failover, evacuated in every:
        yield Situation(
            zones=zones,
            failed=failed,
            other=other,
            without=without,
            share=share,
            left_by_failover=left_by_failover,
            evacuated=evacuated,
        )


@pytest.mark.parametrize(("count", "combinations_of_all"), [(2, 1152), (3, 16_384)])
def test_every_combination_of_health_capacity_and_the_other_half(count: int, combinations_of_all: int) -> None:
    """A2, A12: enumerated."""
    every = list(situations(count))

    assert len(every) == combinations_of_all
    for each in every:
        until = next((number + 1 for number, zone in enumerate(each.order) if zone not in each.without), None)
        assert each.taken == each.order[:until], each


def test_a_zone_that_was_left_lately_makes_no_launch_impossible() -> None:
    """A2: late, not never."""
    for each in situations(3):
        assert set(each.order) == set(replace(each, left_by_failover=(), evacuated=()).order), each


NOW = 1_000_000.0


def incarnation(generation: int, name: str, zone: str, state: IncarnationState) -> Incarnation:
    return Incarnation(generation=generation, managed_cluster=name, availability_zone=zone, state=state)


def gone(zone: str | None, left: str | None, ago: float | None, *, name: str = "a", **values: Any) -> Incarnation:
    """An incarnation that left *zone* so many seconds *ago*."""
    serving_to = None if ago is None else NOW - ago
    return replace(
        incarnation(1, name, "", IncarnationState.RETIRED),
        availability_zone=zone,
        left_by=left,
        serving_to=serving_to,
        **values,
    )


def failed_back(zone: str, ago: float) -> Incarnation:
    return replace(
        incarnation(9, "a", zone, IncarnationState.SERVING), reason=str(Reason.FAILBACK), serving_from=NOW - ago
    )


@pytest.mark.parametrize(
    ("rule", "incarnations", "left"),
    [
        ("nobody left any", [], {}),
        ("a failover", [gone("1a", FAILOVER, LEFT_SECONDS - 1)], {"1a": FAILOVER}),
        ("a failover some time ago", [gone("1a", FAILOVER, LEFT_SECONDS)], {}),
        ("an evacuation", [gone("1a", EVACUATION, EVACUATED_SECONDS - 1)], {"1a": EVACUATION}),
        ("an evacuation some time ago", [gone("1a", EVACUATION, EVACUATED_SECONDS)], {}),
        (
            "of whichever managed cluster",
            [gone("1a", FAILOVER, 60), gone("1b", FAILOVER, 60, name="b")],
            {"1a": FAILOVER, "1b": FAILOVER},
        ),
        ("replaced as planned", [gone("1a", None, 60)], {}),
        ("it never served, or nobody knows when", [gone("1a", FAILOVER, None)], {}),
        ("nobody knows where", [gone(None, FAILOVER, 60)], {}),
        ("a failback into it", [failed_back("1a", 30), gone("1a", EVACUATION, 60)], {}),
        ("a failback before that", [gone("1a", EVACUATION, 60), failed_back("1a", 90)], {"1a": EVACUATION}),
        ("a failback elsewhere", [gone("1a", EVACUATION, 60), failed_back("1b", 30)], {"1a": EVACUATION}),
        ("the latest failback counts", [failed_back("1a", 30), failed_back("1a", 90), gone("1a", FAILOVER, 60)], {}),
        (
            "the latest time counts",
            [failed_back("1a", 70), gone("1a", FAILOVER, 60), gone("1a", FAILOVER, 90)],
            {"1a": FAILOVER},
        ),
        ("an evacuation counts for more", [gone("1a", EVACUATION, 90), gone("1a", FAILOVER, 60)], {"1a": EVACUATION}),
        (
            "a failback ends the evacuation, and not the failover after it",
            [gone("1a", EVACUATION, 90), failed_back("1a", 80), gone("1a", FAILOVER, 60)],
            {"1a": FAILOVER},
        ),
        (
            "a failback that was left by a failover some time ago",
            [
                gone("1a", EVACUATION, LEFT_SECONDS + 200),
                gone("1a", FAILOVER, LEFT_SECONDS, reason="failback", serving_from=NOW - LEFT_SECONDS - 100),
            ],
            {},
        ),
    ],
)
def test_zones_are_left_by(rule: str, incarnations: list[Incarnation], left: dict[str, str]) -> None:
    """B13: what went there again would meet the same dead AZ, or the maintenance."""
    assert left_zones(incarnations, now=NOW) == left, rule


@pytest.mark.parametrize(
    ("kind", "reason", "left"),
    [
        (Kind.FAILOVER, Reason.UNHEALTHY, FAILOVER),
        (Kind.FAILOVER, Reason.MANUAL, FAILOVER),
        (Kind.FAILOVER, Reason.EVACUATION, EVACUATION),
        (Kind.SWITCHOVER, Reason.EVACUATION, EVACUATION),
        (Kind.SWITCHOVER, Reason.MANUAL, None),
        (Kind.SWITCHOVER, Reason.UPGRADE, None),
        (Kind.SWITCHOVER, Reason.FAILBACK, None),
    ],
)
def test_what_leaves_a_zone(kind: Kind, reason: Reason, left: str | None) -> None:
    request = OperationRequest(operation="op", kind=kind, reason=reason, managed_cluster="a")

    assert left_by(request) == left


def test_zones_are_shared_by_what_serves() -> None:
    serving, retiring = IncarnationState.SERVING, IncarnationState.RETIRING
    found = shared_zones(
        [
            incarnation(1, "b", "1a", serving),
            incarnation(2, "a", "1a", serving),
            incarnation(3, "c", "1b", serving),
            incarnation(4, "a", "1b", retiring),
        ]
    )

    assert found == {"1a": ["a", "b"]}


def test_two_incarnations_of_one_managed_cluster_share_nothing() -> None:
    serving = IncarnationState.SERVING
    assert shared_zones([incarnation(1, "a", "1a", serving), incarnation(2, "a", "1a", serving)]) == {}
