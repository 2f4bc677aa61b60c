"""Leftovers: what an interrupted operation began is finished or given up, and what serves is neither."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dr_core.evidence import Service, Verdict
from dr_core.record import IncarnationState
from failover.leftovers import abandon, give_up_launch, in_service_group, take_care_of_leftovers

from .parts import RETIREMENTS, SPEC
from .scenarios import ended, failing, launched, operation_call
from .world import World

NEWER = json.dumps({**json.loads(SPEC), "template_url": "https://bucket/newer.json"})


def left_behind(world: World, *, until: str = "Route") -> None:
    """Generation 2 was begun by a failover that ended."""
    request = failing(launched(world))
    world.run_operation(request, until=until)
    if until == "CutOver":
        world.step("operation", "CutOver", request)
    ended(world, request)


def next_operation(world: World, kind: str) -> dict[str, Any]:
    """The request of the next operation; its item exists."""
    request = world.request(kind, "op3", reason="manual")
    world.expect_answer("op3", request)
    return request


def retirements(world: World) -> list[str]:
    return [each["name"] for each in world.executions.values() if each.get("machine") == RETIREMENTS]


def test_what_is_given_up_is_retired(world: World) -> None:
    """Once, however often it is given up."""
    left_behind(world)
    for _ in range(2):
        assert abandon(world.deployment, world.incarnation(2))
    assert world.incarnation(2).state is IncarnationState.ABANDONED
    assert retirements(world) == ["a-retire-g2"]


def test_why_it_was_given_up_is_written_down_and_kept(world: World) -> None:
    """A14: together with the state, and not lost when somebody gives it up again."""
    left_behind(world)
    abandon(world.deployment, world.incarnation(2), because="no capacity")
    abandon(world.deployment, world.incarnation(2))
    assert world.incarnation(2).given_up == "no capacity"


@pytest.mark.parametrize("state", ["serving", "retiring", "retired"])
def test_what_is_further_is_not_given_up(world: World, state: str) -> None:
    """A14: whoever wants to give it up read the record too early."""
    left_behind(world)
    before = world.incarnation(2)
    world.put({**before.to_item(), "state": state})
    assert not abandon(world.deployment, before)
    assert str(world.incarnation(2).state) == state
    assert retirements(world) == []


def test_the_service_group_is_the_balanced_one(world: World) -> None:
    """A slot alone is no service."""
    left_behind(world)
    assert world.incarnation(2).slot is not None
    assert not in_service_group(world.deployment, world.incarnation(2))
    assert in_service_group(world.deployment, world.incarnation(1))


def test_what_has_no_address_is_in_no_group(world: World) -> None:
    """It is still being launched."""
    left_behind(world)
    world.record.items["incarnation", "g000001"].pop("primary_address")
    assert not in_service_group(world.deployment, world.incarnation(1))


@pytest.mark.parametrize("kind", ["failover", "switchover"])
def test_what_was_only_begun_is_given_up(world: World, kind: str) -> None:
    """Nothing was changed for it yet."""
    left_behind(world)
    take_care_of_leftovers(operation_call(world, next_operation(world, kind)))
    assert world.incarnation(2).state is IncarnationState.ABANDONED


def test_a_failover_takes_over_what_is_in_service_already(world: World) -> None:
    """It is proved: launching another one would take eight minutes more."""
    left_behind(world, until="CutOver")
    take_care_of_leftovers(operation_call(world, next_operation(world, "failover")))
    assert world.operation("op3").generation == 2
    assert (world.incarnation(2).state, world.incarnation(2).operation) == (IncarnationState.VERIFYING, "op3")


def test_a_switchover_leaves_what_is_in_service_to_its_cut_over(world: World) -> None:
    """A14: it may be the only healthy one."""
    left_behind(world, until="CutOver")
    take_care_of_leftovers(operation_call(world, next_operation(world, "switchover")))
    assert world.operation("op3").generation is None
    assert (world.incarnation(2).state, world.incarnation(2).operation) == (IncarnationState.VERIFYING, "op2")


@pytest.mark.parametrize("change", [{"operation": "op3"}, {"managed_cluster": "b"}, {"state": "serving"}])
def test_other_incarnations_are_left_alone(world: World, change: dict[str, str]) -> None:
    """What this operation began, what is of another managed cluster, and what serves."""
    left_behind(world)
    world.put({**world.incarnation(2).to_item(), **change})
    before = world.incarnation(2)
    take_care_of_leftovers(operation_call(world, next_operation(world, "failover")))
    assert world.incarnation(2) == before
    assert retirements(world) == []


def test_a_second_call_changes_nothing(world: World) -> None:
    """A14: Claim may be repeated."""
    left_behind(world, until="CutOver")
    call = operation_call(world, next_operation(world, "failover"))
    take_care_of_leftovers(call)
    before = world.incarnation(2)
    take_care_of_leftovers(call)
    assert world.incarnation(2) == before


@pytest.mark.parametrize(("until", "words"), [("Route", "is being deleted"), ("CutOver", "stays where it is")])
def test_an_ended_failovers_launch_is_given_up_before_it_serves(world: World, until: str, words: str) -> None:
    """In the balanced group it is the next operation's to finish."""
    left_behind(world, until=until)
    assert words in give_up_launch(world.deployment, world.operation("op2"))
    assert (world.incarnation(2).state is IncarnationState.ABANDONED) == (until == "Route")
    assert ("10.0.2.2" in world.targets.get("balanced", {})) == (until == "CutOver")


def test_an_operation_that_launched_nothing_has_nothing_to_give_up(world: World) -> None:
    """It ended before."""
    request = launched(world).request("switchover", "op2", reason="upgrade")
    world.run_operation(request, until="Launch")
    assert give_up_launch(world.deployment, world.operation("op2")) == "Nothing had to be undone."


# What was given up for it.


def fenced(world: World) -> dict[str, Any]:
    """The request of a failover whose step died when it had written down that generation 1 is ended."""
    request = failing(launched(world))
    world.run_operation(request, until="Fence")
    world.put({**world.incarnation(1).to_item(), "terminate_requested_at": world.clock.now})
    ended(world, request)
    return request


def test_the_successor_of_what_is_being_ended_is_kept(world: World) -> None:
    """A14: it is all that the managed cluster has left, in the balanced group or not yet."""
    fenced(world)
    assert "is kept" in give_up_launch(world.deployment, world.operation("op2"))
    assert world.incarnation(2).state is IncarnationState.VERIFYING
    take_care_of_leftovers(operation_call(world, next_operation(world, "failover")))
    assert world.operation("op3").generation == 2
    world.clock.now += 1
    assert world.run_operation(world.request("failover", "op3", reason="unhealthy")) == "CutOverDone"
    assert world.managed_cluster().serving_generation == 2


def test_what_fell_sick_in_service_before_it_was_recorded_is_brought_in_nevertheless(world: World) -> None:
    """A14: nothing else is left, and only what the record calls in service is ever judged and replaced."""
    fenced(world)
    world.targets["balanced"] = {"10.0.2.2": 0.0}
    request = world.request("failover", "op3", reason="unhealthy")
    assert world.step("operation", "Claim", request).status == "done"
    world.see_evidence(2, Verdict.UNHEALTHY, services=(Service.NAME_NODE,))
    assert world.step("operation", "Verify", request).status == "wait"
    world.clock.now += 300
    world.see_evidence(2, Verdict.UNHEALTHY, services=(Service.NAME_NODE,))
    answer = world.step("operation", "Verify", request)
    assert (answer.status, "its cut-over is finished" in answer.message) == ("done", True)


def test_what_fell_sick_before_it_was_in_service_is_not_brought_in(world: World) -> None:
    """A14: another one is launched for it."""
    fenced(world)
    request = world.request("failover", "op3", reason="unhealthy")
    world.step("operation", "Claim", request)
    world.see_evidence(2, Verdict.UNHEALTHY, services=(Service.NAME_NODE,))
    world.step("operation", "Verify", request)
    world.clock.now += 300
    assert world.step("operation", "Verify", request).status == "failed"


@pytest.mark.parametrize("what", ["state", "slot"])
def test_what_was_not_proved_succeeds_nobody(world: World, what: str) -> None:
    fenced(world)
    item = {**world.incarnation(2).to_item(), "state": "launching" if what == "state" else "verifying"}
    if what == "slot":
        item.pop("slot")
    world.put(item)
    give_up_launch(world.deployment, world.operation("op2"))
    assert world.incarnation(2).state is IncarnationState.ABANDONED


def test_what_is_being_ended_takes_no_place_back(world: World) -> None:
    """A14: it looks healthy until its cluster is gone; its successor is in the group already."""
    launched(world)
    request = world.request("failover", "op2", reason="manual")
    world.run_operation(request, until="CutOver")
    assert world.health("balanced")["10.0.1.1"] == "healthy"
    ended(world, request)
    assert "stays where it is" in give_up_launch(world.deployment, world.operation("op2"))
    assert "10.0.2.2" in world.targets["balanced"]


def test_what_took_jobs_until_it_was_given_up_has_its_last_job_waited_for(world: World) -> None:
    """A14: a client may hand in a job on a connection that it keeps; 410 must not come while that one begins."""
    launched(world)
    request = world.request("failover", "op2", reason="manual")
    world.run_operation(request, until="Fence")
    assert world.step("operation", "Fence", request).status == "wait"
    ended(world, request)
    assert "was taken out of the balanced group again" in give_up_launch(world.deployment, world.operation("op2"))
    assert world.incarnation(2).serving_to == world.clock.now
    assert list(world.targets["balanced"]) == ["10.0.1.1"]


def test_what_is_taken_over_brings_its_own_spec_or_none(world: World) -> None:
    """Of two that were left in service the second is the one that serves in the end."""
    left_behind(world, until="CutOver")
    world.put({**world.operation("op2").to_item(), "spec": NEWER})
    request = next_operation(world, "failover")
    take_care_of_leftovers(operation_call(world, request))
    assert world.operation("op3").spec == NEWER
    world.put({**world.operation("op2").to_item(), "spec": None})
    world.put({**world.incarnation(2).to_item(), "operation": "op2"})
    take_care_of_leftovers(operation_call(world, request))
    assert world.operation("op3").spec is None


def test_a_spec_that_differs_in_limits_alone_is_not_brought_along(world: World) -> None:
    """Limits that were changed in place since would be taken back."""
    left_behind(world, until="CutOver")
    world.put({**world.operation("op2").to_item(), "spec": json.dumps({**json.loads(SPEC), "tags": {"old": "x"}})})
    take_care_of_leftovers(operation_call(world, next_operation(world, "failover")))
    assert world.operation("op3").spec is None
