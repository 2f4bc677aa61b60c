"""Who has a batch of a name, when no id says so.

Names do not tell their owner.  The front door has two rules that help (decision 2 and :mod:`dr_core.routing`):

* a path with an id leads to the generation with the id's prefix, and is answered 410 if there is none;
* a GET with the header ``X-Emr-Id-Prefix`` leads to the generation with that prefix.  If there is none, it goes where
  any other request goes, so that an answer "not found" may be another's.

So every prefix is asked for its first id.  Where the answer is 410, nothing of that generation runs any more.  Where
a Livy answers, the look by name with the header is put to the same one, and its "not found" counts.  Anything else is
a generation that cannot tell now.  A batch that is found is ours whoever told of it: the answer has its name and its
id, and the id names its owner.  There are 1147 prefixes and nearly all are answered by the load balancer itself, in
about a millisecond each; that is what certainty costs, when a batch is not
found where it should be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from dr_core.id_ranges import PREFIXES, first_id, prefix_of
from dr_core.routing import PREFIX_HEADER
from emr_dr_airflow.decisions.batches import Batch, is_gone, is_not_found, path_of, read_batch
from emr_dr_airflow.decisions.wire import NO_ANSWER, Answer, Ask, Flow, Limits, Say, Wait

# Any cluster in service may have it: asking a few times at random finds it mostly, and spares the rest.
QUICK_ASKS = 4
# Of the names that a job may have: the first, and the one after its cluster died once.
QUICK_NAMES = 2
# An id that no generation can have: longer than those of a Livy that numbers from 0, shorter than those of a range.
NOBODYS_ID = 999_999_999
# An id that a Livy numbering from 0 may have; such a one has no prefix that its ids tell.
UNSEEDED_ID = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a look came to.

    Attributes:
        batches: those that were found, by name.
        silent: what could not tell whether it has one, in words; empty if everything was asked and answered.
    """

    batches: dict[str, Batch]
    silent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Owner:
    """A generation that may live: its prefix, the path that only it answers, and what it answered there."""

    prefix: int
    path: str
    answer: Answer

    @property
    def tells(self) -> bool:
        """Whether a Livy answered."""
        return is_not_found(self.answer) or (self.answer.status == HTTPStatus.OK and isinstance(self.answer.body, dict))


def ask_around(name: str, times: int = QUICK_ASKS) -> Flow[Batch | None]:
    """The batch called *name* if some cluster in service that happened to be asked has it."""
    for _ in range(times):
        found = read_batch((yield Ask(method="GET", path=path_of(name))))
        if found is not None and found.name == name:
            return found
    return None


def look_up(names: Sequence[str], limits: Limits) -> Flow[Seen]:
    """Look for batches called *names* in every generation that lives, until each has answered or time is up."""
    return (yield from look_up_jobs([[name] for name in names], limits))


def look_up_jobs(jobs: Sequence[Sequence[str]], limits: Limits) -> Flow[Seen]:
    """Look for the batches of *jobs*, as :func:`look_up` does.

    Args:
        jobs: the names that each may have, in their order.  A name is used only when the batch of the one before is
            lost with its generation: one that is found says that those before it are gone and that none follows.
        limits: how long to look.
    """
    batches: dict[str, Batch] = {}
    for job in jobs:
        for name in job[:QUICK_NAMES]:
            found = yield from ask_around(name)
            if found is not None:
                batches[name] = found
                break
        else:
            break  # everyone is asked anyway
    missing = _missing(jobs, batches)
    if not missing:
        return Seen(batches=batches)
    control = yield from _await_front_door(limits)
    if control is None:
        return Seen(batches=batches, silent=("the front door",))
    if not is_gone(control):
        yield Say(text=f"No front door is here ({control.summary}): one Livy is asked.")
        seen = yield from _ask_one_livy(missing, limits)
        return Seen(batches={**batches, **seen.batches}, silent=seen.silent)
    owners = yield from _find_owners(limits)
    if owners is None:
        return Seen(batches=batches, silent=("the front door",))
    seen = yield from _ask_owners(owners, missing, limits)
    return Seen(batches={**batches, **seen.batches}, silent=seen.silent)


def _missing(jobs: Sequence[Sequence[str]], batches: Mapping[str, Batch]) -> list[Sequence[str]]:
    return [job for job in jobs if not any(name in batches for name in job)]


def _await_front_door(limits: Limits) -> Flow[Answer | None]:
    """What an id of nobody is answered: 410 by a front door; ``None`` if nothing answered in time."""
    begun, times = None, 0
    while True:
        answer = yield Ask(method="GET", path=_state_of(NOBODYS_ID))
        begun = answer.at if begun is None else begun
        if is_gone(answer) or is_not_found(answer):
            return answer
        if answer.at - begun > limits.outage_seconds:
            return None
        yield limits.pause(times)
        times += 1


def _ask_one_livy(jobs: Sequence[Sequence[str]], limits: Limits) -> Flow[Seen]:
    batches: dict[str, Batch] = {}
    for name in (name for job in jobs for name in job):
        begun, times, silent = None, 0, False
        while True:
            answer = yield Ask(method="GET", path=path_of(name))
            begun = answer.at if begun is None else begun
            found = read_batch(answer)
            if found is not None and found.name == name:
                batches[name] = found
            if silent and is_not_found(answer):
                # A submit may have waited all the while for who tells again: its batch is made now.
                silent = False
                yield Wait(seconds=limits.settle_seconds)
                continue
            if found is not None or is_not_found(answer):
                break
            if answer.at - begun > limits.outage_seconds:
                return Seen(batches=batches, silent=("Livy",))
            silent = True
            yield limits.pause(times)
            times += 1
    return Seen(batches=batches)


def _candidates() -> Iterator[int]:
    """Every prefix, those of the first generations first."""
    return (prefix_of(generation) for generation in range(1, PREFIXES + 1))


def _find_owners(limits: Limits) -> Flow[list[_Owner] | None]:
    """Every generation that is not answered 410; ``None`` if the front door went away meanwhile."""
    owners: list[_Owner] = []
    for prefix in _candidates():
        path = _state_of(first_id(prefix))
        answer = yield from _probe(path, limits)
        if answer is None:
            return None
        if not is_gone(answer):
            owners.append(_Owner(prefix=prefix, path=path, answer=answer))
    path = _state_of(UNSEEDED_ID)
    answer = yield from _probe(path, limits)
    if answer is None:
        return None
    if not is_gone(answer):
        # Its names are routed by its prefix, which nothing tells: each of the others may be it.
        known = {owner.prefix for owner in owners}
        owners += [_Owner(prefix=each, path=path, answer=answer) for each in _candidates() if each not in known]
    return owners


def _probe(path: str, limits: Limits) -> Flow[Answer | None]:
    """The answer of a load balancer or of who is behind it; a connection that failed is tried again.

    Once more also where the question may have arrived: a kept connection may be closed while it is sent.
    """
    begun, times = None, 0
    while True:
        answer = yield Ask(method="GET", path=path)
        if answer.status == NO_ANSWER and answer.delivered:
            answer = yield Ask(method="GET", path=path)
        begun = answer.at if begun is None else begun
        if answer.status != NO_ANSWER or answer.delivered:
            return answer
        if answer.at - begun > limits.outage_seconds:
            return None
        yield limits.pause(times)
        times += 1


def _ask_owners(owners: list[_Owner], jobs: Sequence[Sequence[str]], limits: Limits) -> Flow[Seen]:
    """Ask until each of *owners* has told of each of *jobs*, or is known dead, or time is up."""
    batches: dict[str, Batch] = {}
    begun, times = None, 0
    while True:
        silent: list[_Owner] = []
        for owner in owners:
            if is_gone(owner.answer):
                continue
            for name in (name for job in _missing(jobs, batches) for name in job):
                answer = yield _by_name(name, owner.prefix)
                begun = answer.at if begun is None else begun
                found = read_batch(answer)
                if found is not None and found.name == name:
                    batches[name] = found
                elif not (owner.tells and is_not_found(answer)) and owner not in silent:
                    silent.append(owner)
        if not silent or not _missing(jobs, batches):
            return Seen(batches=batches)
        words = tuple(f"generation of prefix {owner.prefix} ({owner.answer.summary})" for owner in silent)
        if times == 0:
            yield Say(text=f"Cannot tell yet: {'; '.join(words[:5])}", warning=True)
        tick = yield limits.pause(times)
        times += 1
        if begun is not None and tick.at - begun > limits.outage_seconds:
            return Seen(batches=batches, silent=words)
        owners = []
        for owner in silent:
            answer = yield Ask(method="GET", path=owner.path)
            owners.append(_Owner(prefix=owner.prefix, path=owner.path, answer=answer))
        if any(owner.tells for owner in owners):
            # A submit may have waited all the while for who tells again: its batch is made now.
            yield Wait(seconds=limits.settle_seconds)


def _by_name(name: str, prefix: int) -> Ask:
    return Ask(method="GET", path=path_of(name), headers={PREFIX_HEADER: str(prefix)})


def _state_of(batch: int) -> str:
    return f"{path_of(batch)}/state"
