"""A made-up front door with Livys behind it, for flows: pure, and all in one's hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from dr_core.id_ranges import first_id, owner_prefix, prefix_of
from dr_core.routing import PREFIX_HEADER
from emr_dr_airflow.decisions.wire import Answer, Ask, Flow, Limits, Say, Wait

T = TypeVar("T")

LIMITS = Limits()
NAME = "j-dag-task-0123456789abcdef-t1-r0"
GONE: tuple[int, Any] = (410, {"msg": "No cluster behind this address owns this id"})
# What a request costs, seconds.
ROUND_TRIP = 0.002

# A request is answered, or: it never arrived (and that is known, or not), its answer was lost, a gateway says so.
FINE, REFUSED, DROPPED, LOST, BAD_GATEWAY, PAGE, UNAVAILABLE = (
    *("fine", "refused", "dropped", "lost", "bad gateway", "page", "unavailable"),
)


@dataclass(kw_only=True)
class Entry:
    """A batch of a Livy; *at* is when it was made."""

    id: int
    name: str
    at: float
    ends: str = "success"
    seconds: float = 60.0
    ghost: bool = False
    state: str = ""
    body: dict[str, Any] = field(default_factory=dict)

    def seen(self, now: float) -> dict[str, Any]:
        age = now - self.at
        state = self.state or ("starting" if self.ghost or age < 5 else self.ends if age >= self.seconds else "running")
        application = None if self.ghost or state == "starting" else f"application_1_{self.id}"
        return {"id": self.id, "name": self.name, "state": state, "appId": application, "appInfo": {}}


@dataclass(kw_only=True)
class Generation:
    """A cluster.

    Attributes:
        number: its generation.
        in_service: whether new jobs come to it.
        died_at: when its primary died.  What runs on it runs on.
        fenced_at: from when on its ids answer 410, and nothing of it runs.
        numbers_from: its first id.
    """

    number: int
    in_service: bool = True
    died_at: float = float("inf")
    fenced_at: float = float("inf")
    numbers_from: int | None = None
    entries: list[Entry] = field(default_factory=list)
    issued: int = 0

    @property
    def prefix(self) -> int:
        return prefix_of(self.number)

    def next_id(self) -> int:
        start = first_id(self.prefix) if self.numbers_from is None else self.numbers_from
        self.issued += 1
        return start + self.issued - 1

    def answer(self, ask: Ask, now: float, new: Callable[[int, str, float], Entry]) -> tuple[int, Any]:
        if now >= self.died_at:
            return 502, None
        parts = ask.path.partition("?")[0].strip("/").split("/")
        if ask.method == "POST":
            assert ask.body is not None
            number, name = self.next_id(), str(ask.body["name"])
            if any(one.name == name for one in self.entries):
                return 400, {"msg": f"Rejected, Reason: Duplicate session name: Some({name}) for session {number}"}
            entry = new(number, name, now)
            entry.body = dict(ask.body)
            self.entries.append(entry)
            return 201, entry.seen(now)
        key = parts[1]
        found = next((one for one in self.entries if key in (str(one.id), one.name)), None)
        if found is None:
            return 404, {"msg": f"Session '{key}' not found."}
        if ask.method == "DELETE":
            self.entries.remove(found)
            return 200, {"msg": "deleted"}
        return 200, found.seen(now)


@dataclass(kw_only=True)
class FrontDoor:
    """Routes as the real one; *fault* is asked for each request what becomes of it."""

    generations: list[Generation]
    now: float = 1000.0
    fault: Callable[[Ask], str] = lambda ask: FINE
    new: Callable[[int, str, float], Entry] = lambda number, name, at: Entry(id=number, name=name, at=at)
    change: Callable[[float], None] = lambda now: None
    asked: list[Ask] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    turn: int = 0

    def paths(self, method: str) -> list[str]:
        """The paths of the requests made so far."""
        return [one.path for one in self.asked if one.method == method]

    def do(self, step: object) -> Answer:
        if isinstance(step, Wait):
            self.waited.append(step.seconds)
            self.now += step.seconds
            self.change(self.now)
        if isinstance(step, Say):
            self.said.append(step.text)
        if not isinstance(step, Ask):
            return Answer(at=self.now)
        self.asked.append(step)
        self.now += ROUND_TRIP
        self.change(self.now)
        fault = self.fault(step)
        if fault == REFUSED:
            return Answer(at=self.now, text="refused", delivered=False)
        if fault == DROPPED:
            self.now += 30
            return Answer(at=self.now, text="timed out")
        if fault == UNAVAILABLE:
            return Answer(at=self.now, status=503, text="<html>")
        if fault == PAGE:
            return Answer(at=self.now, status=200, text="<html>")
        status, body = self.route(step)
        if fault == LOST:
            self.now += 30
            return Answer(at=self.now, text="timed out")
        if fault == BAD_GATEWAY:
            return Answer(at=self.now, status=502, text="<html>")
        return Answer(at=self.now, status=status, body=body, text=json.dumps(body))

    def route(self, ask: Ask) -> tuple[int, Any]:
        parts = ask.path.partition("?")[0].strip("/").split("/")
        live = [one for one in self.generations if self.now < one.fenced_at]
        if len(parts) > 1 and parts[1].isdigit():
            owner = self.owner(int(parts[1]), live)
            return GONE if owner is None else owner.answer(ask, self.now, self.new)
        wanted = ask.headers.get(PREFIX_HEADER) if ask.method == "GET" else None
        named = next((one for one in live if str(one.prefix) == wanted), None)
        serving = [one for one in live if one.in_service]
        if named is None and not serving:
            return 503, None
        self.turn += 1
        return (named or serving[self.turn % len(serving)]).answer(ask, self.now, self.new)

    def owner(self, batch: int, live: Sequence[Generation]) -> Generation | None:
        if len(str(batch)) <= 8:
            return next((one for one in live if one.numbers_from is not None), None)
        return next((one for one in live if one.prefix == owner_prefix(batch) and one.numbers_from is None), None)


def carry_out(flow: Flow[T], door: FrontDoor) -> T:
    """Do what *flow* asks for."""
    try:
        step = next(flow)
        while True:
            step = flow.send(door.do(step))
    except StopIteration as done:
        result: T = done.value
        return result


def scripted(faults: dict[str, Sequence[str]]) -> Callable[[Ask], str]:
    """Faults by method, one for each request in turn; then none."""
    left = {method: list(each) for method, each in faults.items()}

    def fault(ask: Ask) -> str:
        return left[ask.method].pop(0) if left.get(ask.method) else FINE

    return fault
