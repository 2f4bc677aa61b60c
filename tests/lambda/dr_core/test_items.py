from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dr_core.items import item_of, plain, stored, values_of
from dr_core.record import Lease, Outcome, Slot


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.23456, Decimal("1.235")),
        (Outcome.FAILED, "failed"),
        (("a", 1.5), ["a", Decimal("1.5")]),
        ({"a": None, "b": 1.5}, {"b": Decimal("1.5")}),
        (3, 3),
        (True, True),
        ("text", "text"),
    ],
)
def test_single_values_are_stored_as_dynamodb_takes_them(value: Any, expected: Any) -> None:
    result = stored(value)

    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Decimal("3"), 3),
        (Decimal("3.0"), 3),
        (Decimal("3.5"), 3.5),
        ([Decimal("1"), "a"], [1, "a"]),
        ({"a": {"b": Decimal("2")}}, {"a": {"b": 2}}),
        (True, True),
    ],
)
def test_values_come_back_in_ordinary_types(value: Any, expected: Any) -> None:
    result = plain(value)

    assert result == expected
    assert type(result) is type(expected)


def test_a_dataclass_is_stored_as_a_map_of_its_fields() -> None:
    lease = Lease(execution="arn", operation="a-launch-1", since=1.5)

    assert stored(lease) == {"execution": "arn", "operation": "a-launch-1", "since": Decimal("1.500")}


def test_an_item_has_the_fields_that_have_a_value_and_its_key() -> None:
    """The field that the key holds is not written twice."""
    slot = Slot(number=3, generation=7)

    assert item_of(slot, key={"kind": "slot", "id": "3"}, without="number") == {
        "kind": "slot",
        "id": "3",
        "generation": 7,
    }
    assert item_of(Slot(number=3), key={"id": "3"}) == {"number": 3, "id": "3"}


def test_what_a_later_version_wrote_is_passed_over() -> None:
    """A14: an older function may read what a newer one has written, in the minutes of a deploy."""
    assert values_of(Slot, {"kind": "slot", "generation": Decimal("7"), "later": 1}) == {"generation": 7}


def test_a_value_that_is_in_an_ordinary_type_stays_as_it_is() -> None:
    assert plain(3) == 3
    assert plain(None) is None
