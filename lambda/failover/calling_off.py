"""The end of an operation that found nothing to do before it changed anything."""

from __future__ import annotations

from dr_core.evidence import Verdict
from failover.calls import OperationCall, StepAnswer, cancelled
from failover.closing import Notice, release_lease
from failover.isolation import end_isolation
from failover.told import close_called_off


def not_confirmed(call: OperationCall, message: str) -> Notice:
    """What people are told when another look did not show what a failover was asked for: *message*."""
    return Notice(
        subject=f"failover of {call.request.managed_cluster} called off",
        happened=f"The monitor asked for a failover of managed cluster {call.request.managed_cluster}. "
        f"A second look did not confirm it: {message}.",
        done="Nothing was changed.",
        to_do="If jobs fail, look at the probers' logs; a new failover starts by itself when the probers agree.",
    )


def call_off(call: OperationCall, notice: Notice, *, message: str, verdict: Verdict | None) -> StepAnswer:
    """Give back what was isolated and is well, tell people, record the end of the operation and free the lease.

    Args:
        call: of the operation.
        notice: what people are told.
        message: what is recorded.
        verdict: of the look that showed that there is nothing to do; ``None`` if there was none.
    """
    # An earlier operation may have isolated it, which was interrupted or came to nothing.
    end_isolation(call.deployment, call.managed_cluster.serving_generation, verdict=verdict)
    close_called_off(call.deployment, call.operation, message=message, notice=notice)
    release_lease(call.deployment, managed_cluster=call.request.managed_cluster, execution=call.execution)
    return cancelled(message)
