"""Fence: what failed comes to its end, and only what failed, and only when a successor is proved."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from failover.errors import InvariantError

from ..scenarios import failing, launched
from ..world import World, rule_of


def test_the_end_of_what_failed_is_requested(world: World) -> None:
    """A12: stop the old one, so that it cannot write beside its successor."""
    request = failing(launched(world))
    world.run_operation(request, until="Fence")
    answer = world.step("operation", "Fence", request)
    assert (answer.status, answer.message) == (
        "done",
        "the old ResourceManager does not answer; the end of j-1 is requested",
    )
    assert world.terminated == ["emr-dr-active-passive-a-g1"]
    assert world.incarnation(1).terminate_requested_at == world.clock.now


def test_nothing_is_waited_for(world: World) -> None:
    """New jobs are safe at once; the old ids keep their way until the retirement knows that nothing runs."""
    request = failing(launched(world))
    world.run_operation(request, until="Fence")
    assert world.step("operation", "Fence", request).status == "done"
    assert world.cluster_state(world.cluster(1)) == "TERMINATING"
    assert rule_of(1) in str(world.rules["id-1"])
    assert world.incarnation(1).fenced_at is None


def test_a_second_call_requests_no_second_end(world: World) -> None:
    """A14: the first time of the request is what the retirement's limit counts from."""
    request = failing(launched(world))
    world.run_operation(request, until="Fence")
    world.step("operation", "Fence", request)
    requested = world.incarnation(1).terminate_requested_at
    world.clock.now += 7
    assert world.step("operation", "Fence", request).status == "done"
    assert world.terminated == ["emr-dr-active-passive-a-g1"]
    assert world.incarnation(1).terminate_requested_at == requested


def test_fence_kills_the_applications_that_still_run(world: World) -> None:
    """Livy died, YARN lives: its applications would write beside their second run."""
    launched(world)
    world.cluster(1).applications.append("application_1_0002")
    assert world.run_operation(world.request("failover", "op2", reason="drill"), until="CutOver") == "CutOver"
    assert world.cluster(1).applications == []
    assert world.incarnation(1).terminate_requested_at is not None


def test_applications_that_do_not_end_are_named(world: World) -> None:
    """Their end is the cluster's."""
    request = launched(world).request("failover", "op2", reason="drill")
    world.cluster(1).applications.append("application_1_0002")
    world.cluster(1).stubborn = True
    world.run_operation(request, until="Fence")
    assert "(still running: application_1_0002)" in world.step("operation", "Fence", request).message


def test_fence_does_without_probers(world: World) -> None:
    """EMR is asked to end the cluster all the same."""
    request = failing(launched(world))
    world.run_operation(request, until="Fence")
    world.dead_probers = {f"prober-us-east-1{zone}" for zone in "abc"}
    assert world.step("operation", "Fence", request).status == "done"
    assert world.terminated == ["emr-dr-active-passive-a-g1"]


def test_an_old_incarnation_without_an_address_is_ended_all_the_same(world: World) -> None:
    """EMR knows its cluster."""
    request = failing(launched(world))
    world.run_operation(request, until="Fence")
    world.record.items["incarnation", "g000001"].pop("primary_address")
    answer = world.step("operation", "Fence", request)
    assert answer.message == "the old incarnation has no address; the end of j-1 is requested"
    assert world.terminated == ["emr-dr-active-passive-a-g1"]


def test_what_is_replaced_as_planned_goes_on_working(world: World) -> None:
    """Its retirement ends it."""
    request = launched(world).request("switchover", "op2", reason="upgrade")
    world.cluster(1).applications.append("application_1_0002")
    world.run_operation(request, until="Fence")
    assert world.step("operation", "Fence", request).status == "done"
    assert world.cluster(1).applications == ["application_1_0002"]
    assert world.terminated == []


def test_a_failover_of_nothing_ends_nothing(world: World) -> None:
    """The last launch failed, and nothing is in service."""
    request = world.request("failover", "op1", reason="unhealthy")
    world.run_operation(request, until="Fence")
    assert world.step("operation", "Fence", request).message == "nothing was in service"
    assert world.terminated == []


def test_the_new_incarnation_is_never_the_old_one(world: World) -> None:
    """A failover that took over what serves already must not end it."""
    request = failing(launched(world))
    world.run_operation(request, until="Fence")
    world.put({**world.operation("op2").to_item(), "old_generation": 2})
    assert world.step("operation", "Fence", request).message == "nothing was in service"
    assert world.terminated == []


def test_fence_waits_for_nobody_who_is_not_ready(world: World) -> None:
    """Never end the old one before the new one is proved."""
    request = failing(launched(world))
    world.run_operation(request, until="Fence")
    world.put({**world.incarnation(2).to_item(), "state": "launching"})
    with pytest.raises(InvariantError, match="g000002 is launching and cannot take over"):
        world.step("operation", "Fence", request)
    assert world.terminated == []


def test_fence_without_a_launch_is_refused(world: World) -> None:
    """A14: nothing is ended while nothing could take over."""
    request = failing(launched(world))
    world.step("operation", "Claim", request)
    with pytest.raises(InvariantError, match="launched nothing that Fence could work on"):
        world.step("operation", "Fence", request)
    assert world.terminated == []


@pytest.mark.parametrize("mark", ["name", "tags"])
def test_a_cluster_that_is_not_ours_is_left_alone(world: World, mark: str) -> None:
    """Never terminate what is not ours; a person is told, and the traffic moves all the same."""
    request = failing(launched(world))
    world.run_operation(request, until="Fence")
    setattr(world.clusters["j-1"], mark, {} if mark == "tags" else "another")
    assert world.step("operation", "Fence", request).status == "done"
    assert world.terminated == []
    assert world.notices[-1]["subject"] == "emr-dr-active-passive: the cluster of g000001 was left alone"


@pytest.mark.parametrize("call", ["describe_cluster", "set_termination_protection", "terminate_job_flows"])
def test_an_end_that_could_not_be_requested_is_requested_again(world: World, call: str) -> None:
    """A14: an error of our own call; the operation does not go on without it."""
    request = failing(launched(world))
    world.run_operation(request, until="Fence")
    world.broken = {call}
    with pytest.raises(ClientError, match="Rate exceeded"):
        world.step("operation", "Fence", request)
    world.broken.clear()
    assert world.step("operation", "Fence", request).status == "done"
    assert world.terminated == ["emr-dr-active-passive-a-g1"]


def test_an_end_is_written_down_before_it_is_requested(world: World) -> None:
    """EMR calls it ``USER_REQUEST``, and the monitor would take it for a person's."""
    request = failing(launched(world))
    world.run_operation(request, until="Fence")
    world.broken = {"terminate_job_flows"}
    with pytest.raises(ClientError, match="Rate exceeded"):
        world.step("operation", "Fence", request)
    assert world.incarnation(1).terminate_requested_at == world.clock.now
