"""The two tables as the monitor uses them; whatever several monitors may do at once is a conditional write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from dr_core.evidence import Evidence, sort_key_from
from dr_core.record import Incarnation, Incident, IncidentState, ManagedCluster, Operation

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import DynamoDBServiceResource


class Store:
    """Reads the record and evidence, writes incidents and the operations that answer them."""

    def __init__(
        self, *, dynamodb: DynamoDBServiceResource, record_table: str, evidence_table: str, round_seconds: int
    ) -> None:
        self._record = dynamodb.Table(record_table)
        self._evidence = dynamodb.Table(evidence_table)
        self._round_seconds = round_seconds

    def managed_cluster(self, name: str) -> ManagedCluster | None:
        """The managed cluster, ``None`` before it was first asked for."""
        item = self._item(ManagedCluster.key(name))
        return ManagedCluster.from_item(item) if item else None

    def incarnation(self, generation: int) -> Incarnation | None:
        """The incarnation of a generation."""
        item = self._item(Incarnation.key(generation))
        return Incarnation.from_item(item) if item else None

    def incident(self, managed_cluster: str) -> Incident | None:
        """The latest incident of a managed cluster."""
        item = self._item(Incident.key(managed_cluster))
        return Incident.from_item(item) if item else None

    def operation(self, operation: str) -> Operation | None:
        """The operation with that id."""
        item = self._item(Operation.key(operation))
        return Operation.from_item(item) if item else None

    def evidence(self, incarnation: str, *, since: float) -> list[Evidence]:
        """What was seen of *incarnation* since then, oldest first."""
        pages = self._evidence.meta.client.get_paginator("query").paginate(
            TableName=self._evidence.name,
            KeyConditionExpression="incarnation = :incarnation AND observed >= :since",
            ExpressionAttributeValues={":incarnation": incarnation, ":since": sort_key_from(since)},
            ConsistentRead=True,
        )
        return [Evidence.from_item(item) for page in pages for item in page["Items"]]

    def write_evidence(self, evidence: Evidence) -> None:
        """Keep what the load balancers say, beside what the probers saw."""
        self._evidence.put_item(Item=evidence.to_item(round_seconds=self._round_seconds))

    def open_incident(self, incident: Incident) -> bool:
        """Open *incident* unless another is open or this very one was closed; whether it was opened."""
        return self._unless_refused(
            lambda: self._record.put_item(
                Item=incident.to_item(),
                ConditionExpression="attribute_not_exists(id) OR (#state = :closed AND incident <> :incident)",
                ExpressionAttributeNames={"#state": "state"},
                ExpressionAttributeValues={":closed": str(IncidentState.CLOSED), ":incident": incident.incident},
            )
        )

    def close_incident(self, incident: Incident) -> bool:
        """Close *incident* unless it was answered once more meanwhile; whether it was closed."""
        return self._change_incident(incident, "SET #state = :new", {":new": str(IncidentState.CLOSED)})

    def count_attempt(self, incident: Incident, attempt: int) -> bool:
        """Count *attempt* of *incident* before it is made; whether this monitor is the one that counted it."""
        return self._change_incident(incident, "SET attempts = :new", {":new": attempt})

    def _change_incident(self, incident: Incident, change: str, values: Mapping[str, Any]) -> bool:
        return self._unless_refused(
            lambda: self._record.update_item(
                Key=Incident.key(incident.managed_cluster),
                UpdateExpression=change,
                ConditionExpression="incident = :incident AND #state = :open AND attempts = :attempts",
                ExpressionAttributeNames={"#state": "state"},
                ExpressionAttributeValues={
                    ":incident": incident.incident,
                    ":open": str(IncidentState.OPEN),
                    ":attempts": incident.attempts,
                    **values,
                },
            )
        )

    def put_operation(self, operation: Operation) -> bool:
        """Write down an operation before its execution starts; ``False`` if it is there already."""
        return self._unless_refused(
            lambda: self._record.put_item(Item=operation.to_item(), ConditionExpression="attribute_not_exists(id)")
        )

    def set_execution(self, operation: str, execution: str) -> None:
        """Write down that the execution of an operation has started."""
        self._record.update_item(
            Key=Operation.key(operation),
            UpdateExpression="SET execution = :execution",
            ExpressionAttributeValues={":execution": execution},
        )

    def _item(self, key: Mapping[str, str]) -> Mapping[str, Any] | None:
        return self._record.get_item(Key=dict(key), ConsistentRead=True).get("Item")

    def _unless_refused(self, write: Callable[[], object]) -> bool:
        try:
            write()
        except self._record.meta.client.exceptions.ConditionalCheckFailedException:
            return False
        return True
