"""Reassess: look once more before anything is changed."""

from __future__ import annotations

from dr_core.operation_plan import Next, judge_again
from dr_core.record import Outcome
from dr_core.requests import Kind, Reason
from failover.calls import OperationCall, StepAnswer, cancelled, done, failed, wait
from failover.closing import Notice, close, release_lease
from failover.observation import verdict_on

# How long an unknown verdict may last before the operation is called off; the monitor starts another one if the
# incarnation turns out to be unhealthy.
LIMIT_SECONDS = 60


def reassess(call: OperationCall) -> StepAnswer:
    """Go on if the managed cluster still needs what the operation was started for."""
    if call.managed_cluster.tombstone:
        return failed("the managed cluster is being deleted")
    if call.request.kind is not Kind.FAILOVER or call.request.reason is not Reason.UNHEALTHY:
        return done(f"asked for: {call.request.kind}, {call.request.reason}")
    serving = call.managed_cluster.serving_generation
    if serving is None or call.operation.generation is not None:
        return done("nothing is in service, or an interrupted failover has to be finished")
    incarnation = call.deployment.record.incarnation(serving)
    if incarnation is None:
        return done(f"generation {serving} is not in the record")
    judgement = verdict_on(call.deployment, incarnation, serving_from=incarnation.judged_from)
    match judge_again(verdict=judgement.verdict, waited=call.waited, limit=LIMIT_SECONDS):
        case Next.GO_ON:
            return done(f"still unhealthy: {judgement.reason}")
        case Next.WAIT:
            return wait(f"cannot tell: {judgement.reason}")
        case Next.STOP:
            return _call_off(call, f"generation {serving} is {judgement.verdict}: {judgement.reason}")


def _call_off(call: OperationCall, message: str) -> StepAnswer:
    notice = Notice(
        subject=f"failover of {call.request.managed_cluster} called off",
        happened=f"The monitor asked for a failover of managed cluster {call.request.managed_cluster}. "
        f"A second look did not confirm it: {message}.",
        done="Nothing was changed.",
        to_do="If jobs fail, look at the probers' logs; a new failover starts by itself when the probers agree.",
    )
    close(call.deployment, call.operation, outcome=Outcome.CANCELLED, message=message, notice=notice)
    release_lease(call.deployment, managed_cluster=call.request.managed_cluster, execution=call.execution)
    return cancelled(message)
