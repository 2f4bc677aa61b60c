"""The record: what the deployment knows of itself, as dataclasses over the items of the record table.

The table has partition key ``kind`` and sort key ``id``.  ``to_item`` and ``from_item`` speak what boto3's resource API
takes and gives (:mod:`dr_core.items`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Self

from dr_core.items import item_of, values_of
from dr_core.naming import incarnation_id, is_standby_operation

# The item whose ``value`` is the last generation drawn; drawn by an atomic ADD.
GENERATION_COUNTER = {"kind": "counter", "id": "generation"}
# The item whose ``value`` says how many launches were written down; no two of them may rest on the same look.
INTENT_COUNTER = {"kind": "counter", "id": "intents"}


class IncarnationState(StrEnum):
    """Where an incarnation is in its life."""

    LAUNCHING = "launching"
    VERIFYING = "verifying"
    STANDBY = "standby"
    SERVING = "serving"
    RETIRING = "retiring"
    RETIRED = "retired"
    ABANDONED = "abandoned"


class Outcome(StrEnum):
    """How an operation ended."""

    LAUNCHED = "launched"
    FAILED_OVER = "failed over"
    SWITCHED_OVER = "switched over"
    STANDS_BY = "stands by"
    REPAIRED = "repaired"
    CANCELLED = "cancelled"
    FAILED = "failed"


class IncidentState(StrEnum):
    """Whether an incident still waits for an answer."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to change a managed cluster; taken over only when the holder's execution is closed.

    Attributes:
        execution: ARN of the execution that holds it.
        operation: id of its operation.
        since: when it was taken.
    """

    execution: str
    operation: str
    since: float

    @property
    def yields(self) -> bool:
        """Whether its operation gives way to every other one: it launches a standby, and touches nothing in service."""
        return is_standby_operation(self.operation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Where and how to answer the CloudFormation request that started an operation."""

    response_url: str
    stack_id: str
    request_id: str
    logical_resource_id: str
    physical_resource_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedCluster:
    """A managed cluster.

    Attributes:
        name: its name, the item's id.
        spec: JSON of what runs or shall run, see :class:`dr_core.specs.Spec`.
        serving_generation: the generation of the incarnation in service.
        lease: who may change it now.
        tombstone: it is being deleted; nothing may be launched for it.
        automatic_failovers: when its latest failovers by the monitor came to their cut-over, oldest first.
        alone_at: when it was last seen to serve while every other managed cluster was out of service.
        accepted_networks: SHA-256 of the latest descriptions of the network that were accepted, oldest first.
        latest_request: id of the latest request of CloudFormation for it; an older one does nothing any more.
    """

    KIND: ClassVar[str] = "managed-cluster"

    name: str
    spec: str | None = None
    serving_generation: int | None = None
    lease: Lease | None = None
    tombstone: bool = False
    automatic_failovers: tuple[float, ...] = ()
    alone_at: float | None = None
    accepted_networks: tuple[str, ...] = ()
    latest_request: str | None = None

    @staticmethod
    def key(name: str) -> dict[str, str]:
        """The item's key."""
        return {"kind": ManagedCluster.KIND, "id": name}

    def to_item(self) -> dict[str, Any]:
        """The item of the record table."""
        return item_of(self, key=self.key(self.name), without="name")

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        """The managed cluster that an item holds."""
        values = values_of(cls, item)
        lease = Lease(**values.pop("lease")) if "lease" in values else None
        failovers = tuple(values.pop("automatic_failovers", ()))
        networks = tuple(values.pop("accepted_networks", ()))
        return cls(name=item["id"], lease=lease, automatic_failovers=failovers, accepted_networks=networks, **values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incarnation:
    """An incarnation of a managed cluster.

    Attributes:
        generation: unique in the deployment.
        managed_cluster: whose incarnation it is.
        state: where it is in its life.
        availability_zone: where it runs.
        subnet_id: subnet there.
        id_prefix: first four digits of its batch ids.
        stack_name: name of its stack and EMR cluster.
        stack_id: ARN of its stack.
        cluster_id: ``j-...``.
        primary_address: IP address of its primary.
        slot: the routing place that it holds.
        operation: id of the operation that launched it.
        created_at: when the record was made.
        create_stack_at: when CreateStack was called.
        waiting_at: when EMR said WAITING.
        serving_from: when it came into service.
        serving_to: when it went out of service.
        left_by: what replaced it so that its AZ comes last for a while, see :func:`dr_core.availability_zones.left_by`.
        taken_back: what replaced it went back to a spec that had served well before, so that its own is in doubt.
        leave_asked_at: when a person's evacuation of it was superseded by a change, for which its AZ comes last.
        terminate_requested_at: when the controller asked EMR to end it.
        fenced_at: when its applications were known dead.
        canary_name: Livy name of its canary job.
        canary_id: batch id of the canary.
        canary_app_id: YARN application of the canary.
        reason: why the operation that launched it ran, the text of a :class:`dr_core.requests.Reason`.
        isolated_at: when it was taken out of the balanced group because it was sick; its ids stay routed.
        repaired_at: when it was last mended in place.
        seeded_again_at: when its seed step was run a second time.
        unseeded: Livy numbers its batches outside the range; ids of up to 8 digits lead to it.
        drained_at: when its last job had ended, or the limit for that had passed.
        hidden_at: when its ids began to be made to lead nowhere, so that no client is told of jobs that are killed.
        unrouted_at: when the load balancer had taken that.
        evicted_at: when a failover that needed its slot ended its drain or its linger.
        ends_now: whether a person wanted its jobs ended at once when it was replaced.
        given_up: why its launch, or its standing by, was given up, in one sentence.
        limits: those that we gave its managed scaling last, or meant to: ``{"minimum", "maximum"}``.
        tags: those of the spec that it was given, or was meant to be.
        spec_digest: of the spec that it was launched with (:func:`dr_core.standby.spec_digest`).
        standby_from: when it was proved and began to stand by.
        canary_succeeded_at: of a standby: when its latest canary was known to have succeeded.
        canary_asked_at: of a standby: when the canary that runs now, or comes next, was first asked for.
        canary_begun_at: of a standby: when that was first seen to run.
        canary_failures: of a standby: how many canaries failed since the last that succeeded.
    """

    KIND: ClassVar[str] = "incarnation"

    generation: int
    managed_cluster: str
    state: IncarnationState
    availability_zone: str | None = None
    subnet_id: str | None = None
    id_prefix: int | None = None
    stack_name: str | None = None
    stack_id: str | None = None
    cluster_id: str | None = None
    primary_address: str | None = None
    slot: int | None = None
    operation: str | None = None
    created_at: float | None = None
    create_stack_at: float | None = None
    waiting_at: float | None = None
    serving_from: float | None = None
    serving_to: float | None = None
    left_by: str | None = None
    taken_back: bool = False
    leave_asked_at: float | None = None
    terminate_requested_at: float | None = None
    fenced_at: float | None = None
    canary_name: str | None = None
    canary_id: int | None = None
    canary_app_id: str | None = None
    reason: str | None = None
    isolated_at: float | None = None
    repaired_at: float | None = None
    seeded_again_at: float | None = None
    unseeded: bool = False
    drained_at: float | None = None
    hidden_at: float | None = None
    unrouted_at: float | None = None
    evicted_at: float | None = None
    ends_now: bool = False
    given_up: str | None = None
    limits: Mapping[str, int] | None = None
    tags: Mapping[str, str] | None = None
    spec_digest: str | None = None
    standby_from: float | None = None
    canary_succeeded_at: float | None = None
    canary_asked_at: float | None = None
    canary_begun_at: float | None = None
    canary_failures: int = 0

    @property
    def id(self) -> str:
        """``g000001``."""
        return incarnation_id(self.generation)

    @property
    def title(self) -> str:
        """What people find it by in CloudFormation and EMR: ``emr-dr-active-passive-a-g3``, the name of its stack."""
        return self.stack_name or f"generation {self.generation} of managed cluster {self.managed_cluster}"

    @property
    def live(self) -> bool:
        """Whether probers look at it: it has an address and is in service, on its way in or out, or stands by."""
        looked_at = (
            IncarnationState.VERIFYING,
            IncarnationState.STANDBY,
            IncarnationState.SERVING,
            IncarnationState.RETIRING,
        )
        return self.primary_address is not None and self.state in looked_at

    @property
    def judged_from(self) -> float | None:
        """From when on evidence speaks for or against it: what was seen before it served, or was mended, does not."""
        return max((time for time in (self.serving_from, self.repaired_at) if time is not None), default=None)

    @staticmethod
    def key(generation: int) -> dict[str, str]:
        """The item's key."""
        return {"kind": Incarnation.KIND, "id": incarnation_id(generation)}

    def to_item(self) -> dict[str, Any]:
        """The item of the record table."""
        return item_of(self, key=self.key(self.generation))

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        """The incarnation that an item holds."""
        values = values_of(cls, item)
        return cls(state=IncarnationState(values.pop("state")), **values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """An operation.

    Attributes:
        id: also the name of its execution.
        request: JSON of the machine's ``request``.
        managed_cluster: what it works on.
        spec: what a switchover launches, if not the managed cluster's present spec; becomes that at its cut-over.
        execution: ARN, once it is known to have started.
        started_at: when it was asked for.
        entered: when each state was first entered, by the state's name.
        generation: the incarnation that it launches.
        old_generation: the incarnation that was in service when it began.
        tried: availability zones in which a launch was tried, or from which something that was at hand was taken.
        launched_at: when it last wrote down that it launches; ``None`` if it only took what was at hand.
        outcome: how it ended.
        message: one sentence about its end.
        answer: whom to tell.
        answered: whether that was done.
        repair_asked_at: when it was decided to restart Livy, before the step for that was added.
        repair_step_id: the EMR step that restarts Livy.
        seed_step_id: the EMR step that seeds Livy a second time.
    """

    KIND: ClassVar[str] = "operation"

    id: str
    request: str
    managed_cluster: str
    spec: str | None = None
    execution: str | None = None
    started_at: float | None = None
    entered: Mapping[str, float] = field(default_factory=dict)
    generation: int | None = None
    old_generation: int | None = None
    tried: tuple[str, ...] = ()
    launched_at: float | None = None
    outcome: Outcome | None = None
    message: str | None = None
    answer: Answer | None = None
    answered: bool = False
    repair_asked_at: float | None = None
    repair_step_id: str | None = None
    seed_step_id: str | None = None

    @staticmethod
    def key(operation: str) -> dict[str, str]:
        """The item's key."""
        return {"kind": Operation.KIND, "id": operation}

    def to_item(self) -> dict[str, Any]:
        """The item of the record table."""
        return item_of(self, key=self.key(self.id))

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        """The operation that an item holds."""
        values = values_of(cls, item)
        answer = Answer(**values.pop("answer")) if "answer" in values else None
        outcome = Outcome(values.pop("outcome")) if "outcome" in values else None
        return cls(answer=answer, outcome=outcome, tried=tuple(values.pop("tried", ())), **values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A routing place.

    Attributes:
        number: from 1.
        generation: who holds it; ``None`` when it is free.
    """

    KIND: ClassVar[str] = "slot"

    number: int
    generation: int | None = None

    @staticmethod
    def key(number: int) -> dict[str, str]:
        """The item's key."""
        return {"kind": Slot.KIND, "id": str(number)}

    def to_item(self) -> dict[str, Any]:
        """The item of the record table."""
        return item_of(self, key=self.key(self.number), without="number")

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        """The slot that an item holds."""
        return cls(number=int(item["id"]), **values_of(cls, item))


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """The latest incident of a managed cluster.

    Attributes:
        managed_cluster: the item's id.
        incident: its name.
        state: whether it is over.
        since: when the monitor opened it.
        first_bad_at: when the first of the bad evidence was seen.
        attempts: how many operations were started for it.
        called_off_until: until when no operation is started, as the last one, of this incident or of an earlier one,
            was called off.
    """

    KIND: ClassVar[str] = "incident"

    managed_cluster: str
    incident: str
    state: IncidentState
    since: float
    first_bad_at: float
    attempts: int = 0
    called_off_until: float | None = None

    @staticmethod
    def key(managed_cluster: str) -> dict[str, str]:
        """The item's key."""
        return {"kind": Incident.KIND, "id": managed_cluster}

    def to_item(self) -> dict[str, Any]:
        """The item of the record table."""
        return item_of(self, key=self.key(self.managed_cluster), without="managed_cluster")

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        """The incident that an item holds."""
        values = values_of(cls, item)
        return cls(managed_cluster=item["id"], state=IncidentState(values.pop("state")), **values)


Record = ManagedCluster | Incarnation | Operation | Slot | Incident
