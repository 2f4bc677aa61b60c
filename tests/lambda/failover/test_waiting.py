"""A2, G3: what falls sick under a planned operation gets no new jobs where others serve, and a person is told."""

from __future__ import annotations

from typing import Any

import pytest

from dr_core.evidence import Service, Verdict
from dr_core.record import Incarnation, IncarnationState, Incident, IncidentState
from failover.reconcile import reconcile
from failover.told import TELL_AGAIN_SECONDS

from .parts import OPERATIONS
from .scenarios import launched, second_half
from .world import World


def sick_while_moved(world: World, *, kind: str = "switchover", beside: bool = True) -> dict[str, Any]:
    """A deploy replaces generation 1, whose ResourceManager dies while the new cluster is launched."""
    launched(world)
    if beside:
        second_half(world)
    request = world.request(kind, "op2", reason="upgrade" if kind == "switchover" else "manual")
    world.run_operation(request, until="Verify" if kind == "switchover" else "Repair")
    world.executions[world.execution(OPERATIONS, "op2")] = {"status": "RUNNING", "input": "{}"}
    falls_sick(world)
    world.notices.clear()
    return request


def falls_sick(world: World) -> None:
    world.see_evidence(1, Verdict.UNHEALTHY, services=(Service.RESOURCE_MANAGER,))
    now = world.clock.now
    incident = Incident(managed_cluster="a", incident="a-1", state=IncidentState.OPEN, since=now, first_bad_at=now - 30)
    world.put(incident.to_item())


def told(world: World) -> str:
    (message,) = [each["message"] for each in world.notices if "is unhealthy while operation" in each["subject"]]
    return str(message)


def test_what_falls_sick_under_a_deploy_gets_no_new_jobs_at_once(world: World) -> None:
    sick_while_moved(world)
    reconcile(world.deployment)
    assert "10.0.1.1" not in world.targets["balanced"]
    assert world.incarnation(1).isolated_at is not None
    assert "Operation op2, switchover (upgrade), holds the lease" in told(world)
    assert "It gets no new jobs while another managed cluster serves" in told(world)
    assert "the operation goes on as its recovery" in told(world)
    assert "op2. If a deploy waits for it" in told(world)


def test_alone_it_serves_on_and_a_person_is_told(world: World) -> None:
    """A14: never zero by our own act."""
    sick_while_moved(world, beside=False)
    reconcile(world.deployment)
    assert "10.0.1.1" in world.targets["balanced"]
    assert "It was left in service" in told(world)
    assert "which launches a cluster anew" in told(world)


def test_it_is_told_once_an_hour(world: World) -> None:
    sick_while_moved(world, beside=False)
    reconcile(world.deployment)
    reconcile(world.deployment)
    told(world)
    world.clock.now += TELL_AGAIN_SECONDS
    reconcile(world.deployment)
    assert len([each for each in world.notices if "is unhealthy while" in each["subject"]]) == 2


def test_what_stands_by_is_named(world: World) -> None:
    sick_while_moved(world, beside=False)
    standby = Incarnation(generation=7, managed_cluster="a", state=IncarnationState.STANDBY, stack_name="d-a-g7")
    world.put(standby.to_item())
    reconcile(world.deployment)
    assert "which takes d-a-g7, at hand" in told(world)


def test_a_repair_brings_no_other_into_service(world: World) -> None:
    sick_while_moved(world, kind="repair", beside=False)
    reconcile(world.deployment)
    assert "if it is still unhealthy when the operation ends" in told(world)


def test_an_operation_that_nobody_wrote_down_is_told_of_too(world: World) -> None:
    sick_while_moved(world, beside=False)
    world.record.items.pop(("operation", "op2"))
    reconcile(world.deployment)
    assert "one that is not in the record" in told(world)


@pytest.mark.parametrize("verdict", [Verdict.HEALTHY, Verdict.UNKNOWN])
def test_what_the_last_look_does_not_call_sick_serves_on(world: World, verdict: Verdict) -> None:
    """A14: never fewer healthy in service than before."""
    sick_while_moved(world)
    world.see_evidence(1, verdict)
    reconcile(world.deployment)
    assert "10.0.1.1" in world.targets["balanced"]


def test_the_deploy_goes_on_and_its_cut_over_stands(world: World) -> None:
    """Its successor takes all new jobs, and what was isolated is not brought back."""
    request = sick_while_moved(world)
    reconcile(world.deployment)
    assert world.run_operation(request) == "CutOverDone"
    assert "10.0.1.1" not in world.targets["balanced"]
    assert world.incarnation(1).state is IncarnationState.RETIRING


def test_it_is_told_of_in_one_message(world: World) -> None:
    """G3: not also as something that was left behind."""
    sick_while_moved(world)
    reconcile(world.deployment)
    assert world.incarnation(1).isolated_at is not None
    assert [each["subject"].partition(": ")[2] for each in world.notices] == [
        "a is unhealthy while operation op2 works on it"
    ]
