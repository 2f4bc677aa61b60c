"""What no record knows: told apart from what is ours to keep, and from what is a person's."""

from __future__ import annotations

from typing import Any

import pytest

from dr_core.orphans import FORGOTTEN_SECONDS, Found, Orphan, Sighting, Treatment, orphans, seen_now, treat
from dr_core.record import Incarnation, IncarnationState, Lease, ManagedCluster

NOW = 1_800_000_000.0
LIMIT = 900


def incarnation(state: IncarnationState = IncarnationState.SERVING, **values: Any) -> Incarnation:
    return Incarnation(**{"generation": 1, "managed_cluster": "a", "state": state, "cluster_id": "j-1", **values})


def unknown(*found: Found, known: list[Incarnation] | None = None) -> list[Orphan]:
    return orphans(found, incarnations=[incarnation()] if known is None else known, deployment="d")


def test_what_the_record_knows_is_no_orphan() -> None:
    assert (
        unknown(Found(managed_cluster="a", generation=1), Found(managed_cluster="a", generation=1, cluster_id="j-1"))
        == []
    )


def test_a_cluster_whose_id_is_not_noted_down_yet_is_no_orphan() -> None:
    """Its launch goes on."""
    known = [incarnation(IncarnationState.LAUNCHING, cluster_id=None)]

    assert unknown(Found(managed_cluster="a", generation=1, cluster_id="j-1"), known=known) == []


def test_stack_and_cluster_of_a_generation_are_one_orphan() -> None:
    """B11: never a bill that nobody sees."""
    found = [Found(managed_cluster="a", generation=7), Found(managed_cluster="a", generation=7, cluster_id="j-7")]

    assert unknown(*found) == [Orphan(id="d-a-g7", managed_cluster="a", generation=7, cluster_id="j-7")]


def test_orphans_come_by_their_generation() -> None:
    found = [
        Found(managed_cluster="b", generation=9),
        Found(managed_cluster="b", generation=8),
        Found(managed_cluster="a", generation=8),
    ]

    assert [each.id for each in unknown(*found)] == ["d-a-g8", "d-b-g8", "d-b-g9"]


def test_the_same_generation_of_another_managed_cluster_is_no_excuse() -> None:
    assert [each.id for each in unknown(Found(managed_cluster="b", generation=1))] == ["d-b-g1"]


def test_what_is_there_although_it_was_retired_is_an_orphan() -> None:
    known = [incarnation(IncarnationState.RETIRED)]

    assert [each.id for each in unknown(Found(managed_cluster="a", generation=1), known=known)] == ["d-a-g1"]


def test_a_copy_of_a_cluster_is_a_persons() -> None:
    """The console copies name and tags."""
    (orphan,) = unknown(Found(managed_cluster="a", generation=1, cluster_id="j-2"))

    assert (orphan.id, orphan.cluster_id) == ("j-2", "j-2")
    assert orphan.kept == "generation 1 of managed cluster a has a cluster already, j-1"


def test_what_gets_traffic_is_kept() -> None:
    """A14: a record that was lost must not end what serves."""
    (orphan,) = unknown(
        Found(managed_cluster="a", generation=7, cluster_id="j-7", gets_traffic=True),
        Found(managed_cluster="a", generation=7),
    )

    assert orphan.kept == "it is a target of the front door"


ORPHAN = Orphan(id="d-a-g7", managed_cluster="a", generation=7, cluster_id="j-7")


def test_the_first_sighting_is_now() -> None:
    assert seen_now(ORPHAN, None, now=NOW) == Sighting(id="d-a-g7", first_seen=NOW, last_seen=NOW)


@pytest.mark.parametrize(("later", "first"), [(FORGOTTEN_SECONDS, NOW), (FORGOTTEN_SECONDS + 1, NOW + 601)])
def test_a_sighting_is_remembered_for_a_while(later: float, first: float) -> None:
    """What comes back after that is new."""
    before = Sighting(id="d-a-g7", first_seen=NOW, last_seen=NOW)

    assert seen_now(ORPHAN, before, now=NOW + later).first_seen == first
    assert seen_now(ORPHAN, before, now=NOW + later).last_seen == NOW + later


def test_a_sighting_comes_back_from_its_item() -> None:
    sighting = Sighting(id="d-a-g7", first_seen=NOW, last_seen=NOW + 60)

    assert Sighting.from_item(sighting.to_item()) == sighting
    assert Sighting.key("d-a-g7") == {"kind": "orphan", "id": "d-a-g7"}
    assert sighting.to_item().items() >= Sighting.key("d-a-g7").items()


def treatment(orphan: Orphan = ORPHAN, *, age: float = LIMIT, paused: bool = False, **of_a: Any) -> Treatment:
    return treat(
        orphan,
        Sighting(id=orphan.id, first_seen=NOW, last_seen=NOW + age),
        managed_clusters=[ManagedCluster(name="b"), ManagedCluster(name="a", **of_a)],
        paused=paused,
        limit=LIMIT,
    )


def test_a_new_orphan_is_told_of() -> None:
    assert treatment(age=0) is Treatment.TELL
    assert treatment(age=0, paused=True) is Treatment.TELL


def test_an_orphan_is_removed_when_its_time_is_over() -> None:
    assert treatment(age=LIMIT - 1) is Treatment.WAIT
    assert treatment(age=LIMIT) is Treatment.REMOVE


def test_an_orphan_of_a_managed_cluster_that_was_forgotten_is_removed() -> None:
    orphan = Orphan(id="d-c-g7", managed_cluster="c", generation=7, cluster_id=None)

    assert treatment(orphan) is Treatment.REMOVE


@pytest.mark.parametrize(
    "changes",
    [{"paused": True}, {"tombstone": True}, {"lease": Lease(execution="arn", operation="op", since=1)}],
)
def test_nothing_is_removed_while_somebody_works_or_has_paused(changes: dict[str, Any]) -> None:
    assert treatment(**changes) is Treatment.WAIT


def test_what_is_kept_is_never_removed() -> None:
    orphan = Orphan(id="j-2", managed_cluster="a", generation=1, cluster_id="j-2", kept="a copy")

    assert treatment(orphan, age=10 * LIMIT) is Treatment.WAIT
