"""Replacing symbols of moto, which keeps its models in the process and has no place to hook in."""

from __future__ import annotations

import contextlib
import types
from collections.abc import Iterator
from typing import Any

_originals: dict[tuple[int, str], Any] = {}


def replace(owner: type | types.ModuleType, name: str, replacement: object) -> None:
    """Put *replacement* in the place of what moto has as *name* in *owner*; a second time takes the first one's place.

    Raises:
        AttributeError: *owner* itself, not a parent, has no such symbol: not the moto that the drill is made for.
    """
    original(owner, name)
    setattr(owner, name, replacement)


def original(owner: type | types.ModuleType, name: str) -> Any:
    """What moto itself has as *name* in *owner*, whether replaced or not.

    Raises:
        AttributeError: see :func:`replace`.
    """
    key = (id(owner), name)
    if key not in _originals:
        if name not in vars(owner):
            raise AttributeError(f"{owner.__name__} has no {name}: the drill needs the moto of constraints.txt")
        _originals[key] = vars(owner)[name]
    return _originals[key]


def restore(owner: type | types.ModuleType, name: str) -> None:
    """Give *owner* back what moto itself has as *name*, if it was replaced."""
    if (id(owner), name) in _originals:
        setattr(owner, name, _originals[id(owner), name])


@contextlib.contextmanager
def made_as(module: types.ModuleType, name: str, resource_id: str) -> Iterator[None]:
    """Have the function *name* of *module*, which makes ids up, give *resource_id*; nothing else is made meanwhile."""
    replace(module, name, lambda *_: resource_id)
    try:
        yield
    finally:
        restore(module, name)
