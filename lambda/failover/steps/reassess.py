"""Reassess: look once more before anything is changed."""

from __future__ import annotations

import time

from dr_core.evidence import Verdict
from dr_core.operation_plan import Next, judge_again
from dr_core.record import Outcome
from dr_core.requests import Kind, Reason
from dr_core.restraints import KeptBack, Restraint, kept_back
from dr_core.standby import StandbySituation
from failover.baking import look_at_bake
from failover.calling_off import call_off, not_confirmed
from failover.calls import OperationCall, StepAnswer, cancelled, done, failed, wait
from failover.closing import Notice, close, release_lease
from failover.observation import second_look, verdict_in_service, view_now

# How long an unknown verdict may last before the operation is called off; the monitor starts another one if the
# incarnation turns out to be unhealthy.
LIMIT_SECONDS = 60


def reassess(call: OperationCall) -> StepAnswer:
    """Go on if the managed cluster still needs what the operation was started for."""
    if call.managed_cluster.tombstone:
        return failed("the managed cluster is being deleted")
    if call.request.reason is Reason.UPGRADE:
        return _bake(call)
    if call.request.kind is Kind.STANDBY:
        return _still_wanted(call)
    if call.request.kind is not Kind.FAILOVER or call.request.reason is not Reason.UNHEALTHY:
        return done(f"asked for: {call.request.kind}, {call.request.reason}")
    serving = call.managed_cluster.serving_generation
    if serving is None or call.operation.generation is not None:
        return done("nothing is in service, or an interrupted failover has to be finished")
    # The monitor read these at the start of its round: a pause, a failover or a launch may have come since then.
    held = kept_back(view_now(call.deployment), now=time.time(), policy=call.deployment.config.policy)
    if held is not None:
        return call_off(call, _held(call, serving, held), message=held.reason, verdict=None)
    incarnation = call.deployment.record.incarnation(serving)
    if incarnation is None:
        return done(f"generation {serving} is not in the record")
    judgement = second_look(call.deployment, incarnation, since=call.operation.started_at)
    match judge_again(verdict=judgement.verdict, waited=call.waited, limit=LIMIT_SECONDS):
        case Next.GO_ON:
            return done(f"still unhealthy: {judgement.reason}")
        case Next.WAIT:
            return wait(f"cannot tell: {judgement.reason}")
        case Next.STOP:
            message = f"generation {serving} is {judgement.verdict}: {judgement.reason}"
            return call_off(call, not_confirmed(call, message), message=message, verdict=judgement.verdict)


def _still_wanted(call: OperationCall) -> StepAnswer:
    """Launch a standby only if none stands by and something serves: much may have changed since it was asked for."""
    situation = StandbySituation(
        managed_cluster=call.managed_cluster,
        incarnations=call.deployment.record.incarnations(),
        view=view_now(call.deployment),
    )
    wanted = call.deployment.config.wants_standby(call.request.managed_cluster)
    why = situation.nothing_to_stand_by_for if wanted else "the settings want no standby any more"
    if not why and situation.standbys:
        why = f"{situation.standbys[0].title} stands by"
    if not why:
        return done("a standby is wanted, and none stands by")
    close(call.deployment, call.operation, outcome=Outcome.CANCELLED, message=why)
    release_lease(call.deployment, managed_cluster=call.request.managed_cluster, execution=call.execution)
    return cancelled(why)


def _bake(call: OperationCall) -> StepAnswer:
    """Change this managed cluster only if what another one was changed to just before serves well.

    One that is sick itself is not kept waiting: as long as this operation holds the lease no failover mends it.
    """
    decision, message = look_at_bake(call)
    match decision:
        case Next.GO_ON:
            return done(f"asked for: {call.request.kind}, {call.request.reason}")
        case Next.WAIT:
            generation = call.managed_cluster.serving_generation
            serving = call.deployment.record.incarnation(generation) if generation is not None else None
            if serving is not None and verdict_in_service(call.deployment, serving).verdict is Verdict.UNHEALTHY:
                return done(f"what serves is unhealthy, so that it is replaced at once; else: {message}")
            return wait(message)
        case Next.STOP:
            return failed(message)


def _held(call: OperationCall, serving: int, held: KeptBack) -> Notice:
    name = call.request.managed_cluster
    return Notice(
        subject=f"failover of {name} called off: {held.restraint}",
        happened=f"Managed cluster {name} (generation {serving}) is unhealthy, and a failover had begun when it was "
        f"found that none may start by itself: {held.reason}.",
        done="Nothing was changed: jobs may fail until somebody acts.",
        to_do=_to_do(held.restraint, control=f"{call.deployment.config.deployment}-control"),
    )


def _to_do(restraint: Restraint, *, control: str) -> str:
    if restraint is Restraint.BUDGET:
        return (
            "Find out why so many clusters had to be launched, and start a failover by hand: the budget does not hold "
            "that up. Otherwise one starts by itself when the budget allows it again."
        )
    first, action = (
        ("Mend it by hand", "resume")
        if restraint is Restraint.PAUSED
        else ("Find out what the failovers so far did not mend", "acknowledge")
    )
    return (
        f'{first}, or invoke the function {control} with {{"action": "{action}"}}: a failover starts by itself then. '
        "One that you start by hand is not held up by this."
    )
