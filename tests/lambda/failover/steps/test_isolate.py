"""Isolate: a sick incarnation gets no new jobs as soon as somebody healthy gets them instead, and not before."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_core.evidence import Service, Verdict

from ..scenarios import failing, launched, second_half, settled
from ..world import World


def sick(world: World, *, until: str = "Isolate") -> dict[str, Any]:
    """The request of a failover of ``a``, beside a managed cluster ``b`` that serves."""
    launched(world)
    second_half(world)
    request = failing(world)
    assert world.run_operation(request, until=until) == until
    return request


def test_a_sick_incarnation_gets_no_new_jobs(world: World) -> None:
    """A14: two thirds of all submits would fail until the load balancer notices by itself."""
    answer = world.step("operation", "Isolate", sick(world))
    assert (answer.status, answer.message) == ("done", "g000001 gets no new jobs while g000090 serves")
    assert list(world.targets["balanced"]) == ["10.0.3.90"]
    assert world.incarnation(1).isolated_at == world.clock.now


def test_its_ids_and_web_interfaces_stay_routed(world: World) -> None:
    """Its jobs may be well."""
    request = sick(world)
    before = settled(world)
    world.step("operation", "Isolate", request)
    after = settled(world)
    assert {**after["targets"], "balanced": []} == {**before["targets"], "balanced": []}
    assert after["rules"] == before["rules"]


def test_a_second_call_changes_nothing(world: World) -> None:
    """A14: the time stays that of the first call."""
    request = sick(world)
    first = world.step("operation", "Isolate", request)
    isolated_at = world.incarnation(1).isolated_at
    world.clock.now += 5
    assert world.step("operation", "Isolate", request).status == first.status
    assert world.incarnation(1).isolated_at == isolated_at
    assert list(world.targets["balanced"]) == ["10.0.3.90"]


def test_it_is_noted_down_before_it_is_done(world: World) -> None:
    """Whoever finds it out of the group has to know that it belongs there."""
    request = sick(world)
    world.broken = {"deregister_targets"}
    with pytest.raises(ClientError, match="Rate exceeded"):
        world.step("operation", "Isolate", request)
    assert world.incarnation(1).isolated_at == world.clock.now
    world.broken.clear()
    world.clock.now += 5
    world.step("operation", "Isolate", request)
    assert world.incarnation(1).isolated_at == world.clock.now - 5
    assert "10.0.1.1" not in world.targets["balanced"]


def test_nobody_is_taken_out_of_service_before_a_successor_serves(world: World) -> None:
    """A14: never zero by our own act, however sick the incarnation is; also when called again."""
    request = failing(launched(world))
    world.run_operation(request, until="Isolate")
    before = settled(world)
    for _ in range(2):
        answer = world.step("operation", "Isolate", request)
        assert (answer.status, answer.message) == (
            "done",
            "nobody else is healthy in the balanced group: g000001 stays in it",
        )
    assert settled(world) == before
    assert world.deregistered == []
    assert world.incarnation(1).isolated_at is None


@pytest.mark.parametrize(
    "change",
    [
        {"state": "verifying"},
        {"state": "retiring"},
        {"isolated_at": 1},
        {"managed_cluster": "a"},
        {"primary_address": ""},
    ],
)
def test_somebody_who_does_not_serve_is_no_successor(world: World, change: dict[str, Any]) -> None:
    """An address in the group is not yet somebody who stays there."""
    request = sick(world)
    world.put({**world.incarnation(90).to_item(), **change})
    assert "stays in it" in world.step("operation", "Isolate", request).message
    assert "10.0.1.1" in world.targets["balanced"]


@pytest.mark.parametrize("state", ["unhealthy", "initial", "draining"])
def test_somebody_who_is_not_healthy_is_no_successor(world: World, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A registered target is not a healthy one."""
    request = sick(world)
    monkeypatch.setattr(world, "health", lambda _: {"10.0.1.1": "unhealthy", "10.0.3.90": state})
    world.step("operation", "Isolate", request)
    assert world.deregistered == []


def test_an_address_is_not_its_own_successor(world: World) -> None:
    """A VPC handed the address of a dead half to the sick one; the record of that half is old."""
    request = sick(world)
    world.put({**world.incarnation(90).to_item(), "generation": 0, "id": "g000000", "primary_address": "10.0.1.1"})
    world.record.items.pop(("incarnation", "g000090"))
    world.unhealthy.clear()
    world.step("operation", "Isolate", request)
    assert world.deregistered == []


def test_an_address_that_was_handed_on_stays(world: World) -> None:
    """It belongs to a younger incarnation now, which may be the one that serves."""
    request = sick(world)
    world.put({**world.incarnation(90).to_item(), "generation": 91, "id": "g000091", "primary_address": "10.0.1.1"})
    assert "belongs to a younger one" in world.step("operation", "Isolate", request).message
    assert world.deregistered == []


def test_who_is_out_already_is_left_alone(world: World) -> None:
    """Nothing to do, nothing to give back."""
    request = sick(world)
    world.targets["balanced"].pop("10.0.1.1")
    assert world.step("operation", "Isolate", request).message == "g000001 is not in the balanced group"
    assert world.incarnation(1).isolated_at is None


@pytest.mark.parametrize(
    ("kind", "reason"), [("failover", "drill"), ("failover", "manual"), ("switchover", "upgrade"), ("repair", "manual")]
)
def test_who_is_not_known_to_be_sick_goes_on_serving(world: World, kind: str, reason: str) -> None:
    """A14: never less in service than before, unless it is unhealthy."""
    launched(world)
    second_half(world)
    request = world.request(kind, "op2", reason=reason)
    world.step("operation", "Claim", request)
    assert "goes on serving" in world.step("operation", "Isolate", request).message
    assert world.deregistered == []


@pytest.mark.parametrize(
    ("kind", "reason", "out"),
    [
        ("switchover", "upgrade", True),
        ("failover", "manual", True),
        ("repair", "manual", True),
        ("standby", "standby", False),
    ],
)
def test_who_is_sick_beside_what_was_asked_for_gets_no_new_jobs(
    world: World, kind: str, reason: str, out: bool
) -> None:
    """A2: no failover begins as long as this operation runs; every second new job would be lost."""
    launched(world)
    second_half(world)
    world.see_evidence(1, Verdict.UNHEALTHY, services=(Service.RESOURCE_MANAGER,))
    request = world.request(kind, "op2", reason=reason)
    world.step("operation", "Claim", request)
    assert world.step("operation", "Isolate", request).status == "done"
    assert ("10.0.1.1" not in world.targets["balanced"]) is out


def test_who_a_person_terminated_is_left_to_that_person(world: World) -> None:
    launched(world)
    second_half(world)
    world.see_evidence(1, Verdict.UNHEALTHY)
    world.broken = {"describe_cluster"}
    request = world.request("switchover", "op2", reason="upgrade")
    world.step("operation", "Claim", request)
    assert "goes on serving" in world.step("operation", "Isolate", request).message
    assert world.deregistered == []


def test_an_interrupted_failover_isolates_nobody(world: World) -> None:
    """Its new incarnation is in service already."""
    request = sick(world)
    world.put({**world.operation("op2").to_item(), "generation": 2})
    assert world.step("operation", "Isolate", request).message == "an interrupted failover has to be finished"
    assert world.deregistered == []


@pytest.mark.parametrize("missing", ["incarnation", "address", "serving"])
def test_nothing_in_service_needs_no_isolation(world: World, missing: str) -> None:
    """The last launch failed."""
    request = sick(world)
    if missing == "incarnation":
        world.record.items.pop(("incarnation", "g000001"))
    elif missing == "address":
        world.record.items["incarnation", "g000001"].pop("primary_address")
    else:
        world.record.items["managed-cluster", "a"].pop("serving_generation")
    assert world.step("operation", "Isolate", request).message == "nothing is in service"
    assert world.deregistered == []
