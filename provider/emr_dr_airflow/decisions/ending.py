"""Ending a batch of ours, and none of anybody else's.

A DELETE kills whatever has the id.  So it is sent only right after the id was seen to have our name; between the two
the id cannot change its owner, as no other batch ever gets it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus

from emr_dr_airflow.decisions.batches import SUCCESS, Batch, is_gone, is_not_found, path_of, read_batch
from emr_dr_airflow.decisions.looking_up import QUICK_ASKS, look_up_jobs
from emr_dr_airflow.decisions.wire import Ask, Flow, Limits, Say, Wait

# How many times somebody who is being killed asks.
ASKS = 4

# A task instance in one of these states was taken away from whoever carried it out: by a person, or by Airflow because
# of one.  In the others (deferred, scheduled, queued, running) it goes on, here or elsewhere: a triggerer that stops,
# or hands a trigger over, cancels it too.
_TAKEN_AWAY = frozenset({"failed", "success", "skipped", "upstream_failed", "removed", "restarting", "up_for_retry"})


class Ending(StrEnum):
    """What became of a batch that was to end.

    Attributes:
        ENDED: Livy was told to end it.
        OVER: it had ended, or is gone.
        NOT_FOUND: who was asked does not know it.
        NOT_OURS: the id is another's, and was left alone.
        UNANSWERED: nobody could be asked, or said whether it did.
    """

    ENDED = "ended"
    OVER = "over"
    NOT_FOUND = "not found"
    NOT_OURS = "not ours"
    UNANSWERED = "unanswered"


def doubt(ending: Ending | None) -> str:
    """What a sentence on a job that was to end goes on with.

    Args:
        ending: of its batch; ``None`` if there is none.
    """
    if ending in (None, Ending.ENDED, Ending.OVER):
        return ""
    return f". Ending its batch is {ending}: the job may still run"


def end(batch: int, name: str, limits: Limits, *, asks: int = ASKS, even_ended: bool = False) -> Flow[Ending]:
    """End the batch with an id, if it is called *name*.

    Args:
        batch: the id.
        name: what it must be called.
        limits: how long to wait between two asks.
        asks: how many times to ask.
        even_ended: whether one that has ended is deleted, too, which frees its name.
    """
    seen = False
    for times in range(asks):
        answer = yield Ask(method="GET", path=path_of(batch))
        if is_gone(answer):
            return Ending.OVER
        if is_not_found(answer):
            return Ending.OVER if seen else Ending.NOT_FOUND
        found = read_batch(answer)
        if found is None:
            yield limits.pause(times)
            continue
        if found.id != batch or found.name != name:
            yield Say(text=f"Batch {batch} is {found.name!r}, not {name!r}: it is left alone.", warning=True)
            return Ending.NOT_OURS
        if found.ended and not even_ended:
            return Ending.OVER
        seen = True
        answer = yield Ask(method="DELETE", path=path_of(batch))
        # Livy's word is JSON; a page of HTML is of somebody on the way.
        if answer.status == HTTPStatus.OK and isinstance(answer.body, dict):
            return Ending.ENDED
        if is_gone(answer) or is_not_found(answer):
            return Ending.OVER
        # Livy answers when YARN has killed the application; the load balancer gives up before that and Livy goes on.
        yield limits.pause(times)
    return Ending.UNANSWERED


def end_by_name(name: str, limits: Limits) -> Flow[Ending]:
    """End the batch called *name*, whose id is not known; looks for it among what is in service, and no longer."""
    unclear = True
    for times in range(ASKS):
        unclear = False
        for _ in range(QUICK_ASKS):
            answer = yield Ask(method="GET", path=path_of(name))
            found = read_batch(answer)
            if found is not None and found.name == name:
                return (yield from end(found.id, name, limits))
            unclear = unclear or not is_not_found(answer)
        yield limits.pause(times)
    return Ending.UNANSWERED if unclear else Ending.NOT_FOUND


def end_job(batch: int, name: str, limits: Limits) -> Flow[Ending]:
    """End the batch with an id, or the one called *name* where its Livy does not know the id any more.

    A job that was found by its name has another id than the one that is remembered of it.
    """
    ending = yield from end(batch, name, limits)
    return (yield from end_by_name(name, limits)) if ending is Ending.NOT_FOUND else ending


def was_taken_away(state: str | None, *, number: int | None, own_number: int) -> bool:
    """Whether the task of a trigger that is cancelled was taken away, so that its batch has to end.

    Args:
        state: of the task instance now; ``None`` after it was cleared.
        number: of its try now, if known.
        own_number: of the try that the trigger belongs to.
    """
    return state is None or state in _TAKEN_AWAY or (number is not None and number != own_number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What became of earlier tries.

    Attributes:
        reason: why it is not certain that none of them runs; empty if it is.
        succeeded: their batches that ended well, by name.
    """

    reason: str = ""
    succeeded: dict[str, Batch] = field(default_factory=dict)


def end_earlier(jobs: Sequence[Sequence[str]], limits: Limits) -> Flow[Earlier]:
    """Make sure that no batch of *jobs* runs, and tell which of them ended well.

    Args:
        jobs: the names that each earlier try's batches may have; its worker may have died and left one running.
        limits: how long to try.
    """
    seen = yield from look_up_jobs(jobs, limits)
    succeeded: dict[str, Batch] = {}
    for name, found in seen.batches.items():
        batch: Batch | None = found
        if not found.ended:
            yield Say(
                text=f"Batch {found.id} ({name}) of an earlier try still is {found.state}: it is ended.", warning=True
            )
            tick = yield Wait(seconds=0)
            begun = tick.at
            while (ending := (yield from end(found.id, name, limits))) is Ending.UNANSWERED:
                tick = yield limits.pause(ASKS)
                if tick.at - begun > limits.outage_seconds:
                    break
            if ending not in (Ending.ENDED, Ending.OVER, Ending.NOT_FOUND):
                return Earlier(
                    reason=f"batch {found.id} ({name}) of an earlier try may still run: ending it is {ending}"
                )
            # It may have ended by itself right before.
            batch = read_batch((yield Ask(method="GET", path=path_of(found.id)))) if ending is Ending.OVER else None
        if batch is not None and batch.name == name and batch.state == SUCCESS:
            succeeded[name] = batch
    if seen.silent:
        return Earlier(reason=f"an earlier try may still run where nobody answers: {'; '.join(seen.silent)}")
    return Earlier(succeeded=succeeded)
