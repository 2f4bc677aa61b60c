"""Drain: let the jobs of a planned retirement end."""

from __future__ import annotations

import time

from dr_core.metrics import DRAIN_OVERDUE
from dr_core.record import Incarnation
from dr_core.retirement_plan import Drain, DrainSeen, Work, judge_drain
from failover.calls import RetirementCall, StepAnswer, done, wait
from failover.errors import NoProberAnsweredError
from failover.removal import address_handed_on, change_incarnation, cluster_ending
from failover.retiring import to_retire


def drain(call: RetirementCall) -> StepAnswer:
    """Answer ``done`` once what a planned retirement takes out of service has nothing left to do.

    An interactive session counts as long as it is open, also while it is idle: a person may be thinking, and nobody can
    tell that from a session that was forgotten.  One that is never closed holds its application for ever, so the drain
    has a limit; it ends early when a failover needs the slot, and when the cluster ends by itself.
    """
    if not call.request.planned:
        return done("unplanned: there is nothing to wait for")
    busy = [each for each in to_retire(call) if each.drained_at is None]
    waiting = [what for what in (_drain(call, each) for each in busy) if what]
    return wait("; ".join(waiting)) if waiting else done("its drain is over")


def _drain(call: RetirementCall, incarnation: Incarnation) -> str:
    """What is waited for, in words; empty when the drain is over, which is noted down then."""
    seen, now = _look(call, incarnation), time.time()
    decision = judge_drain(seen=seen, now=now, limit=call.deployment.config.policy.drain_limit_seconds)
    if decision is Drain.WAIT:
        return f"generation {incarnation.generation} still has to do: {seen.work}"
    # The message comes before the record: a function that dies in between tells twice, not never.
    if decision is Drain.OVERDUE:
        _tell_overdue(call, incarnation, seen.work)
    if decision is Drain.EVICTED:
        _tell_evicted(call, incarnation, seen.work)
    change_incarnation(call.deployment, incarnation, drained_at=now)
    return ""


def _look(call: RetirementCall, incarnation: Incarnation) -> DrainSeen:
    deployment, address = call.deployment, incarnation.primary_address
    # Without an address of its own nobody can do anything there, neither a job nor a client.
    gone = address is None or address_handed_on(deployment, incarnation)
    work = Work(unknown={"livy": "gone", "resource_manager": "gone"})
    if address is not None and not gone:
        try:
            work = deployment.probers.work(address=address, near=incarnation.availability_zone)
        except NoProberAnsweredError as error:
            work = Work(unknown={"livy": str(error), "resource_manager": str(error)})
    return DrainSeen(
        work=work,
        # Services that answer run on a cluster that lives: EMR has to be asked about the others only.
        cluster_ending=gone or (bool(work.unknown) and cluster_ending(deployment, incarnation)),
        evicted=incarnation.evicted_at is not None,
        out_of_service_at=incarnation.serving_to or call.operation.entered[call.step],
    )


def _tell_overdue(call: RetirementCall, incarnation: Incarnation, work: Work) -> None:
    policy = call.deployment.config.policy
    call.deployment.notices.count(DRAIN_OVERDUE, managed_cluster=incarnation.managed_cluster)
    call.deployment.notices.tell(
        subject=f"jobs of {incarnation.id} did not end in time",
        happened=f"Generation {incarnation.generation} ({incarnation.cluster_id}) of managed cluster "
        f"{incarnation.managed_cluster} was replaced, and its jobs had {policy.drain_limit_seconds} s to end. "
        f"It still has to do: {work}.",
        done=f"It stays up for another {policy.linger_seconds} s, so that clients read their results. Whatever runs "
        "then is killed, and after that its batch ids answer 410.",
        to_do="Nothing, if your jobs are retried by their scheduler: a 410 tells it to run them again. Save what "
        "interactive sessions hold, and close them. If jobs of yours take longer than that, raise drain_limit_seconds.",
    )


def _tell_evicted(call: RetirementCall, incarnation: Incarnation, work: Work) -> None:
    call.deployment.notices.tell(
        subject=f"jobs of {incarnation.id} are ended",
        happened=f"A failover needs the slot of generation {incarnation.generation} ({incarnation.cluster_id}) of "
        f"managed cluster {incarnation.managed_cluster}, which still has to do: {work}.",
        done="What runs there is killed now, and after that its batch ids answer 410.",
        to_do="Nothing, if your jobs are retried by their scheduler: a 410 tells it to run them again. Interactive "
        "sessions have to be opened again, on the incarnation in service.",
    )
