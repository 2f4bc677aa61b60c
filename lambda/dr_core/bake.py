"""Whether what one managed cluster was changed to has proved itself, so that the next one may be changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from dr_core.evidence import Verdict
from dr_core.operation_plan import Next


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """An incarnation of another managed cluster that came into service by the same kind of change.

    Attributes:
        title: what people find it by.
        serving_from: since when it serves, seconds since 1970.
        verdict: on it, of this moment.
        reason: of the verdict.
    """

    title: str
    serving_from: float
    verdict: Verdict
    reason: str


def judge_bake(changed: Iterable[Changed], *, newer: Collection[str] = (), now: float, bake: float) -> tuple[Next, str]:
    """Whether the next managed cluster may be changed.

    What is sick stops the change, so that it reaches no second cluster; what nobody can judge is waited for, for as
    long again as it has to serve.  What serves for longer than that came with an earlier change, or was waited for
    already: it holds up nobody.  What another one is being changed to by a newer request is waited for, too: it may be
    the way back of this very change.

    Args:
        changed: the other managed clusters' incarnations in service that a change brought there.
        newer: names of managed clusters that are being changed by a newer request.
        now: seconds since 1970.
        bake: for how long each has to serve well, in seconds.

    Returns:
        GO_ON, WAIT or STOP, and why in words.
    """
    waiting = [f"{name} is being changed by a newer request" for name in newer]
    for each in changed:
        age = now - each.serving_from
        if age >= 2 * bake:
            continue
        if each.verdict is Verdict.UNHEALTHY:
            return Next.STOP, f"{each.title}, which was changed {age:.0f} s ago, is unhealthy: {each.reason}"
        if age < bake:
            waiting.append(f"{each.title} has served for {age:.0f} of {bake:.0f} s")
        elif each.verdict is not Verdict.HEALTHY:
            waiting.append(f"nobody can tell yet whether {each.title} is healthy: {each.reason}")
    if waiting:
        return Next.WAIT, "; ".join(waiting)
    return Next.GO_ON, "what was changed before serves well"
