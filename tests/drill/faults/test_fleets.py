"""Rows about clusters of instance fleets (B5)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from emr_dr.fleet_settings import Fleets
from emr_drill.faults import fleets
from emr_drill.faults.scene import Scene
from emr_drill.stand_in.emr_fleets import ON_DEMAND, SPOT


class Clusters:
    """Remembers what is used up."""

    def __init__(self) -> None:
        self.gone: set[tuple[str, str, str]] = set()

    def use_up(self, zone: str, name: str, *, markets: tuple[str, ...] = (ON_DEMAND, SPOT)) -> None:
        self.gone |= {(zone, name, market) for market in markets}


def test_the_first_type_is_used_up_everywhere_and_spot_of_task_nodes() -> None:
    """The second type is there in every AZ, and task nodes on demand: a launch has a way."""
    clusters = Clusters()

    fleets._use_up(cast(Scene, SimpleNamespace(zones=("x", "y"), clusters=clusters)))

    first, second = fleets.PRIMARY_TYPES
    for zone in ("x", "y"):
        assert {(zone, first, ON_DEMAND), (zone, first, SPOT)} <= clusters.gone
        assert (zone, second, ON_DEMAND) not in clusters.gone
        for name in fleets.TASK_TYPES:
            assert (zone, name, SPOT) in clusters.gone
            assert (zone, name, ON_DEMAND) not in clusters.gone


def test_its_settings_are_settings() -> None:
    """The drill hands them to synth as a person would."""
    import yaml

    (given,) = [each for each in fleets.FLEETS if each.startswith("set.cluster.fleets=")]
    parsed: dict[str, Any] = yaml.safe_load(given.partition("=")[2])

    made = Fleets.model_validate(parsed)

    assert [each.type for each in made.core.types] == list(fleets.CORE_TYPES)
