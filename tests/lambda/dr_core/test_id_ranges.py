from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dr_core import id_ranges

LARGEST_LIVY_ID = 2**31 - 1


@pytest.mark.parametrize(("generation", "prefix"), [(1, 1001), (2, 1002), (1146, 2146), (1147, 1000), (1148, 1001)])
def test_prefix_of_a_generation(generation: int, prefix: int) -> None:
    assert id_ranges.prefix_of(generation) == prefix


@pytest.mark.parametrize("generation", [0, -1])
def test_there_is_no_generation_below_one(generation: int) -> None:
    with pytest.raises(ValueError, match=f"a generation is 1 or more, got {generation}"):
        id_ranges.prefix_of(generation)


@given(st.integers(min_value=1, max_value=1_000_000))
def test_every_id_fits_livy_and_keeps_ten_digits(generation: int) -> None:
    ids = id_ranges.id_range(id_ranges.prefix_of(generation))

    assert ids[0] >= 1_000_000_000 and ids[-1] <= LARGEST_LIVY_ID


def test_no_further_prefix_would_fit_livy() -> None:
    assert id_ranges.first_id(id_ranges.FIRST_PREFIX + id_ranges.PREFIXES + 1) > LARGEST_LIVY_ID


def test_a_range_begins_with_its_first_id_and_holds_a_million() -> None:
    assert id_ranges.first_id(1002) == 1_002_000_000
    assert id_ranges.id_range(1002) == range(1_002_000_000, 1_003_000_000)


@pytest.mark.parametrize(
    ("batch_id", "prefix"),
    [
        (1_000_000_000, 1000),
        (1_002_000_000, 1002),
        (1_002_999_999, 1002),
        (1_003_000_000, 1003),
        (2_146_999_999, 2146),
    ],
)
def test_an_id_names_its_owner(batch_id: int, prefix: int) -> None:
    assert id_ranges.owner_prefix(batch_id) == prefix


@pytest.mark.parametrize("batch_id", [0, 7, 999_999_999, 2_147_000_000, 10_010_000_000])
def test_an_id_that_nobody_can_have_issued_has_no_owner(batch_id: int) -> None:
    assert id_ranges.owner_prefix(batch_id) is None


def test_live_and_lately_retired_generations_keep_their_prefix() -> None:
    assert id_ranges.taken_prefixes(live=[5, 6], retired=[1, 2]) == {1005, 1006, 1001, 1002}


def test_only_the_last_hundred_retired_generations_keep_their_prefix() -> None:
    taken = id_ranges.taken_prefixes(live=[], retired=range(1, 102))

    assert taken == {1000 + generation for generation in range(2, 102)}


def test_a_usable_generation_is_taken_as_drawn() -> None:
    assert id_ranges.usable_generation(3, {1001, 1002}) == 3


def test_a_generation_whose_prefix_is_taken_is_skipped() -> None:
    assert id_ranges.usable_generation(1147 + 1, {1001, 1002}) == 1147 + 3


def test_the_last_free_prefix_is_found() -> None:
    taken = set(range(1000, 2147)) - {1000}

    assert id_ranges.usable_generation(1, taken) == 1147


def test_no_generation_is_usable_when_all_prefixes_are_taken() -> None:
    with pytest.raises(ValueError, match="all 1147 prefixes of batch ids are taken: retire incarnations"):
        id_ranges.usable_generation(1, range(1000, 2147))
