"""Claim: one execution at a time works on a managed cluster."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_core.config import Policy
from dr_core.evidence import Verdict
from dr_core.onlooker import Sight, decide
from dr_core.record import IncarnationState, Incident, IncidentState, Lease, ManagedCluster, Outcome
from dr_core.requests import Kind
from dr_core.restraints import DeploymentView
from dr_core.standby import spec_digest
from dr_core.verdicts import Judgement
from failover.execution_ended import tidy_up
from failover.record_store import Change

from ..parts import OPERATIONS, SPEC
from ..planned import draining
from ..scenarios import ended, failing, launched, second_half
from ..world import World

NEWER = json.dumps({**json.loads(SPEC), "template_url": "https://bucket/newer.json"}, sort_keys=True)


def test_a_free_lease_is_taken(world: World) -> None:
    """Whoever holds it, and since when, stands in the record."""
    request = launched(world).request("switchover", "op2", reason="upgrade")
    assert world.step("operation", "Claim", request).status == "done"
    assert world.managed_cluster().lease == Lease(
        execution=world.execution(OPERATIONS, "op2"), operation="op2", since=world.clock.now
    )


def test_what_serves_is_noted_down_with_the_lease(world: World) -> None:
    """Launch keeps away from its zone, and Fence ends it."""
    world.step("operation", "Claim", launched(world).request("switchover", "op2", reason="upgrade"))
    assert world.operation("op2").old_generation == 1


def test_a_second_call_keeps_the_lease_as_it_is(world: World) -> None:
    """A14: a repeated step changes nothing."""
    request = world.request("launch", "op1")
    world.step("operation", "Claim", request)
    lease = world.managed_cluster().lease
    world.clock.now += 100
    assert world.step("operation", "Claim", request).status == "done"
    assert world.managed_cluster().lease == lease


def test_a_claim_waits_for_another_operation(world: World) -> None:
    """At most one operation for a managed cluster."""
    request = launched(world).request("switchover", "op2", reason="upgrade")
    world.run_operation(request, until="Verify")
    assert world.step("operation", "Claim", world.request("switchover", "op3")).status == "wait"


@pytest.mark.parametrize(("kind", "limit"), [("switchover", 2340), ("launch", 2340), ("repair", 300)])
def test_a_claim_waits_for_as_long_as_its_launch_may_begin(world: World, kind: str, limit: int) -> None:
    """CloudFormation waits an hour; Launch counts its 2700 s from the same moment, and needs 360 s of them at least."""
    request = launched(world).request("switchover", "op2", reason="upgrade")
    world.run_operation(request, until="Verify")
    mine = world.request(kind, "op3")
    world.expect_answer("op3", mine)
    started = world.clock.now
    world.step("operation", "Claim", mine)
    world.clock.now = started + limit - 1
    assert world.step("operation", "Claim", mine).status == "wait"
    world.clock.now = started + limit
    answer = world.step("operation", "Claim", mine)
    assert (answer.status, f"for more than {limit} s" in answer.message) == ("failed", True)


def test_what_was_spent_before_the_claim_is_not_there_to_wait(world: World) -> None:
    """The limit of a launch counts from when it was asked for, as CloudFormation's does."""
    world.run_operation(launched(world).request("switchover", "op2", reason="upgrade"), until="Verify")
    mine = world.request("switchover", "op3", reason="upgrade")
    world.expect_answer("op3", mine)
    world.put({**world.operation("op3").to_item(), "started_at": world.clock.now - 1000})
    world.step("operation", "Claim", mine)
    world.clock.now += 1340
    assert world.step("operation", "Claim", mine).status == "failed"


def failover_that_launches(world: World) -> dict[str, Any]:
    """The failover of generation 1, whose cluster is being launched, while another half serves."""
    launched(world)
    second_half(world)
    failover = failing(world)
    world.run_operation(failover, until="Launch")
    world.step("operation", "Launch", failover)
    return failover


def way_back(world: World) -> tuple[dict[str, Any], dict[str, Any]]:
    """The failover of what an upgrade made sick, while it launches, and the Update back to what served before."""
    launched(world)
    forward = world.request("switchover", "op2", reason="upgrade")
    world.expect_answer("op2", forward, spec=NEWER)
    assert world.run_operation(forward) == "CutOverDone"
    world.clock.now += 100
    failover = failing(world, "op3")
    assert world.run_operation(failover, until="Launch") == "Launch"
    world.step("operation", "Launch", failover)
    back = world.request("switchover", "op4", reason="upgrade")
    world.expect_answer("op4", back, spec=SPEC)
    return failover, back


def test_the_way_back_supersedes_the_failover_that_launches_what_shall_go(world: World) -> None:
    """B13: what made it sick is not brought up once more, and CloudFormation is not kept waiting for it."""
    failover, back = way_back(world)
    assert world.incarnation(3).spec_digest == spec_digest(NEWER)
    assert world.run_operation(back) == "CutOverDone"
    assert world.executions[world.execution(OPERATIONS, "op3")]["status"] == "ABORTED"
    assert world.incarnation(3).state is IncarnationState.ABANDONED
    assert (world.managed_cluster().serving_generation, world.managed_cluster().spec) == (4, SPEC)
    assert [(each["request"], each["succeeded"]) for each in world.answers][-1] == ("op4", True)
    tidy_up(world.deployment, ended(world, failover, status="ABORTED"))
    world.run_started_retirements()
    assert world.incarnation(3).state is IncarnationState.RETIRED
    assert world.managed_cluster().serving_generation == 4


def test_a_step_of_the_superseded_failover_changes_nothing_any_more(world: World) -> None:
    """A14: it outlives its execution by minutes, and may neither launch nor end anything."""
    failover, back = way_back(world)
    assert world.step("operation", "Claim", back).status == "done"
    before = world.incarnation(2), len(world.stacks)
    for step in ("Launch", "Verify", "Route", "Fence", "CutOver"):
        assert world.step("operation", step, failover).status == "failed"
    assert (world.incarnation(2), len(world.stacks)) == before


def test_a_failover_whose_cluster_is_up_is_waited_for(world: World) -> None:
    """It is as good as done, and what it has brought up is replaced after that."""
    failover, back = way_back(world)
    world.run_operation(failover, until="Route")
    assert world.step("operation", "Claim", back).status == "wait"
    world.clock.now += 400
    assert world.step("operation", "Claim", back).status == "wait"
    assert world.incarnation(3).state is IncarnationState.VERIFYING
    assert world.executions[world.execution(OPERATIONS, "op3")]["status"] == "RUNNING"


def test_nobody_is_kept_out_of_service_for_what_was_never_proved(world: World) -> None:
    """A14: the failover brings back what served well, and the change follows; unless another half serves."""
    launched(world)
    failover = failing(world)
    world.run_operation(failover, until="Launch")
    world.step("operation", "Launch", failover)
    forward = world.request("switchover", "op3", reason="upgrade")
    world.expect_answer("op3", forward, spec=NEWER)
    assert world.step("operation", "Claim", forward).status == "wait"
    second_half(world)
    world.clock.now += 30
    assert world.step("operation", "Claim", forward).status == "done"


def test_what_a_superseded_failover_has_isolated_stays_out_if_the_change_fails(world: World) -> None:
    """A2: it is as sick as before, and another half serves."""
    failover_that_launches(world)
    assert world.incarnation(1).isolated_at is not None
    forward = world.request("switchover", "op3", reason="upgrade")
    world.expect_answer("op3", forward, spec=NEWER)
    assert world.step("operation", "Claim", forward).status == "done"
    world.step("operation", "RollBack", forward)
    assert world.incarnation(1).isolated_at is not None


def test_a_holder_without_a_record_is_waited_for(world: World) -> None:
    """Nobody knows what it does."""
    failover, back = way_back(world)
    del world.record.items["operation", failover["operation"]]
    assert world.step("operation", "Claim", back).status == "wait"


def test_a_second_failover_is_called_off(world: World) -> None:
    """The first one answers the same incident."""
    request = failing(launched(world))
    world.run_operation(request, until="Verify")
    assert world.run_operation(world.request("failover", "op3", reason="unhealthy")) == "Cancelled"
    assert world.operation("op3").outcome is Outcome.CANCELLED
    lease = world.managed_cluster().lease
    assert lease is not None
    assert lease.operation == "op2"


def test_what_a_second_monitor_asks_for_is_called_off_while_an_operation_runs(world: World) -> None:
    """A11: whoever it is, and though it saw the lease free: nothing is launched, and the first goes on."""
    request = failing(launched(world))
    judgement = Judgement(
        verdict=Verdict.UNHEALTHY, reason="livy: bad", first_bad_at=world.clock.now - 30, actionable=True
    )
    sight = Sight(managed_cluster=replace(world.managed_cluster(), lease=None), judged_from=None, judgement=judgement)
    asked = decide(sight, (), DeploymentView(), now=world.clock.now, policy=Policy())[1]
    assert asked is not None
    world.run_operation(request, until="Verify")
    before = world.managed_cluster()

    assert world.run_operation(asked.to_dict()) == "Cancelled"

    assert world.operation(asked.operation).outcome is Outcome.CANCELLED
    assert world.operation(asked.operation).generation is None
    assert world.managed_cluster() == before


@pytest.mark.parametrize("kind", [Kind.LAUNCH, Kind.FAILOVER, Kind.SWITCHOVER])
def test_a_closed_execution_loses_its_lease(world: World, kind: Kind) -> None:
    """Taken over only when DescribeExecution says that the holder is closed."""
    request = launched(world).request("switchover", "op2", reason="upgrade")
    world.run_operation(request, until="Verify")
    ended(world, request)
    assert world.step("operation", "Claim", world.request(kind, "op3")).status == "done"
    lease = world.managed_cluster().lease
    assert lease is not None
    assert lease.operation == "op3"


def test_a_holder_that_step_functions_forgot_is_closed(world: World) -> None:
    """Executions are forgotten after 90 days."""
    lease = {"execution": "arn:forgotten", "operation": "old", "since": 1}
    world.put({**world.managed_cluster().to_item(), "lease": lease})
    assert world.step("operation", "Claim", world.request("launch", "op1")).status == "done"


def test_a_holder_that_step_functions_does_not_know_yet_keeps_its_lease(world: World) -> None:
    """A14: DescribeExecution is eventually consistent; two operations at once must not be."""
    lease = {"execution": "arn:young", "operation": "other", "since": world.clock.now - 59}
    world.put({**world.managed_cluster().to_item(), "lease": lease})
    request = world.request("launch", "op1")
    assert world.step("operation", "Claim", request).status == "wait"
    world.clock.now += 1
    assert world.step("operation", "Claim", request).status == "done"


def test_a_holder_that_waits_to_be_redriven_is_open(world: World) -> None:
    """Step Functions will run it on: two executions would work at once."""
    request = launched(world).request("switchover", "op2", reason="upgrade")
    world.run_operation(request, until="Verify")
    ended(world, request, status="PENDING_REDRIVE")
    assert world.step("operation", "Claim", world.request("switchover", "op3")).status == "wait"


def test_nothing_is_taken_while_nobody_says_whether_the_holder_runs(world: World) -> None:
    """A14: an error of our own call is no closed execution."""
    request = launched(world).request("switchover", "op2", reason="upgrade")
    world.run_operation(request, until="Verify")
    ended(world, request)
    world.broken = {"describe_execution"}
    with pytest.raises(ClientError, match="Rate exceeded"):
        world.step("operation", "Claim", world.request("switchover", "op3"))
    lease = world.managed_cluster().lease
    assert lease is not None
    assert lease.operation == "op2"


def test_a_lease_that_changes_hands_meanwhile_is_not_taken(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lease is taken by a condition on the holder that was seen."""
    request = launched(world).request("switchover", "op2", reason="upgrade")
    world.run_operation(request, until="Verify")
    ended(world, request)
    change = world.record.change_together

    def change_after_somebody_else(*wanted: Change) -> bool:
        world.put({**world.managed_cluster().to_item(), "lease": {"execution": "x", "operation": "y", "since": 1}})
        return change(*wanted)

    monkeypatch.setattr(world.record, "change_together", change_after_somebody_else)
    answer = world.step("operation", "Claim", world.request("switchover", "op3"))
    assert (answer.status, answer.message) == ("wait", "another execution took the lease at the same moment")


def test_the_lease_of_what_is_being_deleted_is_not_taken(world: World) -> None:
    """The retirement of the whole managed cluster works on it."""
    world.put({**world.managed_cluster().to_item(), "tombstone": True})
    answer = world.step("operation", "Claim", world.request("launch", "op1"))
    assert (answer.status, answer.message) == ("failed", "the managed cluster is being deleted")
    assert world.managed_cluster().lease is None


def test_nothing_is_claimed_of_a_managed_cluster_that_is_being_deleted(world: World) -> None:
    """The tombstone stops an operation at its first step."""
    world.put({**world.managed_cluster().to_item(), "tombstone": True})
    assert world.run_operation(world.request("failover", "op1", reason="unhealthy")) == "Failed"
    assert world.stacks == {}


def test_leftovers_are_left_alone_without_the_lease(world: World) -> None:
    """They belong to the execution that runs."""
    world.run_operation(launched(world).request("switchover", "op2", reason="upgrade"), until="Verify")
    world.step("operation", "Claim", world.request("switchover", "op3"))
    assert world.incarnation(2).state is IncarnationState.VERIFYING


def test_leftovers_of_a_closed_execution_are_given_up(world: World) -> None:
    """A cluster that nobody waits for costs money."""
    request = launched(world).request("switchover", "op2", reason="upgrade")
    world.run_operation(request, until="Verify")
    ended(world, request)
    world.step("operation", "Claim", world.request("switchover", "op3"))
    assert world.incarnation(2).state is IncarnationState.ABANDONED


def test_a_failover_is_not_stopped_for_a_change_that_would_be_refused(world: World) -> None:
    """A14: it would be missing then, and what it had launched would be gone for nothing."""
    failover_that_launches(world)
    for generation, slot in ((50, 2), (51, 3), (52, 4)):
        draining(world, generation, slot)
    forward = world.request("switchover", "op3", reason="upgrade")
    world.expect_answer("op3", forward, spec=NEWER)
    assert world.step("operation", "Claim", forward).status == "wait"
    assert world.executions[world.execution(OPERATIONS, "op2")]["status"] == "RUNNING"


def test_a_failover_is_not_stopped_for_a_change_that_an_alarm_stops(world: World) -> None:
    """B13, A14: the same alarm may be on because of what the failover replaces."""
    launched(world)
    world.put(replace(second_half(world), reason="upgrade", serving_from=world.clock.now - 100).to_item())
    world.put(ManagedCluster(name="b", serving_generation=90, spec=NEWER).to_item())
    policy = replace(world.deployment.config.policy, bake_alarms=("etl",))
    world.deployment = replace(world.deployment, config=replace(world.deployment.config, policy=policy))
    world.alarms["etl"] = "ALARM"
    failover = failing(world)
    world.run_operation(failover, until="Launch")
    world.step("operation", "Launch", failover)
    forward = world.request("switchover", "op3", reason="upgrade")
    world.expect_answer("op3", forward, spec=NEWER)
    assert world.step("operation", "Claim", forward).status == "wait"
    assert world.executions[world.execution(OPERATIONS, "op2")]["status"] == "RUNNING"


def test_the_change_that_superseded_a_failover_does_not_return_to_its_zone(world: World) -> None:
    """A12: what ended the one before may be there still, and the next launch of anybody knows of it."""
    _, back = way_back(world)
    zone = world.incarnation(2).availability_zone
    incident = Incident(managed_cluster="a", incident="a-1", state=IncidentState.OPEN, since=1.0, first_bad_at=1.0)
    world.put(incident.to_item())
    assert world.run_operation(back) == "CutOverDone"
    assert world.incarnation(4).availability_zone not in (None, zone)
    assert world.incarnation(2).left_by == "failover"
