"""AwaitFenced: wait until the applications of what is retired are known dead, and end what has not ended by itself."""

from __future__ import annotations

import math
import time
from dataclasses import replace

from botocore.exceptions import BotoCoreError, ClientError

from dr_core.evidence import nodes_last_seen
from dr_core.metrics import FENCE_OVERDUE
from dr_core.record import Incarnation, IncarnationState
from dr_core.retirement_plan import (
    CLUSTER_ENDING,
    SETTLE_SECONDS,
    Fence,
    FenceSeen,
    ends_gently,
    hidden_for_sure,
    judge_fence,
)
from failover.calls import RetirementCall, StepAnswer, done, wait
from failover.deployment import Deployment
from failover.errors import NoProberAnsweredError
from failover.leftovers import in_service_group
from failover.observation import nodes_evidence
from failover.probers import Applications
from failover.removal import address_handed_on, change_incarnation, hide, request_end, with_cluster
from failover.retiring import check_others_serve, kept_for_clients, not_done, to_retire

# What EMR's word on a cluster is while EMR cannot be asked.
_NOT_KNOWN = "not known, as it does not answer our calls"
_NOBODY = Applications(reachable=False, running=())


def await_fenced(call: RetirementCall) -> StepAnswer:
    """Answer ``done`` once every incarnation that goes is fenced.

    A 410 makes clients run their jobs again.  As long as an application of the old incarnation may run and write, its
    ids answer what its Livy says, or 5xx, which clients ride out.  Before anything is killed they answer 5xx: its Livy
    would call it a failure of the job.
    """
    going = [each for each in to_retire(call) if each.fenced_at is None]
    kept = [each.generation for each in going if kept_for_clients(call, each)]
    if kept:
        return wait(f"generation {_named(kept)} is not drained, or stays up so that clients read their results")
    open_ones = not_done(going, lambda each: _fence(call, each))
    if open_ones:
        return wait(f"applications of generation {_named([each.generation for each in open_ones])} may still run")
    return done("nothing of it runs any more")


def _fence(call: RetirementCall, incarnation: Incarnation) -> bool:
    """Whether *incarnation* counts as fenced now."""
    deployment = call.deployment
    check_others_serve(call, incarnation)
    if call.request.generation is None or incarnation.state is IncarnationState.SERVING:
        incarnation = _out_of_service(deployment, incarnation)
    if incarnation.cluster_id is None:
        incarnation, _ = with_cluster(deployment, incarnation)
    gently = _fence_gently(call, incarnation)
    if gently is not None:
        return gently
    return _fence_by_its_end(call, incarnation)


def _out_of_service(deployment: Deployment, incarnation: Incarnation) -> Incarnation:
    """Take what goes with its whole managed cluster out of service: no cut-over has done that, and others may serve.

    The record comes first, and anew as long as it is found in service: the fence waits for the last job from then on.
    """
    in_service, serves = in_service_group(deployment, incarnation), incarnation.state is IncarnationState.SERVING
    if not in_service and not serves:
        return incarnation
    # What was only begun keeps its state, and has been given jobs nevertheless.
    out = replace(incarnation, serving_to=time.time(), state=IncarnationState.RETIRING if serves else incarnation.state)
    change_incarnation(deployment, incarnation, state=out.state, serving_to=out.serving_to)
    if in_service:
        deployment.front_door.take_out_of_service(
            managed_cluster=incarnation.managed_cluster, address=incarnation.primary_address or ""
        )
    return out


def _fence_by_its_end(call: RetirementCall, incarnation: Incarnation) -> bool:
    """Whether *incarnation* is fenced now that the end of its cluster is requested, by whoever says so first.

    An error of our own call says nothing, and the machine calls again.  What failed must not keep its clients waiting
    for as long as EMR cannot be asked, though: the word of its ResourceManager counts meanwhile, and the limit.
    """
    requested_at = incarnation.terminate_requested_at
    # First of all: a Livy that lives on would tell clients that their jobs failed when these are ended.
    hidden = _hidden(call, incarnation)
    try:
        cluster = request_end(call.deployment, incarnation)
    except (BotoCoreError, ClientError):
        if call.request.planned or requested_at is None or not hidden:
            raise
        applications = _kill(call, incarnation)
        if _judge(call, incarnation, state=_NOT_KNOWN, applications=applications, requested_at=requested_at):
            return True
        raise
    ended = cluster is None or cluster.ended
    return _judge(
        call,
        incarnation,
        state="" if cluster is None else cluster.state,
        applications=_kill(call, incarnation) if hidden and not ended else _NOBODY,
        requested_at=requested_at or time.time(),
    )


def _fence_gently(call: RetirementCall, incarnation: Incarnation) -> bool | None:
    """Whether a planned retirement's incarnation is fenced by its own ResourceManager's word, its cluster left alone.

    ``None`` where that way is closed and the end of the cluster has to be requested.  Nothing is killed before no
    client can be told of it by Livy.

    Raises:
        InvariantError: the cluster is not ours.
    """
    if incarnation.cluster_id is None or not ends_gently(
        planned=call.request.planned,
        evicted=incarnation.evicted_at is not None,
        terminate_requested=incarnation.terminate_requested_at is not None,
        waited=_waited_gently(call, incarnation),
        limit=call.deployment.config.policy.fence_limit_seconds,
    ):
        return None
    cluster = call.deployment.clusters.describe(incarnation.cluster_id)
    if cluster is None or cluster.state in CLUSTER_ENDING:
        return None
    call.deployment.clusters.check_ours(
        cluster,
        incarnation.cluster_id,
        managed_cluster=incarnation.managed_cluster,
        stack_name=incarnation.stack_name or "",
        to_be="ended",
    )
    if not _hidden(call, incarnation):
        return False
    applications = _kill(call, incarnation)
    if not applications.reachable:
        return None
    # This state was entered after the last job came, so that what Livy still submits is submitted within its time.
    # Nobody has asked EMR yet: however long it takes, nothing but the proof counts here.
    entered = call.operation.entered[call.step]
    return _judge(
        call, incarnation, state=cluster.state, applications=applications, requested_at=entered, limit=math.inf
    )


def _hidden(call: RetirementCall, incarnation: Incarnation) -> bool:
    """Whether no client is led to *incarnation* any more; if one may be, its ids are made to lead nowhere."""
    if hidden_for_sure(unrouted_at=incarnation.unrouted_at, now=time.time()):
        return True
    return hide(call.deployment, incarnation).hidden_at is None  # no id ever led to it


def _waited_gently(call: RetirementCall, incarnation: Incarnation) -> float:
    """For how many seconds its applications may have been told to end."""
    if incarnation.unrouted_at is None:
        return call.waited
    return max(0.0, time.time() - incarnation.unrouted_at - SETTLE_SECONDS)


def _judge(
    call: RetirementCall,
    incarnation: Incarnation,
    *,
    state: str,
    applications: Applications,
    requested_at: float,
    limit: float | None = None,
) -> bool:
    """Whether *incarnation* counts as fenced by what was seen, which is noted down then.

    *limit* takes the place of the policy's.
    """
    now = time.time()
    seen = FenceSeen(
        cluster_state=state,
        resource_manager_reachable=applications.reachable,
        running_applications=len(applications.running),
        lost_nodes=applications.lost_nodes,
        started_at=applications.started_at,
        active_nodes=applications.active_nodes,
        ready_at=incarnation.waiting_at,
        nodes_last_seen=_nodes_last_seen(call, incarnation, applications, until=requested_at),
        requested_at=requested_at,
        out_of_service_at=_out_of_service_at(call, incarnation),
    )
    limit = call.deployment.config.policy.fence_limit_seconds if limit is None else limit
    match judge_fence(seen=seen, now=now, limit=limit):
        case Fence.OPEN:
            return False
        case Fence.OVERDUE:
            # What never held a slot was never given a job by a client.
            if incarnation.slot is not None or incarnation.serving_from is not None:
                _alarm(call, incarnation, seen, applications)
        case Fence.CLOSED:
            pass
    change_incarnation(call.deployment, incarnation, fenced_at=now)
    return True


def _nodes_last_seen(
    call: RetirementCall, incarnation: Incarnation, applications: Applications, *, until: float
) -> int | None:
    """How many nodes probers saw last before *until*, ``None`` if nobody knows; read only where it matters."""
    if not applications.reachable or applications.running:
        return None
    try:
        return nodes_last_seen(nodes_evidence(call.deployment, incarnation, until=until), until=until)
    except (BotoCoreError, ClientError):
        return None  # as good as none: EMR's word and the limit are left


def _out_of_service_at(call: RetirementCall, incarnation: Incarnation) -> float | None:
    """When an incarnation had gone out of service for sure, ``None`` if it never served.

    The cut-over writes that down before it takes it out, and starts this machine after that.
    """
    if incarnation.serving_to is None:
        return None
    return max(incarnation.serving_to, min(call.operation.entered.values()))


def _kill(call: RetirementCall, incarnation: Incarnation) -> Applications:
    if incarnation.primary_address is None or address_handed_on(call.deployment, incarnation):
        return _NOBODY
    try:
        return call.deployment.probers.kill_applications(
            address=incarnation.primary_address, near=incarnation.availability_zone
        )
    except NoProberAnsweredError:
        return _NOBODY


def _alarm(call: RetirementCall, incarnation: Incarnation, seen: FenceSeen, applications: Applications) -> None:
    limit = call.deployment.config.policy.fence_limit_seconds
    call.deployment.notices.count(FENCE_OVERDUE, managed_cluster=incarnation.managed_cluster)
    call.deployment.notices.tell(
        subject=f"nobody knows whether {incarnation.title} still runs jobs",
        happened=f"{limit} s after it was decided to end {incarnation.cluster_id}, nobody can say that its "
        f"applications have ended: EMR calls it {seen.cluster_state}, and its ResourceManager "
        f"{_word_of(applications, seen)}.",
        done="Its batch ids answer 410 from now on, so that clients run their jobs again. Its deletion goes on.",
        to_do=f"Look at cluster {incarnation.cluster_id} in {incarnation.availability_zone}: a job of it may still "
        "write beside its second run. If it does, end the cluster's instances in EC2.",
    )


def _word_of(applications: Applications, seen: FenceSeen) -> str:
    """What the ResourceManager says, and why that proves nothing."""
    if applications.running:
        return f"lists {', '.join(applications.running)}"
    return seen.doubt or "lists none, but a job may just have come"


def _named(generations: list[int]) -> str:
    return ", ".join(map(str, generations))
