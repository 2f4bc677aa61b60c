"""Whether a planned launch will find a slot, asked before it costs nine minutes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from dr_core.record import Incarnation, IncarnationState, Slot

_BEGUN = (IncarnationState.LAUNCHING, IncarnationState.VERIFYING)
# A change of one managed cluster that others follow: its own move, that of the next one, and the way back.
_WITH_THE_WAY_BACK = 3


def slots_wanted(*, followers: int, way_back: bool = False) -> int:
    """How many slots have to be free before a managed cluster is changed.

    Who runs out of them in the middle can neither go on nor back: CloudFormation gives up where the way back fails.

    Args:
        followers: how many other managed clusters have another spec still, and are changed after this one.
        way_back: whether this is the way back itself, after which nobody has to come back.
    """
    if way_back:
        return 1 + followers
    return 1 if followers == 0 else _WITH_THE_WAY_BACK + followers - 1


def slots_left(slots: Sequence[Slot], incarnations: Iterable[Incarnation], *, operation: str) -> int:
    """How many slots are free, or come free in minutes, and are not needed by what others have begun.

    Args:
        slots: of the deployment.
        incarnations: of the deployment.
        operation: the one that asks; what it has begun itself is not counted.
    """
    known = list(incarnations)
    going = {each.generation for each in known if _gives_up_its_slot(each)}
    holding = {slot.generation for slot in slots if slot.generation is not None}
    begun = [
        each
        for each in known
        if each.state in _BEGUN and each.operation != operation and each.generation not in holding
    ]
    return len(slots) - len(holding - going) - len(begun)


def draining(slots: Sequence[Slot], incarnations: Iterable[Incarnation]) -> list[Incarnation]:
    """Those that hold a slot until their jobs have ended or their results are read, oldest first."""
    holding: Collection[int | None] = {slot.generation for slot in slots}
    found = [
        each
        for each in incarnations
        if each.generation in holding and each.state is IncarnationState.RETIRING and not _gives_up_its_slot(each)
    ]
    return sorted(found, key=lambda each: each.generation)


def _gives_up_its_slot(incarnation: Incarnation) -> bool:
    """Whether nobody's jobs keep its slot any more."""
    if incarnation.state in (IncarnationState.ABANDONED, IncarnationState.RETIRED):
        return True
    ends = incarnation.evicted_at or incarnation.fenced_at or incarnation.terminate_requested_at or incarnation.ends_now
    return incarnation.state is IncarnationState.RETIRING and bool(ends)
