"""The record table in memory, as fast as the many replays need; ``test_record_store.py`` tests the real one.

Condition expressions are the few that the controller writes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dr_core.items import stored
from dr_core.record import GENERATION_COUNTER, Incarnation, ManagedCluster, Operation, Slot
from failover.record_store import Change, Item, ItemKey

_TOKENS = (
    (r"attribute_not_exists\(([#\w.]+)\)", r"(look('\1') is None)"),
    (r"attribute_exists\(([#\w.]+)\)", r"(look('\1') is not None)"),
    (r"(?<!')(#\w+(?:\.#\w+)*)", r"look('\1')"),
    (r":(\w+)", r"values['\1']"),
    (r"(?<![<>=])=(?!=)", "=="),
    (r"\bAND\b", "and"),
    (r"\bOR\b", "or"),
)


def holds(condition: str, item: Mapping[str, Any] | None, values: Mapping[str, Any]) -> bool:
    """Whether a condition expression holds for an item."""
    if not condition:
        return True
    text = condition
    for pattern, replacement in _TOKENS:
        text = re.sub(pattern, replacement, text)

    def look(path: str) -> Any:
        found: Any = item or {}
        for part in path.replace("#", "").split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        return found

    return bool(eval(text, {"look": look, "values": values}))


def copied(value: Any) -> Any:
    """A copy of what an item consists of; ``copy.deepcopy`` takes most of a replay's time."""
    if isinstance(value, dict):
        return {name: copied(each) for name, each in value.items()}
    return [copied(each) for each in value] if isinstance(value, list) else value


class MemoryRecord:
    """Has the methods of :class:`failover.record_store.RecordStore`; *on_write* is called after each write."""

    def __init__(self, on_write: Callable[[], None]) -> None:
        self.items: dict[tuple[str, str], Item] = {}
        self.seen: dict[str, list[Item]] = {}
        self._on_write = on_write

    def get(self, *keys: ItemKey) -> dict[tuple[str, str], Item]:
        pairs = [(key["kind"], key["id"]) for key in keys]
        return {pair: copied(self.items[pair]) for pair in pairs if pair in self.items}

    def has(self, key: ItemKey) -> bool:
        return (key["kind"], key["id"]) in self.items

    def operation(self, operation: str) -> Operation | None:
        item = self.get(Operation.key(operation)).get(("operation", operation))
        return Operation.from_item(item) if item else None

    def managed_cluster(self, name: str) -> ManagedCluster | None:
        item = self.get(ManagedCluster.key(name)).get(("managed-cluster", name))
        return ManagedCluster.from_item(item) if item else None

    def incarnation(self, generation: int) -> Incarnation | None:
        key = Incarnation.key(generation)
        item = self.get(key).get((key["kind"], key["id"]))
        return Incarnation.from_item(item) if item else None

    def incarnations(self) -> list[Incarnation]:
        return [Incarnation.from_item(item) for (kind, _), item in sorted(self.items.items()) if kind == "incarnation"]

    def slots(self, numbers: Sequence[int]) -> list[Slot]:
        found = self.get(*(Slot.key(number) for number in numbers))
        return [Slot.from_item(found.get(("slot", str(number)), {"id": str(number)})) for number in numbers]

    def put_new(self, item: Item) -> bool:
        if (item["kind"], item["id"]) in self.items:
            return False
        self.items[item["kind"], item["id"]] = copied(item)
        self._on_write()
        return True

    def change(self, change: Change) -> bool:
        return self.change_together(change)

    def change_together(self, *changes: Change) -> bool:
        for change in changes:
            values = {name: stored(value) for name, value in (change.condition_values or {}).items()}
            if not holds(change.condition, self.items.get((change.key["kind"], change.key["id"])), values):
                return False
        for change in changes:
            if change.values:
                self._apply(change)
        self._on_write()
        return True

    def draw_generation(self, *, at_least: int = 0) -> int:
        item = self.items.setdefault(("counter", "generation"), {**GENERATION_COUNTER, "value": 0})
        item["value"] = max(item["value"], at_least - 1) + 1
        self._on_write()
        return int(item["value"])

    def evidence(self, *, table_name: str, incarnation: str, since: str) -> list[Item]:
        assert table_name == "evidence"
        return [item for item in self.seen.get(incarnation, []) if item["observed"] >= since]

    def _apply(self, change: Change) -> None:
        item = self.items.setdefault((change.key["kind"], change.key["id"]), dict(change.key))
        for path, value in change.values.items():
            *parents, last = path.split(".")
            target = item
            for parent in parents:
                target = target[parent]
            if value is None:
                target.pop(last, None)
            else:
                target[last] = stored(value)
