"""The record against reality: what of the front door has to be put right, and what nobody works on.

The record is what the controller decided, so that where the two differ reality is corrected, never the record (but for
a slot that was kept by mistake).  Nothing is decided on what could not be read: an unknown group, rule or execution
leads to no correction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from dr_core.config import FunctionConfig, SlotResources
from dr_core.record import Incarnation, IncarnationState, ManagedCluster, Slot
from dr_core.retirement_plan import planned_still
from dr_core.routing import (
    Conditions,
    header_conditions,
    id_conditions,
    unseeded_id_conditions,
    unused_header_conditions,
    unused_id_conditions,
)

# After the end of a cut-over or of a launch its own function starts the retirement within seconds; this much later
# nobody is about to do it any more.
GRACE_SECONDS = 120

_BEGUN = (IncarnationState.LAUNCHING, IncarnationState.VERIFYING)
_GOING = (IncarnationState.RETIRING, IncarnationState.ABANDONED)
_OUT_OF_SERVICE = (*_GOING, IncarnationState.RETIRED)


class CorrectionKind(StrEnum):
    """What a correction does."""

    REGISTER = "register a target"
    DEREGISTER = "deregister a target"
    SET_RULE = "set the conditions of a rule"
    FREE_SLOT = "free a slot"
    GIVE_UP = "give up a launch"
    RETIRE = "start a retirement"


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
    """

    managed_clusters: Sequence[ManagedCluster]
    incarnations: Sequence[Incarnation]
    slots: Sequence[Slot]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reality:
    """What AWS says; what could not be read is missing.

    Attributes:
        health: of each target group, the state of every target by its address.
        rules: the conditions of each rule.
        closed_operations: those of :func:`doubtful_operations` that have ended.
        retiring: managed cluster and generation of every incarnation whose retirement runs; ``None`` if unknown.
    """

    health: Mapping[str, Mapping[str, str]]
    rules: Mapping[str, Sequence[Mapping[str, Any]]]
    closed_operations: Collection[str] = ()
    retiring: Collection[tuple[str, int]] | None = None


def doubtful_operations(recorded: Recorded) -> set[str]:
    """The operations of which it has to be known whether they still run: an incarnation waits for them."""
    return {
        each.operation
        for each in recorded.incarnations
        if each.operation is not None and each.state in _BEGUN and each.managed_cluster not in _busy(recorded)
    }


def corrections(recorded: Recorded, reality: Reality, *, config: FunctionConfig, now: float) -> list[Correction]:
    """Everything to put right, the front door first.

    Nothing of a managed cluster that an operation holds the lease of, or that is being deleted, but a slot of what is
    retired: whoever works on it leaves it in order.  What managed clusters share, the free slots and what is on its way
    out, is left alone while anybody works.
    """
    return [
        *_drift_of_slots(recorded, reality, config=config),
        *_drift_of_services(recorded, reality, config=config),
        *_left_behind(recorded, reality, config=config, now=now),
    ]


def same_conditions(wanted: Sequence[Mapping[str, Any]], seen: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a rule matches what it should, comparing only what we set.

    DescribeRules gives more than ModifyRule takes: the old form ``Values`` beside ``PathPatternConfig``, empty lists,
    and conditions and values in an order of its own.
    """
    return sorted(map(_essence, wanted)) == sorted(map(_essence, seen))


def _essence(condition: Mapping[str, Any]) -> tuple[str, tuple[tuple[str, tuple[str, ...]], ...]]:
    old_form: Mapping[str, Any] = {"Values": condition.get("Values", ())}
    configuration = next((value for key, value in condition.items() if key.endswith("Config") and value), old_form)
    values = {
        key: tuple(sorted(value)) if isinstance(value, (list, tuple)) else (str(value),)
        for key, value in configuration.items()
        if value
    }
    return str(condition.get("Field")), tuple(sorted(values.items()))


def _busy(recorded: Recorded) -> set[str]:
    """The managed clusters that somebody works on, or that are being deleted."""
    return {each.name for each in recorded.managed_clusters if each.lease is not None or each.tombstone}


def _handed_on(incarnation: Incarnation, recorded: Recorded) -> bool:
    """Whether a younger incarnation has its address: a VPC hands out the address of what is gone again."""
    return any(
        each.primary_address == incarnation.primary_address
        and each.generation > incarnation.generation
        and each.state is not IncarnationState.RETIRED
        for each in recorded.incarnations
    )


def _members(reality: Reality, target_group: str) -> set[str] | None:
    """The addresses that a group sends to, or would if they were healthy; ``None`` if that is unknown."""
    health = reality.health.get(target_group)
    return None if health is None else {address for address, state in health.items() if state != "draining"}


def _drift_of_slots(recorded: Recorded, reality: Reality, *, config: FunctionConfig) -> Iterator[Correction]:
    resources = {slot.number: slot for slot in config.slots}
    by_generation = {each.generation: each for each in recorded.incarnations}
    busy = _busy(recorded)
    leased = {each.name for each in recorded.managed_clusters if each.lease is not None}
    for slot in recorded.slots:
        if slot.generation is None:
            if not busy:
                yield from _drift_of_free_slot(resources[slot.number], reality, config=config)
            continue
        holder = by_generation.get(slot.generation)
        if holder is None or holder.managed_cluster in leased:
            continue
        # Of a managed cluster that is deleted, too: a step that stalled may have taken it after everything was gone.
        if holder.state is IncarnationState.RETIRED:
            yield Correction(
                kind=CorrectionKind.FREE_SLOT,
                sentence=f"slot {slot.number} was held by generation {holder.generation}, which is retired",
                generation=holder.generation,
                address=holder.primary_address or "",
                slot=slot.number,
            )
        elif holder.managed_cluster not in busy and _leads_somewhere(holder, slot, recorded, busy=busy):
            yield from _drift_of_held_slot(resources[slot.number], holder, reality, config=config)


def _leads_somewhere(holder: Incarnation, slot: Slot, recorded: Recorded, *, busy: set[str]) -> bool:
    """Whether the ids of *holder* have to lead to it: its retirement has not begun to take it away.

    A slot that a retirement gives up may be taken by another operation in the next moment, so what is on its way out
    is left alone while any operation runs.
    """
    if holder.slot != slot.number or holder.terminate_requested_at is not None or holder.fenced_at is not None:
        return False
    if holder.state is IncarnationState.RETIRING:
        return not busy and not _handed_on(holder, recorded)
    return holder.state is IncarnationState.SERVING


def _drift_of_free_slot(slot: SlotResources, reality: Reality, *, config: FunctionConfig) -> Iterator[Correction]:
    who = f"the free slot {slot.number}"
    yield from _rule(slot.id_rule, unused_id_conditions(slot.number), reality, who=who)
    yield from _rule(slot.header_rule, unused_header_conditions(slot.number), reality, who=who)
    yield from _strangers(slot, set(), reality, who=who, config=config)


def _drift_of_held_slot(
    slot: SlotResources, holder: Incarnation, reality: Reality, *, config: FunctionConfig
) -> Iterator[Correction]:
    if holder.primary_address is None or holder.id_prefix is None:
        return
    who = f"slot {slot.number} of generation {holder.generation}"
    # First the target: a rule that leads to an empty group is answered 503.
    yield from _member(
        slot.target_group, holder.primary_address, config.ports.livy, reality, who=who, generation=holder.generation
    )
    ids = unseeded_id_conditions() if holder.unseeded else id_conditions(holder.id_prefix)
    yield from _rule(slot.id_rule, ids, reality, who=who, generation=holder.generation)
    yield from _rule(
        slot.header_rule, header_conditions(holder.id_prefix), reality, who=who, generation=holder.generation
    )
    yield from _strangers(slot, {holder.primary_address}, reality, who=who, config=config)


def _strangers(
    slot: SlotResources, allowed: set[str], reality: Reality, *, who: str, config: FunctionConfig
) -> Iterator[Correction]:
    """Targets of a slot that are not its holder's: ids would lead to somebody who does not own them."""
    for address in sorted((_members(reality, slot.target_group) or set()) - allowed):
        yield Correction(
            kind=CorrectionKind.DEREGISTER,
            sentence=f"{address} was a target of {who}",
            target_group=slot.target_group,
            address=address,
            port=config.ports.livy,
        )


def _member(
    target_group: str, address: str, port: int, reality: Reality, *, who: str, generation: int
) -> Iterator[Correction]:
    members = _members(reality, target_group)
    if members is not None and address not in members:
        yield Correction(
            kind=CorrectionKind.REGISTER,
            sentence=f"{address} was no target of {who}",
            generation=generation,
            target_group=target_group,
            address=address,
            port=port,
        )


def _rule(
    rule: str, wanted: Conditions, reality: Reality, *, who: str, generation: int | None = None
) -> Iterator[Correction]:
    seen = reality.rules.get(rule)
    if seen is not None and not same_conditions(wanted, seen):
        yield Correction(
            kind=CorrectionKind.SET_RULE,
            sentence=f"a rule of {who} matched {[dict(each) for each in seen]}",
            generation=generation,
            rule=rule,
            conditions=wanted,
        )


def _drift_of_services(recorded: Recorded, reality: Reality, *, config: FunctionConfig) -> Iterator[Correction]:
    """Memberships of the groups that clients and people reach without an id."""
    busy = _busy(recorded)
    own = {each.name: each for each in config.managed_clusters}
    for managed_cluster in recorded.managed_clusters:
        if managed_cluster.name in busy or managed_cluster.name not in own:
            continue
        groups = (
            (
                own[managed_cluster.name].resource_manager_target_group,
                config.ports.resource_manager,
                "ResourceManagers",
            ),
            (own[managed_cluster.name].name_node_target_group, config.ports.name_node, "NameNodes"),
            (config.balanced_target_group, config.ports.livy, "new jobs"),
        )
        serving = _in_service(managed_cluster, recorded)
        for target_group, port, who in groups:
            if serving is not None and serving.isolated_at is None and serving.primary_address is not None:
                yield from _member(
                    target_group,
                    serving.primary_address,
                    port,
                    reality,
                    who=f"the group of {who}, although generation {serving.generation} serves",
                    generation=serving.generation,
                )
            yield from _left_in_service(managed_cluster.name, target_group, port, recorded, reality, who=who)


def _in_service(managed_cluster: ManagedCluster, recorded: Recorded) -> Incarnation | None:
    return next(
        (
            each
            for each in recorded.incarnations
            if each.generation == managed_cluster.serving_generation
            and each.state is IncarnationState.SERVING
            and each.terminate_requested_at is None
        ),
        None,
    )


def _left_in_service(
    name: str, target_group: str, port: int, recorded: Recorded, reality: Reality, *, who: str
) -> Iterator[Correction]:
    """Incarnations that are out of service and still members, if a healthy one of the same managed cluster serves."""
    health = reality.health.get(target_group, {})
    others = [
        each.primary_address
        for each in recorded.incarnations
        if each.managed_cluster == name
        and each.state is IncarnationState.SERVING
        and health.get(each.primary_address or "") == "healthy"
    ]
    for each in recorded.incarnations:
        address = each.primary_address
        if each.managed_cluster != name or each.state not in _OUT_OF_SERVICE or address is None:
            continue
        if others and address in (_members(reality, target_group) or ()) and not _handed_on(each, recorded):
            yield Correction(
                kind=CorrectionKind.DEREGISTER,
                sentence=f"{address} of generation {each.generation}, which is {each.state}, was in the group of {who}",
                generation=each.generation,
                target_group=target_group,
                address=address,
                port=port,
            )


def _serves_well(name: str, recorded: Recorded, reality: Reality, config: FunctionConfig) -> bool:
    """Whether what serves as a managed cluster is healthy where jobs are taken."""
    health = reality.health.get(config.balanced_target_group, {})
    return any(
        each.managed_cluster == name
        and each.state is IncarnationState.SERVING
        and health.get(each.primary_address or "") == "healthy"
        for each in recorded.incarnations
    )


def _left_behind(recorded: Recorded, reality: Reality, *, config: FunctionConfig, now: float) -> Iterator[Correction]:
    """Incarnations in a state that somebody has to end, and nobody does."""
    busy = _busy(recorded)
    balanced = _members(reality, config.balanced_target_group)
    for each in recorded.incarnations:
        if each.managed_cluster in busy:
            continue
        name = f"generation {each.generation} of managed cluster {each.managed_cluster}"
        if each.state in _BEGUN and each.operation in reality.closed_operations:
            # One that gets jobs already is the next operation's to finish; none comes while what serves is healthy.
            well = _serves_well(each.managed_cluster, recorded, reality, config)
            if balanced is not None and (well or each.primary_address not in balanced):
                yield Correction(
                    kind=CorrectionKind.GIVE_UP,
                    sentence=f"{name} is {each.state}, and operation {each.operation}, which launched it, has ended",
                    generation=each.generation,
                )
        elif each.state in _GOING and reality.retiring is not None:
            since = each.serving_to or each.created_at or 0
            if (each.managed_cluster, each.generation) not in reality.retiring and now >= since + GRACE_SECONDS:
                yield Correction(
                    kind=CorrectionKind.RETIRE,
                    sentence=f"{name} is {each.state}, and no retirement of it runs",
                    generation=each.generation,
                    planned=planned_still(
                        served=each.serving_from is not None,
                        terminate_requested=each.terminate_requested_at is not None,
                    ),
                )
