"""The two tables as the monitor uses them; whatever several monitors may do at once is a conditional write."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dr_core.controls import Controls, Turn
from dr_core.evidence import Evidence, sort_key_from
from dr_core.items import stored
from dr_core.record import Incarnation, Incident, IncidentState, ManagedCluster, Operation, Outcome
from dr_core.rounds import Run

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import DynamoDBServiceResource


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What a round begins with.

    Attributes:
        controls: what a person decided.
        managed_clusters: by name.
        incidents: the latest of each managed cluster that had one, by its name.
    """

    controls: Controls
    managed_clusters: Mapping[str, ManagedCluster]
    incidents: Mapping[str, Incident]


class Store:
    """Reads the record and evidence, writes incidents and the operations that answer them."""

    def __init__(
        self, *, dynamodb: DynamoDBServiceResource, record_table: str, evidence_table: str, round_seconds: int
    ) -> None:
        self._dynamodb = dynamodb
        self._record = dynamodb.Table(record_table)
        self._evidence = dynamodb.Table(evidence_table)
        self._round_seconds = round_seconds

    def overview(self, managed_clusters: Sequence[str]) -> Overview:
        """What a round begins with, in one call; a managed cluster is left out before it was first asked for."""
        keys = [
            Controls.key(),
            *(kind.key(name) for kind in (ManagedCluster, Incident) for name in managed_clusters),
        ]
        found: dict[tuple[str, str], Mapping[str, Any]] = {}
        request: dict[str, Any] = {self._record.name: {"Keys": keys, "ConsistentRead": True}}
        while request:
            answer = self._dynamodb.batch_get_item(RequestItems=request)
            for item in answer["Responses"].get(self._record.name, []):
                found[str(item["kind"]), str(item["id"])] = item
            request = dict(answer["UnprocessedKeys"])
        return Overview(
            controls=Controls.from_item(found.get((Controls.KIND, Controls.ID))),
            managed_clusters={
                name: ManagedCluster.from_item(found[ManagedCluster.KIND, name])
                for name in managed_clusters
                if (ManagedCluster.KIND, name) in found
            },
            incidents={
                name: Incident.from_item(found[Incident.KIND, name])
                for name in managed_clusters
                if (Incident.KIND, name) in found
            },
        )

    def managed_cluster(self, name: str) -> ManagedCluster | None:
        """The managed cluster of that name, as it is now."""
        item = self._item(ManagedCluster.key(name))
        return ManagedCluster.from_item(item) if item else None

    def incarnation(self, generation: int) -> Incarnation | None:
        """The incarnation of that generation, as it is now."""
        item = self._item(Incarnation.key(generation))
        return Incarnation.from_item(item) if item else None

    def incarnations(self) -> dict[int, Incarnation]:
        """Every incarnation that was ever recorded, by its generation."""
        pages = self._record.meta.client.get_paginator("query").paginate(
            TableName=self._record.name,
            KeyConditionExpression="kind = :kind",
            ExpressionAttributeValues={":kind": Incarnation.KIND},
            ConsistentRead=True,
        )
        found = [Incarnation.from_item(item) for page in pages for item in page["Items"]]
        return {each.generation: each for each in found}

    def turn(self) -> Turn | None:
        """Whose turn it last was to run an automatic operation."""
        item = self._item(Turn.key())
        return Turn.from_item(item) if item else None

    def take_turn(self, turn: Turn, *, previous: Turn | None) -> bool:
        """Take the turn unless another monitor took it since *previous* was read; whether it is taken."""
        return self._unless_refused(
            lambda: self._record.put_item(
                Item=turn.to_item(),
                ConditionExpression="attribute_not_exists(id) OR operation = :previous OR operation = :mine",
                ExpressionAttributeValues={
                    ":previous": "" if previous is None else previous.operation,
                    ":mine": turn.operation,
                },
            )
        )

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

    def announce(self, run: Run) -> None:
        """Write down that *run* has begun: it is the newest of its function."""
        self._evidence.put_item(Item=run.to_item())

    def newest_run(self, function: str) -> Run | None:
        """The run of *function* that was announced last."""
        item = self._evidence.get_item(Key=Run.key(function), ConsistentRead=True).get("Item")
        return Run.from_item(item) if item else None

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

    def close_incident(self, incident: Incident, *, called_off_until: float | None = None) -> bool:
        """Close *incident* unless it was answered once more meanwhile; whether it was closed.

        Args:
            incident: which.
            called_off_until: until when no operation is started for the next one; ``None`` leaves what is noted down.
        """
        closed = {":new": str(IncidentState.CLOSED)}
        if called_off_until is None:
            return self._change_incident(incident, "SET #state = :new", closed)
        return self._change_incident(
            incident,
            "SET #state = :new, called_off_until = :until",
            {**closed, ":until": stored(called_off_until)},
        )

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

    def fail_operation(self, operation: str, *, message: str) -> bool:
        """Write down that an operation cannot be started; whether that was news.

        It has no time of a start from then on, so that the next attempt need not wait for it.
        """
        return self._unless_refused(
            lambda: self._record.update_item(
                Key=Operation.key(operation),
                UpdateExpression="SET #outcome = :outcome, #message = :message REMOVE #started_at",
                ConditionExpression="attribute_not_exists(#outcome) AND attribute_not_exists(#execution)",
                ExpressionAttributeNames={
                    f"#{name}": name for name in ("outcome", "message", "started_at", "execution")
                },
                ExpressionAttributeValues={":outcome": str(Outcome.FAILED), ":message": message},
            )
        )

    def _item(self, key: Mapping[str, str]) -> Mapping[str, Any] | None:
        return self._record.get_item(Key=dict(key), ConsistentRead=True).get("Item")

    def _unless_refused(self, write: Callable[[], object]) -> bool:
        try:
            write()
        except self._record.meta.client.exceptions.ConditionalCheckFailedException:
            return False
        return True
