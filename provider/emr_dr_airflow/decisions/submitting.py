"""A submit that is safe to repeat.

Whether a POST without a clear answer was heard is settled by looking its name up in every generation that lives.  Only
when each has said that it has no such batch, or is known dead, is it posted again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from http import HTTPStatus
from typing import Any

from emr_dr_airflow.decisions.batches import EARLY_STATES, Batch, is_gone, is_not_found, path_of, read_batch
from emr_dr_airflow.decisions.ending import Ending, end
from emr_dr_airflow.decisions.looking_up import ask_around, look_up
from emr_dr_airflow.decisions.wire import NO_ANSWER, Answer, Ask, Flow, Limits, Say, Wait

# Livy 0.7 says this much; 0.8 puts "Rejected, Reason: " before it.
DUPLICATE = "duplicate session name"
BUSY = "too many sessions"
# How many ghosts one submit clears: one is an accident, more are a fault that a person should see.
GHOSTS = 2


class Kind(Enum):
    """What the answer to a POST says."""

    TAKEN = auto()
    DUPLICATE = auto()
    NOT_TAKEN = auto()
    REFUSED = auto()
    UNCLEAR = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """The job is a batch.

    Attributes:
        batch: it.
        at: when that was known.
        adopted: whether an earlier POST had made it.
    """

    batch: Batch
    at: float
    adopted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSubmitted:
    """The job is no batch, or nobody knows.

    Attributes:
        reason: a sentence.
        refused: whether Livy refused it, so that trying again is of no use.
        may_run: whether a batch of it may exist nevertheless.
        over: whether there is a batch of its name that has ended, and that may be another job's: a person decides.
    """

    reason: str
    refused: bool = False
    may_run: bool = False
    over: bool = False


Submission = Submitted | NotSubmitted


def kind_of(answer: Answer, name: str) -> Kind:
    """What *answer* to a POST of a batch called *name* says.

    A load balancer answers 503 when it has nobody to send to; 502 and 504 may come after the server had the request.
    """
    if answer.status in (HTTPStatus.OK, HTTPStatus.CREATED):
        batch = read_batch(answer)
        return Kind.TAKEN if batch is not None and batch.name == name else Kind.UNCLEAR
    if answer.status == NO_ANSWER:
        return Kind.UNCLEAR if answer.delivered else Kind.NOT_TAKEN
    if answer.status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        return Kind.NOT_TAKEN
    if answer.status == HTTPStatus.BAD_REQUEST and isinstance(answer.body, dict):
        words = str(answer.body).lower()
        return Kind.DUPLICATE if DUPLICATE in words else Kind.NOT_TAKEN if BUSY in words else Kind.REFUSED
    return Kind.REFUSED if 400 <= answer.status < 500 else Kind.UNCLEAR


def submit(name: str, body: Mapping[str, Any], limits: Limits) -> Flow[Submission]:
    """Make one batch called *name*, whatever becomes of requests and answers.

    Args:
        name: of the batch; nobody else's.
        body: of the POST; its name is put in.
        limits: how long to try.
    """
    begun, times, ghosts, unclear = None, 0, 0, False
    while True:
        answer = yield Ask(method="POST", path="/batches", body={**body, "name": name})
        begun = answer.at if begun is None else begun
        kind = kind_of(answer, name)
        if kind is Kind.TAKEN and (batch := read_batch(answer)) is not None:
            return Submitted(batch=batch, at=answer.at)
        if kind is Kind.REFUSED:
            yield from _clear_own_ghost(name, limits)
            return NotSubmitted(reason=f"Livy refused the job: {answer.summary}", refused=True)
        if kind is not Kind.NOT_TAKEN:
            yield Say(text=f"Looking for a batch called {name}: its submit was answered {answer.summary}", warning=True)
            if kind is Kind.UNCLEAR:
                unclear = True
                yield Wait(seconds=limits.settle_seconds)
            settled = yield from _settle(name, limits, own=unclear)
            if isinstance(settled, Submitted | NotSubmitted):
                return settled
            ghosts += settled
            if ghosts > GHOSTS:
                return NotSubmitted(reason=f"the name {name} was taken by {ghosts} batches that never ran")
            yield Say(text=f"No cluster has a batch called {name}: it is submitted again.", warning=True)
        elif times == 0:
            yield Say(text=f"Nobody takes jobs now ({answer.summary}): the submit is repeated.", warning=True)
        if answer.at - begun > limits.outage_seconds:
            return NotSubmitted(reason=f"nobody took the job within {limits.outage_seconds:.0f} s: {answer.summary}")
        yield limits.pause(times)
        times += 1


def _settle(name: str, limits: Limits, *, own: bool) -> Flow[Submission | int]:
    """The batch called *name*, or how many ghosts were cleared (0 or 1) and that it may be posted again.

    Args:
        name: of the batch.
        limits: how long to look.
        own: whether a POST of ours may have made it.
    """
    seen = yield from look_up([name], limits)
    batch = seen.batches.get(name)
    if batch is not None:
        if batch.ended and not batch.never_ran and not own:
            return NotSubmitted(reason=_ended_before(batch), over=True)
        return (yield from _adopt(batch, name, limits))
    if seen.silent:
        return NotSubmitted(
            reason=f"cannot tell whether the job {name} was taken, as these did not say: {'; '.join(seen.silent)}",
            may_run=True,
        )
    return 0


def _ended_before(batch: Batch) -> str:
    return (
        f"batch {batch.id} ({batch.name}) had ended as {batch.state} before this try submitted anything: it is of "
        "another worker of this try, or of a DAG run with the same id that was deleted. If its result counts, mark the "
        "task as success; to run the job again, clear the task"
    )


def _adopt(batch: Batch, name: str, limits: Limits) -> Flow[Submission | int]:
    """Take *batch* as ours once it has an application; one that will never have any is a ghost and is cleared.

    A ghost is an entry that holds the name and whose job never reached YARN: it failed before it had an application,
    or it stays without one for longer than Livy gives an application to show up.  Livy leaves such an entry when it
    refuses a job while starting it.  It is deleted by its id, after that was seen once more to have our name.
    """
    begun: float | None = None
    times = 0
    while not batch.application:
        answer = yield Ask(method="GET", path=path_of(batch.id))
        begun = answer.at if begun is None else begun
        found = read_batch(answer)
        if is_gone(answer) or is_not_found(answer):
            return 0
        if found is not None and (found.id != batch.id or found.name != name):
            return NotSubmitted(reason=f"batch {batch.id} is {found.name!r} and not {name!r}", may_run=True)
        if found is None and answer.at - begun > limits.outage_seconds:
            return NotSubmitted(reason=f"batch {batch.id} ({name}) does not answer: {answer.summary}", may_run=True)
        if found is not None:
            batch = found
            waits = batch.state in EARLY_STATES and not batch.application
            if batch.never_ran or (waits and answer.at - begun > limits.ghost_seconds):
                return (yield from _clear(batch, limits))
            if not waits:
                break
        yield limits.pause(times)
        times += 1
    tick = yield Say(text=f"Batch {batch.id} ({batch.state}) is the job {name}: it is taken over.")
    return Submitted(batch=batch, at=tick.at, adopted=True)


def _clear(batch: Batch, limits: Limits) -> Flow[Submission | int]:
    """Delete a ghost; 1 when it is gone."""
    yield Say(text=f"Batch {batch.id} ({batch.state}) holds the name {batch.name} and never ran.", warning=True)
    ending = yield from end(batch.id, batch.name, limits, even_ended=True)
    if ending in (Ending.ENDED, Ending.OVER, Ending.NOT_FOUND):
        return 1
    return NotSubmitted(reason=f"batch {batch.id} holds the name {batch.name} and is {ending}", may_run=True)


def _clear_own_ghost(name: str, limits: Limits) -> Flow[None]:
    """Delete what a refused POST may have left: an entry without an application that nobody would ever look at."""
    found = yield from ask_around(name)
    if found is not None and not found.application and found.state in EARLY_STATES:
        yield from _clear(found, limits)
