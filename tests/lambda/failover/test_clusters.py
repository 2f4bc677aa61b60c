"""EMR clusters: looked at, protected, and ended only if they are ours."""

from __future__ import annotations

import contextlib
from typing import Any, NoReturn

import pytest

from dr_core.scaling import Limits, Unit
from failover.clusters import Clusters, ClusterSeen
from failover.errors import InvariantError

from .fakes import FakeEmr, InvalidRequestException, compute_limits
from .parts import Cluster
from .scenarios import launched
from .world import World

NAME = "emr-dr-active-passive-a-g1"


@pytest.fixture
def cluster(world: World) -> Cluster:
    """One that serves, and is protected."""
    return launched(world).cluster(1)


@pytest.fixture
def clusters(world: World) -> Clusters:
    return world.deployment.clusters


def end(clusters: Clusters) -> Any:
    return clusters.end("j-1", managed_cluster="a", stack_name=NAME)


def test_a_cluster_is_described_with_its_owner(clusters: Clusters, cluster: Cluster) -> None:
    """Who it belongs to decides whether it may be ended."""
    seen = clusters.describe("j-1")
    assert seen is not None
    assert (seen.name, seen.state, seen.ended) == (NAME, "WAITING", False)
    assert seen.tags["emr-dr:deployment"] == "emr-dr-active-passive"


def test_a_cluster_that_failed_says_why(world: World) -> None:
    """Code and message, for the sentence that people read."""
    world.broken_zones = {"us-east-1a"}
    request = world.request("launch", "op1")
    world.run_operation(request, until="Launch")
    world.step("operation", "Launch", request)
    world.clock.now += 20
    world.step("operation", "Launch", request)
    seen = world.deployment.clusters.describe("j-1")
    assert seen is not None
    assert seen.reason == "VALIDATION_ERROR INSUFFICIENT_CAPACITY"


def test_a_cluster_that_emr_does_not_know_is_none(clusters: Clusters) -> None:
    """It forgets clusters about two months after their end."""
    assert clusters.describe("j-1") is None


def test_a_cluster_that_emr_refuses_to_describe_raises(clusters: Clusters, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only "is not valid" means that it is gone."""

    def refuse(_: FakeEmr, *, ClusterId: str) -> NoReturn:
        raise InvalidRequestException({"Error": {"Code": "x", "Message": "try later"}}, "DescribeCluster")

    monkeypatch.setattr(FakeEmr, "describe_cluster", refuse)
    with pytest.raises(InvalidRequestException):
        clusters.describe("j-1")


def address(clusters: Clusters) -> str | None:
    return clusters.primary_address(clusters.describe("j-1") or pytest.fail())


@pytest.mark.parametrize("fleets", [False, True], ids=["groups", "fleets"])
def test_the_address_is_that_of_the_primary(clusters: Clusters, cluster: Cluster, fleets: bool) -> None:
    """Where the front door leads to.  B5: EMR lists instances by the kind of collection that the cluster has."""
    cluster.fleets = fleets
    assert address(clusters) == cluster.address


def test_a_primary_without_an_instance_has_no_address(clusters: Clusters, cluster: Cluster) -> None:
    """EMR lists it before EC2 has given it one."""
    cluster.address = ""
    assert address(clusters) is None


FLEET_LIMITS = {
    "UnitType": "InstanceFleetUnits",
    "MinimumCapacityUnits": 6,
    "MaximumCapacityUnits": 20,
    "MaximumCoreCapacityUnits": 2,
    "MaximumOnDemandCapacityUnits": 7,
}


def test_limits_of_fleets_are_read_and_set_in_units(clusters: Clusters, cluster: Cluster) -> None:
    """A3, B5: with how many of them may be core nodes and on demand."""
    cluster.fleets, cluster.limits = True, FLEET_LIMITS
    found = clusters.limits("j-1")
    assert found == Limits(minimum=6, maximum=20, unit=Unit.FLEET_UNITS, core=2, on_demand=7)
    cluster.limits = None
    clusters.set_limits("j-1", found or pytest.fail())
    assert cluster.limits == FLEET_LIMITS


@pytest.mark.parametrize(
    "limits",
    [
        compute_limits(2, 10, UnitType="VCPU"),
        compute_limits(2, 10, MaximumCoreCapacityUnits=4),
        compute_limits(2, 10, MaximumOnDemandCapacityUnits=4),
        compute_limits(0, 10),
    ],
)
def test_limits_that_we_never_set_are_none_of_ours(
    clusters: Clusters, cluster: Cluster, limits: dict[str, Any]
) -> None:
    """A cluster of instance groups has core nodes on demand alone."""
    cluster.limits = limits
    assert clusters.limits("j-1") is None


def test_protection_is_set_and_lifted(clusters: Clusters, cluster: Cluster) -> None:
    """One that serves is protected from a hand that slips."""
    clusters.protect("j-1", protected=False)
    assert not cluster.protected
    clusters.protect("j-1", protected=True)
    assert cluster.protected


def test_a_protected_cluster_is_ended(world: World, clusters: Clusters, cluster: Cluster) -> None:
    """EMR refuses to end one that is protected."""
    assert cluster.protected
    assert end(clusters).state == "WAITING"
    assert world.terminated == [NAME]
    assert not cluster.protected


def test_an_end_is_requested_once(world: World, clusters: Clusters, cluster: Cluster) -> None:
    """A14: a repeated call finds it TERMINATING."""
    end(clusters)
    assert end(clusters).state == "TERMINATING"
    assert world.terminated == [NAME]


def test_a_cluster_that_has_ended_is_not_ended_again(world: World, clusters: Clusters, cluster: Cluster) -> None:
    """Its protection is left alone too."""
    cluster.ended_at = world.clock.now - 60
    assert end(clusters).ended
    assert world.terminated == []
    assert cluster.protected


@pytest.mark.parametrize(
    "foreign",
    [
        {"name": "another"},
        {"tags": {}},
        {"tags": {"emr-dr:deployment": "another", "emr-dr:managed-cluster": "a"}},
        {"tags": {"emr-dr:deployment": "emr-dr-active-passive", "emr-dr:managed-cluster": "b"}},
    ],
)
def test_what_is_not_ours_is_not_touched(
    world: World, clusters: Clusters, cluster: Cluster, foreign: dict[str, Any]
) -> None:
    """Never terminate a cluster whose name or tags are not ours, nor lift its protection."""
    for attribute, value in foreign.items():
        setattr(cluster, attribute, value)
    with pytest.raises(InvariantError, match="cluster j-1 must not be ended: it is "):
        end(clusters)
    assert world.terminated == []
    assert cluster.protected


@pytest.mark.parametrize(("name", "words"), [(NAME, ["WAITING"]), ("another", [])])
def test_the_intent_is_told_before_anything_is_changed(
    world: World, clusters: Clusters, cluster: Cluster, name: str, words: list[str]
) -> None:
    """And only if the cluster is ours."""
    cluster.name = name
    told: list[str] = []
    with contextlib.suppress(InvariantError):
        clusters.end(
            "j-1", managed_cluster="a", stack_name=NAME, intent=lambda: told.append(world.cluster_state(cluster))
        )
    assert told == words


def test_clusters_that_have_not_ended_are_named(world: World, clusters: Clusters, cluster: Cluster) -> None:
    """Whosever they are: the list knows no tags."""
    world.clusters["j-2"] = Cluster(cluster_id="j-2", name="other", tags={}, address="10.0.0.9", started=0)
    assert list(clusters.names()) == [("j-1", NAME), ("j-2", "other")]
    cluster.ended_at = world.clock.now
    assert ("j-1", NAME) in list(clusters.names())
    world.clock.now += world.TERMINATION_SECONDS
    assert list(clusters.names()) == [("j-2", "other")]


@pytest.mark.parametrize(
    ("state", "ended", "ends"),
    [
        ("WAITING", False, False),
        ("RUNNING", False, False),
        ("TERMINATING", False, True),
        ("TERMINATED", True, True),
        ("TERMINATED_WITH_ERRORS", True, True),
    ],
)
def test_what_emr_takes_away_ends_before_it_has_ended(state: str, ended: bool, ends: bool) -> None:
    """EMR API reference, ClusterState."""
    seen = ClusterSeen(cluster_id="j-1", name=NAME, state=state, reason="", tags={})
    assert (seen.ended, seen.ends) == (ended, ends)


def test_as_many_tags_as_a_cluster_may_have_can_be_renamed(world: World) -> None:
    """EMR takes 50 for a cluster: old and new ones are never there at the same time."""
    clusters = launched(world).deployment.clusters
    old, new = ({f"{name}-{number}": "x" for number in range(40)} for name in ("old", "new"))
    clusters.tag("j-1", add=old, remove=())
    clusters.tag("j-1", add=new, remove=list(old))
    assert new.items() <= world.cluster(1).tags.items()
    assert not old.keys() & world.cluster(1).tags.keys()
