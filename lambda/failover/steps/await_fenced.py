"""AwaitFenced: end the cluster and wait until its applications are known dead."""

from __future__ import annotations

import time

from dr_core.metrics import FENCE_OVERDUE
from dr_core.record import Incarnation, IncarnationState
from dr_core.retirement_plan import Fence, FenceSeen, judge_fence
from failover.calls import RetirementCall, StepAnswer, done, wait
from failover.errors import NoProberAnsweredError
from failover.probers import Applications
from failover.removal import address_handed_on, change_incarnation, request_end, with_cluster
from failover.retiring import to_retire


def await_fenced(call: RetirementCall) -> StepAnswer:
    """Answer ``done`` once every incarnation that goes is fenced.

    A 410 makes clients run their jobs again.  As long as an application of the old incarnation may run and write, its
    ids answer 5xx instead, which clients ride out.
    """
    open_ones = [each.generation for each in to_retire(call) if each.fenced_at is None and not _fence(call, each)]
    if open_ones:
        return wait(f"applications of generation {', '.join(map(str, open_ones))} may still run")
    return done("nothing of it runs any more")


def _fence(call: RetirementCall, incarnation: Incarnation) -> bool:
    """Whether *incarnation* counts as fenced now."""
    deployment = call.deployment
    if incarnation.state is IncarnationState.SERVING:  # the managed cluster goes as a whole
        change_incarnation(deployment, incarnation, state=IncarnationState.RETIRING, serving_to=time.time())
    if incarnation.cluster_id is None:
        incarnation, _ = with_cluster(deployment, incarnation)
    cluster = request_end(deployment, incarnation)
    now = time.time()
    state = "" if cluster is None else cluster.state
    ended = cluster is None or cluster.ended
    applications = Applications(reachable=False, running=()) if ended else _kill(call, incarnation)
    seen = FenceSeen(
        cluster_state=state,
        resource_manager_reachable=applications.reachable,
        running_applications=len(applications.running),
        requested_at=incarnation.terminate_requested_at or now,
    )
    match judge_fence(seen=seen, now=now, limit=deployment.config.policy.fence_limit_seconds):
        case Fence.OPEN:
            return False
        case Fence.OVERDUE:
            _alarm(call, incarnation)
        case Fence.CLOSED:
            pass
    change_incarnation(deployment, incarnation, fenced_at=now)
    return True


def _kill(call: RetirementCall, incarnation: Incarnation) -> Applications:
    if incarnation.primary_address is None or address_handed_on(call.deployment, incarnation):
        return Applications(reachable=False, running=())
    try:
        return call.deployment.probers.kill_applications(
            address=incarnation.primary_address, near=incarnation.availability_zone
        )
    except NoProberAnsweredError:
        return Applications(reachable=False, running=())


def _alarm(call: RetirementCall, incarnation: Incarnation) -> None:
    limit = call.deployment.config.policy.fence_limit_seconds
    call.deployment.notices.count(FENCE_OVERDUE, managed_cluster=incarnation.managed_cluster)
    call.deployment.notices.tell(
        subject=f"nobody knows whether {incarnation.id} still runs jobs",
        happened=f"For {limit} s after its end was requested, neither EMR nor the ResourceManager of "
        f"{incarnation.cluster_id} said that its applications have ended.",
        done="Its batch ids answer 410 from now on, so that clients run their jobs again.",
        to_do=f"Look at cluster {incarnation.cluster_id} in {incarnation.availability_zone}: a job of it may still "
        "write beside its second run.",
    )
