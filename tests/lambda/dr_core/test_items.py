from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dr_core.items import plain, stored
from dr_core.record import Lease, Outcome


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
