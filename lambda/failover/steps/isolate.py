"""Isolate: take a sick incarnation out of the balanced group while another one of the deployment serves."""

from __future__ import annotations

from dr_core.requests import Kind, Reason
from failover.calls import OperationCall, StepAnswer, done
from failover.isolation import isolate_while_others_serve


def isolate(call: OperationCall) -> StepAnswer:
    """Keep new jobs away from an incarnation that is known to be sick, if somebody healthy gets them instead.

    Never done to one that a person merely wants replaced: that one is healthy, and the deployment would have less in
    service than before.
    """
    if call.request.kind is not Kind.FAILOVER or call.request.reason is not Reason.UNHEALTHY:
        return done(f"asked for: {call.request.kind}, {call.request.reason}: what serves goes on serving")
    if call.operation.generation is not None:
        return done("an interrupted failover has to be finished")
    generation = call.managed_cluster.serving_generation
    sick = call.deployment.record.incarnation(generation) if generation is not None else None
    if sick is None or sick.primary_address is None:
        return done("nothing is in service")
    return done(isolate_while_others_serve(call.deployment, sick))
