"""The record against reality: what of the front door has to be put right, and what nobody works on.

The record is what the controller decided, so that where the two differ reality is corrected, never the record (but for
a slot that was kept by mistake).  Nothing is decided on what could not be read: an unknown group, rule or execution
leads to no correction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dr_core.comparison import Correction, CorrectionKind, Reality, Recorded
from dr_core.config import FunctionConfig, SlotResources
from dr_core.left_behind import left_behind
from dr_core.record import Incarnation, IncarnationState, ManagedCluster, Slot
from dr_core.routing import (
    Conditions,
    header_conditions,
    id_conditions,
    unseeded_id_conditions,
    unused_header_conditions,
    unused_id_conditions,
)

_OUT_OF_SERVICE = (
    IncarnationState.RETIRING,
    IncarnationState.ABANDONED,
    IncarnationState.RETIRED,
    IncarnationState.STANDBY,
)


def corrections(recorded: Recorded, reality: Reality, *, config: FunctionConfig, now: float) -> list[Correction]:
    """Everything to put right, the front door first.

    Nothing of a managed cluster that an operation holds the lease of, or that is being deleted, but a slot of what is
    retired: whoever works on it leaves it in order.  What managed clusters share, the free slots and what is on its way
    out, is left alone while anybody works.
    """
    return [
        *(replace(each, routes_ids=True) for each in _drift_of_slots(recorded, reality, config=config)),
        *_drift_of_services(recorded, reality, config=config),
        *left_behind(recorded, reality, config=config, now=now),
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


def _drift_of_slots(recorded: Recorded, reality: Reality, *, config: FunctionConfig) -> Iterator[Correction]:
    resources = {slot.number: slot for slot in config.slots}
    by_generation = {each.generation: each for each in recorded.incarnations}
    busy = recorded.busy
    changing = recorded.changing
    leased = {each.name for each in recorded.managed_clusters if each.lease is not None and each.name in changing}
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
                sentence=f"slot {slot.number} was held by {holder.title}, which is retired",
                generation=holder.generation,
                address=holder.primary_address or "",
                slot=slot.number,
            )
        elif holder.managed_cluster not in changing and _leads_somewhere(holder, slot, busy=busy):
            if recorded.handed_on(holder):
                # Its ids answer 503 until it is fenced: they must not lead to whoever has its address now.
                yield from _strangers(resources[slot.number], set(), reality, who=_held(slot, holder), config=config)
            else:
                yield from _drift_of_held_slot(resources[slot.number], holder, reality, config=config)


def _held(slot: Slot | SlotResources, holder: Incarnation) -> str:
    return f"slot {slot.number} of {holder.title}"


def _leads_somewhere(holder: Incarnation, slot: Slot, *, busy: set[str]) -> bool:
    """Whether the ids of *holder* have to lead to it and to nobody else: its retirement has not begun to take it away.

    A slot that a retirement gives up may be taken by another operation in the next moment, so what is on its way out
    is left alone while any operation runs.
    """
    leaving = (holder.hidden_at, holder.terminate_requested_at, holder.fenced_at)
    if holder.slot != slot.number or any(at is not None for at in leaving):
        return False
    if holder.state is IncarnationState.RETIRING:
        return not busy
    return holder.state in (IncarnationState.SERVING, IncarnationState.STANDBY)


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
    who = _held(slot, holder)
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
    for address in sorted((reality.members(slot.target_group) or set()) - allowed):
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
    members = reality.members(target_group)
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
    own = {each.name: each for each in config.managed_clusters}
    for managed_cluster in recorded.managed_clusters:
        leased = managed_cluster.lease is not None and not managed_cluster.lease.yields
        if leased or managed_cluster.name not in own:
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
        serving = None if managed_cluster.tombstone else recorded.in_service(managed_cluster)
        for target_group, port, who in groups:
            if (
                serving is not None
                and serving.isolated_at is None
                and serving.primary_address is not None
                and not recorded.handed_on(serving)
            ):
                yield from _member(
                    target_group,
                    serving.primary_address,
                    port,
                    reality,
                    who=f"the group of {who}, although {serving.title} serves",
                    generation=serving.generation,
                )
            yield from _left_in_service(managed_cluster, target_group, port, recorded, reality, who=who)


def _left_in_service(
    managed_cluster: ManagedCluster,
    target_group: str,
    port: int,
    recorded: Recorded,
    reality: Reality,
    *,
    who: str,
) -> Iterator[Correction]:
    """Incarnations that are out of service and still members, if a healthy one of the same managed cluster serves.

    One that is retired goes whoever serves, also when its managed cluster is deleted: a step that stalled may have put
    it there again, and the VPC may give its address to anybody.
    """
    name = managed_cluster.name
    well = not managed_cluster.tombstone and reality.serves_well(name, target_group, recorded)
    goes = _OUT_OF_SERVICE if well else (IncarnationState.RETIRED,)
    for each in recorded.incarnations:
        address = each.primary_address
        if each.managed_cluster != name or each.state not in goes or address is None:
            continue
        if address in (reality.members(target_group) or ()) and not recorded.handed_on(each):
            yield Correction(
                kind=CorrectionKind.DEREGISTER,
                sentence=f"{address} of {each.title}, which is {each.state}, was in the group of {who}",
                generation=each.generation,
                target_group=target_group,
                address=address,
                port=port,
            )
