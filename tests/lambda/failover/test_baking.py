"""B13: what is asked before a change, and of whom it is not asked."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from dr_core.evidence import Verdict
from dr_core.operation_plan import Next
from dr_core.record import ManagedCluster
from dr_core.standby import spec_digest
from failover.baking import look_at_bake
from failover.calls import StepAnswer

from .parts import SPEC
from .scenarios import launched, operation_call, second_half
from .world import World

NEWER = json.dumps({**json.loads(SPEC), "template_url": "https://bucket/newer.json"}, sort_keys=True)


def changed(world: World) -> None:
    """Managed cluster a was changed to a newer spec, b has the old one since months, and an alarm is looked at."""
    launched(world)
    world.clock.now += 400
    world.put(replace(second_half(world), reason="upgrade", serving_from=world.clock.now - 90 * 86_400).to_item())
    world.put(ManagedCluster(name="b", serving_generation=90, spec=SPEC).to_item())
    policy = replace(world.deployment.config.policy, bake_alarms=("etl",))
    world.deployment = replace(world.deployment, config=replace(world.deployment.config, policy=policy))
    world.alarms["etl"] = "OK"
    forward = world.request("switchover", "op2", reason="upgrade")
    world.expect_answer("op2", forward, spec=NEWER)
    assert world.run_operation(forward) == "CutOverDone"
    world.clock.now += 60
    world.see_evidence(2, Verdict.HEALTHY)
    world.see_evidence(90, Verdict.HEALTHY)


@pytest.mark.parametrize("trouble", ["alarm", "unread", "unhealthy"])
def test_the_way_back_is_held_up_by_nothing(world: World, trouble: str) -> None:
    """What shall go is what the alarm speaks of, and where the way back fails CloudFormation gives up."""
    changed(world)
    match trouble:
        case "alarm":
            world.alarms["etl"] = "ALARM"
        case "unread":
            world.broken.add("describe_alarms")
        case _:
            world.see_evidence(90, Verdict.UNHEALTHY)
    back = world.request("switchover", "op3", reason="upgrade")
    world.expect_answer("op3", back, spec=SPEC)
    assert world.step("operation", "Claim", back).status == "done"
    assert look_at_bake(operation_call(world, back, step="Reassess"))[0] is Next.GO_ON
    assert world.step("operation", "Reassess", back).status == "done"


def taken_back(world: World) -> None:
    """Managed cluster a was changed back to the old spec, and the alarm is on ever since."""
    changed(world)
    world.clock.now += 900
    back = world.request("switchover", "op3", reason="upgrade")
    world.expect_answer("op3", back, spec=SPEC)
    assert world.run_operation(back) == "CutOverDone"
    assert (world.incarnation(2).taken_back, world.incarnation(1).taken_back) == (True, False)
    world.alarms["etl"] = "ALARM"


def again(world: World) -> StepAnswer:
    """What Reassess says to a deploy of the newer spec."""
    request = world.request("switchover", "op4", reason="upgrade")
    world.expect_answer("op4", request, spec=NEWER)
    world.step("operation", "Claim", request)
    answer: StepAnswer = world.step("operation", "Reassess", request)
    return answer


def other_half(world: World, *, since: float) -> None:
    """Managed cluster b has the newer spec *since* then."""
    half = replace(world.incarnation(90), spec_digest=spec_digest(NEWER), serving_from=since)
    world.put(half.to_item())
    world.put(ManagedCluster(name="b", serving_generation=90, spec=NEWER).to_item())
    world.see_evidence(90, Verdict.HEALTHY)


def test_what_was_taken_back_is_proved_when_it_is_deployed_again(world: World) -> None:
    """A change back does not make the change known as good that it undid."""
    taken_back(world)
    world.clock.now += 7 * 86_400
    other_half(world, since=world.clock.now - 60)
    answer = again(world)
    assert (answer.status, "the alarm etl of controller.bake_alarms is on" in answer.message) == ("failed", True)


def test_a_way_back_that_is_taken_back_itself_is_held_up_by_nothing(world: World) -> None:
    """The other half could not go back: CloudFormation brings this one forward again, and gives up where it cannot."""
    taken_back(world)
    other_half(world, since=world.clock.now - 86_400)
    world.clock.now += 7200
    assert again(world).status == "done"


@pytest.mark.parametrize("reason", ["unhealthy", "manual"])
def test_what_took_the_place_of_what_was_changed_is_looked_at_too(world: World, reason: str) -> None:
    """The first half was changed, and replaced since; its cluster of the new spec is sick."""
    launched(world)
    first = replace(second_half(world), reason=reason, spec_digest=spec_digest(NEWER))
    world.put(first.to_item())
    world.put(ManagedCluster(name="b", serving_generation=90, spec=NEWER).to_item())
    world.clock.now += 60
    world.see_evidence(90, Verdict.UNHEALTHY)
    forward = world.request("switchover", "op2", reason="upgrade")
    world.expect_answer("op2", forward, spec=NEWER)
    world.step("operation", "Claim", forward)
    answer = world.step("operation", "Reassess", forward)
    assert (answer.status, "is unhealthy" in answer.message) == ("failed", True)


def test_an_alarm_stops_a_change_that_was_never_proved(world: World) -> None:
    """The same alarm, and a spec that has not served here yet."""
    changed(world)
    world.alarms["etl"] = "ALARM"
    third = json.dumps({**json.loads(SPEC), "template_url": "https://bucket/third.json"}, sort_keys=True)
    world.put(ManagedCluster(name="b", serving_generation=90, spec=third).to_item())
    forward = world.request("switchover", "op3", reason="upgrade")
    world.expect_answer("op3", forward, spec=third)
    world.step("operation", "Claim", forward)
    answer = world.step("operation", "Reassess", forward)
    assert (answer.status, "the alarm etl of controller.bake_alarms is on" in answer.message) == ("failed", True)
    assert look_at_bake(operation_call(world, forward, step="Reassess"))[0] is Next.STOP
