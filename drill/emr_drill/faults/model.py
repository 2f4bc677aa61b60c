"""What a row of the fault table is made of.

A row is data: what is done and when, and what must come of it.  Drills carry rows out, tests read them, and the
documents' table is generated from them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from emr_drill.faults.scene import Scene

# A wrong reaction shows within this long: an unhealthy verdict takes 30 to 45 s, the operation's look again some more.
WATCH_SECONDS = 240.0
LIMIT_SECONDS = 3600.0
# As fast as two cores carry a drill without the machine's own work showing in the figures' order of magnitude.
FASTEST = 25.0
# Where sockets wait for their limits: a prober's look at a service that hangs takes its limit of 3 s on the machine's
# clock, and must be over within its round of 10 s on the drill's, with something to spare for the machine's own work.
FASTEST_WITH_SOCKET_LIMITS = 2.0


class Outcome(StrEnum):
    """What must come of a fault.

    Attributes:
        FAILOVER: another incarnation takes over, and the old one is ended.
        REPAIR: Livy is restarted in place; nothing is launched, no job is lost.
        CANCEL: an operation begins and is called off; the old incarnation serves on, what was launched is deleted.
        NOTHING: no operation begins.
        PAGE: a person is told, and nothing else is done by itself.
    """

    FAILOVER = "failover"
    REPAIR = "repair"
    CANCEL = "cancel"
    NOTHING = "nothing"
    PAGE = "page"


class Old(StrEnum):
    """What must have become of the incarnation that was in service when the fault struck."""

    ENDED = "ended"
    SERVES = "serves"


class Moment(StrEnum):
    """Something that happens in a drill, which later acts wait for."""

    FAULT = "the fault"
    LAUNCH = "the launch of another cluster"
    CUT_OVER = "the cut-over"
    PAGE = "the page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One thing that is done.

    Attributes:
        what: half a sentence for people, without a subject: "freezes Livy".
        do: does it.
        after: what it waits for.
        seconds: and how long after that, on the drill's clock.
    """

    what: str
    do: Callable[[Scene], None]
    after: Moment = Moment.FAULT
    seconds: float = 0.0

    @property
    def text(self) -> str:
        """*what*, and when."""
        if self.after is Moment.FAULT and not self.seconds:
            return self.what
        later = f"{self.seconds:.0f} s after {self.after}" if self.seconds else f"after {self.after}"
        return f"{later}: {self.what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """How a person is told: a message to the alert topic, or a metric that an alarm watches.

    Attributes:
        subject: regular expression that the subject of a message must contain.
        metric: name of a metric that must have been above zero.
    """

    subject: str = ""
    metric: str = ""

    def __post_init__(self) -> None:
        if bool(self.subject) == bool(self.metric):
            raise ValueError(f"a page is a subject or a metric, got subject={self.subject!r}, metric={self.metric!r}")

    @property
    def text(self) -> str:
        """For people."""
        return f"an alarm on {self.metric}" if self.metric else f'a message "{self.subject}"'

    def came(self, *, subjects: list[str], metrics: Mapping[str, float]) -> bool:
        """Whether it is among what people were told."""
        if self.metric:
            return metrics.get(self.metric, 0) > 0
        return any(re.search(self.subject, subject) for subject in subjects)


Range = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What must happen.  What a person does by hand (the last act of some rows) is not counted.

    Attributes:
        outcome: in one word.
        operations: outcome of an operation -> fewest and most that may end so; none may end otherwise.
        launches: fewest and most EMR clusters that may be launched.
        old: what must have become of the incarnation that was in service.
        jobs_lost: whether jobs may go down with their cluster (their clients are told by 410).
        fence_bound: whether the limit for proof that the old applications are dead may pass: only then may the effect
            of a job be doubled, and it is listed.
        pages: what people must be told, all of it.
        watch_seconds: how long no more may happen after the last act, where nothing or a page is expected.
        limit_seconds: how long the drill waits for the outcome.
    """

    outcome: Outcome
    operations: Mapping[str, Range]
    launches: Range
    old: Old
    jobs_lost: bool
    fence_bound: bool = False
    pages: tuple[Page, ...] = ()
    watch_seconds: float = WATCH_SECONDS
    limit_seconds: float = LIMIT_SECONDS


def failover(
    *,
    launches: Range = (1, 1),
    failed: Range = (0, 0),
    pages: tuple[Page, ...] = (),
    fence_bound: bool = False,
    limit_seconds: float = LIMIT_SECONDS,
) -> Expectation:
    """Another incarnation takes over, once; before that *failed* operations may have failed."""
    return Expectation(
        outcome=Outcome.FAILOVER,
        operations={"failed over": (1, 1), "failed": failed},
        launches=launches,
        old=Old.ENDED,
        jobs_lost=True,
        fence_bound=fence_bound,
        pages=pages,
        limit_seconds=limit_seconds,
    )


def repair() -> Expectation:
    """Livy is restarted; no launch, no job lost."""
    return Expectation(
        outcome=Outcome.REPAIR, operations={"repaired": (1, 1)}, launches=(0, 0), old=Old.SERVES, jobs_lost=False
    )


def cancel(*, pages: tuple[Page, ...] = ()) -> Expectation:
    """A failover begins and is called off after its launch."""
    return Expectation(
        outcome=Outcome.CANCEL,
        operations={"cancelled": (1, 1)},
        launches=(1, 1),
        old=Old.SERVES,
        jobs_lost=False,
        pages=pages,
    )


def nothing() -> Expectation:
    """No operation begins, no job is lost."""
    return Expectation(outcome=Outcome.NOTHING, operations={}, launches=(0, 0), old=Old.SERVES, jobs_lost=False)


def page(*pages: Page) -> Expectation:
    """A person is told, and what is done is up to that person, who asks for a failover by hand in the end."""
    return Expectation(outcome=Outcome.PAGE, operations={}, launches=(0, 0), old=Old.ENDED, jobs_lost=True, pages=pages)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A row of the table.

    Attributes:
        name: what ``--fault`` takes.
        acts: what is done, in order; the first ones at the fault.
        expect: what must happen.
        must: the same in a sentence.
        notices: who notices the fault.
        real: whether the row is run with real services too.
        fastest: the highest speed of the drill's clock at which the row means something: limits of sockets run on
            machine time.
        adds_up: whether the phases by the machine's history must add up to the recovery by the submitter's log: not
            where the controller itself is disturbed between moving the traffic and saying so.
    """

    name: str
    acts: tuple[Act, ...]
    expect: Expectation
    must: str
    notices: str
    real: bool = False
    fastest: float = FASTEST
    adds_up: bool = True

    @property
    def what(self) -> str:
        """What is done and when, in a sentence for the person who watches."""
        return "; ".join(act.text for act in self.acts)
