"""Isolate: with one managed cluster there is nobody to isolate an incarnation from."""

from __future__ import annotations

from ..scenarios import failing, launched, settled
from ..world import World


def test_nobody_is_taken_out_of_service_before_a_successor_serves(world: World) -> None:
    """A14: never zero by our own act, however sick the incarnation is; also when called again."""
    request = failing(launched(world))
    world.run_operation(request, until="Isolate")
    before = settled(world)
    for _ in range(2):
        answer = world.step("operation", "Isolate", request)
        assert (answer.status, answer.message) == ("done", "no other incarnation serves beside managed cluster a")
    assert settled(world) == before
    assert world.deregistered == []
