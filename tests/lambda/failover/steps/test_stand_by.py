"""The end of a standby's launch: what serves is not touched."""

from __future__ import annotations

import pytest

from dr_core.record import IncarnationState, Outcome
from failover.errors import InvariantError
from failover.leftovers import abandon

from ..scenarios import settled, standby_asked_for
from ..world import World


def test_it_is_recorded_at_once(world: World) -> None:
    """State, outcome and lease: nothing can be half recorded."""
    request = standby_asked_for(world)
    world.run_operation(request, until="CutOver")
    assert world.step("operation", "CutOver", request).status == "done"
    standby = world.incarnation(2)
    assert (standby.state, standby.standby_from) == (IncarnationState.STANDBY, world.clock.now)
    assert standby.canary_succeeded_at == world.operation(request["operation"]).entered["Route"]
    assert world.managed_cluster().lease is None
    assert world.operation(request["operation"]).outcome is Outcome.STANDS_BY


def test_a_second_call_changes_nothing(world: World) -> None:
    """A14: its function may die before it can answer."""
    request = standby_asked_for(world)
    world.run_operation(request, until="CutOver")
    world.step("operation", "CutOver", request)
    before = settled(world)
    assert world.step("operation", "CutOver", request).status == "done"
    assert settled(world) == before


def test_what_was_given_up_does_not_stand_by(world: World) -> None:
    request = standby_asked_for(world)
    world.run_operation(request, until="CutOver")
    abandon(world.deployment, world.incarnation(2))
    assert world.step("operation", "CutOver", request).status == "failed"
    assert world.incarnation(2).state is IncarnationState.ABANDONED


def test_whoever_lost_the_lease_records_nothing(world: World) -> None:
    """A step outlives its execution."""
    request = standby_asked_for(world)
    world.run_operation(request, until="CutOver")
    world.record.change_together = lambda *_: False  # type: ignore[method-assign]
    with pytest.raises(InvariantError, match="lost the lease"):
        world.step("operation", "CutOver", request)
    assert world.incarnation(2).state is IncarnationState.VERIFYING
