"""Drain: nothing is waited for."""

from __future__ import annotations

import pytest

from ..scenarios import failed_over, settled
from ..world import World


@pytest.mark.parametrize(
    ("planned", "words"), [(True, "ends at once"), (False, "unplanned: there is nothing to wait for")]
)
def test_it_goes_on_and_touches_nothing(world: World, planned: bool, words: str) -> None:
    """Also when called again; ids and cluster are other states' matter."""
    request = {**failed_over(world), "planned": planned}
    before = settled(world)
    for _ in range(2):
        answer = world.step("retirement", "Drain", request)
        assert (answer.status, answer.message) == ("done", words)
    assert settled(world) == before
