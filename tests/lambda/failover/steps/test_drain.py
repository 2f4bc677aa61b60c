"""Drain: a planned retirement waits for the end of jobs, for a while."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_core.evidence import Service, Verdict
from dr_core.metrics import DRAIN_OVERDUE
from failover.errors import InvariantError

from ..planned import RETIREMENT, drained, give_jobs, switched_over
from ..scenarios import failed_over, launched, no_probers, settled
from ..world import World


def drain(world: World, request: dict[str, Any]) -> tuple[str, str]:
    """Status and message of one call."""
    answer = world.step("retirement", "Drain", request)
    return str(answer.status), answer.message


def test_an_unplanned_retirement_waits_for_nothing(world: World) -> None:
    """A12: what failed has no job that could end well."""
    request = failed_over(world)
    world.cluster(1).applications.append("application_1_1")
    before, calls = settled(world), world.calls
    for _ in range(2):
        assert drain(world, request) == ("done", "unplanned: there is nothing to wait for")
    assert settled(world) == before
    assert world.calls == calls + 1  # the first entry
    assert world.incarnation(1).drained_at is None


def test_jobs_that_run_are_waited_for(world: World) -> None:
    """B11: a planned end loses no job."""
    request = switched_over(world, batches=(1001000007,))
    world.clock.now += 3600
    before = settled(world)
    assert drain(world, request) == (
        "wait",
        "emr-dr-active-passive-a-g1 still has to do: batches 1001000007; applications application_1_1001000007",
    )
    assert settled(world) == before
    assert world.cluster(1).applications == ["application_1_1001000007"]


@pytest.mark.parametrize("left", ["batches", "sessions", "applications"])
def test_each_sort_of_work_is_waited_for(world: World, left: str) -> None:
    """B11: what people submit to YARN directly too, and a session whose person thinks."""
    request = switched_over(world)
    world.clock.now += 3600
    getattr(world.cluster(1), left).append(7)
    assert drain(world, request)[0] == "wait"


def test_what_has_nothing_left_to_do_is_drained(world: World) -> None:
    """The time is noted down: Livy stays up from then on."""
    request = switched_over(world, batches=(1001000007,))
    world.clock.now += 100
    assert drain(world, request)[0] == "wait"
    give_jobs(world)
    world.clock.now += 60
    assert drain(world, request) == ("done", "its drain is over")
    assert world.incarnation(1).drained_at == world.clock.now
    assert world.notices[-1]["subject"].endswith("a switched over")


def test_a_second_call_keeps_the_first_time(world: World) -> None:
    """A14: its answer to the machine was lost; clients do not wait longer for that."""
    request = switched_over(world)
    world.run_retirement(request, until="Linger")
    before, calls = world.incarnation(1), world.calls
    world.clock.now += 100
    world.cluster(1).batches.append(7)
    assert drain(world, request)[0] == "done"
    assert (world.incarnation(1), world.calls) == (before, calls)


def test_jobs_may_still_come_right_after_the_cut_over(world: World) -> None:
    """A14: a node of the load balancer may send one until it knows; the record said so before it was taken out."""
    request = switched_over(world)
    world.clock.now += 3600
    assert drain(world, request) == ("wait", "emr-dr-active-passive-a-g1 still has to do: nothing")
    world.clock.now += 60
    assert drain(world, request)[0] == "done"


def test_a_person_who_wants_the_jobs_ended_is_told_which_they_are(world: World) -> None:
    """B13: before they end, and when the last that was on its way has come; nobody waits longer, nobody lingers."""
    request = switched_over(world, batches=(1001000007,), drain="now")
    assert world.incarnation(1).ends_now
    assert drain(world, request)[0] == "wait"
    world.clock.now += 61
    assert drain(world, request) == ("done", "its drain is over")
    assert world.cluster(1).applications == ["application_1_1001000007"]
    notice = world.notices[-1]
    assert notice["subject"].endswith("jobs of emr-dr-active-passive-a-g1 are ended")
    assert "batches 1001000007" in notice["message"]
    assert str(world.step("retirement", "Linger", request).status) == "done"


def test_jobs_that_are_ended_at_once_answer_410_when_they_are_known_dead(world: World) -> None:
    """A14: not before."""
    request = switched_over(world, batches=(1001000007,), drain="now")
    assert world.run_retirement(request) == "Retired"
    assert world.cluster(1).applications == []


def test_what_cannot_be_read_is_waited_for(world: World) -> None:
    """A14: an unknown verdict never leads to an action."""
    request = switched_over(world)
    world.unhealthy.add("10.0.1.1")
    world.clock.now += 3600
    assert drain(world, request) == (
        "wait",
        "emr-dr-active-passive-a-g1 still has to do: not known: livy (connection refused)",
    )


def dead(world: World, *services: Service) -> dict[str, Any]:
    """The request of a planned retirement of an incarnation whose *services* died a while ago."""
    request = switched_over(world, batches=(1001000007,))
    assert drain(world, request)[0] == "wait"
    world.clock.now += 3600
    cluster = world.cluster(1)
    world.unhealthy.add(cluster.address)
    cluster.rm_reachable = Service.RESOURCE_MANAGER not in services
    world.see_evidence(1, Verdict.UNHEALTHY, services=services)
    return request


def test_a_dead_livy_is_waited_for_as_long_as_yarn_runs_something(world: World) -> None:
    """B11: what runs may end well, and its output is there."""
    request = dead(world, Service.LIVY)
    assert drain(world, request)[0] == "wait"
    world.cluster(1).applications.clear()
    told = len(world.notices)
    assert drain(world, request) == ("done", "its drain is over")
    assert world.incarnation(1).drained_at == world.clock.now
    assert len(world.notices) == told


def test_a_dead_livy_holds_nothing_up_for_hours(world: World) -> None:
    """B11: without the verdict it would be waited for until the limit."""
    request = dead(world, Service.LIVY)
    world.cluster(1).applications.clear()
    world.see_evidence(1, Verdict.UNKNOWN, services=(Service.LIVY,))
    assert drain(world, request)[0] == "wait"
    world.see_evidence(1, Verdict.UNHEALTHY, zones=("us-east-1a",), services=(Service.LIVY,))
    assert drain(world, request)[0] == "wait"  # one vantage point
    world.see_evidence(1, Verdict.UNHEALTHY, services=(Service.LIVY,))
    assert drain(world, request)[0] == "done"


def test_what_was_seen_before_a_restart_of_livy_does_not_count(world: World) -> None:
    """A14: Livy was restarted a moment ago, and may come up yet."""
    request = dead(world, Service.LIVY)
    world.cluster(1).applications.clear()
    world.put({**world.incarnation(1).to_item(), "repaired_at": int(world.clock.now)})
    assert drain(world, request)[0] == "wait"


def test_people_are_told_of_what_died_with_its_jobs(world: World) -> None:
    """B11: once; what runs there is ended though it may be well."""
    request = dead(world, Service.LIVY, Service.RESOURCE_MANAGER)
    told = len(world.notices)
    for _ in range(2):
        assert drain(world, request)[0] == "done"
    (notice,) = world.notices[told:]
    assert notice["subject"] == "emr-dr-active-passive: emr-dr-active-passive-a-g1 died before its jobs had ended"
    assert "emr-dr-active-passive-a-g1 (j-1) was replaced" in notice["message"]
    assert "In 900 s its cluster is ended with whatever runs there" in notice["message"]


def test_what_died_comes_to_its_end(world: World) -> None:
    """B11: its ids answer 410 within the linger and the fence, not after hours."""
    request = dead(world, Service.LIVY, Service.RESOURCE_MANAGER)
    began = world.clock.now
    assert world.run_retirement(request, until="DeleteStack") == "DeleteStack"
    policy = world.deployment.config.policy
    assert world.clock.now - began < policy.linger_seconds + policy.fence_limit_seconds + 300
    assert world.incarnation(1).fenced_at is not None
    assert world.terminated == ["emr-dr-active-passive-a-g1"]


def test_services_that_answer_need_no_verdict(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The evidence is read where it matters only."""
    request = switched_over(world, batches=(1001000007,))
    monkeypatch.setattr(world.record, "evidence", lambda **_: pytest.fail("it was read"))
    assert drain(world, request)[0] == "wait"


def test_no_prober_that_can_be_asked_is_waited_for(world: World) -> None:
    """An error of our own."""
    request = switched_over(world)
    world.clock.now += 3600
    no_probers(world)
    status, message = drain(world, request)
    assert status == "wait"
    assert "livy (no prober answered work" in message
    assert "resource_manager (no prober answered work" in message


def test_an_error_of_our_own_call_ends_no_drain(world: World) -> None:
    """A14: EMR cannot be asked whether the cluster lives; the machine calls again."""
    request = switched_over(world, batches=(1001000007,))
    world.unhealthy.add("10.0.1.1")
    world.broken = {"describe_cluster"}
    with pytest.raises(ClientError, match="Rate exceeded"):
        drain(world, request)
    assert world.incarnation(1).drained_at is None


@pytest.mark.parametrize("state", ["TERMINATING", "TERMINATED", "forgotten", "handed on", "no address", "no cluster"])
def test_a_cluster_that_ends_by_itself_is_not_waited_for(world: World, state: str) -> None:
    """A12: a person ended it, or its AZ; no job of it comes to a good end."""
    request = switched_over(world, batches=(1001000007,))
    cluster = world.cluster(1)
    item = world.incarnation(1).to_item()
    world.unhealthy.add(cluster.address)
    match state:
        case "TERMINATING" | "TERMINATED":
            cluster.ended_at = world.clock.now - (0 if state == "TERMINATING" else 60)
            assert world.cluster_state(cluster) == state
        case "forgotten":
            no_probers(world)
            del world.clusters["j-1"]
        case "handed on":
            world.put({**world.incarnation(2).to_item(), "primary_address": "10.0.1.1"})
        case "no address":
            item.pop("primary_address")
            world.put(item)
        case _:
            item.pop("cluster_id")
            world.put(item)
    assert drain(world, request) == ("done", "its drain is over")
    assert world.incarnation(1).drained_at == world.clock.now


def test_the_services_of_another_owner_of_the_address_are_not_asked(world: World) -> None:
    """A14: its jobs would hold up the end of what is gone."""
    request = switched_over(world)
    world.put({**world.incarnation(2).to_item(), "primary_address": "10.0.1.1"})
    world.cluster(1).batches.append(7)
    assert drain(world, request)[0] == "done"


def test_the_drain_has_a_limit(world: World) -> None:
    """A14: a session that nobody closes would hold its cluster for ever."""
    request = switched_over(world, batches=(1001000007,))
    limit = world.deployment.config.policy.drain_limit_seconds
    world.clock.now += limit - 1
    assert drain(world, request)[0] == "wait"
    world.clock.now += 1
    assert drain(world, request)[0] == "done"
    assert world.incarnation(1).drained_at == world.clock.now


def test_the_limit_counts_from_the_end_of_the_service(world: World) -> None:
    """A14: a retirement that was lost and started again does not begin anew."""
    request = switched_over(world, batches=(1001000007,))
    world.clock.now += world.deployment.config.policy.drain_limit_seconds
    assert drain(world, {**request, "retirement": "a-retire-g1-2"})[0] == "done"


def test_the_limit_counts_from_the_first_look_where_nobody_knows_the_end_of_service(world: World) -> None:
    """It never served: a person asked for its planned end."""
    request = switched_over(world, batches=(1001000007,))
    item = world.incarnation(1).to_item()
    item.pop("serving_to")
    world.put(item)
    world.clock.now += 20_000
    assert drain(world, request)[0] == "wait"
    world.clock.now += world.deployment.config.policy.drain_limit_seconds
    assert drain(world, request)[0] == "done"


def test_people_are_told_what_did_not_end_before_it_is_ended(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """B11: once, while everything still runs, and with what to do."""
    request = switched_over(world, batches=(1001000007,))
    world.cluster(1).sessions.append(1001000009)
    world.clock.now += world.deployment.config.policy.drain_limit_seconds
    capsys.readouterr()
    told = len(world.notices)
    for _ in range(2):
        drain(world, request)
    (notice,) = world.notices[told:]
    assert notice["subject"] == "emr-dr-active-passive: jobs of emr-dr-active-passive-a-g1 did not end in time"
    for words in (
        "emr-dr-active-passive-a-g1 (j-1) was replaced, and its jobs had 14400 s to end.",
        "batches 1001000007; interactive sessions 1001000009; applications application_1_1001000007.",
        "stays up for another 900 s",
        "raise drain_limit_seconds",
    ):
        assert words in notice["message"]
    written = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each[DRAIN_OVERDUE] for each in written if DRAIN_OVERDUE in each] == [[1]]
    assert world.cluster(1).applications == ["application_1_1001000007"]


def test_every_overlong_job_is_named_though_one_look_failed(world: World) -> None:
    """B13: 150 of them, and a Livy that does not answer at the moment when the limit passes."""
    batches = tuple(range(1001000000, 1001000150))
    request = switched_over(world, batches=batches)
    world.clock.now += world.deployment.config.policy.drain_limit_seconds
    world.unhealthy.add("10.0.1.1")
    told = len(world.notices)
    assert drain(world, request)[0] == "wait"
    assert world.incarnation(1).drained_at is None
    world.clock.now += 60
    world.unhealthy.clear()
    assert drain(world, request)[0] == "done"
    (notice,) = world.notices[told:]
    assert [batch for batch in batches if f"application_1_{batch}" not in notice["message"]] == []
    assert [batch for batch in batches if f"{batch}, " not in notice["message"].split("applications")[0] + ", "] == [
        batches[-1]
    ]


def test_people_are_told_what_could_not_be_read_in_the_end(world: World) -> None:
    """B13: nobody waits for ever for a Livy that does not answer."""
    request = switched_over(world, batches=(1001000007,))
    world.clock.now += world.deployment.config.policy.drain_limit_seconds + 300
    world.unhealthy.add("10.0.1.1")
    assert drain(world, request)[0] == "done"
    message = world.notices[-1]["message"]
    assert "applications application_1_1001000007. This list is not complete" in message
    assert "livy (connection refused)" in message


def test_an_eviction_ends_the_drain(world: World) -> None:
    """A12: a failover waits for the slot; people are told which jobs it costs."""
    request = switched_over(world, batches=(1001000007,))
    world.put({**world.incarnation(1).to_item(), "evicted_at": world.clock.now})
    assert drain(world, request)[0] == "done"
    assert world.incarnation(1).drained_at == world.clock.now
    assert world.notices[-1]["subject"] == "emr-dr-active-passive: jobs of emr-dr-active-passive-a-g1 are ended"
    assert "still has to do: batches 1001000007" in world.notices[-1]["message"]


def test_an_eviction_of_what_has_nothing_to_do_costs_nobody_a_job(world: World) -> None:
    """Nobody is told that one did."""
    request = switched_over(world)
    assert drain(world, request)[0] == "wait"
    world.clock.now += 60
    world.put({**world.incarnation(1).to_item(), "evicted_at": world.clock.now})
    told = len(world.notices)
    assert drain(world, request)[0] == "done"
    assert len(world.notices) == told


def test_what_serves_is_not_drained(world: World) -> None:
    """A14: never zero by our own act."""
    launched(world)
    with pytest.raises(InvariantError, match="generation 1 must not be retired: it serves"):
        drain(world, dict(RETIREMENT))


def test_what_is_retired_needs_no_drain(world: World) -> None:
    """Started again, a retirement ends at once."""
    request = drained(world)
    world.put({**world.incarnation(1).to_item(), "state": "retired"})
    assert drain(world, request)[0] == "done"
