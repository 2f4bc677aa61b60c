"""Orphans in a small AWS: told of at once, ended after a while, and never what is somebody else's."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_core.controls import Controls
from dr_core.record import Incarnation, IncarnationState
from failover import orphanage
from failover.reality import look
from failover.reconcile import reconcile

from .fakes import client_error
from .parts import DEPLOYMENT, Cluster, Stack
from .safety import retirements
from .scenarios import launched, settled
from .world import World

NAME = f"{DEPLOYMENT}-a-g7"
PAUSE = '{"action": "pause", "because": "..."}'


def tags(**changes: str) -> dict[str, str]:
    values = {"deployment": DEPLOYMENT, "managed-cluster": "a", "generation": "7", **changes}
    return {f"emr-dr:{name}": value for name, value in values.items()}


def add_cluster(world: World, *, name: str = NAME, cluster_id: str = "j-7", **changes: str) -> Cluster:
    """A cluster that no record knows."""
    cluster = Cluster(
        cluster_id=cluster_id, name=name, tags=tags(**changes), address="10.0.3.7", started=world.clock.now - 1000
    )
    world.clusters[cluster_id] = cluster
    return cluster


def add_stack(world: World, *, name: str = NAME, cluster: Cluster | None = None, **changes: str) -> Stack:
    """A stack that no record knows."""
    stack = Stack(
        stack_id=f"arn:stack/{name}",
        name=name,
        tags=tags(**changes),
        parameters={},
        cluster=cluster,
        created=world.clock.now + 86_400,  # it starts no cluster by itself
    )
    world.stacks[stack.stack_id] = stack
    return stack


def reconcile_for(world: World, minutes: int) -> None:
    """A run each minute."""
    for _ in range(minutes):
        reconcile(world.deployment)
        world.clock.now += 60


def assert_tells_how_to_keep_it(message: str) -> None:
    """A pause comes first, as a stopped retirement is started again, and puts the removal off only: then the tags."""
    pause = f"--function-name {DEPLOYMENT}-control --cli-binary-format raw-in-base64-out --payload '{PAUSE}'"
    order = [message.index(part) for part in (pause, "the tag emr-dr:deployment on its stack and on its cluster")]
    assert order == sorted(order)
    stop = message.find("stop the execution")
    assert stop == -1 or order[0] < stop < order[1]


@pytest.fixture
def serving(world: World) -> World:
    launched(world).notices.clear()
    return world


def test_an_orphan_is_told_of_once_and_ended_after_a_while(serving: World) -> None:
    """B11: never a bill that nobody sees."""
    cluster = add_cluster(serving)
    add_stack(serving, cluster=cluster)
    reconcile_for(serving, 15)
    assert [each["subject"] for each in serving.notices] == [f"{DEPLOYMENT}: {NAME} is in no record"]
    assert "It is removed in 15 minutes." in serving.notices[0]["message"]
    assert_tells_how_to_keep_it(serving.notices[0]["message"])
    assert retirements(serving) == []
    reconcile_for(serving, 3)
    assert [each["subject"] for each in serving.notices[1:]] == [f"{DEPLOYMENT}: {NAME} is being removed"]
    assert_tells_how_to_keep_it(serving.notices[1]["message"])
    assert retirements(serving) == ["a-retire-g7"]
    serving.run_started_retirements()
    assert settled(serving)["states"] == {1: "serving", 7: "retired"}
    assert settled(serving)["clusters"] == [f"{DEPLOYMENT}-a-g1"]


def test_a_cluster_without_a_stack_is_ended(serving: World) -> None:
    """Its protection is lifted, too."""
    cluster = add_cluster(serving)
    cluster.protected = True
    reconcile_for(serving, 17)
    serving.run_started_retirements()
    assert cluster.ended_at is not None
    assert settled(serving)["states"] == {1: "serving", 7: "retired"}


def test_a_stack_without_a_cluster_is_deleted(serving: World) -> None:
    stack = add_stack(serving)
    reconcile_for(serving, 17)
    serving.run_started_retirements()
    assert stack.deleting


@pytest.mark.parametrize(
    "changes", [{"deployment": "another"}, {"managed-cluster": "b"}, {"generation": "8"}, {"deployment": "x"}]
)
def test_what_has_our_name_and_not_our_tags_is_left_alone(serving: World, changes: dict[str, str]) -> None:
    """A14: nothing of others' is touched, or told of."""
    add_stack(serving, cluster=add_cluster(serving, **changes), **changes)
    reconcile_for(serving, 20)
    assert (retirements(serving), serving.notices) == ([], [])


@pytest.mark.parametrize("name", [f"{DEPLOYMENT}-b-g7", f"{DEPLOYMENT}-a-g7-copy", "mine"])
def test_what_has_our_tags_and_not_our_name_is_left_alone(serving: World, name: str) -> None:
    add_stack(serving, name=name, cluster=add_cluster(serving, name=name))
    reconcile_for(serving, 20)
    assert (retirements(serving), serving.notices) == ([], [])


@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException"])
def test_a_cluster_that_we_may_not_look_at_is_not_ours(
    serving: World, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The role may look at clusters with the deployment's tag."""
    add_cluster(serving)
    describe = serving.deployment.clusters.describe

    def denied(cluster_id: str) -> Any:
        if cluster_id == "j-7":
            raise client_error(code, "not authorized")
        return describe(cluster_id)

    monkeypatch.setattr(type(serving.deployment.clusters), "describe", lambda _, cluster_id: denied(cluster_id))
    reconcile_for(serving, 20)
    assert (retirements(serving), serving.notices) == ([], [])


def test_a_cluster_that_cannot_be_looked_at_is_nothing_known(serving: World) -> None:
    """A14: an error of our own call leads to no action."""
    add_cluster(serving)
    serving.broken = {"describe_cluster"}
    reconcile_for(serving, 20)
    assert (retirements(serving), serving.notices) == ([], [])


def test_a_copy_of_what_serves_is_a_persons(serving: World) -> None:
    """The console copies name and tags."""
    add_cluster(serving, name=f"{DEPLOYMENT}-a-g1", cluster_id="j-copy", generation="1")
    reconcile_for(serving, 30)
    (notice,) = serving.notices
    assert notice["subject"] == f"{DEPLOYMENT}: j-copy is in no record"
    assert f"nothing will be by itself: {DEPLOYMENT}-a-g1 has a cluster already, j-1." in notice["message"]
    assert "end cluster j-copy yourself" in notice["message"]
    assert retirements(serving) == []


def test_a_record_that_was_lost_does_not_end_what_serves(serving: World) -> None:
    """A14: whatever gets traffic is a person's to decide about."""
    for key in [key for key in serving.record.items if key[0] in ("incarnation", "slot")]:
        serving.record.items.pop(key)
    serving.put({**serving.managed_cluster().to_item(), "serving_generation": None})
    before = dict(serving.targets["balanced"])
    reconcile_for(serving, 30)
    assert serving.targets["balanced"] == before
    assert retirements(serving) == []
    assert any("it is a target of the front door" in each["message"] for each in serving.notices)


def test_what_was_retired_and_is_there_is_ended_again(serving: World) -> None:
    """A stack whose deletion was undone by hand, say."""
    cluster = add_cluster(serving)
    serving.put(
        Incarnation(
            generation=7,
            managed_cluster="a",
            state=IncarnationState.RETIRED,
            stack_name=NAME,
            cluster_id="j-old",
            fenced_at=1.0,
            terminate_requested_at=1.0,
            created_at=1.0,
        ).to_item()
    )
    reconcile_for(serving, 17)
    serving.run_started_retirements()
    assert cluster.ended_at is not None
    assert serving.incarnation(7).state is IncarnationState.RETIRED


def test_nothing_is_killed_at_the_address_of_what_was_retired_long_ago(serving: World) -> None:
    """A14: it may be anybody's by now."""
    add_cluster(serving)
    old = Incarnation(
        generation=7,
        managed_cluster="a",
        state=IncarnationState.RETIRED,
        stack_name=NAME,
        cluster_id="j-old",
        primary_address=serving.cluster(1).address,
        created_at=1.0,
    )
    serving.put(old.to_item())
    serving.cluster(1).applications.append("application_1_1")
    reconcile_for(serving, 17)
    assert retirements(serving) == ["a-retire-g7"]
    assert serving.incarnation(7).primary_address is None
    serving.run_started_retirements()
    assert serving.cluster(1).applications == ["application_1_1"]


def test_a_retired_incarnation_of_another_managed_cluster_stays_as_it_is(serving: World) -> None:
    """A14: the generation of what was found is in the record, under another name."""
    add_cluster(serving)
    old = Incarnation(generation=7, managed_cluster="b", state=IncarnationState.RETIRED, created_at=1.0)
    serving.put(old.to_item())
    reconcile_for(serving, 17)
    assert (retirements(serving), serving.incarnation(7)) == ([], old)


def test_paused_means_that_nothing_is_removed(serving: World) -> None:
    """It is told of all the same."""
    serving.put(Controls(paused=True).to_item())
    add_cluster(serving)
    reconcile_for(serving, 30)
    assert (retirements(serving), len(serving.notices)) == ([], 1)


def test_what_is_gone_in_a_fresh_look_is_not_recorded(serving: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Right before it acts."""
    add_cluster(serving)
    reconcile_for(serving, 15)
    fresh = look

    def look_later(deployment: Any) -> Any:
        serving.clusters.pop("j-7")
        return fresh(deployment)

    monkeypatch.setattr(orphanage, "look", look_later)
    reconcile_for(serving, 1)
    assert (retirements(serving), ("incarnation", "g000007") in serving.record.items) == ([], False)


def test_what_somebody_recorded_meanwhile_is_left_alone(serving: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its generation is in use now."""
    add_cluster(serving)
    reconcile_for(serving, 15)
    fresh = orphanage._orphans

    looks = []

    def recorded_later(deployment: Any, seen: Any) -> Any:
        found = fresh(deployment, seen)
        looks.append(found)
        if len(looks) < 2:
            return found
        serving.put(Incarnation(generation=7, managed_cluster="a", state=IncarnationState.LAUNCHING).to_item())
        return found

    monkeypatch.setattr(orphanage, "_orphans", recorded_later)
    reconcile_for(serving, 1)
    assert retirements(serving) == []
    assert serving.incarnation(7).state is IncarnationState.LAUNCHING


def test_a_removal_that_failed_is_tried_again(serving: World, capsys: pytest.CaptureFixture[str]) -> None:
    """And the heartbeat is left out meanwhile."""
    add_cluster(serving)
    reconcile_for(serving, 15)
    serving.broken = {"start_execution"}
    capsys.readouterr()
    reconcile_for(serving, 2)
    assert capsys.readouterr().out.count('"Reconciled":[1.0]') == 1
    serving.broken = set()
    serving.clock.now += 200
    reconcile_for(serving, 1)
    assert retirements(serving) == ["a-retire-g7"]


def test_a_message_that_was_sent_before_the_run_died_is_sent_twice(
    serving: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice, not never."""
    add_cluster(serving)
    change = serving.record.change

    def dies(_: Any) -> bool:
        monkeypatch.setattr(serving.record, "change", change)
        raise ClientError({"Error": {"Code": "Throttling", "Message": "slow down"}}, "UpdateItem")

    monkeypatch.setattr(serving.record, "change", dies)
    reconcile_for(serving, 3)
    assert [each["subject"] for each in serving.notices] == [f"{DEPLOYMENT}: {NAME} is in no record"] * 2
