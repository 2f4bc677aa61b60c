"""What the section ``network`` says of AZs and of the way out; what it refuses stands in test_wrong_settings.py."""

from __future__ import annotations

import pytest

from emr_dr.network_settings import Network, client_problems
from emr_dr.settings import Settings

from ..matrix_rows import ROWS, ZONES, settings_of

BY_NAME = {row.name: settings_of(row) for row in ROWS}


def network(row: str) -> Network:
    return Settings.parse(BY_NAME[row]).network


@pytest.mark.parametrize(
    ("row", "zones", "count"),
    [
        ("defaults", None, 3),
        ("two-azs", ZONES[:2], 2),
        ("existing-vpc", ZONES, 3),
        ("existing-vpc-closed", ZONES[:2], 2),
    ],
)
def test_azs_are_two_or_three(row: str, zones: tuple[str, ...] | None, count: int) -> None:
    """A2."""
    assert (network(row).zones, network(row).zone_count) == (zones, count)


@pytest.mark.parametrize(
    ("row", "way_out"),
    [("defaults", True), ("one-nat", True), ("no-nat", False), ("existing-vpc", True), ("existing-vpc-closed", False)],
)
def test_there_is_a_way_out_unless_the_settings_say_otherwise(row: str, way_out: bool) -> None:
    assert network(row).has_way_out is way_out


@pytest.mark.parametrize("client", ["sg-0123456789abcdef0", "10.0.0.0/8", "192.168.1.7/32"])
def test_groups_and_private_ranges_are_admitted(client: str) -> None:
    """A5."""
    assert list(client_problems("front_door.livy_clients", [client])) == []


@pytest.mark.parametrize("client", ["0.0.0.0/0", "0.0.0.0/7", "10.0.0.256/24", "10.0.0.0/33"])
def test_everybody_and_nobody_are_not(client: str) -> None:
    """B8."""
    assert [each.got for each in client_problems("front_door.livy_clients", [client])] == [client]
