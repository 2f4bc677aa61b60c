"""Values of the record's dataclasses as DynamoDB takes and gives them.

Numbers are stored as DynamoDB numbers, an absent value is a missing attribute, and times are seconds since 1970.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any, cast


def stored(value: Any) -> Any:
    """*value* as DynamoDB takes it: times to the millisecond, absent entries left out.

    For an UpdateItem of single attributes; whole items are made by ``to_item``.
    """
    match value:
        case float():
            return Decimal(f"{value:.3f}")
        case StrEnum():
            return str(value)
        case Mapping():
            return {str(name): stored(each) for name, each in value.items() if each is not None}
        case list() | tuple():
            return [stored(each) for each in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {each.name: stored(getattr(value, each.name)) for each in fields(value)}
        case _:
            return value


def plain(value: Any) -> Any:
    """*value* of an item in ordinary types: whole numbers as ``int``, others as ``float``."""
    match value:
        case str() | bool():  # most of them
            return value
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case Mapping():
            return {name: plain(each) for name, each in value.items()}
        case list():
            return [plain(each) for each in value]
        case _:
            return value


def item_of(record: Any, *, key: Mapping[str, str], without: str = "") -> dict[str, Any]:
    """The item of a dataclass: its fields that have a value, and *key*; the field *without* is in the key already."""
    values = {name: getattr(record, name) for name in _names(record.__class__) if name != without}
    return {**stored(values), **key}


def values_of(record: type[Any], item: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of *item* that are fields of *record*; an attribute of a later version is passed over."""
    names = _names(cast("Hashable", record))  # which every class is, and mypy does not know
    return {name: plain(value) for name, value in item.items() if name in names}


@cache
def _names(record: Any) -> Mapping[str, None]:
    """The names of a dataclass's fields, in their order: every item that is read or written asks for them."""
    return dict.fromkeys(each.name for each in fields(record))
