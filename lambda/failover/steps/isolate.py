"""Isolate: take a sick incarnation out of the balanced group while another one of the deployment serves."""

from __future__ import annotations

import time

from dr_core.record import Incarnation, IncarnationState
from dr_core.requests import Kind, Reason
from failover.calls import OperationCall, StepAnswer, done
from failover.deployment import Deployment
from failover.removal import address_handed_on, change_incarnation


def isolate(call: OperationCall) -> StepAnswer:
    """Keep new jobs away from an incarnation that is known to be sick, if somebody healthy gets them instead.

    Its ids and its web interfaces stay routed: what runs there may be well.  Never done to one that a person merely
    wants replaced: that one is healthy, and the deployment would have less in service than before.
    """
    if call.request.kind is not Kind.FAILOVER or call.request.reason is not Reason.UNHEALTHY:
        return done(f"asked for: {call.request.kind}, {call.request.reason}: what serves goes on serving")
    if call.operation.generation is not None:
        return done("an interrupted failover has to be finished")
    generation = call.managed_cluster.serving_generation
    sick = call.deployment.record.incarnation(generation) if generation is not None else None
    if sick is None or sick.primary_address is None:
        return done("nothing is in service")
    health = call.deployment.front_door.health(call.deployment.config.balanced_target_group)
    if sick.primary_address not in health:
        return done(f"{sick.id} is not in the balanced group")
    others = _healthy_others(call.deployment, sick, health)
    if not others:
        return done(f"nobody else is healthy in the balanced group: {sick.id} stays in it")
    if address_handed_on(call.deployment, sick):
        return done(f"the address of {sick.id} belongs to a younger one")
    # Noted down first: whoever finds it out of the group has to know that it belongs there.
    if sick.isolated_at is None:
        change_incarnation(call.deployment, sick, isolated_at=time.time())
    call.deployment.front_door.leave_balanced_group(sick.primary_address)
    return done(f"{sick.id} gets no new jobs while {', '.join(others)} serves")


def _healthy_others(deployment: Deployment, sick: Incarnation, health: dict[str, str]) -> list[str]:
    """Incarnations of other managed clusters that serve and are healthy in the balanced group."""
    return [
        each.id
        for each in deployment.record.incarnations()
        if each.managed_cluster != sick.managed_cluster
        and each.state is IncarnationState.SERVING
        and each.isolated_at is None
        and health.get(each.primary_address or "") == "healthy"
        and each.primary_address != sick.primary_address
    ]
