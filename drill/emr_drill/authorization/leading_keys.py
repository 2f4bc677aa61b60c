"""The partition keys that a call of DynamoDB reaches: what ``dynamodb:LeadingKeys`` holds of it.

By the DynamoDB developer guide, "Using IAM policy conditions for fine-grained access control".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from emr_drill.authorization.conditions import Context

LEADING_KEYS: Final = "dynamodb:LeadingKeys"

_EQUALITY = re.compile(r"(#?\w+)\s*=\s*(:\w+)")


def of_request(parameters: Mapping[str, Any], *, partition_key: str | None) -> Context:
    """What conditions may look at of a call, or of one part of a transaction, that names one table.

    Args:
        parameters: with the item's ``Key`` or ``Item``, or a query's ``KeyConditionExpression``.
        partition_key: the name of the table's partition key; None for a table that nobody knows.
    """
    if "KeyConditionExpression" in parameters:
        return _context([_queried(parameters)], partition_key=partition_key)
    return of_items([parameters.get("Key", parameters.get("Item", {}))], partition_key=partition_key)


def of_items(items: Iterable[Mapping[str, Any]], *, partition_key: str | None) -> Context:
    """What conditions may look at of a call that names *items* of one table, or their keys."""
    return _context(items, partition_key=partition_key)


def _context(items: Iterable[Mapping[str, Any]], *, partition_key: str | None) -> Context:
    """Nothing where no item says its partition key, as of a scan."""
    named = [item[partition_key] for item in items if partition_key is not None and partition_key in item]
    values = sorted({str(value) for attribute in named for value in attribute.values()})
    return {LEADING_KEYS: values} if values else {}


def _queried(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes that have to equal something, as an item: the partition key is always among them."""
    names, values = parameters.get("ExpressionAttributeNames", {}), parameters.get("ExpressionAttributeValues", {})
    found = _EQUALITY.findall(str(parameters["KeyConditionExpression"]))
    return {names.get(name, name): values[value] for name, value in found if value in values}
