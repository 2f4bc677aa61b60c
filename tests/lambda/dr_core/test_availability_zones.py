"""A12: where the next incarnation goes."""

from __future__ import annotations

import pytest

from dr_core.availability_zones import Place, choose
from dr_core.config import SubnetChoice

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
