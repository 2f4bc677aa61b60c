"""Fence: make sure that the old incarnation's applications come to an end."""

from __future__ import annotations

from dr_core.evidence import Verdict
from dr_core.operation_plan import Next, judge_before_fence
from dr_core.record import Incarnation, IncarnationState, Outcome
from dr_core.requests import Kind, Reason
from failover.calls import OperationCall, StepAnswer, cancelled, done, wait
from failover.closing import Notice, close, release_lease
from failover.deployment import Deployment
from failover.errors import InvariantError, NoProberAnsweredError
from failover.giving_back import give_back
from failover.leftovers import abandon, in_service_group
from failover.observation import verdict_on
from failover.removal import address_handed_on, request_end

# How long nobody may be able to tell whether the old incarnation still fails, before it is kept.
UNKNOWN_SECONDS = 120

_GIVEN_UP = (IncarnationState.ABANDONED, IncarnationState.RETIRED)


def fence(call: OperationCall) -> StepAnswer:
    """Kill the applications of an incarnation that failed and ask EMR to end its cluster; nobody waits for it here.

    New jobs are safe on the new incarnation at once.  What must wait is the 410 for the old one's ids, and the
    retirement does that.  From the request on there is no way back, so that right before it the old one is looked at
    once more: what has recovered while its successor was launched is kept, unless a person wants it replaced.
    """
    if call.request.kind is not Kind.FAILOVER:
        return done("planned: what is in service ends its work first")
    old = _old(call)
    if old is None:
        return done("nothing was in service")
    new = call.new_incarnation()
    if call.request.reason is Reason.UNHEALTHY and old.terminate_requested_at is None:
        answer = _look_again(call, old, new)
        if answer is not None:
            return answer
    if new.state is not IncarnationState.VERIFYING and new.state is not IncarnationState.SERVING:
        raise InvariantError(f"{old.id} must not be ended: {new.id} is {new.state} and cannot take over")
    killed = _kill(call.deployment, old, near=new.availability_zone)
    try:
        request_end(call.deployment, old)
    except InvariantError as error:
        call.deployment.notices.tell(
            subject=f"the cluster of {old.id} was left alone",
            happened=f"A failover wanted to end {old.cluster_id}: {error}.",
            done="The cluster was left alone; the traffic moves to the new one.",
            to_do="Find out whose cluster this is. Its applications may run on and write.",
        )
        return done(str(error))
    return done(f"{killed}; the end of {old.cluster_id} is requested")


def _old(call: OperationCall) -> Incarnation | None:
    generation = call.operation.old_generation
    if generation is None or generation == call.operation.generation:
        return None
    return call.deployment.record.incarnation(generation)


def _look_again(call: OperationCall, old: Incarnation, new: Incarnation) -> StepAnswer | None:
    """The answer if the old incarnation is not ended (yet); ``None`` to go on."""
    if new.state in _GIVEN_UP:  # by an earlier call of this step, which died before it could say so
        return _call_off(call, old, new, why="an earlier look, whose words are lost, did not call it unhealthy")
    judgement = verdict_on(call.deployment, old, serving_from=old.judged_from)
    decision = judge_before_fence(
        verdict=judgement.verdict,
        # EMR is asked only if it matters: a failover of what is known to be dead does not depend on its answer.
        cluster_ends=judgement.verdict is not Verdict.UNHEALTHY and _ends(call.deployment, old),
        waited=call.waited,
        limit=UNKNOWN_SECONDS,
    )
    match decision:
        case Next.GO_ON:
            return None
        case Next.WAIT:
            return wait(f"cannot tell whether {old.id} still fails: {judgement.reason}")
        case Next.STOP:
            # An interrupted cut-over brought it there: the old one was given up by then, whatever it looks like now.
            if in_service_group(call.deployment, new):
                return None
            return _call_off(call, old, new, why=f"{judgement.verdict}: {judgement.reason}")


def _ends(deployment: Deployment, old: Incarnation) -> bool:
    if old.cluster_id is None:
        return True
    cluster = deployment.clusters.describe(old.cluster_id)
    return cluster is None or cluster.ends


def _call_off(call: OperationCall, old: Incarnation, new: Incarnation, *, why: str) -> StepAnswer:
    """Keep the old incarnation and give the new one up; may be repeated from any point."""
    name = call.request.managed_cluster
    given_back = give_back(call.deployment, old.generation)
    abandon(call.deployment, new)
    message = f"generation {old.generation} is kept: right before its end it was {why}"
    notice = Notice(
        subject=f"failover of {name} called off before anything was ended",
        happened=f"Generation {old.generation} ({old.cluster_id}) of managed cluster {name} was unhealthy. When "
        f"generation {new.generation} was ready to take over, a last look did not call the old one unhealthy any more "
        f"({why}).",
        done=f"Generation {old.generation} serves on with its jobs{', and gets new ones again' if given_back else ''}. "
        f"Generation {new.generation} is being deleted.",
        to_do=f"Find out why {old.cluster_id} was unhealthy. If the probers agree again that it is, the next failover "
        "starts by itself; if jobs fail though they do not agree, start a failover by hand, which asks for no look.",
    )
    close(call.deployment, call.operation, outcome=Outcome.CANCELLED, message=message, notice=notice)
    release_lease(call.deployment, managed_cluster=name, execution=call.execution)
    return cancelled(message)


def _kill(deployment: Deployment, old: Incarnation, *, near: str | None) -> str:
    if old.primary_address is None or old.cluster_id is None:
        return "the old incarnation has no address"
    # Its address may belong to somebody else by now, whose applications must not end.
    cluster = deployment.clusters.describe(old.cluster_id)
    if cluster is None or cluster.ended:
        return "the old cluster has ended"
    if address_handed_on(deployment, old):
        return "the address of the old incarnation belongs to a younger one"
    try:
        applications = deployment.probers.kill_applications(address=old.primary_address, near=near)
    except NoProberAnsweredError as error:
        return str(error)
    if not applications.reachable:
        return "the old ResourceManager does not answer"
    running = ", ".join(applications.running) or "none"
    return f"the old applications were told to end (still running: {running})"
