"""A2: what is unhealthy while a planned operation keeps every failover of it back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dr_core.naming import standby_operation
from dr_core.record import IncarnationState, Incident, IncidentState
from dr_core.waiting import Waiting, waiting

from .reconciled import A1, LEASE, NOW, begun, with_a

INCIDENT = Incident(managed_cluster="a", incident="a-1", state=IncidentState.OPEN, since=NOW, first_bad_at=NOW - 30)
STANDBY = begun(state=IncarnationState.STANDBY)


def sick(*others: Any, incident: Incident = INCIDENT, **of_a: Any) -> Any:
    return replace(with_a(A1, *others, **{"lease": LEASE, **of_a}), incidents=(incident,))


def test_what_is_unhealthy_waits_for_the_end_of_a_planned_operation() -> None:
    (found,) = waiting(sick())

    assert found == Waiting(serving=A1, incident=INCIDENT, lease=LEASE, standby=None)
    assert found.key == "unhealthy while an operation works on it: op: 1"


def test_what_stands_by_is_named_as_a_failover_would_take_it() -> None:
    (found,) = waiting(sick(STANDBY))

    assert found.standby == STANDBY


@pytest.mark.parametrize(
    ("why", "recorded"),
    [
        ("it is well", sick(incident=replace(INCIDENT, state=IncidentState.CLOSED))),
        ("another one is sick", sick(incident=replace(INCIDENT, managed_cluster="b"))),
        ("nothing works on it", sick(lease=None)),
        ("its failover works on it", sick(lease=replace(LEASE, operation="a-1-2"))),
        ("a failover supersedes that", sick(lease=replace(LEASE, operation=standby_operation("a", NOW)))),
        ("nothing is in service", sick(serving_generation=None)),
        ("it is being deleted", sick(tombstone=True)),
    ],
)
def test_nothing_waits_when(why: str, recorded: Any) -> None:
    assert list(waiting(recorded)) == [], why
