"""The record table, as the controller reads and writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from boto3.dynamodb.conditions import Attr, ConditionBase, Key

from dr_core.items import stored
from dr_core.record import GENERATION_COUNTER, Incarnation, ManagedCluster, Operation, Slot

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBServiceResource
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

ItemKey = Mapping[str, str]
Item = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of one item: ``None`` as a value removes the attribute.

    Attributes:
        key: the item's key.
        values: attributes to set or, with ``None``, to remove; a name with a dot is a path into a map.
        condition: expression over ``#attribute`` names and ``:name`` values that must hold, else nothing changes.
        condition_values: the ``:name`` values of *condition*.
    """

    key: ItemKey
    values: Mapping[str, Any]
    condition: str = ""
    condition_values: Mapping[str, Any] | None = None

    def arguments(self) -> dict[str, Any]:
        """Arguments of UpdateItem."""
        names: dict[str, str] = {}
        for word in _words(self.condition, "#"):
            names[f"#{word}"] = word
        sets, removals = [], []
        values = {f":{name}": stored(value) for name, value in (self.condition_values or {}).items()}
        for number, (path, value) in enumerate(self.values.items()):
            parts = path.split(".")
            names.update({f"#{part}": part for part in parts})
            reference = ".".join(f"#{part}" for part in parts)
            if value is None:
                removals.append(reference)
            else:
                sets.append(f"{reference} = :value{number}")
                values[f":value{number}"] = stored(value)
        expression = " ".join(
            [*([f"SET {', '.join(sets)}"] if sets else []), *([f"REMOVE {', '.join(removals)}"] if removals else [])]
        )
        return {
            "Key": dict(self.key),
            "UpdateExpression": expression,
            "ExpressionAttributeNames": names,
            **({"ExpressionAttributeValues": values} if values else {}),
            **({"ConditionExpression": self.condition} if self.condition else {}),
        }


def new_item(item: Mapping[str, Any]) -> Change:
    """The change that makes *item*, refused if one with its key exists: the part of a transaction."""
    key = {name: item[name] for name in ("kind", "id")}
    values = {name: value for name, value in item.items() if name not in key}
    return Change(key=key, values=values, condition="attribute_not_exists(#kind)")


@dataclass(frozen=True, kw_only=True)
class RecordStore:
    """Items of the record table, as the dataclasses of :mod:`dr_core.record`."""

    dynamodb: DynamoDBServiceResource
    table_name: str

    def get(self, *keys: ItemKey) -> dict[tuple[str, str], Item]:
        """The items with these keys that exist, by (kind, id), read consistently and in one call."""
        request: dict[str, Any] = {self.table_name: {"Keys": [dict(key) for key in keys], "ConsistentRead": True}}
        found: dict[tuple[str, str], Item] = {}
        while request:
            answer = self.dynamodb.batch_get_item(RequestItems=request)
            for item in answer["Responses"].get(self.table_name, []):
                found[str(item["kind"]), str(item["id"])] = item
            request = dict(answer["UnprocessedKeys"])
        return found

    def has(self, key: ItemKey) -> bool:
        """Whether there is an item with this key."""
        return self._item(key) is not None

    def operation(self, operation: str) -> Operation | None:
        """The operation with this id."""
        item = self._item(Operation.key(operation))
        return Operation.from_item(item) if item else None

    def managed_cluster(self, name: str) -> ManagedCluster | None:
        """The managed cluster of this name."""
        item = self._item(ManagedCluster.key(name))
        return ManagedCluster.from_item(item) if item else None

    def incarnation(self, generation: int) -> Incarnation | None:
        """The incarnation of this generation."""
        item = self._item(Incarnation.key(generation))
        return Incarnation.from_item(item) if item else None

    def incarnations(self) -> list[Incarnation]:
        """Every incarnation that was ever recorded, oldest first."""
        return [Incarnation.from_item(item) for item in self._query(Incarnation.KIND)]

    def slots(self, numbers: Sequence[int]) -> list[Slot]:
        """The slots with these numbers; one without an item is free."""
        items = self.get(*(Slot.key(number) for number in numbers))
        return [
            Slot.from_item(items[Slot.KIND, str(number)]) if (Slot.KIND, str(number)) in items else Slot(number=number)
            for number in numbers
        ]

    def put_new(self, item: Item) -> bool:
        """Put an item unless one with its key exists; whether it was put."""
        return self._conditional(lambda: self._table.put_item(Item=item, ConditionExpression=Attr("kind").not_exists()))

    def change(self, change: Change) -> bool:
        """Change one item; whether its condition held."""
        return self._conditional(lambda: self._table.update_item(**change.arguments()))

    def change_together(self, *changes: Change) -> bool:
        """Change several items, all or none; whether every condition held.

        A change without values only checks its condition.
        """
        client = self.dynamodb.meta.client
        items = [cast("TransactWriteItemTypeDef", self._part(change)) for change in changes]
        try:
            client.transact_write_items(TransactItems=items)
        except client.exceptions.TransactionCanceledException as error:
            reasons = error.response.get("CancellationReasons", [])
            if any(reason.get("Code") == "ConditionalCheckFailed" for reason in reasons):
                return False
            raise
        return True

    def draw_generation(self, *, at_least: int = 0) -> int:
        """The next generation, never drawn before; *at_least* moves the counter on to it first."""
        if at_least:
            self.change(
                Change(
                    key=GENERATION_COUNTER,
                    values={"value": at_least - 1},
                    condition="attribute_not_exists(#value) OR #value < :last",
                    condition_values={"last": at_least - 1},
                )
            )
        answer = self._table.update_item(
            Key=dict(GENERATION_COUNTER),
            UpdateExpression="ADD #value :one",
            ExpressionAttributeNames={"#value": "value"},
            ExpressionAttributeValues={":one": 1},
            ReturnValues="UPDATED_NEW",
        )
        return int(cast("int", answer["Attributes"]["value"]))

    def evidence(self, *, table_name: str, incarnation: str, since: str) -> list[Item]:
        """The items of the evidence table of *incarnation* whose sort key is at least *since*."""
        condition = Key("incarnation").eq(incarnation) & Key("observed").gte(since)
        return list(_pages(self.dynamodb.Table(table_name), condition))

    def _part(self, change: Change) -> dict[str, Any]:
        arguments = {"TableName": self.table_name, **change.arguments()}
        if change.values:
            return {"Update": arguments}
        del arguments["UpdateExpression"]
        return {"ConditionCheck": arguments}

    @property
    def _table(self) -> Table:
        return self.dynamodb.Table(self.table_name)

    def _item(self, key: ItemKey) -> Item | None:
        return self._table.get_item(Key=dict(key), ConsistentRead=True).get("Item")

    def _query(self, kind: str) -> Iterator[Item]:
        return _pages(self._table, Key("kind").eq(kind))

    def _conditional(self, call: Callable[[], object]) -> bool:
        try:
            call()
        except self.dynamodb.meta.client.exceptions.ConditionalCheckFailedException:
            return False
        return True


def _pages(table: Table, condition: ConditionBase) -> Iterator[Item]:
    arguments: dict[str, Any] = {"KeyConditionExpression": condition, "ConsistentRead": True}
    while True:
        answer = table.query(**arguments)
        yield from answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return
        arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def _words(expression: str, mark: str) -> list[str]:
    """The words of *expression* that begin with *mark*, without it."""
    words = expression.replace("(", " ").replace(")", " ").replace(".", " ").replace(",", " ").split()
    return [word[1:] for word in words if word.startswith(mark)]
