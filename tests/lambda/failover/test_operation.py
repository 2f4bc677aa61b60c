"""Whole operations, run as the machine runs them: also each step twice, and with the answer of each call lost once."""

from __future__ import annotations

from typing import Any

import pytest

from dr_core.record import IncarnationState, Lease, ManagedCluster, Outcome

from .parts import RETIREMENTS, SPEC, START, ZONES, Clock
from .scenarios import failing, launched, never_nobody_in_service, settled, shape
from .world import World, rule_of

OTHER_SPEC = SPEC.replace("template.json", "newer.json")


def test_a_launch_puts_the_first_incarnation_into_service(world: World) -> None:
    """A10: one cluster behind the stable address."""
    assert world.run_operation(world.request("launch", "op1")) == "CutOverDone"
    assert world.managed_cluster().serving_generation == 1
    assert world.health("balanced") == {"10.0.1.1": "healthy"}
    assert list(world.targets["rm-a"]) == list(world.targets["nn-a"]) == ["10.0.1.1"]


def test_a_launch_protects_the_cluster_in_service_only(world: World) -> None:
    """Termination protection guards what serves; before that it would be in the way of a rollback."""
    assert world.run_operation(world.request("launch", "op1"), until="CutOver") == "CutOver"
    assert not world.cluster(1).protected
    world.run_operation(world.request("launch", "op1"))
    assert world.cluster(1).protected


def test_a_failover_replaces_the_incarnation_in_another_zone(world: World) -> None:
    """A12: a cluster in a different AZ takes over and the old one is stopped."""
    request = failing(launched(world))
    assert world.run_operation(request) == "CutOverDone"
    assert world.managed_cluster().serving_generation == 2
    assert world.incarnation(2).availability_zone == "us-east-1b"
    assert list(world.targets["balanced"]) == ["10.0.2.2"]
    assert world.terminated == ["emr-dr-active-passive-a-g1"]


def test_the_old_ids_stay_routed_until_the_retirement(world: World) -> None:
    """A 410 makes clients run jobs again, so it must not come before the old applications are dead."""
    assert world.run_operation(failing(launched(world))) == "CutOverDone"
    assert rule_of(1) in str(world.rules["id-1"])
    assert rule_of(2) in str(world.rules["id-2"])


def test_a_failover_ends_with_the_old_incarnation_retired(world: World) -> None:
    """A12: old address out of every group, stack and cluster gone, ids closed."""
    world.run_operation(failing(launched(world)))
    world.run_started_retirements()
    assert settled(world) == {
        "serving": 2,
        "lease": None,
        "states": {1: "retired", 2: "serving"},
        "targets": {group: ["10.0.2.2"] for group in ("balanced", "rm-a", "nn-a", "slot-2")},
        "slots": {1: None, 2: 2, 3: None, 4: None},
        "rules": settled(world)["rules"],
        "stacks": ["emr-dr-active-passive-a-g2"],
        "clusters": ["emr-dr-active-passive-a-g2"],
        "protected": ["emr-dr-active-passive-a-g2"],
    }
    assert "/_front-door/unused/1" in str(world.rules["id-1"])
    assert "unused-1" in str(world.rules["header-1"])


@pytest.mark.parametrize("twice", [False, True])
def test_a_launch_answers_cloudformation_once(world: World, twice: bool) -> None:
    """The custom resource is answered at cut-over, with what the template may ask for."""
    request = world.request("launch", "op1")
    world.expect_answer("op1", request)
    world.run_operation(request, twice=twice)
    (answer,) = world.answers
    assert answer["succeeded"]
    assert answer["data"] == {"ClusterId": "j-1", "Generation": "1"}


def _run_all(world: World, *, twice: bool = False) -> dict[str, Any]:
    request = world.request("launch", "op1")
    world.expect_answer("op1", request)
    assert world.run_operation(request, twice=twice) == "CutOverDone"
    world.clock.now += 600
    assert world.run_operation(failing(world), twice=twice) == "CutOverDone"
    world.run_started_retirements(twice=twice)
    return settled(world)


def _another(clock: Clock) -> World:
    """A world like the fixture's, at the beginning of its time."""
    clock.now = START
    world = World(clock)
    world.create_managed_cluster()
    return world


def test_every_step_may_be_called_twice(world: World, clock: Clock) -> None:
    """A14: a repeated step changes nothing."""
    assert _run_all(world, twice=True) == _run_all(_another(clock))
    assert len(world.answers) == 1


def test_a_lost_answer_of_any_call_changes_nothing_in_the_end(world: World, clock: Clock) -> None:
    """A14: the function may die after any call; the machine calls the step again and ends in the same place."""
    end = shape(_run_all(world))
    total = world.calls
    assert total > 60
    for lost in range(1, total + 1):
        other = _another(clock)
        other.lose_call = lost
        assert shape(_run_all(other)) == end, f"answer of call {lost} of {total} lost"
        assert never_nobody_in_service(other)
        assert [each["succeeded"] for each in other.answers][:1] == [True]


def test_nobody_healthy_is_taken_out_of_service(world: World) -> None:
    """A14: the old incarnation leaves only when the new one is healthy in the balanced group."""
    request = world.request("switchover", "op2", reason="upgrade")
    assert launched(world).run_operation(request) == "CutOverDone"
    left = [(address, health) for group, address, health in world.deregistered if group == "balanced"]
    assert left[0] == ("10.0.1.1", {"10.0.1.1": "healthy", "10.0.1.2": "healthy"})
    assert never_nobody_in_service(world)


def test_a_switchover_launches_its_own_spec_and_keeps_it(world: World) -> None:
    """An update of the custom resource: the new template serves, and a later failover launches it too."""
    request = world.request("switchover", "op2", reason="upgrade")
    launched(world).expect_answer("op2", request, spec=OTHER_SPEC)
    assert world.run_operation(request) == "CutOverDone"
    assert world.managed_cluster().spec == OTHER_SPEC


def test_a_failed_switchover_changes_nothing(world: World) -> None:
    """Anything that fails before Fence leaves the old incarnation as it was."""
    launched(world)
    before = settled(world)
    world.canary_state = "dead"
    request = world.request("switchover", "op2", reason="upgrade")
    world.expect_answer("op2", request, spec=OTHER_SPEC)
    assert world.run_operation(request) == "Failed"
    after = settled(world)
    assert {**after, "states": {}, "rules": {}} == {**before, "states": {}, "rules": {}}
    assert after["states"] == {1: "serving", 2: "retired"}
    assert world.managed_cluster().spec == SPEC


def test_a_failed_launch_answers_cloudformation_with_the_reason(world: World) -> None:
    """FAILED at once after the rollback, not after CloudFormation's hour."""
    world.canary_state = "dead"
    request = world.request("launch", "op1")
    world.expect_answer("op1", request)
    assert world.run_operation(request, twice=True) == "Failed"
    (answer,) = world.answers
    assert not answer["succeeded"]
    assert "the canary job failed" in answer["reason"]


@pytest.mark.parametrize("twice", [False, True])
def test_a_bad_seed_is_cured_by_a_second_one(world: World, twice: bool) -> None:
    """A13: its ids name their owner then, and nobody notices more than some minutes."""
    world.bad_seed = True
    assert world.run_operation(world.request("launch", "op1"), twice=twice) == "CutOverDone"
    incarnation = world.incarnation(1)
    assert (incarnation.canary_id, incarnation.unseeded) == (1_001_000_000, False)
    assert [step.name for step in world.cluster(1).steps] == ["emr-dr-seed-livy-op1"]
    assert rule_of(1) in str(world.rules["id-1"])


@pytest.mark.parametrize("twice", [False, True])
def test_an_incarnation_that_cannot_be_seeded_serves_alone_with_small_ids(world: World, twice: bool) -> None:
    """A13: clients reach their own jobs, as long as nobody else issues such ids."""
    world.bad_seed, world.seed_helps = True, False
    assert world.run_operation(world.request("launch", "op1"), twice=twice) == "CutOverDone"
    assert (world.incarnation(1).canary_id, world.incarnation(1).unseeded) == (1, True)
    assert "/[0-9]{1,8}" in str(world.rules["id-1"])
    assert [each["subject"] for each in world.notices if "outside its range" in each["subject"]] == [
        "emr-dr-active-passive: emr-dr-active-passive-a-g1 is going to serve with ids outside its range"
    ]


def test_a_second_incarnation_that_cannot_be_seeded_never_gets_traffic(world: World) -> None:
    """A13: both would issue the same ids; the failover fails, and what serves is kept as it is."""
    world.bad_seed, world.seed_helps = True, False
    assert world.run_operation(world.request("launch", "op1")) == "CutOverDone"
    world.clock.now += 600
    assert world.run_operation(failing(world)) == "Failed"
    assert "it may not serve like this: emr-dr-active-passive-a-g1 numbers from 0 too" in (
        world.operation("op2").message or ""
    )
    world.run_started_retirements()
    left = settled(world)
    assert left["states"] == {1: "serving", 2: "retired"}
    assert left["targets"]["slot-1"] == left["targets"]["balanced"] == ["10.0.1.1"]
    assert left["slots"] == {1: 1, 2: None, 3: None, 4: None}


def test_the_next_one_that_is_seeded_takes_over(world: World) -> None:
    """A13: the ids of the unseeded one answer 410 as those of any other do."""
    world.bad_seed, world.seed_helps = True, False
    assert world.run_operation(world.request("launch", "op1")) == "CutOverDone"
    world.clock.now += 600
    world.bad_seed = False
    assert world.run_operation(failing(world)) == "CutOverDone"
    world.run_started_retirements()
    assert settled(world)["states"] == {1: "retired", 2: "serving"}
    assert "/_front-door/unused/1" in str(world.rules["id-1"])


def test_every_lost_answer_on_the_way_to_small_ids_leads_there(world: World, clock: Clock) -> None:
    """A14: one second seed, one rule, one incarnation that serves."""

    def run(world: World) -> dict[str, Any]:
        world.bad_seed, world.seed_helps = True, False
        assert world.run_operation(world.request("launch", "op1")) == "CutOverDone"
        return shape(settled(world))

    end = run(world)
    for lost in range(1, world.calls + 1):
        other = _another(clock)
        other.lose_call = lost
        assert run(other) == end, f"answer of call {lost} lost"
        (cluster,) = other.clusters.values()
        assert len(cluster.steps) == 1
        assert [each.unseeded for each in other.deployment.record.incarnations() if str(each.state) == "serving"] == [
            True
        ]
        assert sum("/[0-9]{1,8}" in str(rule) for rule in other.rules.values()) == 1


def test_a_zone_without_capacity_is_left_for_the_next(world: World) -> None:
    """A14: launch in one AZ fails, the next one is tried, and what failed is cleaned up."""
    world.broken_zones = {"us-east-1a"}
    assert world.run_operation(world.request("launch", "op1")) == "CutOverDone"
    assert world.incarnation(1).state is IncarnationState.ABANDONED
    assert world.incarnation(2).availability_zone == "us-east-1b"
    assert world.operation("op1").tried == ("us-east-1a", "us-east-1b")
    world.run_started_retirements()
    assert world.incarnation(1).state is IncarnationState.RETIRED


def test_a_launch_fails_when_no_zone_is_left(world: World) -> None:
    """Page, keep what is there."""
    world.broken_zones = set(ZONES)
    assert world.run_operation(world.request("launch", "op1")) == "Failed"
    message = world.operation("op1").message or ""
    assert message.startswith("no availability zone is left to launch in (tried: us-east-1a, us-east-1b, us-east-1c)")
    assert "INSUFFICIENT_CAPACITY" in message
    assert world.notices[-1]["subject"] == "emr-dr-active-passive: launch of a failed"


def test_a_launch_over_its_deadline_is_given_up(world: World) -> None:
    """A cluster that hangs in its bootstrap must not hold up the recovery for ever."""
    world.LAUNCH_SECONDS = 5000
    assert world.run_operation(world.request("launch", "op1")) == "Failed"
    assert "it was not ready at its deadline" in (world.operation("op1").message or "")


def test_the_launches_of_one_operation_end_in_time_for_cloudformation(world: World) -> None:
    """45 minutes over all AZs, so that the answer comes within the custom resource's hour."""
    world.LAUNCH_SECONDS = 5000
    began = world.clock.now
    world.run_operation(world.request("launch", "op1"))
    assert world.clock.now - began < 3300


def test_a_failover_keeps_away_from_the_failed_zone(world: World) -> None:
    """A12: in a different AZ, even if the others have no capacity."""
    launched(world)
    world.broken_zones = {"us-east-1b", "us-east-1c"}
    assert world.run_operation(failing(world)) == "Failed"
    assert world.operation("op2").tried == ("us-east-1b", "us-east-1c")


def test_an_incarnation_that_recovers_is_not_replaced(world: World) -> None:
    """A14: healthy again at the second look: nothing is changed."""
    launched(world)
    before = settled(world)
    assert world.run_operation(world.request("failover", "op2", reason="unhealthy")) == "Cancelled"
    assert settled(world) == before
    assert world.operation("op2").outcome is Outcome.CANCELLED


def test_a_person_may_replace_a_healthy_incarnation(world: World) -> None:
    """A drill or a manual failover is not called off because all is well."""
    launched(world)
    assert world.run_operation(world.request("failover", "op2", reason="drill")) == "CutOverDone"


def test_a_lost_lease_stops_an_operation(world: World) -> None:
    """At most one operation for a managed cluster."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Verify")
    thief = Lease(execution="somebody", operation="other", since=1.0)
    world.put(ManagedCluster(name="a", spec=SPEC, lease=thief).to_item())
    answer = world.step("operation", "Verify", request)
    assert (answer.status, answer.message) == ("failed", "another execution took the lease")


def test_the_retirement_of_an_unplanned_end_is_started_once(world: World) -> None:
    """A step that is repeated finds the retirement started."""
    world.run_operation(failing(launched(world)), twice=True)
    started = [each["name"] for each in world.executions.values() if each.get("machine") == RETIREMENTS]
    assert started == ["a-retire-g1"]


def test_a_failover_goes_on_when_the_old_cluster_is_not_ours(world: World) -> None:
    """Never terminate a cluster whose name or tags are not ours; say so and serve."""
    request = failing(launched(world))
    world.cluster(1).tags = {"emr-dr:deployment": "somebody else's"}
    assert world.run_operation(request) == "CutOverDone"
    assert world.terminated == []
    assert any("left alone" in notice["subject"] for notice in world.notices)


def test_a_slow_load_balancer_holds_up_the_cut_over_only(world: World) -> None:
    """A14: not registered means not healthy: the old one stays until the balancer says otherwise."""
    launched(world)
    request = world.request("switchover", "op2", reason="upgrade")
    world.run_operation(request, until="CutOver")
    world.unhealthy.add("10.0.1.2")
    assert world.run_operation(request, until="nowhere") == "Failed"
    assert "10.0.1.1" in world.targets["balanced"]
    assert world.managed_cluster().serving_generation == 1


def test_a_failover_of_nothing_launches(world: World) -> None:
    """The last launch failed, and nothing is in service."""
    assert world.run_operation(world.request("failover", "op1", reason="unhealthy")) == "CutOverDone"
    assert world.operation("op1").outcome is Outcome.FAILED_OVER
