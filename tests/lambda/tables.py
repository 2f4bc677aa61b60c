"""The two tables, as the stacks define their keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import DynamoDBServiceResource


def make_tables(dynamodb: DynamoDBServiceResource) -> None:
    """Make the tables ``record`` and ``evidence``."""
    for name, partition, sort in (("record", "kind", "id"), ("evidence", "incarnation", "observed")):
        dynamodb.create_table(
            TableName=name,
            KeySchema=[
                {"AttributeName": partition, "KeyType": "HASH"},
                {"AttributeName": sort, "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": partition, "AttributeType": "S"},
                {"AttributeName": sort, "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
