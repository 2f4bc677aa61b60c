"""What is costly is made once for all the processes that run tests."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MADE = "made.json"  # written last


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Any]) -> tuple[Path, Any]:
    """What *make* made, by one of the processes that run the tests, if there are several; the others wait for it.

    Args:
        factory: of this run's temporary folders.
        name: tells it from everything else that is made so.
        make: gets a new folder; what it returns can be written as JSON.

    Returns:
        The folder, which nobody changes, and what *make* returned, a copy for each process.
    """
    own = factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / f"once-{name}"
    folder.mkdir(exist_ok=True)
    made = folder / MADE
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            inside = folder / "files"
            shutil.rmtree(inside, ignore_errors=True)  # of one that failed: the next is to fail for the same reason
            inside.mkdir()
            made.write_text(json.dumps(make(inside)), encoding="utf-8")
    return folder / "files", json.loads(made.read_text(encoding="utf-8"))
