"""Reassess: look once more before anything is changed."""

from __future__ import annotations

from dr_core.controls import Controls
from dr_core.operation_plan import Next, judge_again
from dr_core.record import Outcome
from dr_core.requests import Kind, Reason
from failover.calls import OperationCall, StepAnswer, cancelled, done, failed, wait
from failover.closing import Notice, close, release_lease
from failover.giving_back import give_back
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
    controls = _controls(call)
    if controls.paused:
        return _call_off(call, _paused(call, serving, controls), message="automatic operations are paused")
    incarnation = call.deployment.record.incarnation(serving)
    if incarnation is None:
        return done(f"generation {serving} is not in the record")
    # A second look at the evidence that the monitor judged would confirm whatever it said.
    judgement = verdict_on(
        call.deployment,
        incarnation,
        serving_from=incarnation.judged_from,
        looked_since=call.operation.started_at,
    )
    match judge_again(verdict=judgement.verdict, waited=call.waited, limit=LIMIT_SECONDS):
        case Next.GO_ON:
            return done(f"still unhealthy: {judgement.reason}")
        case Next.WAIT:
            return wait(f"cannot tell: {judgement.reason}")
        case Next.STOP:
            message = f"generation {serving} is {judgement.verdict}: {judgement.reason}"
            return _call_off(call, _not_confirmed(call, message), message=message)


def _controls(call: OperationCall) -> Controls:
    """What a person decided about automatic operations; the monitor may have read it a moment too early."""
    key = Controls.key()
    return Controls.from_item(call.deployment.record.get(key).get((key["kind"], key["id"])))


def _paused(call: OperationCall, serving: int, controls: Controls) -> Notice:
    name, deployment = call.request.managed_cluster, call.deployment.config.deployment
    return Notice(
        subject=f"failover of {name} called off: paused",
        happened=f"Managed cluster {name} (generation {serving}) is unhealthy, and a failover had begun when automatic "
        f"operations were found to be paused ({controls.paused_because or 'nobody said why'}).",
        done="Nothing was changed: jobs may fail until somebody acts.",
        to_do=f'Mend it by hand, or invoke the function {deployment}-control with {{"action": "resume"}}: a '
        "failover starts by itself then. One that you start by hand is not held up by the pause.",
    )


def _not_confirmed(call: OperationCall, message: str) -> Notice:
    return Notice(
        subject=f"failover of {call.request.managed_cluster} called off",
        happened=f"The monitor asked for a failover of managed cluster {call.request.managed_cluster}. "
        f"A second look did not confirm it: {message}.",
        done="Nothing was changed.",
        to_do="If jobs fail, look at the probers' logs; a new failover starts by itself when the probers agree.",
    )


def _call_off(call: OperationCall, notice: Notice, *, message: str) -> StepAnswer:
    # An earlier operation that was interrupted may have isolated it.
    give_back(call.deployment, call.managed_cluster.serving_generation)
    close(call.deployment, call.operation, outcome=Outcome.CANCELLED, message=message, notice=notice)
    release_lease(call.deployment, managed_cluster=call.request.managed_cluster, execution=call.execution)
    return cancelled(message)
