"""The canary of what stands by; what follows from it stands with what keeps standbys."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dr_core.naming import canary_name
from dr_core.record import IncarnationState
from dr_core.standby import NEXT_CANARY_SECONDS
from failover.standby_canary import prove

from .scenarios import no_probers, standing_by
from .world import World


@pytest.fixture
def due(world: World) -> World:
    """Generation 2 stands by, and its next canary is due."""
    standing_by(world).clock.now += NEXT_CANARY_SECONDS
    return world


def test_each_canary_has_a_name_of_its_own(due: World) -> None:
    """Livy lets a name be used once; the first two belong to the launch."""
    for number in (2, 3):
        prove(due.deployment, due.incarnation(2))
        assert due.incarnation(2).canary_name == canary_name(2, number)
        due.clock.now += NEXT_CANARY_SECONDS


def test_after_one_that_failed_another_name_is_used(due: World) -> None:
    due.cluster(2).canary_state = "dead"
    prove(due.deployment, due.incarnation(2))
    assert due.incarnation(2).canary_failures == 1
    due.cluster(2).canary_state = "success"
    prove(due.deployment, due.incarnation(2))
    standby = due.incarnation(2)
    assert (standby.canary_failures, standby.canary_name) == (0, canary_name(2, 3))


def test_a_canary_that_nobody_can_ask_for_changes_nothing(due: World) -> None:
    """An error of our own call says nothing of the cluster."""
    no_probers(due)
    before = due.incarnation(2)
    prove(due.deployment, before)
    assert due.incarnation(2) == replace(before, canary_asked_at=due.clock.now)


def test_what_a_failover_took_meanwhile_is_left_alone(due: World) -> None:
    """It may serve by now."""
    before = due.incarnation(2)
    due.put(replace(before, state=IncarnationState.SERVING).to_item())
    prove(due.deployment, before)
    assert due.incarnation(2) == replace(before, state=IncarnationState.SERVING)


@pytest.mark.parametrize(("silent", "proved_after"), [(90, 90), (3 * 3600, 300)])
def test_a_canary_proves_nothing_of_the_time_after_its_limit(due: World, silent: float, proved_after: float) -> None:
    """Whoever reads its end may have been silent for hours."""
    assert due.deployment.config.canary.limit_seconds == 300
    due.cluster(2).canary_state = "running"
    prove(due.deployment, due.incarnation(2))
    begun_at = due.clock.now
    due.cluster(2).canary_state = "success"
    due.clock.now += silent
    prove(due.deployment, due.incarnation(2))
    assert due.incarnation(2).canary_succeeded_at == begun_at + proved_after


def test_its_begin_is_noted_before_it_is_asked_for(due: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A14: the function may die right after Livy has taken it."""

    def die(self: object, **_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(type(due.deployment.probers), "canary", die)
    with pytest.raises(KeyboardInterrupt):
        prove(due.deployment, due.incarnation(2))
    assert due.incarnation(2).canary_asked_at == due.clock.now
    monkeypatch.undo()
    due.clock.now += 3600
    due.cluster(2).canary_state = "running"
    prove(due.deployment, due.incarnation(2))
    assert due.incarnation(2).canary_failures == 0, "it begins now, and is not late"


def test_one_whose_answer_was_lost_proves_nothing_of_the_hours_after_it(due: World) -> None:
    """Livy may have taken it; who reads its end later knows no more than when it was asked for."""
    no_probers(due)
    asked_at = due.clock.now
    prove(due.deployment, due.incarnation(2))
    due.dead_probers.clear()
    due.clock.now += 3 * 3600
    prove(due.deployment, due.incarnation(2))
    assert due.incarnation(2).canary_succeeded_at == asked_at + 300
    prove(due.deployment, due.incarnation(2))
    assert due.incarnation(2).canary_succeeded_at == due.clock.now, "the next one is asked for at once"
