"""Which draining incarnation gives its slot up when a failover finds none free."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from dr_core.record import Incarnation, IncarnationState


def leaving(incarnations: Iterable[Incarnation], *, holding: Collection[int]) -> Incarnation | None:
    """One that gives its slot up in a moment, so that nobody else has to; ``None`` if there is none.

    Args:
        incarnations: of the deployment.
        holding: generations that hold a slot.
    """
    ends = (each for each in _retiring(incarnations, holding) if each.evicted_at or each.fenced_at or each.ends_now)
    return next(ends, None)


def choose_eviction(incarnations: Iterable[Incarnation], *, holding: Collection[int]) -> Incarnation | None:
    """The one that loses least: of those that only linger the one that does for longest, else the longest draining one.

    One whose end was requested is never chosen: it ends as fast as it can already.  ``None`` if nobody drains.

    Args:
        incarnations: of the deployment.
        holding: generations that hold a slot.
    """
    draining = [
        each
        for each in _retiring(incarnations, holding)
        if not (each.evicted_at or each.fenced_at or each.ends_now or each.terminate_requested_at)
    ]
    return min(draining, key=_worth_keeping, default=None)


def _retiring(incarnations: Iterable[Incarnation], holding: Collection[int]) -> list[Incarnation]:
    return [
        each
        for each in incarnations
        if each.generation in holding and each.state is IncarnationState.RETIRING and each.serving_to is not None
    ]


def _worth_keeping(incarnation: Incarnation) -> tuple[bool, float, int]:
    since = incarnation.serving_to if incarnation.drained_at is None else incarnation.drained_at
    return incarnation.drained_at is None, since or 0, incarnation.generation
