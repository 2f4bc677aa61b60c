"""Fence: make sure that the old incarnation's applications come to an end."""

from __future__ import annotations

import time

from botocore.exceptions import BotoCoreError, ClientError

from dr_core.evidence import Verdict
from dr_core.operation_plan import Next, judge_before_fence
from dr_core.record import Incarnation, IncarnationState, ManagedCluster
from dr_core.requests import Kind, Reason
from failover.calls import OperationCall, StepAnswer, cancelled, done, failed, wait
from failover.closing import Notice, release_lease
from failover.clusters import ClusterSeen
from failover.errors import InvariantError
from failover.isolation import end_isolation
from failover.leftovers import abandon, give_up_cut_over, in_service_group, leave_begun, stand_down
from failover.observation import verdict_on
from failover.record_store import Change
from failover.removal import hide, request_end
from failover.told import close_called_off

# How long nobody may be able to tell whether the old incarnation still fails, before it is kept.
UNKNOWN_SECONDS = 120
# How long EMR may refuse the request to end the old cluster, or not answer it, before the traffic moves without it.
EMR_SECONDS = 60
# How long the load balancer may take to call the new incarnation healthy where jobs come from.
IN_SERVICE_SECONDS = 300

_GIVEN_UP = (IncarnationState.ABANDONED, IncarnationState.RETIRED)
_SET_ASIDE = (*_GIVEN_UP, IncarnationState.STANDBY)


def fence(call: OperationCall) -> StepAnswer:
    """Give what failed up for its successor: write that down, let the successor take jobs, then end what failed.

    Nobody waits for its end here: new jobs are safe on the new incarnation at once.  What must wait is the 410 for the
    old one's ids, and the retirement does that.  From the record on there is no way back, so that right before it the
    old one is looked at once more: what has recovered while its successor was launched is kept, unless a person wants
    it replaced.  Whoever is interrupted after it leaves the new incarnation where jobs come to it, or to be brought
    there by the next failover.
    """
    if call.request.kind is not Kind.FAILOVER:
        return done(f"a {call.request.kind}: what is in service is not ended")
    old = _old(call)
    if old is None:
        return done("nothing was in service")
    new = call.new_incarnation()
    if old.terminate_requested_at is None:
        unhealthy = call.request.reason is Reason.UNHEALTHY
        answer = _look_again(call, old, new) if unhealthy else _bring_in_first(call, old, new)
        if answer is not None:
            return answer
    if new.state is not IncarnationState.VERIFYING and new.state is not IncarnationState.SERVING:
        raise InvariantError(f"{old.title} must not be ended: {new.title} is {new.state} and cannot take over")
    if new.primary_address is None:
        raise InvariantError(f"{old.title} must not be ended: nobody knows the address of {new.title}")
    try:
        if not _give_up(call, old, new):
            return failed(f"{old.title} must not be ended: the lease was lost, or {new.title} was given up meanwhile")
    except InvariantError as error:
        return _left_alone(call, old, str(error))
    call.deployment.front_door.put_in_service(managed_cluster=call.request.managed_cluster, address=new.primary_address)
    return _end(call, old, new)


def _end(call: OperationCall, old: Incarnation, new: Incarnation) -> StepAnswer:
    """Let the old ids lead nowhere and ask EMR for the end; the traffic does not wait for an EMR that takes no calls.

    A Livy that lives on would tell clients that their jobs failed when these are ended.  The retirement kills what
    still runs once nobody can be told so, and asks for the end again for as long as it takes; when the ids of the old
    one answer 410 is its affair.
    """
    hidden = hide(call.deployment, old)
    ids = "its ids lead nowhere" if hidden.hidden_at is not None else "no id leads to it"
    try:
        request_end(call.deployment, old)
    except (BotoCoreError, ClientError) as error:
        if call.waited < EMR_SECONDS:
            raise
        call.deployment.notices.tell(
            subject=f"EMR refuses to end the cluster of {old.title}",
            happened=f"A failover could not ask EMR to end {old.cluster_id} within {EMR_SECONDS} s: {error}.",
            done=f"{new.title} takes all new jobs all the same. The end of {old.cluster_id} is asked for again and "
            "again by its retirement.",
            to_do="If a permission is missing, give it to the role of the failover function. Until the cluster has "
            "ended its jobs may run on, and it costs money.",
        )
        return done(f"{ids}; EMR could not be asked to end {old.cluster_id}: {error}")
    return done(f"{old.title}: {ids}; the end of {old.cluster_id} is requested")


def _bring_in_first(call: OperationCall, old: Incarnation, new: Incarnation) -> StepAnswer | None:
    """The answer as long as *new* is not healthy where jobs come from; ``None`` to go on.

    What a person wants replaced may be healthy: nothing of it is ended before another one is in service.
    """
    if new.primary_address is None or new.state in _GIVEN_UP:
        return None  # refused below
    state = call.deployment.front_door.health(call.deployment.config.balanced_target_group).get(
        new.primary_address, "not registered"
    )
    if state == "healthy":
        return None
    if state in ("not registered", "draining"):
        call.deployment.front_door.put_in_service(
            managed_cluster=call.request.managed_cluster, address=new.primary_address
        )
    if call.waited < IN_SERVICE_SECONDS:
        return wait(f"the load balancer calls {new.title} {state} in the balanced group")
    given_up = give_up_cut_over(call.deployment, new)
    return failed(
        f"the load balancer still calls {new.title} {state} after {IN_SERVICE_SECONDS} s in the balanced group; "
        f"{old.title} was not touched{f', and {new.title} is given up' if given_up else ''}"
    )


def _give_up(call: OperationCall, old: Incarnation, new: Incarnation) -> bool:
    """Write down that *old* is ended, if this operation may do that and *new* can take over; whether it may.

    A step outlives its execution: whoever tidied up after that one has given *new* up and freed the lease.

    Raises:
        InvariantError: the cluster of *old* is not ours.
    """
    deployment = call.deployment
    seen = _describe(call, old.cluster_id) if old.cluster_id is not None else None
    if seen is not None and not seen.ended:
        deployment.clusters.check_ours(
            seen,
            seen.cluster_id,
            managed_cluster=old.managed_cluster,
            stack_name=old.stack_name or "",
            to_be="ended",
        )
    return deployment.record.change_together(
        Change(
            key=Incarnation.key(old.generation),
            values={"terminate_requested_at": old.terminate_requested_at or time.time()},
        ),
        Change(
            key=Incarnation.key(new.generation),
            values={},
            condition="#state = :verifying OR #state = :serving",
            condition_values={"verifying": IncarnationState.VERIFYING, "serving": IncarnationState.SERVING},
        ),
        Change(
            key=ManagedCluster.key(call.request.managed_cluster),
            values={},
            condition="#lease.#execution = :mine",
            condition_values={"mine": call.execution},
        ),
    )


def _describe(call: OperationCall, cluster_id: str) -> ClusterSeen | None:
    """The cluster; ``None`` also if EMR has not answered for a while: whoever ends a cluster asks for its owner."""
    try:
        return call.deployment.clusters.describe(cluster_id)
    except (BotoCoreError, ClientError):
        if call.waited < EMR_SECONDS:
            raise
        return None


def _left_alone(call: OperationCall, old: Incarnation, why: str) -> StepAnswer:
    call.deployment.notices.tell(
        subject=f"the cluster of {old.title} was left alone",
        happened=f"A failover wanted to end {old.cluster_id}: {why}.",
        done="The cluster was left alone; the traffic moves to the new one.",
        to_do="Find out whose cluster this is. Its applications may run on and write.",
    )
    return done(why)


def _old(call: OperationCall) -> Incarnation | None:
    generation = call.operation.old_generation
    if generation is None or generation == call.operation.generation:
        return None
    return call.deployment.record.incarnation(generation)


def _look_again(call: OperationCall, old: Incarnation, new: Incarnation) -> StepAnswer | None:
    """The answer if the old incarnation is not ended (yet); ``None`` to go on."""
    if new.state in _SET_ASIDE:  # by an earlier call of this step, which died before it could say so
        return _call_off(
            call, old, new, why="an earlier look, whose words are lost, did not call it unhealthy", verdict=None
        )
    judgement = verdict_on(call.deployment, old, serving_from=old.judged_from)
    decision = judge_before_fence(
        verdict=judgement.verdict,
        # EMR is asked only if it matters: a failover of what is known to be dead does not depend on its answer.
        cluster_ends=judgement.verdict is not Verdict.UNHEALTHY and _ends(call, old),
        waited=call.waited,
        limit=UNKNOWN_SECONDS,
    )
    match decision:
        case Next.GO_ON:
            return None
        case Next.WAIT:
            return wait(f"cannot tell whether {old.title} still fails: {judgement.reason}")
        case Next.STOP:
            # An interrupted planned operation brought it there, and jobs may have come to it: it takes over, and what
            # works may end its own.
            if in_service_group(call.deployment, new):
                return done(f"{new.title} takes jobs already, and {old.title} ends its own first: {judgement.verdict}")
            why = f"{judgement.verdict}: {judgement.reason}"
            return _call_off(call, old, new, why=why, verdict=judgement.verdict)


def _ends(call: OperationCall, old: Incarnation) -> bool:
    """Whether the cluster of *old* ends or has ended; not as far as anybody knows, if EMR takes no calls."""
    if old.cluster_id is None:
        return True
    try:
        cluster = call.deployment.clusters.describe(old.cluster_id)
    except (BotoCoreError, ClientError):
        if call.waited < EMR_SECONDS:
            raise
        return False
    return cluster is None or cluster.ends


def _call_off(
    call: OperationCall, old: Incarnation, new: Incarnation, *, why: str, verdict: Verdict | None
) -> StepAnswer:
    """Keep the old incarnation and give the new one up; may be repeated from any point."""
    name = call.request.managed_cluster
    kept_out = old.isolated_at is not None
    given_back = end_isolation(call.deployment, old.generation, verdict=verdict)
    stands_by = new.state is IncarnationState.STANDBY or stand_down(call.deployment, new)
    left_begun = not stands_by and leave_begun(call.deployment, new)
    if not stands_by and not left_begun:
        abandon(call.deployment, new)
    jobs = ", and gets new ones again" if given_back else ""
    if kept_out and not given_back:
        jobs = ", and gets no new ones until it is known to be well, as another managed cluster serves"
    fate = "stands by again" if stands_by else "goes on to stand by" if left_begun else "is being deleted"
    message = f"generation {old.generation} is kept: right before its end it was {why}"
    notice = Notice(
        subject=f"failover of {name} called off before anything was ended",
        happened=f"Generation {old.generation} ({old.cluster_id}) of managed cluster {name} was unhealthy. When "
        f"generation {new.generation} was ready to take over, a last look did not call the old one unhealthy any more "
        f"({why}).",
        done=f"Generation {old.generation} serves on with its jobs{jobs}. Generation {new.generation} {fate}.",
        to_do=f"Find out why {old.cluster_id} was unhealthy. If the probers agree again that it is, the next failover "
        "starts by itself; if jobs fail though they do not agree, start a failover by hand, which asks for no look.",
    )
    close_called_off(call.deployment, call.operation, message=message, notice=notice)
    release_lease(call.deployment, managed_cluster=name, execution=call.execution)
    return cancelled(message)
