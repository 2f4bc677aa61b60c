"""AwaitFenced: nobody is told to run a job again while the first run may still write."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_core.metrics import FENCE_OVERDUE
from dr_core.record import IncarnationState
from failover.errors import InvariantError
from failover.probers import Applications, Probers

from ..planned import drained, give_jobs, switched_over
from ..scenarios import deletion, failed_over, launched, no_probers, second_half
from ..world import World, rule_of


def with_a_resource_manager(world: World) -> dict[str, Any]:
    """The request of the retirement of a cluster that ends slowly, 40 s after its end was requested; YARN answers."""
    request = failed_over(world)
    world.step("retirement", "Drain", request)
    world.cluster(1).rm_reachable = True
    world.TERMINATION_SECONDS = 10_000
    world.clock.now += 100
    now = world.clock.now
    world.put({**world.incarnation(1).to_item(), "terminate_requested_at": now - 40, "serving_to": now - 100})
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
    world.step("retirement", "Drain", request)
    world.cluster(1).rm_reachable = True
    world.TERMINATION_SECONDS = 1000
    world.clock.now += 90
    assert world.step("retirement", "AwaitFenced", request).status == "done"
    assert world.cluster_state(world.cluster(1)) == "TERMINATING"


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"rm_started": 2e9}, "lists none, but was started after the cluster was ready, and may have forgotten some"),
        ({"active_nodes": 1}, "lists none, but has 1 of 2 nodes, on which jobs may run on"),
        ({"active_nodes": None}, "lists none, but nobody knows whether it still has all its nodes"),
    ],
)
def test_one_that_may_have_forgotten_jobs_is_not_believed(world: World, changes: dict[str, Any], word: str) -> None:
    """A14: the cluster's end is waited for, and after the bound a person is told why."""
    request = with_a_resource_manager(world)
    for name, value in changes.items():
        setattr(world.cluster(1), name, value)
    assert world.step("retirement", "AwaitFenced", request).status == "wait"
    world.clock.now += 300
    assert world.step("retirement", "AwaitFenced", request).status == "done"
    assert f"EMR calls it TERMINATING, and its ResourceManager {word}." in world.notices[-1]["message"]


def test_nodes_that_nobody_can_read_of_are_not_taken_for_all(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A14: an error of our own proves nothing, and stops nothing either: the cluster's end still counts."""
    request = with_a_resource_manager(world)

    def refuse(**_: Any) -> list[Any]:
        raise ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "Query")

    monkeypatch.setattr(world.record, "evidence", refuse)
    assert world.step("retirement", "AwaitFenced", request).status == "wait"
    world.TERMINATION_SECONDS = 1
    assert world.step("retirement", "AwaitFenced", request).status == "done"


@pytest.mark.parametrize(
    ("lost_nodes", "word"),
    [
        (2, "lists none, but has lost 2 nodes, on which jobs may run on"),
        (None, "does not say whether it has lost nodes, on which jobs may run on"),
    ],
)
def test_an_empty_list_proves_nothing_of_lost_nodes(world: World, lost_nodes: int | None, word: str) -> None:
    """A14: a node that does not hear that an application was killed writes on; a person is told, after the bound."""
    request = with_a_resource_manager(world)
    world.cluster(1).lost_nodes = lost_nodes
    assert world.step("retirement", "AwaitFenced", request).status == "wait"
    world.clock.now += 300
    assert world.step("retirement", "AwaitFenced", request).status == "done"
    assert f"EMR calls it TERMINATING, and its ResourceManager {word}." in world.notices[-1]["message"]


def test_an_empty_list_proves_nothing_at_once(world: World) -> None:
    """A submission that Livy had started may still hand in an application."""
    request = with_a_resource_manager(world)
    world.put({**world.incarnation(1).to_item(), "terminate_requested_at": world.clock.now - 29})
    assert world.step("retirement", "AwaitFenced", request).status == "wait"
    world.clock.now += 1
    assert world.step("retirement", "AwaitFenced", request).status == "done"


def test_an_empty_list_proves_nothing_while_a_job_may_still_come(world: World) -> None:
    """A14: its Livy answers, and the load balancer's nodes learn last that it went out of service."""
    request = with_a_resource_manager(world)
    world.put({**world.incarnation(1).to_item(), "serving_to": world.clock.now - 89})
    assert world.step("retirement", "AwaitFenced", request).status == "wait"
    world.cluster(1).applications.append("application_1_0003")
    world.clock.now += 1
    assert world.step("retirement", "AwaitFenced", request).status == "done"
    assert world.cluster(1).applications == []


def test_what_was_taken_out_late_may_have_got_jobs_until_then(world: World) -> None:
    """A14: its cut-over wrote down that it went out of service, and was slow to take it out."""
    request = with_a_resource_manager(world)
    world.put({**world.operation("a-retire-g1").to_item(), "entered": {"Drain": world.clock.now - 89}})
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
    assert "nobody knows whether emr-dr-active-passive-a-g1 still runs jobs" in world.notices[-1]["subject"]


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


def test_a_managed_cluster_that_is_deleted_gets_no_more_jobs(world: World) -> None:
    """A14: while the other half serves, each would be lost, or told to run again while it runs."""
    second_half(launched(world))
    request = deletion(world)
    assert world.step("retirement", "AwaitFenced", request).status == "wait"
    assert sorted(world.targets["balanced"]) == ["10.0.3.90"]
    assert world.cluster_state(world.cluster(1)) == "TERMINATING"


def test_nor_if_the_function_died_when_it_had_written_that_down(world: World) -> None:
    """A14."""
    second_half(launched(world))
    request = deletion(world)
    world.put({**world.incarnation(1).to_item(), "state": "retiring", "serving_to": world.clock.now})
    world.step("retirement", "AwaitFenced", request)
    assert sorted(world.targets["balanced"]) == ["10.0.3.90"]


def test_what_was_only_begun_and_gets_jobs_already_leaves_as_well(world: World) -> None:
    """A14: its fence waits for the last of them, though it never served by the record."""
    request = launched(world).request("switchover", "op2", reason="upgrade")
    world.run_operation(request, until="CutOver")
    world.step("operation", "CutOver", request)
    world.step("retirement", "AwaitFenced", deletion(world))
    begun = world.incarnation(2)
    assert world.targets["balanced"] == {}
    assert (begun.state, begun.serving_to) == (IncarnationState.VERIFYING, world.clock.now)


def test_one_that_cannot_be_ended_does_not_keep_the_others(world: World) -> None:
    """Its tags were taken away, say; the other one serves, and would cost money until somebody reads of that."""
    failed_over(world)
    world.TERMINATION_SECONDS = 10_000
    world.cluster(1).tags.clear()
    world.put({**world.incarnation(1).to_item(), "terminate_requested_at": None})
    world.cluster(1).ended_at = None
    with pytest.raises(InvariantError, match="must not be ended"):
        world.step("retirement", "AwaitFenced", deletion(world))
    assert world.cluster_state(world.cluster(2)) == "TERMINATING"
    assert world.cluster_state(world.cluster(1)) == "WAITING"


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


def lingered(world: World, *, batches: tuple[int, ...] = ()) -> dict[str, Any]:
    """The request of a planned retirement whose drain and linger are over, while *batches* run still."""
    request = drained(world)
    world.clock.now += 900
    give_jobs(world, *batches)
    return request


def hidden(world: World, *, batches: tuple[int, ...] = ()) -> dict[str, Any]:
    """The same a minute later, when no id has led to it for long enough."""
    request = lingered(world, batches=batches)
    assert fence(world, request) == "wait"
    world.clock.now += 60
    return request


def fence(world: World, request: dict[str, Any]) -> str:
    """Status of one call."""
    return str(world.step("retirement", "AwaitFenced", request).status)


@pytest.mark.parametrize("state", ["drains", "lingers"])
def test_nothing_is_ended_before_its_time(world: World, state: str) -> None:
    """B6, A14: AwaitFenced called out of turn ends no job and closes no result."""
    request = drained(world) if state == "lingers" else switched_over(world)
    give_jobs(world, 1001000007)
    answer = world.step("retirement", "AwaitFenced", request)
    assert (answer.status, answer.message) == (
        "wait",
        "generation 1 is not drained, or stays up so that clients read their results",
    )
    assert world.cluster(1).applications == ["application_1_1001000007"]
    assert world.terminated == []


def test_what_outlived_the_drain_is_killed_and_its_cluster_left_up(world: World) -> None:
    """B6, B13: it goes on working until nobody is left to be told that it failed."""
    request = hidden(world, batches=(1001000007,))
    assert world.cluster(1).applications == ["application_1_1001000007"]
    assert fence(world, request) == "done"
    assert world.cluster(1).applications == []
    assert world.incarnation(1).fenced_at == world.clock.now
    assert world.terminated == []
    assert world.incarnation(1).terminate_requested_at is None


def slot_target(world: World) -> bool:
    """Whether the ids of generation 1 lead to it."""
    number = world.incarnation(1).slot
    assert number is not None
    group = world.deployment.front_door.slot(number).target_group
    return world.incarnation(1).primary_address in world.targets.get(group, {})


def test_ids_lead_nowhere_before_anything_is_killed(world: World) -> None:
    """B13: a Livy whose application was killed calls its batch failed, and its client would believe that."""
    request = lingered(world, batches=(1001000007,))
    assert slot_target(world)
    assert fence(world, request) == "wait"
    assert not slot_target(world)
    world.clock.now += 59.9
    assert fence(world, request) == "wait"
    assert world.cluster(1).applications == ["application_1_1001000007"]
    world.clock.now += 0.1
    assert fence(world, request) == "done"
    assert rule_of(1) in str(world.rules), "410 is the next step's"


def test_ids_are_hidden_again_by_whoever_died_while_hiding_them(world: World) -> None:
    """The record comes first."""
    request = lingered(world)
    world.put({**world.incarnation(1).to_item(), "hidden_at": world.clock.now})
    assert fence(world, request) == "wait"
    assert not slot_target(world)


def test_ids_that_were_hidden_late_are_given_their_time(world: World) -> None:
    """B13: an intent takes nobody away: the load balancer may have refused the call for a minute."""
    request = lingered(world, batches=(1001000007,))
    world.put({**world.incarnation(1).to_item(), "hidden_at": world.clock.now - 100})
    assert fence(world, request) == "wait"
    assert not slot_target(world)
    world.clock.now += 59.9
    assert fence(world, request) == "wait"
    assert world.cluster(1).applications == ["application_1_1001000007"]


def test_a_planned_end_waits_for_submissions_under_way_too(world: World) -> None:
    """A14: an empty list proves nothing at once; without ids to hide it is looked at straight away."""
    request = lingered(world)
    world.put({key: value for key, value in world.incarnation(1).to_item().items() if key != "slot"})
    assert fence(world, request) == "wait"
    world.clock.now += 29.9
    assert fence(world, request) == "wait"
    world.clock.now += 0.1
    assert fence(world, request) == "done"


def test_applications_that_do_not_end_cost_them_their_cluster(world: World) -> None:
    """A14: a planned end is bounded too."""
    request = hidden(world, batches=(1001000007,))
    world.cluster(1).stubborn = True
    assert fence(world, request) == "wait"
    world.clock.now += 299.9
    assert fence(world, request) == "wait"
    assert world.terminated == []
    world.clock.now += 0.1
    assert fence(world, request) == "wait"
    assert world.terminated == ["emr-dr-active-passive-a-g1"]
    world.clock.now += 60
    assert fence(world, request) == "done"
    assert not [each for each in world.notices if "nobody knows" in each["subject"]]


def test_a_look_that_takes_long_closes_no_ids(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A14: the time was not over when the call began, and nobody has asked EMR to end the cluster yet."""
    request = hidden(world, batches=(1001000007,))
    world.cluster(1).stubborn = True
    assert fence(world, request) == "wait"
    world.clock.now += 299
    kill = Probers.kill_applications

    def slow(self: Probers, *, address: str, near: str | None) -> Applications:
        world.clock.now += 5
        return kill(self, address=address, near=near)

    monkeypatch.setattr(Probers, "kill_applications", slow)
    assert fence(world, request) == "wait"
    assert (world.incarnation(1).fenced_at, world.terminated) == (None, [])


def test_lost_nodes_cost_a_planned_one_its_cluster(world: World) -> None:
    """B6, A14: as long as it is up, nobody can say that nothing runs on them."""
    request = hidden(world)
    world.cluster(1).lost_nodes = 1
    assert fence(world, request) == "wait"
    world.clock.now += 300
    assert fence(world, request) == "wait"
    assert world.terminated == ["emr-dr-active-passive-a-g1"]
    world.clock.now += 60
    assert fence(world, request) == "done"


def test_an_alarm_names_applications_that_are_still_listed(world: World) -> None:
    """A person has to look at them."""
    request = hidden(world, batches=(1001000007,))
    world.cluster(1).stubborn = True
    world.TERMINATION_SECONDS = 10_000
    fence(world, request)
    for _ in range(2):
        world.clock.now += 300
        fence(world, request)
    assert world.incarnation(1).fenced_at == world.clock.now
    message = world.notices[-1]["message"]
    assert "EMR calls it TERMINATING, and its ResourceManager lists application_1_1001000007" in message


def test_a_resource_manager_that_does_not_answer_leaves_it_to_emr(world: World) -> None:
    """A14: nobody else can say that its applications ended."""
    request = hidden(world)
    world.cluster(1).rm_reachable = False
    assert fence(world, request) == "wait"
    assert world.terminated == ["emr-dr-active-passive-a-g1"]
    world.clock.now += 60
    assert fence(world, request) == "done"


def test_an_evicted_one_is_ended_at_once(world: World) -> None:
    """A12, B6: EMR is asked at once, its ResourceManager when no client is told any more that its job failed."""
    world.TERMINATION_SECONDS = 10_000
    request = switched_over(world, batches=(1001000007,))
    world.put({**world.incarnation(1).to_item(), "evicted_at": world.clock.now})
    world.run_retirement(request, until="AwaitFenced")
    assert fence(world, request) == "wait"
    assert world.terminated == ["emr-dr-active-passive-a-g1"]
    assert not slot_target(world)
    world.clock.now += 59.9
    assert fence(world, request) == "wait"
    assert world.cluster(1).applications == ["application_1_1001000007"]
    world.clock.now += 0.1
    fence(world, request)
    assert world.cluster(1).applications == []


@pytest.mark.parametrize("ago", [0, 60])
def test_a_planned_one_whose_cluster_ends_by_itself_waits_for_emr(world: World, ago: float) -> None:
    """Its ResourceManager is not asked to kill what ends anyway."""
    request = drained(world)
    world.cluster(1).ended_at = world.clock.now - ago
    assert fence(world, request) == ("wait" if ago == 0 else "done")
    world.clock.now += 60
    assert fence(world, request) == "done"


def test_a_planned_one_that_is_not_ours_is_left_alone(world: World) -> None:
    """A14: not even its applications are touched."""
    request = hidden(world, batches=(1001000007,))
    cluster = world.cluster(1)
    cluster.name = "another"
    with pytest.raises(InvariantError, match="cluster j-1 must not be ended"):
        fence(world, request)
    assert cluster.applications == ["application_1_1001000007"]


@pytest.mark.parametrize("planned", [True, False])
def test_the_only_healthy_place_is_not_ended(world: World, planned: bool) -> None:
    """A14: looked at again right before the first job would be killed."""
    request = {**lingered(world, batches=(1001000007,)), "planned": planned}
    world.targets["balanced"] = {"10.0.1.1": world.clock.now - 100}
    with pytest.raises(InvariantError, match=r"g000001 must not be taken away: .* nobody else is healthy there"):
        fence(world, request)
    assert world.terminated == []
    assert world.cluster(1).applications == ["application_1_1001000007"]


def test_the_address_of_somebody_else_is_no_place_of_ours(world: World) -> None:
    """A14: the successor got the address, and serves alone."""
    request = hidden(world)
    world.put({**world.incarnation(2).to_item(), "primary_address": "10.0.1.1"})
    world.cluster(2).address, world.cluster(1).address = "10.0.1.1", "0.0.0.0"
    world.cluster(2).applications.append("application_2_1")
    world.targets["balanced"] = {"10.0.1.1": world.clock.now - 100}
    assert fence(world, request) == "wait"
    assert world.cluster(2).applications == ["application_2_1"]


def test_nobody_is_alarmed_for_what_never_had_a_job(world: World) -> None:
    """A14: a launch that was given up ends slowly; no client ever knew an id of it."""
    request = failed_over(world)
    item = world.incarnation(1).to_item()
    for name in ("slot", "serving_from", "serving_to"):
        item.pop(name)
    world.put(item)
    world.TERMINATION_SECONDS = 10_000
    told = len(world.notices)
    fence(world, request)
    world.clock.now += 300
    assert fence(world, request) == "done"
    assert len(world.notices) == told


@pytest.mark.parametrize("kept", ["slot", "serving_from"])
def test_whoever_may_have_had_a_job_is_alarmed_for(world: World, kept: str) -> None:
    """Half of the record is enough."""
    request = failed_over(world)
    item = world.incarnation(1).to_item()
    item.pop("serving_from" if kept == "slot" else "slot")
    world.put(item)
    world.TERMINATION_SECONDS = 10_000
    fence(world, request)
    world.clock.now += 300
    fence(world, request)
    assert "nobody knows" in world.notices[-1]["subject"]


def emr_is_away(world: World) -> dict[str, Any]:
    """The request of an unplanned retirement whose end was requested; then EMR stops answering our calls."""
    request = failed_over(world)
    assert fence(world, request) == "wait"
    world.broken = {"describe_cluster"}
    return request


def test_the_bound_holds_while_emr_cannot_be_asked(world: World) -> None:
    """A14: clients of what failed learn some time that their jobs are lost; with an alarm."""
    request = emr_is_away(world)
    world.clock.now = (world.incarnation(1).terminate_requested_at or 0) + 299.9
    with pytest.raises(ClientError):
        fence(world, request)
    assert world.incarnation(1).fenced_at is None
    world.clock.now += 0.1
    assert fence(world, request) == "done"
    assert "EMR calls it not known, as it does not answer our calls" in world.notices[-1]["message"]


def test_a_resource_manager_may_prove_it_while_emr_cannot_be_asked(world: World) -> None:
    """A14: nothing runs any more; nobody is alarmed."""
    request = emr_is_away(world)
    told = len(world.notices)
    world.cluster(1).rm_reachable = True
    world.clock.now += 90
    assert fence(world, request) == "done"
    assert len(world.notices) == told


def test_a_planned_end_waits_for_emr(world: World) -> None:
    """A14: its cluster works, and nobody is in a hurry."""
    request = hidden(world, batches=(1001000007,))
    world.cluster(1).stubborn = True
    fence(world, request)
    world.clock.now += 300
    fence(world, request)
    world.broken = {"describe_cluster"}
    world.clock.now += 10_000
    with pytest.raises(ClientError):
        fence(world, request)
    assert world.incarnation(1).fenced_at is None


def test_an_end_that_could_not_be_requested_is_not_overdue(world: World) -> None:
    """A14: the time counts from the request."""
    request = failed_over(world)
    item = world.incarnation(1).to_item()
    item.pop("terminate_requested_at")
    world.put(item)
    world.broken = {"describe_cluster"}
    for _ in range(2):
        world.clock.now += 1000
        with pytest.raises(ClientError):
            fence(world, request)
    assert world.incarnation(1).fenced_at is None
