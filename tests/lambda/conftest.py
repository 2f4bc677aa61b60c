"""What the tests of all functions share."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SAMPLES = Path(__file__).parent / "samples"


@pytest.fixture(scope="session")
def sample() -> Callable[[str], Any]:
    """Gives a real answer of a service by name, as a fresh value that a test may change."""

    def load(name: str) -> Any:
        return json.loads((SAMPLES / f"{name}.json").read_text())

    return load
