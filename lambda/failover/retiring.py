"""Which incarnations a retirement is about, and what has to hold before it takes something away from them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from aws_lambda_powertools import Logger

from dr_core.id_ranges import prefix_of
from dr_core.naming import generation_of_stack
from dr_core.record import Incarnation, IncarnationState
from dr_core.retirement_plan import linger_left
from failover.calls import RetirementCall
from failover.errors import InvariantError
from failover.front_door import NOT_KNOWN
from failover.removal import address_handed_on, cluster_ending
from failover.stacks import IncarnationStacks

logger = Logger()


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


def not_done(incarnations: Iterable[Incarnation], step: Callable[[Incarnation], bool]) -> list[Incarnation]:
    """Those of *incarnations* for which *step* says that it is not done yet.

    One that cannot be dealt with, as somebody has taken the tags of its cluster away, does not keep the others: a whole
    managed cluster may be going, and all of them cost money.

    Raises:
        Exception: what the first of those raised, after *step* was asked about every one.
    """
    left: list[Incarnation] = []
    errors: list[Exception] = []
    for each in incarnations:
        try:
            if not step(each):
                left.append(each)
        except Exception as error:
            logger.exception("not dealt with", extra={"incarnation": each.id})
            errors.append(error)
    if errors:
        raise errors[0]
    return left


def kept_for_clients(call: RetirementCall, incarnation: Incarnation) -> bool:
    """Whether a planned retirement has to leave an incarnation as it is: its drain or its linger is not over.

    Asked by each step that takes something away, as a step may be called out of turn.  Of a cluster that ends nobody
    can read anything any more.
    """
    if not call.request.planned:
        return False
    left = linger_left(
        drained_at=incarnation.drained_at,
        hurried=incarnation.evicted_at is not None or incarnation.ends_now,
        now=time.time(),
        linger=call.deployment.config.policy.linger_seconds,
    )
    return left > 0 and not cluster_ending(call.deployment, incarnation)


def ids_may_be_closed(call: RetirementCall, incarnation: Incarnation) -> bool:
    """Whether nothing of an incarnation runs any more, and no client still has to read a result there.

    The end of a whole managed cluster may find stacks that no record knew: they never served.
    """
    fenced = incarnation.fenced_at is not None or call.request.generation is None
    return fenced and not kept_for_clients(call, incarnation)


def check_others_serve(call: RetirementCall, incarnation: Incarnation) -> None:
    """Raise if nobody but *incarnation* is healthy in service.

    Asked again right before each step that takes something away.  The end of a whole managed cluster may take the last
    one.

    Raises:
        InvariantError: the incarnation holds the only healthy place of the balanced group.
    """
    if call.request.generation is None:
        return
    health = call.deployment.front_door.health(call.deployment.config.balanced_target_group)
    others = [address for address, state in health.items() if state == "healthy"]
    # Of its own place it is enough that nobody calls it unhealthy: the load balancer may have an error.
    may_work = health.get(incarnation.primary_address or "") in ("healthy", NOT_KNOWN)
    if (
        may_work
        and set(others) <= {incarnation.primary_address}
        and not address_handed_on(call.deployment, incarnation)
    ):
        raise InvariantError(
            f"{incarnation.id} must not be taken away: it is in the balanced group, and nobody else is healthy there"
        )


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
