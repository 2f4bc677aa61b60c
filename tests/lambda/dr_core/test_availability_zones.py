"""A12: where the next incarnation goes."""

from __future__ import annotations

import pytest

from dr_core.availability_zones import choose
from dr_core.config import SubnetChoice

SUBNETS = [SubnetChoice(availability_zone=zone, subnet_id=f"subnet-{zone}") for zone in ("1a", "1b", "1c")]


@pytest.mark.parametrize(
    ("rule", "failed", "used_by_others", "tried", "chosen"),
    [
        ("the first by preference", None, set(), [], "1a"),
        ("not the one that failed", "1a", set(), [], "1b"),
        ("not one that another managed cluster uses", None, {"1a"}, [], "1b"),
        ("not one that was tried", None, set(), ["1a"], "1b"),
        ("none of these", "1a", {"1b"}, [], "1c"),
        ("preference among the rest", "1c", set(), [], "1a"),
        ("an unknown zone excludes nothing", "9z", {"9y"}, ["9x"], "1a"),
    ],
)
def test_the_zone_is(rule: str, failed: str | None, used_by_others: set[str], tried: list[str], chosen: str) -> None:
    place = choose(SUBNETS, failed=failed, used_by_others=used_by_others, tried=tried)

    assert place is not None and place.availability_zone == chosen, rule


def test_there_may_be_none_left() -> None:
    assert choose(SUBNETS, failed="1a", used_by_others={"1b"}, tried=["1c"]) is None


def test_a_second_subnet_of_an_excluded_zone_is_excluded_too() -> None:
    doubled = [SubnetChoice(availability_zone="1a", subnet_id="subnet-2"), *SUBNETS]

    place = choose(doubled, failed="1a", used_by_others=(), tried=())

    assert place == SUBNETS[1]
