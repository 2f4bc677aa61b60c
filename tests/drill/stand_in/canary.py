"""What a canary looks at: the source of a symbol of moto that the drill replaces or relies on."""

from __future__ import annotations

import hashlib
import inspect
import textwrap
import types
from typing import Any

from emr_drill.stand_in.patching import original


def fingerprint(owner: type | types.ModuleType, name: str) -> str:
    """A short hash of the source that moto itself has for *name* in *owner*."""
    symbol: Any = original(owner, name)
    while isinstance(symbol, (staticmethod, classmethod)):
        symbol = symbol.__func__
    if isinstance(symbol, property):
        symbol = symbol.fget
    source = textwrap.dedent(inspect.getsource(inspect.unwrap(symbol)))
    return hashlib.sha256(source.encode()).hexdigest()[:12]
