"""Drain: let the jobs of a planned retirement end."""

from __future__ import annotations

import time

from dr_core.evidence import Service
from dr_core.metrics import DRAIN_OVERDUE
from dr_core.record import Incarnation
from dr_core.retirement_plan import Drain, DrainSeen, Work, judge_drain
from failover.calls import RetirementCall, StepAnswer, done, wait
from failover.errors import NoProberAnsweredError
from failover.observation import verdict_on
from failover.removal import address_handed_on, change_incarnation, cluster_ending
from failover.retiring import to_retire


def drain(call: RetirementCall) -> StepAnswer:
    """Answer ``done`` once what a planned retirement takes out of service has nothing left to do.

    An interactive session counts as long as it is open, also while it is idle: a person may be thinking, and nobody can
    tell that from a session that was forgotten.  One that is never closed holds its application for ever, so the drain
    has a limit; it ends early when a failover needs the slot, when a person wants it to, when the cluster ends by
    itself, and when nobody can tell any client any more how a job ends.
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
    who = f"{incarnation.title} ({incarnation.cluster_id})"
    # The message comes before the record: a function that dies in between tells twice, not never.
    match decision:
        case Drain.WAIT:
            return f"{incarnation.title} still has to do: {seen.work}"
        case Drain.OVERDUE:
            _tell_overdue(call, incarnation, seen.work)
        case Drain.EVICTED:
            happened = f"A failover needs the slot of {who}, which still has to do: {seen.work.in_full()}."
            _tell_ended(call, incarnation, happened=happened)
        case Drain.NOW:
            happened = (
                f"{who} was replaced, and whoever asked for that wanted its jobs ended at once. It still has to do: "
                f"{seen.work.in_full()}."
            )
            _tell_ended(call, incarnation, happened=happened)
        case Drain.DEAD:
            _tell_dead(call, incarnation)
        case Drain.DRAINED | Drain.CLUSTER_ENDING:
            pass
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
    # Services that answer run on a cluster that lives: EMR and the evidence have to be asked about the others only.
    ending = gone or (bool(work.unknown) and cluster_ending(deployment, incarnation))
    bad = frozenset[Service]()
    if work.unknown and not ending:
        bad = verdict_on(deployment, incarnation, serving_from=incarnation.judged_from).bad_services
    return DrainSeen(
        work=work,
        cluster_ending=ending,
        bad_services=bad,
        evicted=incarnation.evicted_at is not None,
        ends_now=incarnation.ends_now,
        out_of_service_at=incarnation.serving_to or call.operation.entered[call.step],
        watched_from=call.operation.entered[call.step],
    )


def _tell_overdue(call: RetirementCall, incarnation: Incarnation, work: Work) -> None:
    policy = call.deployment.config.policy
    call.deployment.notices.count(DRAIN_OVERDUE, managed_cluster=incarnation.managed_cluster)
    call.deployment.notices.tell(
        subject=f"jobs of {incarnation.title} did not end in time",
        happened=f"{incarnation.title} ({incarnation.cluster_id}) was replaced, and its jobs had "
        f"{policy.drain_limit_seconds} s to end. It still has to do: {work.in_full()}.",
        done=f"It stays up for another {policy.linger_seconds} s, so that clients read their results. Whatever runs "
        "then is killed, and after that its batch ids answer 410.",
        to_do="Nothing, if your jobs are retried by their scheduler: a 410 tells it to run them again. Save what "
        "interactive sessions hold, and close them. If jobs of yours take longer than that, raise drain_limit_seconds.",
    )


def _tell_ended(call: RetirementCall, incarnation: Incarnation, *, happened: str) -> None:
    """Before they end."""
    call.deployment.notices.tell(
        subject=f"jobs of {incarnation.title} are ended",
        happened=happened,
        done="What runs there is killed now, and after that its batch ids answer 410.",
        to_do="Nothing, if your jobs are retried by their scheduler: a 410 tells it to run them again. Interactive "
        "sessions have to be opened again, on the incarnation in service.",
    )


def _tell_dead(call: RetirementCall, incarnation: Incarnation) -> None:
    policy = call.deployment.config.policy
    call.deployment.notices.tell(
        subject=f"{incarnation.title} died before its jobs had ended",
        happened=f"{incarnation.title} ({incarnation.cluster_id}) was replaced and had time to end its jobs. Now "
        "neither its Livy nor its ResourceManager answers, so that no client learns how a job there ends.",
        done=f"Its jobs are waited for no longer. In {policy.linger_seconds} s its cluster is ended with "
        "whatever runs there, and after that its batch ids answer 410.",
        to_do="Nothing, if your jobs are retried by their scheduler: a 410 tells it to run them again. New jobs are "
        "not concerned.",
    )
