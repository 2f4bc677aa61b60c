"""Where things of one drill listen."""

from __future__ import annotations

import pytest

from emr_drill.addresses import FIRST_BLOCK, LAST_BLOCK, Addresses

ADDRESSES = Addresses(block=12)


def every(addresses: Addresses) -> list[str]:
    return [
        addresses.control,
        *(addresses.application_load_balancer(zone) for zone in (1, 2, 3)),
        *(addresses.network_load_balancer(zone) for zone in (1, 2, 3)),
        *(addresses.primary(zone, number) for zone in (1, 2, 3) for number in (0, 1, 240)),
    ]


def test_nothing_shares_an_address() -> None:
    found = every(ADDRESSES)

    assert len(set(found)) == len(found)


def test_everything_lies_in_the_block() -> None:
    assert [address for address in every(ADDRESSES) if not address.startswith("127.12.")] == []


def test_two_drills_share_no_address() -> None:
    assert set(every(ADDRESSES)).isdisjoint(every(Addresses(block=13)))


def test_an_az_is_a_network_of_its_own() -> None:
    """ListInstances of a drill answers 127.BLOCK.AZ.n, so that a person sees where a cluster is."""
    assert [ADDRESSES.primary(zone, 0) for zone in (1, 2, 3)] == ["127.12.1.10", "127.12.2.10", "127.12.3.10"]


def test_each_cluster_of_an_az_gets_a_fresh_address() -> None:
    assert [ADDRESSES.primary(1, number) for number in (0, 1, 2)] == ["127.12.1.10", "127.12.1.11", "127.12.1.12"]


def test_a_full_az_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"no address left in 127\.12\.1\.0/24 for cluster number 241"):
        ADDRESSES.primary(1, 241)


@pytest.mark.parametrize("block", [FIRST_BLOCK - 1, LAST_BLOCK + 1, 0, 256])
def test_a_block_out_of_range_names_what_is_allowed(block: int) -> None:
    with pytest.raises(ValueError, match=f"must be {FIRST_BLOCK} to {LAST_BLOCK}, got {block}"):
        Addresses(block=block)


@pytest.mark.parametrize("block", [FIRST_BLOCK, LAST_BLOCK])
def test_the_ends_of_the_range_are_blocks(block: int) -> None:
    assert Addresses(block=block).control == f"127.{block}.0.1"
