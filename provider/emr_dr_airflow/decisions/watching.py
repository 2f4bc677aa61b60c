"""Following a batch to its end through everything that may happen to it and to those who tell of it.

| a poll is answered | then |
|---|---|
| 200, our id and name | its state is believed; ``recovering`` is a Livy that was restarted |
| 200, another id or name | an error, and no verdict: a job's end must be its own |
| 410 | asked once more; then the job is lost: nothing of its cluster runs any more |
| 404 by a Livy | asked again, then looked up by name; then expired: nobody knows how it ended, or whether |
| anything else, or nothing | asked again, for as long as an outage may last |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from emr_dr_airflow.decisions.batches import (
    EARLY_STATES,
    END_STATES,
    RUNNING_STATES,
    WAITING_STATES,
    Batch,
    is_gone,
    is_not_found,
    path_of,
    read_batch,
)
from emr_dr_airflow.decisions.looking_up import look_up
from emr_dr_airflow.decisions.wire import Answer, Ask, Flow, Limits, Say, Wait

# How often a 404 or a 410 is heard before it is believed.
NOT_FOUND_TIMES = 3
GONE_TIMES = 2
_KNOWN_STATES = EARLY_STATES | RUNNING_STATES | END_STATES


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """Livy says how the job ended.

    Attributes:
        batch: as it is at its end.
        at: when that was seen.
        running_at: when it was first seen to run, or to have run; ``None`` if it was not seen to wait before that, as
            by a triggerer that was restarted: then it may have begun long before.
    """

    batch: Batch
    at: float
    running_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """The job went down with its cluster, and nothing of it runs any more: it may be run again.

    Attributes:
        at: when that was clear.
        last: its batch as it was seen last; ``None`` if it never was.
    """

    at: float
    last: Batch | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedOut:
    """The deadline passed while the job was under way.

    Attributes:
        at: when that was clear.
        last: its batch as it was seen last; ``None`` if it never was.
    """

    at: float
    last: Batch | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Nobody can tell how the job ended, or whether it has; it is not run again.

    Attributes:
        reason: a sentence.
        at: when that was clear.
        over: whether a retry would find nothing of the job to end before it begins anew, so that to run it again may
            be to run it twice: a person has to look.
        last: its batch as it was seen last; ``None`` if it never was.
    """

    reason: str
    at: float
    over: bool = False
    last: Batch | None = None


Outcome = Ended | Lost | TimedOut | Unknown


def watch(
    batch: int,
    name: str,
    limits: Limits,
    *,
    deadline: float | None = None,
    show: Callable[[Batch], None] = lambda batch: None,
) -> Flow[Outcome]:
    """Follow a batch.

    Args:
        batch: its id.
        name: what it is called.
        limits: how often to ask, and how long to be patient.
        deadline: when to stop.
        show: called with the batch when an application of it shows up.
    """
    silent_since: float | None = None
    running_at: float | None = None
    last: Batch | None = None
    waited = False
    told, gone, not_found, times = "", 0, 0, 0
    while True:
        answer = yield Ask(method="GET", path=path_of(batch))
        now = answer.at
        found = read_batch(answer)
        if found is not None and (found.id != batch or found.name != name):
            told_of = f"asked for batch {batch} ({name}), told of {found.id} ({found.name!r})"
            return Unknown(reason=told_of, at=now, last=last)
        gone = gone + 1 if is_gone(answer) else 0
        not_found = not_found + 1 if is_not_found(answer) else 0
        if found is not None and found.state in _KNOWN_STATES:
            silent_since, times = None, 0
            if found.application and (last is None or last.application != found.application):
                show(found)
            last = found.after(last)
            waited = waited or found.state in WAITING_STATES
            if waited and running_at is None and found.state not in EARLY_STATES:
                running_at = now
            if found.ended:
                return Ended(batch=last, at=now, running_at=running_at)
            if found.state != told:
                yield Say(text=f"Batch {batch} ({name}) is {found.state} {found.application}".rstrip())
                told = found.state
            if deadline is not None and now >= deadline:
                return TimedOut(at=now, last=last)
            yield _until_next_poll(limits, now, deadline)
            continue
        if gone >= GONE_TIMES:
            return Lost(at=now, last=last)
        if not_found >= NOT_FOUND_TIMES:
            seen = yield from look_up([name], limits)
            other = seen.batches.get(name)
            if other is None:
                return Unknown(reason=_not_found(batch, name, seen.silent), at=now, over=not seen.silent, last=last)
            yield Say(text=f"The job {name} is batch {other.id} now.", warning=True)
            batch, not_found, last = other.id, 0, other.after(last)
            continue
        if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            forbidden = f"may not ask for batch {batch} ({name}): {answer.summary}"
            return Unknown(reason=forbidden, at=now, last=last)
        if deadline is not None and now >= deadline:
            return TimedOut(at=now, last=last)
        if silent_since is None:
            silent_since = now
            yield Say(text=f"Batch {batch} ({name}) cannot be asked for: {answer.summary}", warning=True)
        elif now - silent_since > limits.outage_seconds:
            return Unknown(reason=_silent(batch, name, limits, answer), at=now, last=last)
        yield _until_asked_again(limits, times, doubtful=bool(gone or not_found))
        times += 1


def _until_next_poll(limits: Limits, now: float, deadline: float | None) -> Wait:
    left = limits.polling_seconds if deadline is None else max(0.1, deadline - now)
    return Wait(seconds=min(limits.polling_seconds, left))


def _until_asked_again(limits: Limits, times: int, *, doubtful: bool) -> Wait:
    """Not longer than between two polls, and at once to hear a 404 or a 410 again."""
    longest = limits.again_seconds if doubtful else max(limits.polling_seconds, limits.again_seconds)
    return Wait(seconds=min(limits.pause(times).seconds, longest))


def _not_found(batch: int, name: str, silent: tuple[str, ...]) -> str:
    if silent:
        return f"batch {batch} ({name}) is not found, and these did not say whether they have it: {'; '.join(silent)}"
    return (
        f"batch {batch} ({name}) has expired: every Livy that lives answers and none knows it. It ended a day ago "
        "or more, or its Livy lost what it keeps of its batches: then it may still run. Look at its application and at "
        "its output before running it again"
    )


def _silent(batch: int, name: str, limits: Limits, answer: Answer) -> str:
    return (
        f"batch {batch} ({name}) could not be asked for within {limits.outage_seconds:.0f} s, last {answer.summary}. "
        "The job may still run"
    )
