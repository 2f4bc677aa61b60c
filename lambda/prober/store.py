"""The two tables as a prober uses them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dr_core.evidence import Evidence
from dr_core.record import Incarnation
from dr_core.rounds import Run

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import DynamoDBServiceResource


class Store:
    """Reads the record, writes evidence and that a run has begun."""

    def __init__(
        self, *, dynamodb: DynamoDBServiceResource, record_table: str, evidence_table: str, round_seconds: int
    ) -> None:
        self._record = dynamodb.Table(record_table)
        self._evidence = dynamodb.Table(evidence_table)
        self._round_seconds = round_seconds

    def incarnations(self) -> Iterator[Incarnation]:
        """The incarnations whose primary has an address."""
        pages = self._record.meta.client.get_paginator("query").paginate(
            TableName=self._record.name,
            KeyConditionExpression="kind = :kind",
            FilterExpression="attribute_exists(primary_address)",
            ExpressionAttributeValues={":kind": Incarnation.KIND},
        )
        for page in pages:
            for item in page["Items"]:
                yield Incarnation.from_item(item)

    def write(self, evidence: Evidence) -> None:
        """Keep one piece of evidence."""
        self._evidence.put_item(Item=evidence.to_item(round_seconds=self._round_seconds))

    def announce(self, run: Run) -> None:
        """Write down that *run* has begun: it is the newest of its function."""
        self._evidence.put_item(Item=run.to_item())

    def newest_run(self, function: str) -> Run | None:
        """The run of *function* that was announced last."""
        item = self._evidence.get_item(Key=Run.key(function), ConsistentRead=True).get("Item")
        return Run.from_item(item) if item else None
