"""The partition keys that a call of DynamoDB reaches."""

from __future__ import annotations

from typing import Any

import pytest

from emr_drill.authorization.leading_keys import of_items, of_request

KEY = {"kind": {"S": "slot"}, "id": {"S": "1"}}


@pytest.mark.parametrize(
    "query",
    [
        {"KeyConditionExpression": "kind = :kind", "ExpressionAttributeValues": {":kind": {"S": "slot"}}},
        {
            "KeyConditionExpression": "(#n0 = :v0 AND #n1 >= :v1)",
            "ExpressionAttributeNames": {"#n0": "kind", "#n1": "id"},
            "ExpressionAttributeValues": {":v0": {"S": "slot"}, ":v1": {"S": "1"}},
        },
        {
            "KeyConditionExpression": "#id=:id AND #kind=:kind",
            "ExpressionAttributeNames": {"#kind": "kind", "#id": "id"},
            "ExpressionAttributeValues": {":kind": {"S": "slot"}, ":id": {"S": "incarnation"}},
        },
    ],
)
def test_a_query_reaches_the_partition_that_it_names(query: dict[str, Any]) -> None:
    assert of_request(query, partition_key="kind") == {"dynamodb:LeadingKeys": ["slot"]}


def test_an_item_is_of_its_partition_whether_it_is_read_or_written() -> None:
    for request in ({"Key": KEY}, {"Item": {**KEY, "generation": {"N": "1"}}}):
        assert of_request(request, partition_key="kind") == {"dynamodb:LeadingKeys": ["slot"]}


def test_every_partition_of_a_batch_is_named_once() -> None:
    keys = [KEY, {**KEY, "id": {"S": "2"}}, {"kind": {"S": "incarnation"}, "id": {"S": "g000001"}}]

    assert of_items(keys, partition_key="kind") == {"dynamodb:LeadingKeys": ["incarnation", "slot"]}


def test_what_names_no_partition_has_no_key() -> None:
    """B8: a scan, or a table that is not there: nothing is made up for it."""
    assert of_request({}, partition_key="kind") == {}
    assert of_request({"Key": KEY}, partition_key=None) == {}
