"""What the reconciliation compares, the record and reality, and what comes of it: corrections."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from dr_core.addresses import handed_on_to
from dr_core.record import Incarnation, IncarnationState, Incident, ManagedCluster, Slot
from dr_core.routing import Conditions


class CorrectionKind(StrEnum):
    """What a correction does."""

    REGISTER = "register a target"
    DEREGISTER = "deregister a target"
    SET_RULE = "set the conditions of a rule"
    FREE_SLOT = "free a slot"
    GIVE_UP = "give up a launch"
    ISOLATE = "keep a sick incarnation from new jobs"
    GIVE_BACK = "give an isolated incarnation new jobs again"
    RETIRE = "start a retirement"
    GIVE_UP_STANDBY = "give up a standby"


# Corrections of the front door; the others finish what was left behind.
DRIFT = (CorrectionKind.REGISTER, CorrectionKind.DEREGISTER, CorrectionKind.SET_RULE, CorrectionKind.FREE_SLOT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """One thing to put right; two that say the same are equal.

    Attributes:
        kind: what to do.
        sentence: what was found, for a person.
        generation: the incarnation that it is about, if any.
        target_group: where to register or deregister.
        address: the target.
        port: the target's.
        rule: whose conditions to set.
        conditions: the right ones.
        slot: the slot to free.
        planned: whether the jobs of what is retired may end first.
        routes_ids: whether it leads ids to their owner, and nothing else: what is put right also while a person has
            paused the deployment, as clients poll on then.
    """

    kind: CorrectionKind
    sentence: str
    generation: int | None = None
    target_group: str = ""
    address: str = ""
    port: int = 0
    rule: str = ""
    conditions: Conditions = field(default_factory=list)
    slot: int | None = None
    planned: bool = False
    routes_ids: bool = False

    @property
    def key(self) -> str:
        """The same text for the same correction, whenever it is found."""
        what = self.rule or f"{self.target_group}/{self.address}".strip("/") or f"slot {self.slot or '-'}"
        return f"{self.kind}: {what}: {self.generation or '-'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What the record says.

    Attributes:
        managed_clusters: of the deployment; one has a lease only if the execution that holds it runs, or may run.
        incarnations: all that were ever recorded, oldest first.
        slots: of the pool.
        incidents: the latest of each managed cluster that had one.
    """

    managed_clusters: Sequence[ManagedCluster]
    incarnations: Sequence[Incarnation]
    slots: Sequence[Slot]
    incidents: Sequence[Incident]

    @property
    def busy(self) -> set[str]:
        """The managed clusters that somebody works on, or that are being deleted."""
        return {each.name for each in self.managed_clusters if each.lease is not None or each.tombstone}

    @property
    def changing(self) -> set[str]:
        """The managed clusters whose service somebody works on: those that are busy, without launches of standbys."""
        return {
            each.name
            for each in self.managed_clusters
            if each.tombstone or (each.lease is not None and not each.lease.yields)
        }

    def handed_on(self, incarnation: Incarnation) -> bool:
        """Whether a younger incarnation has its address: a VPC hands out the address of what is gone again."""
        return handed_on_to(incarnation, self.incarnations) is not None

    def in_service(self, managed_cluster: ManagedCluster) -> Incarnation | None:
        """The incarnation of *managed_cluster* in service, unless its end was requested."""
        return next(
            (
                each
                for each in self.incarnations
                if each.generation == managed_cluster.serving_generation and _stays(each)
            ),
            None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reality:
    """What AWS says; what could not be read is missing.

    Attributes:
        health: of each target group, the state of every target by its address.
        rules: the conditions of each rule.
        closed_operations: those of :func:`dr_core.left_behind.doubtful_operations` that have ended.
        retiring: managed cluster and generation of every incarnation whose retirement runs; ``None`` if unknown.
        well: generations that are kept from new jobs, and that a look of this moment calls healthy.
    """

    health: Mapping[str, Mapping[str, str]]
    rules: Mapping[str, Sequence[Mapping[str, Any]]]
    closed_operations: Collection[str] = ()
    retiring: Collection[tuple[str, int]] | None = None
    well: Collection[int] = ()

    def members(self, target_group: str) -> set[str] | None:
        """The addresses that a group sends to, or would if they were healthy; ``None`` if that is unknown."""
        health = self.health.get(target_group)
        return None if health is None else {address for address, state in health.items() if state != "draining"}

    def serves_well(self, name: str, target_group: str, recorded: Recorded) -> bool:
        """Whether an incarnation of managed cluster *name* is healthy in a group, and goes on to be.

        One whose end was requested does not: it answers for a while, and nobody can rest on it.
        """
        health = self.health.get(target_group, {})
        return any(
            each.managed_cluster == name
            and _stays(each)
            and health.get(each.primary_address or "") == "healthy"
            and not recorded.handed_on(each)
            for each in recorded.incarnations
        )


def _stays(incarnation: Incarnation) -> bool:
    return incarnation.state is IncarnationState.SERVING and incarnation.terminate_requested_at is None
