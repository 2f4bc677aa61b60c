"""A12: where the next incarnation goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product

import pytest

from dr_core.availability_zones import Place, choose, shared_zones
from dr_core.config import SubnetChoice
from dr_core.record import Incarnation, IncarnationState

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


@dataclass(frozen=True, kw_only=True)
class Situation:
    """The AZs, the one that failed, that of the other managed cluster, those without machines, and the setting."""

    zones: tuple[str, ...]
    failed: str | None
    other: str | None
    without: tuple[str, ...]
    share: bool

    @property
    def order(self) -> list[str]:
        """The specification: never the failed one; the other's last, if it may be shared."""
        left = [zone for zone in self.zones if zone != self.failed]
        return [zone for zone in left if zone != self.other] + [
            zone for zone in left if zone == self.other and self.share
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
            )
            if place is None:
                return taken
            taken.append(place.subnet.availability_zone)
            if taken[-1] not in self.without:
                return taken


def situations(count: int) -> Iterator[Situation]:
    zones = tuple(each.availability_zone for each in SUBNETS[:count])
    empty = [some for length in range(count + 1) for some in combinations(zones, length)]
    for failed, other, without, share in product((None, *zones), (None, *zones), empty, (True, False)):
        yield Situation(zones=zones, failed=failed, other=other, without=without, share=share)


@pytest.mark.parametrize(("count", "combinations_of_all"), [(2, 72), (3, 256)])
def test_every_combination_of_health_capacity_and_the_other_half(count: int, combinations_of_all: int) -> None:
    """A2, A12: enumerated."""
    every = list(situations(count))

    assert len(every) == combinations_of_all
    for each in every:
        until = next((number + 1 for number, zone in enumerate(each.order) if zone not in each.without), None)
        assert each.taken == each.order[:until], each


def incarnation(generation: int, name: str, zone: str, state: IncarnationState) -> Incarnation:
    return Incarnation(generation=generation, managed_cluster=name, availability_zone=zone, state=state)


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
