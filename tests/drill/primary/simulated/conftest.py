"""Settings for services that are looked at inside the test's own process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emr_drill.ports import PrimaryPlan
from emr_drill.primary.simulated.configuration import Configuration
from tests.drill.primary.conftest import address, call, eventually, plan

__all__ = ["address", "call", "eventually", "plan"]

SAMPLES = Path(__file__).parent / "samples"


@pytest.fixture
def configuration(plan: PrimaryPlan) -> Configuration:
    """What the services of the plan are started with."""
    return Configuration.of(plan)


def sample(name: str) -> Any:
    """A recorded answer of a real server."""
    return json.loads((SAMPLES / f"{name}.json").read_text())


def shape(value: Any) -> Any:
    """The structure of a JSON value: names and types."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__
