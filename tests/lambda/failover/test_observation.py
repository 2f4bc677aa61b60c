"""The verdict of this moment, from evidence of this moment."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from dr_core.config import ManagedClusterResources
from dr_core.controls import Controls
from dr_core.evidence import Verdict
from dr_core.record import Incarnation, IncarnationState, ManagedCluster
from dr_core.restraints import DeploymentView
from failover.observation import verdict_in_service, verdict_on, view_now

from .scenarios import launched
from .world import World

if TYPE_CHECKING:
    from failover.clusters import Clusters
    from failover.deployment import Deployment


@pytest.mark.parametrize("verdict", [Verdict.HEALTHY, Verdict.UNHEALTHY])
def test_what_the_probers_agree_on_is_the_verdict(world: World, verdict: Verdict) -> None:
    """A11: by the monitor's own rule."""
    launched(world).see_evidence(1, verdict)
    assert verdict_on(world.deployment, world.incarnation(1)).verdict is verdict


def test_no_evidence_is_no_verdict(world: World) -> None:
    """A14: nobody looked."""
    launched(world).record.seen.clear()
    assert verdict_on(world.deployment, world.incarnation(1)).verdict is Verdict.UNKNOWN


def test_old_evidence_is_no_verdict(world: World) -> None:
    """A14: what was seen minutes ago says nothing now."""
    launched(world).see_evidence(1, Verdict.UNHEALTHY)
    world.clock.now += 120
    assert verdict_on(world.deployment, world.incarnation(1)).verdict is Verdict.UNKNOWN


def test_evidence_of_another_incarnation_is_no_verdict(world: World) -> None:
    """Each is judged by its own."""
    launched(world).record.seen.clear()
    world.see_evidence(2, Verdict.UNHEALTHY)
    assert verdict_on(world.deployment, world.incarnation(1)).verdict is Verdict.UNKNOWN


def test_what_serves_since_a_moment_is_not_judged(world: World) -> None:
    """Only if asked as one in service."""
    launched(world).see_evidence(1, Verdict.UNHEALTHY)
    incarnation, now = world.incarnation(1), world.clock.now
    assert verdict_on(world.deployment, incarnation, serving_from=now - 5).verdict is Verdict.UNKNOWN
    assert verdict_on(world.deployment, incarnation, serving_from=now - 500).verdict is Verdict.UNHEALTHY


def test_only_the_looks_that_matter_are_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day of evidence is kept: reading all of it would take pages."""
    asked: list[str] = []
    launched(world)

    def evidence(*, table_name: str, incarnation: str, since: str) -> list[dict[str, str]]:
        asked.extend((table_name, incarnation, since))
        return []

    monkeypatch.setattr(world.record, "evidence", evidence)
    verdict_on(world.deployment, world.incarnation(1))
    policy = world.deployment.config.policy
    since = world.clock.now - (policy.rounds + 1) * policy.round_seconds
    assert asked[:2] == ["evidence", "g000001"]
    assert float(asked[2].partition("#")[0]) == since


def test_in_service_it_is_judged_by_what_it_does_there(world: World) -> None:
    """A11: as the monitor does."""
    launched(world).see_evidence(1, Verdict.UNHEALTHY)
    just_now = replace(world.incarnation(1), serving_from=world.clock.now - 5)
    assert verdict_in_service(world.deployment, world.incarnation(1)).actionable
    assert verdict_in_service(world.deployment, just_now).verdict is Verdict.UNKNOWN


def ended_by_a_person(world: World, *, at: float) -> Deployment:
    """The deployment, whose cluster EMR calls ended by somebody's request."""
    status = {
        "State": "TERMINATED",
        "StateChangeReason": {"Code": "USER_REQUEST", "Message": "by user"},
        "Timeline": {"EndDateTime": datetime.fromtimestamp(at, tz=UTC)},
    }
    client = SimpleNamespace(describe_cluster=lambda *, ClusterId: {"Cluster": {"Status": {ClusterId: status}["j-1"]}})
    return replace(world.deployment, clusters=cast("Clusters", SimpleNamespace(client=client)))


@pytest.mark.parametrize(("asked", "persons"), [(None, True), (60, True), (-60, False)])
def test_what_a_person_ended_is_told_from_what_we_ended(world: World, asked: float | None, persons: bool) -> None:
    """A11: *asked* is how long after its end we asked for it."""
    launched(world).see_evidence(1, Verdict.UNHEALTHY)
    now = world.clock.now
    incarnation = replace(world.incarnation(1), terminate_requested_at=None if asked is None else now + asked)
    judgement = verdict_in_service(ended_by_a_person(world, at=now), incarnation)
    assert (judgement.terminated_by_a_person, judgement.actionable) == (persons, not persons)


def test_emr_is_asked_about_what_is_unhealthy_only(world: World) -> None:
    """Each call adds to the time until a person has an answer."""
    launched(world).see_evidence(1, Verdict.HEALTHY)
    world.broken = {"describe_cluster"}
    assert verdict_in_service(world.deployment, world.incarnation(1)).verdict is Verdict.HEALTHY
    world.see_evidence(1, Verdict.UNHEALTHY)
    without = replace(world.incarnation(1), cluster_id=None)
    assert verdict_in_service(world.deployment, without).actionable


def test_while_emr_does_not_answer_nothing_may_be_done(world: World) -> None:
    """A14."""
    launched(world).see_evidence(1, Verdict.UNHEALTHY)
    world.broken = {"describe_cluster"}
    judgement = verdict_in_service(world.deployment, world.incarnation(1))
    assert (judgement.verdict, judgement.actionable) == (Verdict.UNHEALTHY, False)
    assert "Rate exceeded" in judgement.reason


def test_the_view_is_of_the_whole_deployment(world: World) -> None:
    """A12: a block and a budget count what every managed cluster did, and only those that belong to the deployment."""
    both = replace(
        world.deployment.config,
        managed_clusters=(
            *world.deployment.config.managed_clusters,
            ManagedClusterResources(name="b", resource_manager_target_group="rm-b", name_node_target_group="nn-b"),
        ),
    )
    controls = Controls(paused=True)
    for record in (
        ManagedCluster(name="a", automatic_failovers=(20.0,)),
        ManagedCluster(name="b", automatic_failovers=(10.0,)),
        ManagedCluster(name="c", automatic_failovers=(5.0,)),
        Incarnation(
            generation=7, managed_cluster="b", state=IncarnationState.RETIRED, reason="unhealthy", created_at=30.0
        ),
        controls,
    ):
        world.put(record.to_item())

    assert view_now(replace(world.deployment, config=both)) == DeploymentView(
        controls=controls, automatic_failovers=(10.0, 20.0), automatic_launches=(30.0,)
    )


def test_without_a_persons_word_nothing_is_decided(world: World) -> None:
    assert view_now(world.deployment) == DeploymentView()
