"""What a drill can break."""

from __future__ import annotations

from typing import Any, cast

import pytest

from emr_drill.faults import TEXTS, Fault, strike
from emr_drill.ports import Service


class Clusters:
    """Notes what is done to clusters."""

    def __init__(self) -> None:
        self.done: list[tuple[Any, ...]] = []

    def kill_primary(self, cluster_id: str) -> None:
        self.done.append(("primary", cluster_id))

    def kill_service(self, cluster_id: str, service: Service) -> None:
        self.done.append((service, cluster_id))


class StandIn:
    """What faults strike."""

    def __init__(self) -> None:
        self.clusters = Clusters()


@pytest.mark.parametrize(
    ("fault", "done"),
    [
        (Fault.KILL_PRIMARY, [("primary", "j-1")]),
        (Fault.KILL_LIVY, [(Service.LIVY, "j-1")]),
        (Fault.NONE, []),
    ],
)
def test_a_fault_strikes_what_it_names(fault: Fault, done: list[Any]) -> None:
    stand_in = StandIn()

    strike(fault, stand_in=cast(Any, stand_in), cluster_id="j-1")

    assert stand_in.clusters.done == done


def test_every_fault_is_explained() -> None:
    assert set(TEXTS) == set(Fault)
    assert all(text.what for text in TEXTS.values())
