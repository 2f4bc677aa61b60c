"""What is read of record and AWS, in which order, and what is made of calls that fail."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_core.evidence import Verdict
from dr_core.record import Incarnation, IncarnationState, Incident, IncidentState
from failover.reality import look

from .scenarios import ended, launched
from .test_orphanage import add_cluster, add_stack
from .world import World

GROUPS = {"balanced", "slot-1", "slot-2", "slot-3", "slot-4", "rm-a", "nn-a"}


def test_every_group_and_every_rule_is_looked_at(world: World) -> None:
    seen = look(launched(world).deployment)
    assert set(seen.reality.health) == GROUPS
    assert set(seen.reality.rules) == {f"{kind}-{number}" for kind in ("id", "header") for number in (1, 2, 3, 4)}
    assert (seen.found, seen.unknown) == ((), ())
    assert [each.generation for each in seen.recorded.incarnations] == [1]


def test_the_latest_incident_of_each_managed_cluster_is_read(world: World) -> None:
    """A14: what is isolated while one is open is not given back."""
    assert look(launched(world).deployment).recorded.incidents == []
    incident = Incident(managed_cluster="a", incident="a-1", state=IncidentState.OPEN, since=1, first_bad_at=1)
    world.put(incident.to_item())
    assert look(world.deployment).recorded.incidents == [incident]


@pytest.mark.parametrize(("verdict", "well"), [(Verdict.HEALTHY, [1]), (Verdict.UNHEALTHY, [])])
def test_what_is_kept_from_new_jobs_is_judged(world: World, verdict: Verdict, well: list[int]) -> None:
    """A14: it may be the better one by now."""
    launched(world)
    world.see_evidence(1, verdict)
    assert look(world.deployment).reality.well == []
    world.put({**world.incarnation(1).to_item(), "isolated_at": 1})
    assert look(world.deployment).reality.well == well


@pytest.mark.parametrize(
    ("call", "unknown"),
    [
        ("describe_target_health", {f"targets of {group}" for group in GROUPS}),
        ("describe_rules", {"rules"}),
        ("get_paginator", {"stacks", "clusters", "retirements"}),
    ],
)
def test_what_could_not_be_read_is_said(world: World, call: str, unknown: set[str]) -> None:
    launched(world).broken = {call}
    seen = look(world.deployment)
    assert set(seen.unknown) == unknown
    assert (seen.reality.health == {}) == (call == "describe_target_health")
    assert (seen.reality.rules == {}) == (call == "describe_rules")
    assert (seen.reality.retiring is None) == (call == "get_paginator")


def test_a_record_that_cannot_be_read_is_an_error(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it nothing that is seen means anything."""

    def away() -> Any:
        raise ClientError({"Error": {"Code": "InternalServerError", "Message": "away"}}, "Query")

    monkeypatch.setattr(world.record, "incarnations", away)
    with pytest.raises(ClientError, match="away"):
        look(world.deployment)


def test_stacks_and_clusters_are_listed_before_the_record_is_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else what is launched meanwhile would look like an orphan."""
    read = launched(world).record.incarnations

    def launched_meanwhile() -> list[Incarnation]:
        add_stack(world, cluster=add_cluster(world))
        return read()

    monkeypatch.setattr(world.record, "incarnations", launched_meanwhile)
    assert look(world.deployment).found == ()


def test_an_operation_is_closed_when_its_execution_is(world: World) -> None:
    request = launched(world).request("switchover", "op2", reason="upgrade")
    world.run_operation(request, until="Verify")
    assert look(world.deployment).reality.closed_operations == []
    ended(world, request)
    assert look(world.deployment).reality.closed_operations == ["op2"]


def test_an_operation_that_cannot_be_asked_for_is_not_closed(world: World) -> None:
    request = launched(world).request("switchover", "op2", reason="upgrade")
    world.run_operation(request, until="Verify")
    ended(world, request)
    item = world.managed_cluster().to_item()
    world.put({name: value for name, value in item.items() if name != "lease"})
    world.broken = {"describe_execution"}
    seen = look(world.deployment)
    assert (seen.reality.closed_operations, seen.unknown) == ([], ("operation op2",))


def test_a_lease_is_held_as_long_as_its_execution_may_run(world: World) -> None:
    request = launched(world).request("switchover", "op2", reason="upgrade")
    world.run_operation(request, until="Verify")
    assert look(world.deployment).recorded.managed_clusters[0].lease is not None
    ended(world, request)
    world.broken = {"describe_execution"}
    assert look(world.deployment).recorded.managed_clusters[0].lease is not None
    world.broken = set()
    assert look(world.deployment).recorded.managed_clusters[0].lease is None


@pytest.mark.parametrize(("ago", "open_"), [(59, True), (60, False)])
def test_what_step_functions_does_not_know_yet_is_not_closed(world: World, ago: float, open_: bool) -> None:
    """A14: DescribeExecution is eventually consistent; what an operation has just begun must not be given up."""
    request = launched(world).request("switchover", "op2", reason="upgrade")
    world.run_operation(request, until="Verify")
    world.executions.clear()
    known_at = world.clock.now - ago
    found = world.managed_cluster().to_item()
    world.put({**world.operation("op2").to_item(), "started_at": known_at})
    world.put({**found, "lease": {"execution": "x", "operation": "op2", "since": known_at}})
    assert (look(world.deployment).recorded.managed_clusters[0].lease is not None) is open_
    world.put({name: value for name, value in found.items() if name != "lease"})
    assert look(world.deployment).reality.closed_operations == ([] if open_ else ["op2"])


def test_the_cluster_of_a_launch_is_known_before_its_id_is(world: World) -> None:
    """Its step notes it down in its next call."""
    launched(world)
    add_stack(world, cluster=add_cluster(world))
    world.put(Incarnation(generation=7, managed_cluster="a", state=IncarnationState.LAUNCHING).to_item())
    assert look(world.deployment).found == ()


def test_a_cluster_that_gets_traffic_is_marked(world: World) -> None:
    """In whichever group."""
    cluster = add_cluster(launched(world))
    for group in sorted(GROUPS):
        world.targets[group] = {cluster.address: 1.0}
        assert [each.gets_traffic for each in look(world.deployment).found] == [True]
        world.targets[group] = {}
    assert [each.gets_traffic for each in look(world.deployment).found] == [False]


def test_a_cluster_that_ends_is_no_orphan_any_more(world: World) -> None:
    cluster = add_cluster(launched(world))
    cluster.ended_at = world.clock.now - 1000
    assert look(world.deployment).found == ()


def test_a_cluster_that_ended_between_two_calls_is_no_orphan(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """EMR may have forgotten it, too."""
    add_cluster(launched(world))
    clusters = type(world.deployment.clusters)
    monkeypatch.setattr(clusters, "describe", lambda *_: None)
    assert look(world.deployment).found == ()
