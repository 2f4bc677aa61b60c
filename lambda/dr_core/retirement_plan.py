"""How long a planned retirement waits, when an incarnation counts as fenced, and what its stack needs to go away."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from dr_core.evidence import Service

CLUSTER_ENDED = frozenset({"TERMINATED", "TERMINATED_WITH_ERRORS"})
# Its services end too: nothing comes to a good end there any more, and no client reads a result.
CLUSTER_ENDING = CLUSTER_ENDED | {"TERMINATING"}
STACK_GONE = "DELETE_COMPLETE"
STACK_GOING = "DELETE_IN_PROGRESS"

# For how long a job may still come to an incarnation that went out of service: the load balancer's nodes take about
# 10 s to learn it, and keep connections that they have for the 30 s of the target groups' deregistration delay.
SETTLE_SECONDS = 60

# How many ids of each sort are named where a sentence is enough: in what a step answers to its machine.
_IDS_NAMED = 100
# How many characters a message to people has for the ids of each sort, which is some thousands of them: SNS takes
# 262,144 bytes (API reference, Publish), for three sorts and the words around them.
_CHARACTERS_NAMED = 60_000
_REASON_CHARACTERS = 1000

# For how long something that cannot be read is looked at again before jobs are ended: who is ended has to be named.
DOUBT_SECONDS = 300

# After the last application was killed, a spark-submit that Livy had started before may still hand in another one: it
# takes some seconds from the start of the process to the application in the ResourceManager's list.  An empty list
# proves something only when that time is over.
SUBMIT_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What an incarnation still has to do.

    Attributes:
        batches: Livy's batches that have not come to their end.
        sessions: Livy's interactive sessions that are open, also the idle ones.
        applications: YARN's applications that have not come to their end, whoever submitted them.
        unknown: what could not be read, and why; its lists say nothing then.
    """

    batches: tuple[int, ...] = ()
    sessions: tuple[int, ...] = ()
    applications: tuple[str, ...] = ()
    unknown: Mapping[str, str] = field(default_factory=dict)

    @property
    def known_done(self) -> bool:
        """Whether it is known that nothing is left to do."""
        return not (self.unknown or self.batches or self.sessions or self.applications)

    def __str__(self) -> str:
        """In words, such as ``batches 1001000007, 1001000009; not known: livy (connection refused)``."""
        parts = [f"{name} {_some(ids)}" for name, ids in self._lists() if ids]
        if self.unknown:
            parts.append(f"not known: {self._not_read()}")
        return "; ".join(parts) or "nothing"

    def in_full(self) -> str:
        """As a message names it before it is ended: every id that there is room for, and what nobody could read."""
        parts = [f"{name} {_as_many_as_fit(ids)}" for name, ids in self._lists() if ids]
        known = "; ".join(parts) or "nothing"
        if not self.unknown:
            return known
        return (
            f"{known}. This list is not complete, as there was no answer to the question what else there is: "
            f"{self._not_read()}"
        )

    def _lists(self) -> Iterator[tuple[str, Sequence[object]]]:
        yield "batches", self.batches
        yield "interactive sessions", self.sessions
        yield "applications", self.applications

    def _not_read(self) -> str:
        return ", ".join(f"{name} ({why[:_REASON_CHARACTERS]})" for name, why in self.unknown.items())


class Drain(StrEnum):
    """Whether the drain of a planned retirement is over, and why.

    Attributes:
        WAIT: its jobs may still come to their end.
        DRAINED: nothing is left to do; or Livy is dead, and nothing runs that it could tell of.
        CLUSTER_ENDING: its cluster ends or has ended: there is nothing left to wait for.
        EVICTED: a failover needs its slot.
        NOW: a person wants its jobs ended at once, and none comes any more.
        DEAD: neither its Livy nor its ResourceManager answers anybody: no client learns how a job of it ends.
        OVERDUE: the limit has passed.
    """

    WAIT = "wait"
    DRAINED = "drained"
    CLUSTER_ENDING = "cluster ending"
    EVICTED = "evicted"
    NOW = "now"
    DEAD = "dead"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainSeen:
    """One look at an incarnation that is drained.

    Attributes:
        work: what it still has to do.
        cluster_ending: whether its cluster ends or has ended.
        evicted: whether a failover needs its slot.
        out_of_service_at: when it went out of service, seconds since 1970.
        watched_from: when its retirement first looked, likewise.  By then it was out of the balanced group, which it
            leaves only after the record says that it is out of service.
        ends_now: whether a person wants its jobs ended at once.
        bad_services: those that the vantage points agree to be bad.
    """

    work: Work
    cluster_ending: bool
    evicted: bool
    out_of_service_at: float
    watched_from: float
    ends_now: bool = False
    bad_services: Collection[Service] = ()

    def dead(self, service: Service) -> bool:
        """Whether a service is known to be bad; one that answered in this look is not."""
        return service in self.bad_services and service in self.work.unknown


def judge_drain(*, seen: DrainSeen, now: float, limit: float) -> Drain:
    """Whether the drain of the incarnation that was *seen* at *now* is over; *limit* in seconds out of service.

    What cannot be read counts as work: only the limit, an eviction, a person, the cluster's own end or a verdict go
    over it, and a verdict takes several looks of two vantage points.  Before the limit or a person ends what one look
    did not show, it is looked again for :data:`DOUBT_SECONDS`: jobs are named before they are ended.
    """
    waited = now - seen.out_of_service_at
    if seen.cluster_ending:
        return Drain.CLUSTER_ENDING
    livy_is_dead, yarn_is_dead = seen.dead(Service.LIVY), seen.dead(Service.RESOURCE_MANAGER)
    # A batch of a dead Livy is either an application that YARN lists or will not become one any more.
    idle = livy_is_dead and Service.RESOURCE_MANAGER not in seen.work.unknown and not seen.work.applications
    watched = now - max(seen.out_of_service_at, seen.watched_from)
    settled = watched >= min(SETTLE_SECONDS, limit)
    doubt = DOUBT_SECONDS if seen.work.unknown else 0
    if (seen.work.known_done or idle) and settled:
        return Drain.DRAINED
    if seen.evicted:
        return Drain.EVICTED
    # A minute, so that whoever reads the message finds every job in it that is ended: POSTs may be on their way still.
    if seen.ends_now and settled and watched >= doubt:
        return Drain.NOW
    if livy_is_dead and yarn_is_dead:
        return Drain.DEAD
    return Drain.OVERDUE if waited >= limit + doubt else Drain.WAIT


def linger_left(*, drained_at: float | None, hurried: bool, now: float, linger: float) -> float:
    """For how many seconds Livy stays up so that every client reads its result; 0 when that is over.

    Args:
        drained_at: when the drain was over, seconds since 1970; ``None`` while it is not: then all of *linger* is left.
        hurried: whether nobody is waited for: a failover needs the slot, or a person wants its jobs ended at once.
        now: seconds since 1970.
        linger: how long Livy stays up after the drain, in seconds.
    """
    if hurried:
        return 0
    return linger if drained_at is None else max(0, drained_at + linger - now)


def planned_still(*, served: bool, terminate_requested: bool) -> bool:
    """Whether a retirement that has to be started again may let jobs end first.

    Args:
        served: whether the incarnation was in service: else no client has a job there.
        terminate_requested: whether the end of its cluster was requested: by its fence, after it failed, or because
            its drain and its linger were over.
    """
    return served and not terminate_requested


def ends_gently(*, planned: bool, evicted: bool, terminate_requested: bool, waited: float, limit: float) -> bool:
    """Whether applications are only killed, and the cluster stays until its ids answer 410.

    A planned retirement has a ResourceManager that says when nothing runs any more, within a minute; a cluster whose
    end was requested may take that away and leave nothing but EMR's TERMINATED, minutes later.  When applications do
    not end, or a failover waits for the slot, the end of the cluster is requested as well.

    Args:
        planned: whether the retirement is planned.
        evicted: whether a failover needs the slot.
        terminate_requested: whether the end of the cluster was requested already.
        waited: seconds since applications were first told to end, or could have been.
        limit: how long that alone is tried, in seconds.
    """
    return planned and not evicted and not terminate_requested and waited < limit


def hidden_for_sure(*, unrouted_at: float | None, now: float) -> bool:
    """Whether no client is led any more to an incarnation.

    Args:
        unrouted_at: when the load balancer had taken that its ids lead nowhere; ``None`` if nobody knows that it has.
        now: likewise seconds since 1970.
    """
    return unrouted_at is not None and now >= unrouted_at + SETTLE_SECONDS


class Fence(StrEnum):
    """Whether the applications of an incarnation are known dead.

    Attributes:
        OPEN: they may live; its ids must not answer 410.
        CLOSED: they are dead.
        OVERDUE: nobody can tell, and the limit has passed: go on, with an alarm.
    """

    OPEN = "open"
    CLOSED = "closed"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True, kw_only=True)
class FenceSeen:
    """One look at an incarnation that has to be fenced.

    Attributes:
        cluster_state: what EMR says; empty if there never was a cluster or EMR does not know it any more.
        resource_manager_reachable: whether its ResourceManager answered.
        running_applications: how many applications it listed, after they were told to end.
        lost_nodes: how many nodes it has lost; ``None`` if that is not known.
        started_at: when that ResourceManager was started, seconds since 1970; ``None`` if that is not known.
        active_nodes: how many nodes it has now; ``None`` if that is not known.
        ready_at: when the cluster was ready, before any client had a job there; likewise.
        nodes_last_seen: how many nodes a prober saw last before the end was requested; likewise.
        requested_at: when the end of the cluster was requested, seconds since 1970.
        out_of_service_at: when it went out of service, likewise; ``None`` if it never served.
    """

    cluster_state: str
    resource_manager_reachable: bool
    running_applications: int
    lost_nodes: int | None
    started_at: float | None
    active_nodes: int | None
    ready_at: float | None
    nodes_last_seen: int | None
    requested_at: float
    out_of_service_at: float | None

    @property
    def doubt(self) -> str:
        """Why the ResourceManager's word does not prove that nothing runs, after "its ResourceManager"; else empty.

        Its list and its count of lost nodes live in its memory: one that was started again knows of no application
        and of no lost node, whatever goes on.  What ran on a node that it does not reach runs on there, killed or not.
        Whatever is not known, as from a prober of the version before, is not trusted.
        """
        if not self.resource_manager_reachable:
            return "does not answer"
        if self.running_applications:
            return "lists applications"
        if self.lost_nodes is None:
            return "does not say whether it has lost nodes, on which jobs may run on"
        if self.lost_nodes:
            return f"lists none, but has lost {self.lost_nodes} nodes, on which jobs may run on"
        if self.started_at is None or self.ready_at is None:
            return "lists none, but nobody knows whether it was started again, and so has forgotten some"
        if self.started_at > self.ready_at:
            return "lists none, but was started after the cluster was ready, and may have forgotten some"
        if self.active_nodes is None or self.nodes_last_seen is None:
            return "lists none, but nobody knows whether it still has all its nodes"
        if self.active_nodes < self.nodes_last_seen:
            return f"lists none, but has {self.active_nodes} of {self.nodes_last_seen} nodes, on which jobs may run on"
        return ""


def judge_fence(*, seen: FenceSeen, now: float, limit: float) -> Fence:
    """Whether the incarnation that was *seen* at *now* is fenced; *limit* in seconds after the request."""
    waited = now - seen.requested_at
    if not seen.cluster_state or seen.cluster_state in CLUSTER_ENDED:
        return Fence.CLOSED
    # Where new jobs come from: Livy may have got one after the applications were told to end.
    last_job_at = 0.0 if seen.out_of_service_at is None else seen.out_of_service_at + SETTLE_SECONDS
    proves_from = max(seen.requested_at, last_job_at) + SUBMIT_SECONDS
    if not seen.doubt and now >= proves_from:
        return Fence.CLOSED
    return Fence.OVERDUE if waited >= limit else Fence.OPEN


class StackDeletion(StrEnum):
    """What the stack of a retired incarnation needs.

    Attributes:
        GONE: nothing.
        WAIT: it is being deleted.
        DELETE: lift the cluster's termination protection, then delete it.
    """

    GONE = "gone"
    WAIT = "wait"
    DELETE = "delete"


def judge_stack(status: str) -> StackDeletion:
    """What a stack of *status* needs; empty status = CloudFormation does not know it.

    DELETE_FAILED and every state in the middle of a creation need the same: a stack may be deleted while it is being
    created, and a deletion may be repeated.
    """
    if status in ("", STACK_GONE):
        return StackDeletion.GONE
    return StackDeletion.WAIT if status == STACK_GOING else StackDeletion.DELETE


def _some(ids: Sequence[object]) -> str:
    named = ", ".join(map(str, ids[:_IDS_NAMED]))
    return named if len(ids) <= _IDS_NAMED else f"{named} and {len(ids) - _IDS_NAMED} more"


def _as_many_as_fit(ids: Sequence[object]) -> str:
    named: list[str] = []
    room = _CHARACTERS_NAMED
    for each in map(str, ids):
        room -= len(each) + len(", ")
        if room < 0:
            return f"{', '.join(named)} and {len(ids) - len(named)} more, for which a message has no room"
        named.append(each)
    return ", ".join(named)
