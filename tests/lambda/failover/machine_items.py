"""The items of a world's record: most of what is looked at is of one kind."""

from __future__ import annotations

from typing import Any


class Kept(dict[tuple[str, str], Any]):
    """A dictionary whose copies hold the same items, also deep ones: to write an item is to put another one."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Kept:
        copied = memo[id(self)] = type(self)()
        copied.update(self)
        return copied


class Items(Kept):
    """The items by kind and id, and all of a kind at once."""

    def __init__(self) -> None:
        super().__init__()
        self._by_kind: dict[str, list[dict[str, Any]]] = {}

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The items of one kind."""
        found = self._by_kind.get(kind)
        if found is None:
            found = self._by_kind[kind] = [item for (each, _), item in self.items() if each == kind]
        return found

    def __setitem__(self, key: tuple[str, str], item: dict[str, Any]) -> None:
        self._by_kind.pop(key[0], None)
        super().__setitem__(key, item)

    def pop(self, key: tuple[str, str], *default: Any) -> Any:
        """As of any dictionary."""
        self._by_kind.pop(key[0], None)
        return super().pop(key, *default)
