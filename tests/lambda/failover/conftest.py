"""A world in memory for each test."""

from __future__ import annotations

import time

import pytest

from .parts import START, Clock
from .world import World


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Time that stands still until a test moves it."""
    clock = Clock(now=START)
    monkeypatch.setattr(time, "time", clock.time)
    monkeypatch.setattr(time, "sleep", clock.sleep)
    return clock


@pytest.fixture
def world(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> World:
    """An account with a deployment whose managed cluster ``a`` was just asked for."""
    for name, value in {
        "POWERTOOLS_METRICS_NAMESPACE": "EmrDr",
        "POWERTOOLS_SERVICE_NAME": "failover",
    }.items():
        monkeypatch.setenv(name, value)
    world = World(clock)
    world.create_managed_cluster()
    return world
