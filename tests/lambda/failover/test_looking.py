"""A fresh look: how many probers see every service healthy at this moment."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from dr_core.evidence import Service
from failover.looking import healthy_vantage_points

from .fakes import FakeProbers
from .scenarios import launched
from .world import World


def seen_by(world: World, *, near: str | None = "us-east-1a") -> int:
    return healthy_vantage_points(world.deployment, address="10.0.1.1", near=near)


def test_no_more_are_asked_than_have_to_agree(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look at a service that hangs takes seconds; the nearest prober comes first."""
    launched(world)
    asked: list[str] = []
    invoke = FakeProbers.invoke

    def remember(self: FakeProbers, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        asked.append(FunctionName)
        assert json.loads(Payload) == {"action": "look", "addresses": ["10.0.1.1"]}
        return invoke(self, FunctionName=FunctionName, Payload=Payload)

    monkeypatch.setattr(FakeProbers, "invoke", remember)
    assert seen_by(world, near="us-east-1b") == 2
    assert asked == ["prober-us-east-1b", "prober-us-east-1a"]


@pytest.mark.parametrize("how", ["dead_probers", "blind_probers"])
@pytest.mark.parametrize(("zones", "count"), [("", 2), ("a", 2), ("ab", 1), ("abc", 0)])
def test_who_cannot_see_is_no_vantage_point(world: World, how: str, zones: str, count: int) -> None:
    """A14: one that cannot be asked, or that does not reach the front door either."""
    setattr(launched(world), how, {f"prober-us-east-1{zone}" for zone in zones})
    assert seen_by(world) == count


def test_a_prober_whose_function_failed_is_no_vantage_point(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its answer is an error of our own."""
    launched(world)
    monkeypatch.setattr(
        FakeProbers,
        "invoke",
        lambda *_, **__: {"FunctionError": "Unhandled", "Payload": io.BytesIO(b'{"errorMessage": "x"}')},
    )
    assert seen_by(world) == 0


@pytest.mark.parametrize("fault", ["livy_fails", "unhealthy"])
def test_every_service_has_to_be_good(world: World, fault: str) -> None:
    """A11: a Livy that answers on a dead YARN is of no use, nor the reverse."""
    setattr(launched(world), fault, {"10.0.1.1"})
    assert seen_by(world) == 0


@pytest.mark.parametrize("missing", list(Service))
def test_a_service_that_nobody_looked_at_is_not_good(
    world: World, monkeypatch: pytest.MonkeyPatch, missing: Service
) -> None:
    """A14: nothing is assumed."""
    launched(world)
    services = {service: {"verdict": "healthy", "detail": ""} for service in Service if service is not missing}
    look = [{"address": "10.0.1.1", "front_door": True, "services": services}]
    monkeypatch.setattr(FakeProbers, "invoke", lambda *_, **__: {"Payload": io.BytesIO(json.dumps(look).encode())})
    assert seen_by(world) == 0
