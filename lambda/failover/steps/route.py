"""Route: prove that the incarnation's ids lead to it through every address of the load balancer."""

from __future__ import annotations

from dr_core.record import Incarnation
from dr_core.requests import Kind
from failover.calls import OperationCall, StepAnswer, done, failed, wait
from failover.errors import InvariantError, NoProberAnsweredError
from failover.routing import ensure_routed, reroute

LIMIT_SECONDS = 180
# Until an incarnation that a failover evicts notices that: the longest wait of its drain, within the first day.
EVICTION_SECONDS = 60


def route(call: OperationCall) -> StepAnswer:
    """Answer ``done`` once the slot's target is healthy and the canary's id reaches its owner everywhere, repeatedly.

    Elastic Load Balancing publishes no bound on how long a changed rule takes to reach all its nodes.
    """
    incarnation = call.new_incarnation()
    problem = _problem(call, incarnation)
    if problem is None:
        return done(f"ids of generation {incarnation.generation} lead to it")
    limit = _limit(call)
    if call.waited >= limit:
        return failed(f"ids of generation {incarnation.generation} do not lead to it after {limit} s: {problem}")
    return wait(problem)


def _limit(call: OperationCall) -> int:
    """A failover may have to wait until one that drains is fenced: to launch again would take longer."""
    if call.request.kind is not Kind.FAILOVER:
        return LIMIT_SECONDS
    return LIMIT_SECONDS + EVICTION_SECONDS + call.deployment.config.policy.fence_limit_seconds


def _problem(call: OperationCall, incarnation: Incarnation) -> str | None:
    """What still stands between the incarnation's ids and their owner, ``None`` if nothing does."""
    deployment = call.deployment
    routed = ensure_routed(deployment, incarnation, evicts=call.request.kind is Kind.FAILOVER)
    if routed is None or routed.slot is None:
        return "every slot is taken by an incarnation whose ids must still lead to it"
    if routed.canary_name is None or routed.canary_id is None:
        raise InvariantError(f"{routed.id} has no canary whose id could be asked for: it was not verified")
    health = deployment.front_door.health(deployment.front_door.slot(routed.slot).target_group)
    state = health.get(routed.primary_address or "", "not registered")
    if state in ("not registered", "draining"):
        # Somebody took it out since: what an interrupted operation left may be minutes old.
        reroute(deployment, routed)
    if state != "healthy":
        return f"the load balancer calls the target of slot {routed.slot} {state}"
    try:
        problems = deployment.probers.route_problems(
            name=routed.canary_name,
            batch_id=routed.canary_id,
            app_id=routed.canary_app_id,
            near=routed.availability_zone,
        )
    except NoProberAnsweredError as error:
        return str(error)
    return "; ".join(f"through {address}: {text}" for address, text in problems.items()) or None
