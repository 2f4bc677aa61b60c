"""What every result file says of the machine, and how one is written."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any


def machine() -> dict[str, Any]:
    """The machine that something is measured on: ``system``, ``python``, ``cores``."""
    return {"system": platform.system(), "python": platform.python_version(), "cores": os.cpu_count()}


def write(file: Path, text: str) -> None:
    """Write *file* at once: who is interrupted in the middle of a file could not go on from it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    new.write_text(text)
    new.replace(file)
