"""Which probers have a voice: a watcher that is dead or blind for weeks must not be missed only when it is needed."""

from __future__ import annotations

from collections.abc import Iterable

from dr_core.config import Policy
from dr_core.evidence import Evidence, is_prober
from dr_core.verdicts import AHEAD_ROUNDS, SILENT_ROUNDS


def probers_heard(evidence: Iterable[Evidence], *, now: float, policy: Policy) -> frozenset[str]:
    """The probers that were heard lately: one that has fallen silent, fails its control or has a wrong clock is not.

    What they say does not matter, only that it would count.

    Args:
        evidence: what observers saw of whatever they look at, in any order.
        now: seconds since 1970, taken after *evidence* was read.
        policy: the length of a round.
    """
    newest: dict[str, Evidence] = {}
    for each in sorted(evidence, key=lambda each: each.observed_at):
        if is_prober(each.observer):
            newest[each.observer] = each
    rounds = {observer: (now - each.observed_at) / policy.round_seconds for observer, each in newest.items()}
    return frozenset(
        observer
        for observer, each in newest.items()
        if each.front_door and -AHEAD_ROUNDS <= rounds[observer] <= SILENT_ROUNDS
    )
