"""Keeps new jobs away from a sick incarnation as long as another managed cluster's gets them instead."""

from __future__ import annotations

import time
from collections.abc import Mapping

from dr_core.evidence import Verdict
from dr_core.record import Incarnation, IncarnationState
from dr_core.requests import Reason
from failover.deployment import Deployment
from failover.giving_back import give_back
from failover.observation import verdict_on
from failover.removal import address_handed_on, change_incarnation


def others_serve(deployment: Deployment, managed_cluster: str) -> bool:
    """Whether another managed cluster than *managed_cluster* serves, stays, and is healthy in the balanced group."""
    record = deployment.record.managed_cluster(managed_cluster)
    serving = record.serving_generation if record is not None else None
    sick = deployment.record.incarnation(serving) if serving is not None else None
    if sick is None:
        return False
    return bool(healthy_others(deployment, sick, deployment.front_door.health(deployment.config.balanced_target_group)))


def healthy_others(deployment: Deployment, sick: Incarnation, health: Mapping[str, str]) -> list[str]:
    """Ids of the incarnations of other managed clusters that serve, stay, and are healthy in the balanced group.

    Args:
        deployment: the deployment; its record is read now.
        sick: whom they would serve instead of.
        health: of the balanced group, by address.
    """
    return [
        each.id
        for each in deployment.record.incarnations()
        if each.managed_cluster != sick.managed_cluster
        and each.state is IncarnationState.SERVING
        and each.isolated_at is None
        and each.terminate_requested_at is None
        and health.get(each.primary_address or "") == "healthy"
        and each.primary_address != sick.primary_address
    ]


def isolate_while_others_serve(deployment: Deployment, sick: Incarnation) -> str:
    """Take an incarnation that is known to be sick out of the balanced group, if somebody healthy is in it; in words.

    Its ids and its web interfaces stay routed: what runs there may be well.
    """
    health = deployment.front_door.health(deployment.config.balanced_target_group)
    if sick.primary_address is None or sick.primary_address not in health:
        return f"{sick.id} is not in the balanced group"
    others = healthy_others(deployment, sick, health)
    if not others:
        return f"nobody else is healthy in the balanced group: {sick.id} stays in it"
    if address_handed_on(deployment, sick):
        return f"the address of {sick.id} belongs to a younger one"
    # Noted down first: whoever finds it out of the group has to know that it belongs there.
    if sick.isolated_at is None:
        change_incarnation(deployment, sick, isolated_at=time.time())
    deployment.front_door.leave_balanced_group(sick.primary_address)
    # Two may be isolated at the same moment, each of them because the other one serves.
    if not healthy_others(deployment, sick, health):
        give_back(deployment, sick.generation)
        return f"nobody else serves any more: {sick.id} gets new jobs again"
    return f"{sick.id} gets no new jobs while {', '.join(others)} serves"


def end_isolation(deployment: Deployment, generation: int | None, *, verdict: Verdict | None) -> bool:
    """What becomes of an isolated incarnation when the operation that worked on it comes to nothing.

    It was known to be unhealthy when it was isolated, and only what is known to be well gets new jobs again as long as
    somebody else does: not knowing undoes nothing either.

    Args:
        deployment: the deployment.
        generation: of the incarnation; ``None`` for none.
        verdict: of the operation's own last look; ``None`` if it took none, and it is looked at now.

    Returns:
        Whether it gets new jobs again.
    """
    incarnation = deployment.record.incarnation(generation) if generation is not None else None
    if incarnation is None or incarnation.isolated_at is None:
        return False
    if verdict is None:
        verdict = verdict_on(deployment, incarnation, serving_from=incarnation.judged_from).verdict
    if verdict is not Verdict.HEALTHY:
        health = deployment.front_door.health(deployment.config.balanced_target_group)
        if healthy_others(deployment, incarnation, health):
            return False
    return give_back(deployment, generation)


def known_of(reason: Reason) -> Verdict | None:
    """What an operation that runs for *reason* knows of what it was to replace, for :func:`end_isolation`.

    A change that superseded a failover finds isolated what that one found sick.  What is well is given back by the
    reconciliation when its incident is closed and a look says so.
    """
    return Verdict.UNHEALTHY if reason in (Reason.UNHEALTHY, Reason.UPGRADE) else None
