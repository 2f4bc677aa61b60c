"""A world whose managed clusters have limits and tags that can be changed in place."""

from __future__ import annotations

import json
from typing import Any

from dr_core.record import Incarnation, ManagedCluster
from dr_core.scaling import FleetShares, Scaling
from dr_core.specs import Spec

from .fakes import compute_limits
from .parts import Cluster
from .scenarios import launched, second_half
from .world import World

SCALING = Scaling(minimum_instances=2, maximum_instances=10, maximum_instances_alone=20)
SPEC = Spec(
    template_url="https://bucket/template.json",
    parameters={"ServiceRole": "role"},
    scaling=SCALING,
    tags={"cost-center": "analytics"},
)


def properties(spec: Spec = SPEC) -> dict[str, str]:
    """The custom resource's properties that say *spec*, as text."""
    assert spec.scaling is not None
    return {
        "TemplateUrl": spec.template_url,
        "Parameters": json.dumps(dict(spec.parameters)),
        "Scaling": json.dumps({name: str(value) for name, value in spec.scaling.to_dict().items()}),
        "Tags": json.dumps(dict(spec.tags)),
    }


def scaled(world: World) -> World:
    """Generation 1 serves with the limits and tags of :data:`SPEC`, and nobody was told anything lately."""
    world.put(ManagedCluster(name="a", spec=SPEC.to_json()).to_item())
    launched(world).notices.clear()
    return world


def with_other_half(world: World) -> Incarnation:
    """Generation 90 serves as managed cluster ``b``, beside generation 1 of :func:`scaled`."""
    other = second_half(world)
    world.put({**other.to_item(), "cluster_id": "j-90", "stack_name": "emr-dr-active-passive-b-g90"})
    world.clusters["j-90"] = Cluster(
        cluster_id="j-90",
        name="emr-dr-active-passive-b-g90",
        tags={"emr-dr:deployment": "emr-dr-active-passive", "emr-dr:managed-cluster": "b"},
        address="10.0.3.90",
        started=world.clock.now - 1200,
        limits=compute_limits(2, 10),
    )
    return other


def limits(world: World, generation: int = 1) -> tuple[int, int] | None:
    """What EMR's managed scaling keeps to."""
    found: dict[str, Any] | None = world.cluster(generation).limits
    return None if found is None else (found["MinimumCapacityUnits"], found["MaximumCapacityUnits"])


def tags(world: World, generation: int = 1) -> dict[str, str]:
    """The tags of a cluster but for the product's own."""
    return {
        key: value for key, value in world.cluster(generation).tags.items() if not key.startswith(("emr-dr:", "for-"))
    }


FLEET_SPEC = Spec(
    template_url="https://bucket/fleets.json",
    parameters={"ServiceRole": "role"},
    scaling=Scaling(
        minimum_instances=6,
        maximum_instances=20,
        maximum_instances_alone=40,
        fleets=FleetShares(core_maximum=2, task_units=4, spot_percent=75),
    ),
    tags={"cost-center": "analytics"},
)
"""Another shape of the same managed cluster."""


def of_fleets(world: World) -> World:
    """Generation 1 serves as :data:`FLEET_SPEC` says."""
    world.put(ManagedCluster(name="a", spec=FLEET_SPEC.to_json()).to_item())
    launched(world).notices.clear()
    return world
