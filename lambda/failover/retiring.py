"""Which incarnations a retirement is about."""

from __future__ import annotations

import time

from dr_core.id_ranges import prefix_of
from dr_core.naming import generation_of_stack
from dr_core.record import Incarnation, IncarnationState
from failover.calls import RetirementCall
from failover.errors import InvariantError
from failover.stacks import IncarnationStacks


def to_retire(call: RetirementCall) -> list[Incarnation]:
    """The incarnations that still have to go.

    For a whole managed cluster: all of it that are not retired, and those of stacks that no record knows, which are
    recorded now so that every step finds them.

    Raises:
        InvariantError: the one incarnation that shall go is in service.
    """
    record = call.deployment.record
    generation = call.request.generation
    if generation is not None:
        if call.managed_cluster is not None and call.managed_cluster.serving_generation == generation:
            raise InvariantError(f"generation {generation} must not be retired: it serves")
        incarnation = record.incarnation(generation)
        return [] if incarnation is None or incarnation.state is IncarnationState.RETIRED else [incarnation]
    _record_strays(call)
    return [
        each
        for each in record.incarnations()
        if each.managed_cluster == call.request.managed_cluster and each.state is not IncarnationState.RETIRED
    ]


def _record_strays(call: RetirementCall) -> None:
    deployment, managed_cluster = call.deployment, call.request.managed_cluster
    for name in deployment.stacks.names(prefix=f"{deployment.config.deployment}-{managed_cluster}-g"):
        generation = generation_of_stack(deployment.config.deployment, managed_cluster, name)
        if generation is None or not _is_ours(deployment.stacks, name, managed_cluster):
            continue
        incarnation = Incarnation(
            generation=generation,
            managed_cluster=managed_cluster,
            state=IncarnationState.RETIRING,
            stack_name=name,
            id_prefix=prefix_of(generation),
            created_at=time.time(),
        )
        deployment.record.put_new(incarnation.to_item())


def _is_ours(stacks: IncarnationStacks, name: str, managed_cluster: str) -> bool:
    seen = stacks.describe(name)
    return seen is not None and stacks.ours(seen, managed_cluster=managed_cluster)
