"""Ranges of batch ids, one for each incarnation, so that an id names its owner.

Livy numbers batches and sessions from a stored counter.  Each incarnation starts its counter at
``prefix * 1_000_000``; the prefix is what the front door routes by.  Nothing stops the counter at the end of the
range: it goes on into the next prefix.  So the prefixes next to those in use belong to nobody, and what a client asks
for by such an id is answered 410, never by another cluster.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import islice

IDS_PER_PREFIX = 1_000_000
FIRST_PREFIX = 1000
# Livy's ids are signed 32-bit: 2_146_999_999 is the last id of the last prefix, 2_147_483_647 the largest id.
PREFIXES = 1147
# How far the prefixes of consecutive generations lie apart.  It has no divisor in common with PREFIXES, so that each
# prefix is given once before one is given again.
STRIDE = 10
# How many retired incarnations keep their prefix to themselves: clients may ask for their ids for days.  With both
# neighbours of each that is a quarter of all prefixes, and what lives adds a few.
RETIRED_PREFIXES_KEPT = 100


def prefix_of(generation: int) -> int:
    """The prefix of a generation, four digits; generations 1147 apart share one.

    Raises:
        ValueError: *generation* is below 1.
    """
    if generation < 1:
        raise ValueError(f"a generation is 1 or more, got {generation}")
    return FIRST_PREFIX + ((generation - 1) * STRIDE + 1) % PREFIXES


def first_id(prefix: int) -> int:
    """The id of the first batch of the incarnation with *prefix*."""
    return prefix * IDS_PER_PREFIX


def id_range(prefix: int) -> range:
    """Every id that the incarnation with *prefix* may issue."""
    return range(first_id(prefix), first_id(prefix + 1))


def owner_prefix(batch_id: int) -> int | None:
    """The prefix whose range holds *batch_id*, ``None`` if no incarnation can have issued it."""
    prefix = batch_id // IDS_PER_PREFIX
    return prefix if FIRST_PREFIX <= prefix < FIRST_PREFIX + PREFIXES else None


def used_percent(newest: int, *, prefix: int) -> float | None:
    """How much of the range of *prefix* is used up: more than 100 beyond its end.

    Args:
        newest: the id that was issued last.
        prefix: of the incarnation that issued it.

    Returns:
        ``None`` if *newest* lies neither in the range nor in the one behind it, which belongs to nobody.
    """
    issued = newest - first_id(prefix) + 1
    return issued * 100 / IDS_PER_PREFIX if 0 < issued <= 2 * IDS_PER_PREFIX else None


def taken_prefixes(*, live: Iterable[int], retired: Iterable[int]) -> frozenset[int]:
    """The prefixes that a new incarnation must not get: those in use, and those next to them.

    One above a prefix in use would get polls for the ids that the other issued beyond its range, also when the other
    is gone: clients still ask.  One below would issue the ids of the other once its own range is used up.  Ids beyond
    the last prefix are nobody's, so that the last one and the first are no neighbours.

    Args:
        live: prefixes whose ids are or may be routed to their incarnation.
        retired: prefixes of incarnations that are gone, the latest first; so many of them are kept.
    """
    kept = (*live, *islice(retired, RETIRED_PREFIXES_KEPT))
    return frozenset(prefix + aside for prefix in kept for aside in (-1, 0, 1))


def usable_generation(drawn: int, taken: Collection[int]) -> int:
    """The first generation from *drawn* on whose prefix is not in *taken*.

    Args:
        drawn: what the counter gave.
        taken: see :func:`taken_prefixes`.

    Raises:
        ValueError: every prefix is taken.
    """
    for generation in range(drawn, drawn + PREFIXES):
        if prefix_of(generation) not in taken:
            return generation
    raise ValueError(f"all {PREFIXES} prefixes of batch ids are taken: retire incarnations before launching another")
