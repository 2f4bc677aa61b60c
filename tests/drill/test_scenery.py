"""Where a fault strikes."""

from __future__ import annotations

from typing import Any, cast

import pytest

from emr_drill.errors import DrillError
from emr_drill.faults.scene import Scene
from emr_drill.scenery import find_scene


def incarnation(generation: int, managed_cluster: str = "a", **changes: Any) -> dict[str, Any]:
    return {
        "generation": generation,
        "managed_cluster": managed_cluster,
        "state": "serving",
        "cluster_id": f"j-{generation}",
        "availability_zone": f"us-east-1{'abc'[generation - 1]}",
        **changes,
    }


class World:
    """A deployment with these incarnations."""

    def __init__(self, *incarnations: dict[str, Any]) -> None:
        self._known = list(incarnations)

    def incarnations(self) -> list[dict[str, Any]]:
        return self._known


def found(*incarnations: dict[str, Any], seed: int = 1, **wanted: Any) -> Scene:
    world = cast(Any, World(*incarnations))
    return find_scene(stand_in=world, deployment=world, seed=seed, **wanted)


def test_it_strikes_what_serves_beside_what_stands_by_and_what_is_over() -> None:
    scene = found(incarnation(1, state="retired"), incarnation(2), incarnation(3, state="standby"))

    assert (scene.cluster_id, scene.generation, scene.managed_cluster) == ("j-2", 2, "a")
    assert (scene.availability_zone, scene.standby, dict(scene.others)) == ("us-east-1b", "j-3", {})


@pytest.mark.parametrize("name", ["a", "b"])
def test_the_managed_cluster_that_is_named_is_struck(name: str) -> None:
    """A2: whatever the seed."""
    both = (incarnation(1, "a"), incarnation(2, "b"))

    assert {found(*both, seed=seed, managed_cluster=name).managed_cluster for seed in range(8)} == {name}


def test_else_any_of_them_is_struck_by_the_seed() -> None:
    """A2."""
    both = (incarnation(1, "a"), incarnation(2, "b"))
    scenes = [found(*both, seed=seed) for seed in range(8)]

    assert {scene.managed_cluster for scene in scenes} == {"a", "b"}
    assert all(scene.managed_cluster not in scene.others.values() for scene in scenes)
    assert all(len(scene.others) == 1 for scene in scenes)


def test_the_az_that_is_named_is_struck() -> None:
    assert found(incarnation(1, "a"), incarnation(2, "b"), zone="us-east-1b").managed_cluster == "b"


def test_an_az_in_which_nothing_serves_is_told_with_those_in_which_something_does() -> None:
    with pytest.raises(DrillError, match="nothing is in service in us-east-1c, only in us-east-1a, us-east-1b: name"):
        found(incarnation(1, "a"), incarnation(2, "b"), zone="us-east-1c")


def test_nothing_in_service_is_nothing_to_break() -> None:
    with pytest.raises(DrillError, match="no incarnation is in service, so that there is nothing to break"):
        found(incarnation(1, state="verifying"))
