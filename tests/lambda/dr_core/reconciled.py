"""A record and a reality that agree, and ways to make them differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from dr_core.comparison import Correction, CorrectionKind, Reality, Recorded
from dr_core.config import Canary, FunctionConfig, ManagedClusterResources, SlotResources
from dr_core.reconciliation import corrections
from dr_core.record import Incarnation, IncarnationState, Lease, ManagedCluster, Slot
from dr_core.routing import (
    header_conditions,
    id_conditions,
    unused_header_conditions,
    unused_id_conditions,
)

NOW = 1_800_000_000.0
CONFIG = FunctionConfig(
    deployment="d",
    record_table="record",
    evidence_table="evidence",
    managed_clusters=(
        ManagedClusterResources(name="a", resource_manager_target_group="rm-a", name_node_target_group="nn-a"),
        ManagedClusterResources(name="b", resource_manager_target_group="rm-b", name_node_target_group="nn-b"),
    ),
    subnets=(),
    slots=tuple(
        SlotResources(number=n, target_group=f"slot-{n}", id_rule=f"id-{n}", header_rule=f"header-{n}")
        for n in (1, 2, 3)
    ),
    balanced_target_group="balanced",
    front_door_host="",
    load_balancer_host="",
    canary=Canary(file=""),
)
LEASE = Lease(execution="arn", operation="op", since=1)
A1 = Incarnation(
    generation=1,
    managed_cluster="a",
    state=IncarnationState.SERVING,
    stack_name="d-a-g1",
    id_prefix=1001,
    primary_address="10.0.1.1",
    slot=1,
    operation="op1",
    created_at=1.0,
)
B2 = replace(
    A1, generation=2, managed_cluster="b", stack_name="d-b-g2", id_prefix=1002, primary_address="10.0.2.2", slot=2
)
# What generation 1 was replaced by, when it is not the one that serves.
A4 = replace(A1, generation=4, stack_name="d-a-g4", id_prefix=1004, primary_address="10.0.2.4", slot=3)
RECORDED = Recorded(
    managed_clusters=(ManagedCluster(name="a", serving_generation=1), ManagedCluster(name="b", serving_generation=2)),
    incarnations=(A1, B2),
    slots=(Slot(number=1, generation=1), Slot(number=2, generation=2), Slot(number=3)),
    incidents=(),
)
HEALTH = {
    "balanced": {"10.0.1.1": "healthy", "10.0.2.2": "healthy"},
    "rm-a": {"10.0.1.1": "healthy"},
    "nn-a": {"10.0.1.1": "healthy"},
    "rm-b": {"10.0.2.2": "healthy"},
    "nn-b": {"10.0.2.2": "healthy"},
    "slot-1": {"10.0.1.1": "healthy"},
    "slot-2": {"10.0.2.2": "healthy"},
    "slot-3": {},
}
RULES: dict[str, Any] = {
    "id-1": id_conditions(1001),
    "header-1": header_conditions(1001),
    "id-2": id_conditions(1002),
    "header-2": header_conditions(1002),
    "id-3": unused_id_conditions(3),
    "header-3": unused_header_conditions(3),
}
REALITY = Reality(health=HEALTH, rules=RULES, retiring=())


def found(recorded: Recorded = RECORDED, *, now: float = NOW, **reality: Any) -> list[Correction]:
    """What has to be put right; *reality* replaces parts of one that is in order."""
    return corrections(recorded, replace(REALITY, **reality), config=CONFIG, now=now)


def health(**groups: dict[str, str]) -> dict[str, dict[str, str]]:
    """Health in order but for *groups* (``_`` for ``-``)."""
    return {**HEALTH, **{name.replace("_", "-"): targets for name, targets in groups.items()}}


def rules(**changed: Any) -> dict[str, Any]:
    """Rules in order but for *changed* (``_`` for ``-``)."""
    return {**RULES, **{name.replace("_", "-"): conditions for name, conditions in changed.items()}}


def with_a(*incarnations: Incarnation, slots: Sequence[Slot] = RECORDED.slots, **of_a: Any) -> Recorded:
    """The record with these incarnations of ``a``, and with *of_a* in its managed cluster."""
    a, b = RECORDED.managed_clusters
    return replace(RECORDED, managed_clusters=(replace(a, **of_a), b), incarnations=(*incarnations, B2), slots=slots)


def kinds(wanted: list[Correction]) -> list[CorrectionKind]:
    return [each.kind for each in wanted]


def begun(**changes: Any) -> Incarnation:
    """What an operation was launching."""
    values = {"generation": 3, "stack_name": "d-a-g3", "state": IncarnationState.VERIFYING, "operation": "op3"}
    return replace(A1, **{**values, "slot": None, "primary_address": "10.0.3.3", "created_at": NOW, **changes})
