"""Isolate: take a sick incarnation out of the balanced group while another one of the deployment serves."""

from __future__ import annotations

from dr_core.evidence import Verdict
from dr_core.record import Incarnation
from dr_core.requests import Kind, Reason
from failover.calls import OperationCall, StepAnswer, done
from failover.isolation import isolate_while_others_serve
from failover.observation import verdict_in_service

_TOUCH_WHAT_SERVES = (Kind.FAILOVER, Kind.SWITCHOVER, Kind.REPAIR)


def isolate(call: OperationCall) -> StepAnswer:
    """Keep new jobs away from an incarnation that is known to be sick, if somebody healthy gets them instead.

    Never done to one that a person merely wants replaced and that is healthy: the deployment would have less in service
    than before.  One that is sick beside that is isolated like any other, as no failover may while this operation runs;
    what falls sick later, the reconciliation isolates.
    """
    kind, reason = call.request.kind, call.request.reason
    asked_for = kind is not Kind.FAILOVER or reason is not Reason.UNHEALTHY
    if kind not in _TOUCH_WHAT_SERVES:
        return done(f"asked for: {kind}, {reason}: what serves goes on serving")
    if not asked_for and call.operation.generation is not None:
        return done("an interrupted failover has to be finished")
    generation = call.managed_cluster.serving_generation
    serving = call.deployment.record.incarnation(generation) if generation is not None else None
    if serving is None or serving.primary_address is None:
        return done("nothing is in service")
    if asked_for and not _is_sick(call, serving):
        return done(f"asked for: {kind}, {reason}: what serves goes on serving")
    return done(isolate_while_others_serve(call.deployment, serving))


def _is_sick(call: OperationCall, serving: Incarnation) -> bool:
    judgement = verdict_in_service(call.deployment, serving)
    return judgement.verdict is Verdict.UNHEALTHY and judgement.actionable
