"""Isolate: take a sick incarnation out of the balanced group while another one of the deployment serves."""

from __future__ import annotations

from failover.calls import OperationCall, StepAnswer, done


def isolate(call: OperationCall) -> StepAnswer:
    """Nothing to do: with one managed cluster no other incarnation serves meanwhile."""
    return done(f"no other incarnation serves beside managed cluster {call.request.managed_cluster}")
