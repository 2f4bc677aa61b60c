"""Claim: one execution at a time works on a managed cluster."""

from __future__ import annotations

from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from dr_core.config import Policy
from dr_core.evidence import Verdict
from dr_core.onlooker import Sight, decide
from dr_core.record import IncarnationState, Lease, Outcome
from dr_core.requests import Kind
from dr_core.restraints import DeploymentView
from dr_core.verdicts import Judgement
from failover.record_store import Change

from ..parts import OPERATIONS
from ..scenarios import ended, failing, launched
from ..world import World


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


def test_a_claim_does_not_wait_for_ever(world: World) -> None:
    """CloudFormation waits for it, an hour at most."""
    request = launched(world).request("switchover", "op2", reason="upgrade")
    world.run_operation(request, until="Verify")
    world.step("operation", "Claim", world.request("switchover", "op3"))
    world.clock.now += 300
    assert world.step("operation", "Claim", world.request("switchover", "op3")).status == "failed"


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
