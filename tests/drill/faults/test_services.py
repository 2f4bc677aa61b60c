"""Faults of services do what they are called."""

from __future__ import annotations

from typing import Any

import pytest

from emr_drill.faults.table import FAULTS
from emr_drill.ports import Service

from .noting import done_by

FROZEN, THAWED = ("clusters.freeze_primary", "j-1"), ("clusters.thaw_primary", "j-1")


@pytest.mark.parametrize(
    ("name", "calls"),
    [
        ("kill-primary", [("clusters.kill_primary", "j-1")]),
        ("kill-livy", [("clusters.kill_service", "j-1", Service.LIVY)]),
        ("hang-livy", [("clusters.freeze_service", "j-1", Service.LIVY)]),
        ("restart-livy", [("clusters.restart_livy", "j-1")]),
        ("stop-resourcemanager", [("clusters.kill_service", "j-1", Service.RESOURCE_MANAGER)]),
        ("hang-resourcemanager", [("clusters.freeze_service", "j-1", Service.RESOURCE_MANAGER)]),
        ("kill-namenode", [("clusters.kill_service", "j-1", Service.NAME_NODE)]),
        ("namenode-safemode", [("clusters.set_safe_mode", "j-1", True)]),
        ("no-nodemanagers", [("clusters.stop_nodes", "j-1")]),
        ("slow-services", [("clusters.slow_services", "j-1", 2.0)]),
        ("cancelled-before-fence", [FROZEN, THAWED]),
        (
            "old-returns",
            [("clusters.hold_termination", "j-1"), FROZEN, THAWED, ("clusters.release_termination", "j-1")],
        ),
        ("none", []),
    ],
)
def test_a_fault_does_what_it_is_called(name: str, calls: list[tuple[Any, ...]]) -> None:
    assert done_by(*FAULTS[name].acts) == calls
