"""The event history of CloudTrail is there, and empty."""

from __future__ import annotations

from pathlib import Path

from moto.cloudtrail.responses import CloudTrailResponse

from emr_drill.stand_in import trail

from .stack_world import stack_world


def test_moto_does_not_have_the_call_itself() -> None:
    """Once it has, its own is to be looked at."""
    found = vars(CloudTrailResponse).get(trail.CALL)

    assert found is None or found.__module__ == trail.__name__


def test_nothing_is_found(tmp_path: Path) -> None:
    with stack_world(tmp_path, parts=("trail",)) as world:
        assert world.client("cloudtrail").lookup_events()["Events"] == []
