"""AwaitFenced: nobody is told to run a job again while the first run may still write."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_core.metrics import FENCE_OVERDUE
from dr_core.record import IncarnationState
from failover.errors import InvariantError

from ..scenarios import deletion, failed_over, launched, no_probers
from ..world import World, rule_of


def with_a_resource_manager(world: World) -> dict[str, Any]:
    """The request of the retirement of a cluster that ends slowly, 40 s after its end was requested; YARN answers."""
    request = failed_over(world)
    world.cluster(1).rm_reachable = True
    world.TERMINATION_SECONDS = 10_000
    world.put({**world.incarnation(1).to_item(), "terminate_requested_at": world.clock.now - 40})
    return request


def test_ids_are_closed_only_when_the_cluster_is_terminated(world: World) -> None:
    """With a dead ResourceManager nobody but EMR can say that the applications ended."""
    request = failed_over(world)
    world.run_retirement(request, until="AwaitFenced")
    while world.step("retirement", "AwaitFenced", request).status == "wait":
        assert world.cluster_state(world.cluster(1)) == "TERMINATING"
        assert rule_of(1) in str(world.rules["id-1"])
        world.clock.now += 10
    assert world.cluster_state(world.cluster(1)) == "TERMINATED"


def test_the_time_of_the_proof_is_noted_down(world: World) -> None:
    """CloseIds closes nothing without it."""
    request = failed_over(world)
    assert world.step("retirement", "AwaitFenced", request).status == "wait"
    assert world.incarnation(1).fenced_at is None
    world.clock.now += 60
    answer = world.step("retirement", "AwaitFenced", request)
    assert (answer.status, answer.message) == ("done", "nothing of it runs any more")
    assert world.incarnation(1).fenced_at == world.clock.now


def test_a_second_call_keeps_the_first_proof(world: World) -> None:
    """A14: a repeated step changes nothing."""
    request = failed_over(world)
    world.run_retirement(request, until="CloseIds")
    before, calls = world.incarnation(1), world.calls
    world.clock.now += 100
    assert world.step("retirement", "AwaitFenced", request).status == "done"
    assert (world.incarnation(1), world.calls) == (before, calls)


def test_a_resource_manager_that_lists_nothing_is_proof_enough(world: World) -> None:
    """Once what Livy may still have been submitting has had its time."""
    request = failed_over(world)
    world.cluster(1).rm_reachable = True
    world.TERMINATION_SECONDS = 1000
    world.clock.now += 30
    assert world.step("retirement", "AwaitFenced", request).status == "done"
    assert world.cluster_state(world.cluster(1)) == "TERMINATING"


def test_an_empty_list_proves_nothing_at_once(world: World) -> None:
    """A submission that Livy had started may still hand in an application."""
    request = with_a_resource_manager(world)
    world.put({**world.incarnation(1).to_item(), "terminate_requested_at": world.clock.now - 29})
    assert world.step("retirement", "AwaitFenced", request).status == "wait"
    world.clock.now += 1
    assert world.step("retirement", "AwaitFenced", request).status == "done"


def test_applications_that_go_on_keep_the_ids_open(world: World) -> None:
    """A job that runs is not run again."""
    request = with_a_resource_manager(world)
    world.cluster(1).applications.append("application_1_0002")
    world.cluster(1).stubborn = True
    answer = world.step("retirement", "AwaitFenced", request)
    assert (answer.status, answer.message) == ("wait", "applications of generation 1 may still run")
    assert rule_of(1) in str(world.rules["id-1"])


def test_applications_are_told_to_end(world: World) -> None:
    """After a switchover nobody has told them yet."""
    request = with_a_resource_manager(world)
    world.cluster(1).applications.append("application_1_0002")
    assert world.step("retirement", "AwaitFenced", request).status == "done"
    assert world.cluster(1).applications == []


def test_an_end_that_nobody_can_confirm_is_bounded(world: World) -> None:
    """After five minutes the ids answer 410 all the same, and a person is told."""
    request = failed_over(world)
    world.TERMINATION_SECONDS = 10_000
    assert world.step("retirement", "AwaitFenced", request).status == "wait"
    world.clock.now += 300
    assert world.step("retirement", "AwaitFenced", request).status == "done"
    assert "nobody knows whether g000001 still runs jobs" in world.notices[-1]["subject"]


def test_an_end_that_nobody_could_confirm_raises_an_alarm(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Once: the next call finds it fenced."""
    request = failed_over(world)
    world.TERMINATION_SECONDS = 10_000
    world.step("retirement", "AwaitFenced", request)
    world.clock.now += 300
    capsys.readouterr()
    for _ in range(2):
        world.step("retirement", "AwaitFenced", request)
    (written,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert written[FENCE_OVERDUE] == [1]


def test_probers_that_cannot_be_asked_are_no_proof(world: World) -> None:
    """UNKNOWN never leads to an action."""
    request = failed_over(world)
    world.dead_probers = {f"prober-us-east-1{zone}" for zone in "abc"}
    world.clock.now += 40
    assert world.step("retirement", "AwaitFenced", request).status == "wait"


def test_emr_alone_is_proof_enough(world: World) -> None:
    """TERMINATED: its instances are gone, whoever can or cannot be asked."""
    request = failed_over(world)
    no_probers(world)
    world.clock.now += 60
    assert world.step("retirement", "AwaitFenced", request).status == "done"


def test_what_never_had_a_cluster_is_fenced(world: World) -> None:
    """Its stack was requested a moment ago."""
    request = world.request("launch", "op1")
    world.run_operation(request, until="Launch")
    world.step("operation", "Launch", request)
    assert world.step("retirement", "AwaitFenced", deletion(world)).status == "done"
    assert world.incarnation(1).fenced_at == world.clock.now


def test_a_cluster_that_nobody_noted_down_is_ended(world: World) -> None:
    """Its stack says which it is."""
    request = failed_over(world)
    world.terminated.clear()
    world.clusters["j-1"].ended_at = None
    world.record.items["incarnation", "g000001"].pop("cluster_id")
    assert world.step("retirement", "AwaitFenced", request).status == "wait"
    assert world.terminated == ["emr-dr-active-passive-a-g1"]
    assert world.incarnation(1).cluster_id == "j-1"


def test_a_managed_cluster_that_is_deleted_serves_no_more(world: World) -> None:
    """The monitor must not answer its end with a failover."""
    request = deletion(launched(world))
    world.step("retirement", "AwaitFenced", request)
    incarnation = world.incarnation(1)
    assert (incarnation.state, incarnation.serving_to) == (IncarnationState.RETIRING, world.clock.now)


def test_what_serves_is_not_retired(world: World) -> None:
    """Never zero by our own act."""
    launched(world)
    request = {"retirement": "x", "managed_cluster": "a", "generation": 1, "planned": True}
    with pytest.raises(InvariantError, match="generation 1 must not be retired: it serves"):
        world.step("retirement", "AwaitFenced", request)


def test_a_cluster_that_is_not_ours_is_not_ended(world: World) -> None:
    """Never terminate a cluster whose name or tags are not ours."""
    request = failed_over(world)
    world.terminated.clear()
    world.cluster(1).ended_at = None
    world.cluster(1).name = "another"
    with pytest.raises(InvariantError, match="cluster j-1 must not be ended"):
        world.step("retirement", "AwaitFenced", request)
    assert world.terminated == []


@pytest.mark.parametrize("call", ["describe_cluster", "describe_stacks"])
def test_an_error_of_our_own_is_no_proof(world: World, call: str) -> None:
    """A14: the ids stay open, and the machine calls again."""
    request = failed_over(world)
    world.record.items["incarnation", "g000001"].pop("cluster_id")
    world.clock.now += 60
    world.broken = {call}
    with pytest.raises(ClientError, match="Rate exceeded"):
        world.step("retirement", "AwaitFenced", request)
    assert world.incarnation(1).fenced_at is None
    assert rule_of(1) in str(world.rules["id-1"])
    world.broken.clear()
    assert world.step("retirement", "AwaitFenced", request).status == "done"
