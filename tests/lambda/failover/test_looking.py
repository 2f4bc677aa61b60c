"""A fresh look: how many probers see every service healthy at this moment."""

from __future__ import annotations

import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from dr_core.evidence import Evidence, Service, Verdict
from dr_core.record import Incarnation, IncarnationState
from failover import looking
from failover.looking import evidence_now, healthy_vantage_points

from .fakes import FakeProbers
from .parts import ZONES
from .scenarios import launched
from .world import World


def seen_by(world: World) -> int:
    return healthy_vantage_points(world.deployment, address="10.0.1.1", slot=None)


def seen_in_slot_by(world: World) -> int:
    return healthy_vantage_points(world.deployment, address="10.0.1.1", slot=world.incarnation(1).slot)


def now(world: World) -> list[Evidence]:
    return evidence_now(world.deployment, world.incarnation(1))


def test_every_prober_is_asked_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """B6: a look at a service that hangs takes seconds, and the prober of an AZ that is away never answers."""
    launched(world)
    all_asked = threading.Barrier(len(ZONES), timeout=30)
    invoke = FakeProbers.invoke

    def together(self: FakeProbers, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        all_asked.wait()
        assert json.loads(Payload) == {"action": "look", "addresses": ["10.0.1.1"]}
        return invoke(self, FunctionName=FunctionName, Payload=Payload)

    monkeypatch.setattr(FakeProbers, "invoke", together)
    with ThreadPoolExecutor(len(ZONES)) as pool:
        deployment = replace(world.deployment, pool=pool)
        assert healthy_vantage_points(deployment, address="10.0.1.1", slot=None) == 2


def test_who_does_not_answer_is_not_waited_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """B6: all were asked at the same time; two vantage points are enough."""
    launched(world)
    monkeypatch.setattr(looking, "_OTHERS_SECONDS", 0.05)
    seen, invoke = threading.Event(), FakeProbers.invoke

    def one_hangs(self: FakeProbers, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        if FunctionName == "prober-us-east-1a":
            assert seen.wait(timeout=30)
        return invoke(self, FunctionName=FunctionName, Payload=Payload)

    monkeypatch.setattr(FakeProbers, "invoke", one_hangs)
    with ThreadPoolExecutor(len(ZONES)) as pool:
        looks = evidence_now(replace(world.deployment, pool=pool), world.incarnation(1))
        seen.set()
    assert {each.observer for each in looks} == {"prober:us-east-1b", "prober:us-east-1c"}


def test_what_is_seen_now_is_evidence_on_the_incarnation(world: World) -> None:
    """A14: as a round of the probers would have written it."""
    launched(world).livy_fails = {"10.0.1.1"}
    looks = now(world)
    assert {each.incarnation for each in looks} == {"g000001"}
    assert {each.observed_at for each in looks} == {world.clock.now}
    assert {each.services[Service.LIVY].verdict for each in looks} == {Verdict.UNHEALTHY}


def test_who_does_not_reach_the_front_door_says_so(world: World) -> None:
    """A14: what it sees counts for nothing."""
    launched(world).blind_probers = {"prober-us-east-1a"}
    assert {each.observer for each in now(world) if not each.front_door} == {"prober:us-east-1a"}


def test_nobody_is_asked_about_an_address_that_was_handed_on(world: World) -> None:
    """A14: its present owner would be seen."""
    launched(world)
    world.put(
        Incarnation(
            generation=2, managed_cluster="a", state=IncarnationState.SERVING, primary_address="10.0.1.1"
        ).to_item()
    )
    assert now(world) == []


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


@pytest.mark.parametrize("how", ["dead_probers", "blind_probers"])
@pytest.mark.parametrize(("zones", "count"), [("ab", 2), ("abc", 0)])
def test_the_load_balancer_looks_where_one_prober_is_left(world: World, how: str, zones: str, count: int) -> None:
    """A12: with two AZs, one of them lost, a standby that stands well has to be taken, and Livy mended."""
    setattr(launched(world), how, {f"prober-us-east-1{zone}" for zone in zones})
    assert seen_in_slot_by(world) == count


def test_the_load_balancer_is_no_witness_for_a_target_that_it_calls_unhealthy(world: World) -> None:
    """A14."""
    launched(world).dead_probers = {"prober-us-east-1a", "prober-us-east-1b"}
    world.targets["slot-1"].clear()
    assert seen_in_slot_by(world) == 1


def test_the_load_balancer_does_not_outvote_probers_that_can_look(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A14: it checks Livy alone; whoever sees YARN dead is right."""
    launched(world).dead_probers = {"prober-us-east-1a"}
    services = {service: {"verdict": "healthy", "detail": ""} for service in Service}
    bad = {**services, Service.RESOURCE_MANAGER: {"verdict": "unhealthy", "detail": ""}}

    def invoke(self: FakeProbers, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        seen = bad if FunctionName == "prober-us-east-1b" else services
        look = [{"address": "10.0.1.1", "front_door": True, "services": seen}]
        return {"Payload": io.BytesIO(json.dumps(look).encode())}

    monkeypatch.setattr(FakeProbers, "invoke", invoke)
    monkeypatch.setattr(
        looking,
        "_ask",
        lambda deployment, prober, address: (
            []
            if prober.endswith("1a")
            else json.loads(invoke(FakeProbers(world), FunctionName=prober, Payload=b"")["Payload"].read())
        ),
    )
    assert seen_in_slot_by(world) == 1
