"""What the half that was not struck might grow to."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from dr_core.scaling import Scaling
from dr_core.specs import Spec
from emr_drill.survivors import Survivor, SurvivorSeen, survivor

OTHER = Survivor(cluster_id="j-2", before=10, alone=20)
ALONE = Scaling(minimum_instances=2, maximum_instances=10, maximum_instances_alone=20)


def change(at: float, maximum: int, cluster: str = "j-2") -> dict[str, Any]:
    return {"at": at, "kind": "scaling", "cluster": cluster, "maximum": maximum}


def seen(*entries: dict[str, Any]) -> SurvivorSeen:
    return OTHER.seen(entries, since=100.0)


def test_one_that_was_raised_and_set_back() -> None:
    found = seen(change(50, 20), change(160, 20), {"at": 170, "kind": "cluster"}, change(900, 10))
    assert found == SurvivorSeen(before=10, alone=20, during=20, after=10, raised_seconds=60.0)


def test_one_that_was_never_raised() -> None:
    found = seen(change(160, 20, "j-1"))
    assert (found.during, found.after, found.raised_seconds) == (10, 10, None)


def test_one_that_was_not_set_back() -> None:
    assert seen(change(160, 20)).after == 20


def found(scaling: Scaling | None, *, maximum: int | None = 10, state: str = "serving") -> Survivor | None:
    """The survivor of a deployment of two, the first of which was struck."""
    spec = Spec(template_url="https://t", parameters={}, scaling=scaling).to_json()
    deployment = SimpleNamespace(
        records=lambda _: [{"id": "a", "spec": spec}, {"id": "b", "spec": spec}],
        incarnations=lambda: [
            {"managed_cluster": "a", "state": "serving", "cluster_id": "j-1"},
            {"managed_cluster": "b", "state": state, "cluster_id": "j-2"},
        ],
    )
    clusters = SimpleNamespace(most_instances=lambda _: maximum)
    return survivor(cast("Any", deployment), cast("Any", clusters), cast("Any", SimpleNamespace(managed_cluster="a")))


def test_the_survivor_is_the_half_that_was_not_struck() -> None:
    assert found(ALONE) == OTHER


@pytest.mark.parametrize("scaling", [None, Scaling(minimum_instances=2, maximum_instances=10)])
def test_where_the_settings_give_no_room_there_is_none(scaling: Scaling | None) -> None:
    assert found(scaling) is None


def test_what_does_not_serve_or_has_no_policy_survives_nothing() -> None:
    assert found(ALONE, state="retiring") is None
    assert found(ALONE, maximum=None) is None
