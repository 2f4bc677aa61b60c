"""boto3's DynamoDB resource over a dictionary, so that the real stores of the functions run against it.

It understands the few expressions that the stores write.  Every call passes through a gate (:mod:`.gate`).  A read that
is not consistent answers what its item was before the last write, so that nobody may rely on one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from types import CodeType, SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from .gate import Gate
from .machine_items import Kept

Key = tuple[str, str]
Item = dict[str, Any]


class ConditionalCheckFailedException(ClientError):
    pass


class TransactionCanceledException(ClientError):
    pass


class _Missing:
    """An attribute that is not there: equal to nothing, not less than anything."""

    def __lt__(self, other: object) -> bool:
        return False

    __gt__ = __le__ = __ge__ = __lt__


MISSING = _Missing()

_TOKEN = re.compile(
    r"(?P<function>attribute_(?:not_)?exists)\s*\((?P<argument>[#\w.]+)\)|:(?P<value>\w+)|(?P<word>#?[A-Za-z_][\w.#]*)|(?P<operator><>|<=|>=|=)"
)
_WORDS = {"AND": "and", "OR": "or", "NOT": "not"}
_OPERATORS = {"<>": "!=", "=": "=="}
_ACTION = re.compile(r"\b(SET|REMOVE|ADD)\b")


@cache
def _compiled(condition: str) -> CodeType:
    def translated(match: re.Match[str]) -> str:
        if match["function"]:
            is_ = "is" if match["function"] == "attribute_not_exists" else "is not"
            return f"(look({match['argument']!r}) {is_} MISSING)"
        if match["value"]:
            return f"values[{':' + match['value']!r}]"
        if match["operator"]:
            return _OPERATORS.get(match["operator"], match["operator"])
        return _WORDS.get(match["word"]) or f"look({match['word']!r})"

    return compile(_TOKEN.sub(translated, condition), condition, "eval")


@cache
def _actions(expression: str) -> tuple[tuple[str, str, str], ...]:
    """(action, path, ``:value``) of each part of an update expression."""
    words = _ACTION.split(expression)[1:]
    found = []
    for action, text in zip(words[::2], words[1::2], strict=True):
        for part in text.split(","):
            path, _, value = part.strip().replace(" = ", " ").partition(" ")
            found.append((action, path, value.strip()))
    return tuple(found)


def _named(path: str, names: Mapping[str, str]) -> list[str]:
    return [names.get(part, part) for part in path.split(".")]


def holds(item: Item | None, request: Mapping[str, Any]) -> bool:
    """Whether the condition of a request holds for its item."""
    condition = request.get("ConditionExpression")
    if condition is None:
        return True
    if not isinstance(condition, str):  # boto3's Attr(...).not_exists(), the only one in use
        assert type(condition).__name__ == "AttributeNotExists"
        condition = f"attribute_not_exists({condition.get_expression()['values'][0].name})"
    names = request.get("ExpressionAttributeNames", {})

    def look(path: str) -> Any:
        found: Any = item or {}
        for part in _named(path, names):
            found = found.get(part, MISSING) if isinstance(found, Mapping) else MISSING
        return found

    values = request.get("ExpressionAttributeValues", {})
    return bool(eval(_compiled(condition), {"look": look, "values": values, "MISSING": MISSING}))


def changed(item: Item, request: Mapping[str, Any]) -> Item:
    """The item after an update; the one before is left as it is."""
    names, values = request.get("ExpressionAttributeNames", {}), request.get("ExpressionAttributeValues", {})
    result = dict(item)
    for action, path, value in _actions(request["UpdateExpression"]):
        *parents, last = _named(path, names)
        target = result
        for parent in parents:
            target[parent] = dict(target[parent])
            target = target[parent]
        match action:
            case "SET":
                target[last] = values[value]
            case "REMOVE":
                target.pop(last, None)
            case "ADD":
                target[last] = target.get(last, 0) + values[value]
    return result


def _within(condition: Any, item: Item) -> bool:
    """Whether an item meets a key condition of boto3's."""
    expression = condition.get_expression()
    left, right = expression["values"][0], expression["values"][-1]
    match expression["operator"]:
        case "AND":
            return _within(left, item) and _within(right, item)
        case "=":
            return bool(item.get(left.name) == right)
        case ">=":
            return bool(item.get(left.name, MISSING) >= right)
        case "begins_with":
            return str(item.get(left.name, "")).startswith(right)
        case other:
            raise NotImplementedError(other)


class MemoryDynamoDB:
    """The record table, kept in *items*, and an evidence table that *evidence* answers for."""

    def __init__(
        self, items: dict[Key, Item], *, gate: Gate, evidence: Callable[[str, str], list[Item]], tables: tuple[str, str]
    ) -> None:
        self.items, self.gate, self.evidence = items, gate, evidence
        self.record_table, self.evidence_table = tables
        self.before: dict[Key, Item | None] = Kept()
        exceptions = SimpleNamespace(
            ConditionalCheckFailedException=ConditionalCheckFailedException,
            TransactionCanceledException=TransactionCanceledException,
        )
        self.client = SimpleNamespace(
            exceptions=exceptions, transact_write_items=self.transact_write_items, get_paginator=self._paginator
        )
        self.meta = SimpleNamespace(client=self.client)

    def Table(self, name: str) -> _Table:
        return _Table(self, name)

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> dict[str, Any]:
        def read() -> dict[str, Any]:
            responses = {}
            for table, wanted in RequestItems.items():
                consistent = bool(wanted.get("ConsistentRead"))
                found = (self.read((key["kind"], key["id"]), consistent=consistent) for key in wanted["Keys"])
                responses[table] = [item for item in found if item is not None]
            return {"Responses": responses, "UnprocessedKeys": {}}

        answer: dict[str, Any] = self.gate.call("batch_get_item", read, changes=False)
        return answer

    def transact_write_items(self, *, TransactItems: list[dict[str, Any]]) -> None:
        # boto3 gives each call a token, so that the repetition of one that took effect changes and answers the same.
        done: list[bool] = []

        def write() -> None:
            if done:
                return
            new: dict[Key, Item] = {}
            reasons = []
            for entry in TransactItems:
                ((action, request),) = entry.items()
                key = _key(request)
                item = self.items.get(key)
                reasons.append({"Code": "None" if holds(item, request) else "ConditionalCheckFailed"})
                if action == "Update":
                    new[key] = changed(item or dict(request["Key"]), request)
                elif action == "Put":
                    new[key] = dict(request["Item"])
            if any(each["Code"] != "None" for each in reasons):
                error: Any = {
                    "Error": {"Code": "TransactionCanceledException", "Message": str(reasons)},
                    "CancellationReasons": reasons,
                }
                raise TransactionCanceledException(error, "TransactWriteItems")
            for key, item in new.items():
                self.write(key, item)
            done.append(True)

        self.gate.call("transact_write_items", write, changes=True)

    def read(self, key: Key, *, consistent: bool) -> Item | None:
        if not consistent and key in self.before:
            return self.before[key]
        return self.items.get(key)

    def write(self, key: Key, item: Item) -> None:
        self.before[key] = self.items.get(key)
        self.items[key] = item

    def put(self, request: Mapping[str, Any]) -> None:
        item = dict(request["Item"])
        key = (item["kind"], item["id"])
        self._check(self.items.get(key), request, "PutItem")
        self.write(key, item)

    def update(self, request: Mapping[str, Any]) -> dict[str, Any]:
        key = _key(request)
        item = self.items.get(key)
        self._check(item, request, "UpdateItem")
        self.write(key, changed(item or dict(request["Key"]), request))
        return {"Attributes": self.items[key]}

    def _check(self, item: Item | None, request: Mapping[str, Any], operation: str) -> None:
        if not holds(item, request):
            error: Any = {"Error": {"Code": "ConditionalCheckFailedException", "Message": str(request)}}
            raise ConditionalCheckFailedException(error, operation)

    def _paginator(self, name: str) -> Any:
        assert name == "query"
        return SimpleNamespace(paginate=self._paginate)

    def _paginate(
        self, *, TableName: str, ExpressionAttributeValues: Mapping[str, Any], **request: Any
    ) -> Iterator[Any]:
        values = ExpressionAttributeValues
        consistent = bool(request.get("ConsistentRead"))

        def read() -> list[Item]:
            if TableName == self.evidence_table:
                return self.evidence(values[":incarnation"], values[":since"])
            found = (self.read(key, consistent=consistent) for key in sorted(self.items) if key[0] == values[":kind"])
            return [item for item in found if item is not None]

        items = self.gate.call("query", read, changes=False)
        yield {"Items": items}


class _Table:
    """One table of the resource."""

    def __init__(self, dynamodb: MemoryDynamoDB, name: str) -> None:
        self._dynamodb, self.name = dynamodb, name
        self.meta = dynamodb.meta

    def get_item(self, *, Key: Mapping[str, str], ConsistentRead: bool = False) -> dict[str, Any]:
        key = (Key["kind"], Key["id"])
        item = self._dynamodb.gate.call(
            "get_item", lambda: self._dynamodb.read(key, consistent=ConsistentRead), changes=False
        )
        return {} if item is None else {"Item": item}

    def put_item(self, **request: Any) -> None:
        if self.name == self._dynamodb.evidence_table:  # what is seen there is made from the world's state
            self._dynamodb.gate.call("put_item", lambda: None, changes=False)
            return
        self._dynamodb.gate.call("put_item", lambda: self._dynamodb.put(request), changes=True)

    def update_item(self, **request: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self._dynamodb.gate.call(
            "update_item", lambda: self._dynamodb.update(request), changes=True
        )
        return answer

    def delete_item(self, **request: Any) -> None:
        self._dynamodb.gate.call("delete_item", lambda: self._dynamodb.items.pop(_key(request), None), changes=True)

    def query(self, *, KeyConditionExpression: Any, ConsistentRead: bool = False, **_: Any) -> dict[str, Any]:
        def read() -> list[Item]:
            if self.name == self._dynamodb.evidence_table:
                first, second = KeyConditionExpression.get_expression()["values"]
                values = first.get_expression()["values"], second.get_expression()["values"]
                return self._dynamodb.evidence(values[0][1], values[1][1])
            items = (self._dynamodb.read(key, consistent=ConsistentRead) for key in sorted(self._dynamodb.items))
            return [item for item in items if item is not None and _within(KeyConditionExpression, item)]

        return {"Items": self._dynamodb.gate.call("query", read, changes=False)}


def _key(request: Mapping[str, Any]) -> Key:
    key = request["Key"] if "Key" in request else request["Item"]
    return key["kind"], key["id"]
