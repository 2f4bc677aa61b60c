"""Whether what one managed cluster was changed to has proved itself, so that the next one may be changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from dr_core.evidence import Verdict
from dr_core.operation_plan import Next

# For how long at least what nobody can judge is looked at again: a few rounds of the monitor.
LEAST_PATIENCE_SECONDS = 60


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


class AlarmState(StrEnum):
    """What an alarm says; the first three are CloudWatch's words.

    Attributes:
        OK: what it watches is as it should be.
        ALARM: it is not.
        INSUFFICIENT_DATA: CloudWatch cannot tell.  It stays so of a metric that nobody writes, unless the alarm treats
            missing data as ``notBreaching``.
        UNREAD: it could not be read, or does not exist.
    """

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"
    UNREAD = "UNREAD"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmSeen:
    """One look at an alarm that a change waits for.

    Attributes:
        name: its name.
        state: what it says.
        reason: CloudWatch's own words, or why it could not be read.
    """

    name: str
    state: AlarmState
    reason: str


def judge_bake(
    changed: Collection[Changed],
    *,
    alarms: Iterable[AlarmSeen] = (),
    newer: Collection[str] = (),
    now: float,
    waited: float,
    bake: float,
) -> tuple[Next, str]:
    """Whether the next managed cluster may be changed.

    What is sick stops the change, so that it reaches no second cluster, and so does an alarm that is on; for how long
    the sick one has served does not matter.  What nobody can judge, a cluster or an alarm, is waited for, for as long
    again as a change has to serve; then the change stops too: not knowing is no proof.  What another one is being
    changed to by a newer request is waited for, too: it may be the way back of this very change.

    Args:
        changed: the other managed clusters' incarnations in service that a change brought there.
        alarms: those that the settings name, as they are now; they speak of what was changed, so that nobody is asked
            where nothing was.
        newer: names of managed clusters that are being changed by a newer request.
        now: seconds since 1970.
        waited: for how long this was asked by now, in seconds.
        bake: for how long each has to serve well, in seconds; 0 asks for no proof.

    Returns:
        GO_ON, WAIT or STOP, and why in words.
    """
    waiting = [f"{name} is being changed by a newer request" for name in newer]
    doubts: list[str] = []
    proved = changed if bake > 0 else ()
    for each in proved:
        age = now - each.serving_from
        if each.verdict is Verdict.UNHEALTHY:
            return Next.STOP, f"{each.title}, which was changed {age:.0f} s ago, is unhealthy: {each.reason}"
        if age < bake:
            waiting.append(f"{each.title} has served for {age:.0f} of {bake:.0f} s")
        elif each.verdict is not Verdict.HEALTHY:
            doubts.append(f"nobody can tell whether {each.title} is healthy: {each.reason}")
    for alarm in alarms if proved else ():
        match alarm.state:
            case AlarmState.ALARM:
                return Next.STOP, f"the alarm {alarm.name} of controller.bake_alarms is on: {alarm.reason}"
            case AlarmState.INSUFFICIENT_DATA:
                doubts.append(
                    f"the alarm {alarm.name} of controller.bake_alarms has too little data to tell: {alarm.reason}; "
                    "where no data means that nothing fails, let it treat missing data as notBreaching"
                )
            case AlarmState.UNREAD:
                doubts.append(f"the alarm {alarm.name} of controller.bake_alarms could not be read: {alarm.reason}")
            case AlarmState.OK:
                pass
    # An old change may be met here in a bad moment, or after a long wait for its managed cluster: it gets its time too.
    patient = waited < max(bake, LEAST_PATIENCE_SECONDS) or any(now - each.serving_from < 2 * bake for each in proved)
    if doubts and not waiting and not patient:
        return Next.STOP, f"after {waited:.0f} s still not proved: {'; '.join(doubts)}"
    if waiting or doubts:
        return Next.WAIT, "; ".join([*waiting, *doubts])
    return Next.GO_ON, "what was changed before serves well"
