"""A14: an operation that found nothing to do leaves nothing behind."""

from __future__ import annotations

from dr_core.evidence import Verdict
from dr_core.record import Outcome
from failover.calling_off import call_off, not_confirmed

from .scenarios import failing, launched, operation_call, second_half
from .world import World


def test_what_was_isolated_comes_back_and_the_next_one_may_begin(world: World) -> None:
    """A2, A14: people are told, too."""
    launched(world)
    second_half(world)
    request = failing(world)
    world.run_operation(request, until="Repair")
    assert world.incarnation(1).isolated_at is not None
    call = operation_call(world, request, step="Repair")
    answer = call_off(
        call, not_confirmed(call, "it answers again"), message="it answers again", verdict=Verdict.HEALTHY
    )
    assert (answer.status, world.operation("op2").outcome) == ("cancelled", Outcome.CANCELLED)
    assert (world.incarnation(1).isolated_at, world.managed_cluster().lease) == (None, None)
    assert world.notices[-1]["subject"].endswith("failover of a called off")
    assert "A second look did not confirm it: it answers again." in world.notices[-1]["message"]
