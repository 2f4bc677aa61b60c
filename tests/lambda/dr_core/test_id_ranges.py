from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dr_core import id_ranges

LARGEST_LIVY_ID = 2**31 - 1


@pytest.mark.parametrize(
    ("generation", "prefix"), [(1, 1001), (2, 1011), (3, 1021), (115, 2141), (116, 1004), (1147, 2138), (1148, 1001)]
)
def test_prefix_of_a_generation(generation: int, prefix: int) -> None:
    assert id_ranges.prefix_of(generation) == prefix


def test_every_prefix_is_given_once_before_one_is_given_again() -> None:
    given_out = [id_ranges.prefix_of(generation) for generation in range(1, id_ranges.PREFIXES + 1)]

    assert sorted(given_out) == list(range(1000, 2147))


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


@pytest.mark.parametrize(
    ("newest", "percent"),
    [
        (1_010_999_999, None),
        (1_011_000_000, 0.0001),
        (1_011_799_999, 80),
        (1_011_999_999, 100),
        (1_012_000_000, 100.0001),
        (1_012_999_999, 200),
        (1_013_000_000, None),
        (7, None),
    ],
)
def test_the_used_share_of_a_range_counts_on_beyond_its_end_as_far_as_the_id_can_be_its_own(
    newest: int, percent: float | None
) -> None:
    assert id_ranges.used_percent(newest, prefix=1011) == percent


def test_prefixes_in_use_and_those_next_to_them_are_taken() -> None:
    assert id_ranges.taken_prefixes(live=[1011], retired=[1001]) == {1000, 1001, 1002, 1010, 1011, 1012}


def test_only_the_last_hundred_retired_prefixes_are_kept() -> None:
    latest_first = range(1301, 1000, -3)

    taken = id_ranges.taken_prefixes(live=[], retired=latest_first)

    assert taken == set(range(1003, 1303))


def test_most_prefixes_are_free_whatever_is_kept() -> None:
    kept = range(1000, 1000 + 3 * id_ranges.RETIRED_PREFIXES_KEPT, 3)

    assert len(id_ranges.taken_prefixes(live=[], retired=kept)) < id_ranges.PREFIXES / 3


def test_a_usable_generation_is_taken_as_drawn() -> None:
    assert id_ranges.usable_generation(3, {1001, 1011}) == 3


def test_a_generation_whose_prefix_is_taken_is_skipped() -> None:
    assert id_ranges.usable_generation(1147 + 1, {1001, 1011}) == 1147 + 3


def test_the_last_free_prefix_is_found() -> None:
    taken = set(range(1000, 2147)) - {2138}

    assert id_ranges.usable_generation(1, taken) == 1147


def test_no_generation_is_usable_when_all_prefixes_are_taken() -> None:
    with pytest.raises(ValueError, match="all 1147 prefixes of batch ids are taken: retire incarnations"):
        id_ranges.usable_generation(1, range(1000, 2147))


# Lives of a deployment: from a counter of generations on, launches that skip so many of them, and leave so many alive.
# 344 generations on comes the prefix below, 803 on the one above, 1147 on the same.
LIVES = st.tuples(
    st.integers(min_value=1, max_value=3000),
    st.lists(
        st.tuples(
            st.sampled_from([1, 343, 344, 345, 802, 803, 804, 1147]) | st.integers(min_value=1, max_value=1200),
            st.integers(min_value=0, max_value=3),
        ),
        max_size=150,
    ),
)


def _lived(counter: int, launches: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """The prefixes that live, and the retired ones that are kept."""
    live: list[int] = []
    retired: list[int] = []
    for skipped, left_alive in launches:
        taken = id_ranges.taken_prefixes(live=live, retired=retired)
        counter = id_ranges.usable_generation(counter + skipped, taken)
        while len(live) > left_alive:
            retired.insert(0, live.pop(0))
        live.append(id_ranges.prefix_of(counter))
    return live, retired[: id_ranges.RETIRED_PREFIXES_KEPT]


@given(LIVES)
def test_no_two_prefixes_in_use_are_the_same_or_next_to_each_other(lives: tuple[int, list[tuple[int, int]]]) -> None:
    live, kept = _lived(*lives)

    in_order = sorted([*live, *kept])

    assert all(after - before > 1 for before, after in pairwise(in_order))


@given(LIVES, st.integers(min_value=0, max_value=id_ranges.IDS_PER_PREFIX - 1))
def test_ids_beyond_the_end_of_a_range_belong_to_nobody_who_lives(
    lives: tuple[int, list[tuple[int, int]]], beyond: int
) -> None:
    """Also those that a retired incarnation issued: its clients may still ask."""
    live, kept = _lived(*lives)

    owners = {id_ranges.owner_prefix(id_ranges.first_id(prefix + 1) + beyond) for prefix in (*live, *kept)}

    assert not owners & set(live)
