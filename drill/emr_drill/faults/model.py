"""What a row of the fault table is made of.

A row is data: what is done and when, and what must come of it.  Drills carry rows out, tests read them, and the
documents' table is generated from them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from dr_core.metrics import FENCE_OVERDUE
from emr_drill.faults.alarms import SILENCE_ALARMS
from emr_drill.faults.remains import Remains
from emr_drill.faults.scene import Scene
from emr_drill.faults.traces import Silence, Trace
from emr_drill.jobs.plan import Load

# A wrong reaction shows within this long: an unhealthy verdict takes 30 to 45 s, the operation's look again some more.
WATCH_SECONDS = 240.0
LIMIT_SECONDS = 3600.0
# As fast as two cores carry a drill without the machine's own work showing in the figures' order of magnitude.
FASTEST = 25.0
# With real services: they run on machine time, so that a fast clock shows more of their own work.  A canary of real
# Spark takes some 25 s of two slow cores, and must end within 300 s of the drill's clock.
FASTEST_REAL = 5.0
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
        PLANNED: another incarnation takes over because a person asked for that; no submit is refused meanwhile.
        TAKEN_BACK: what a person asked for fails and is taken back: the old incarnation serves on, and no submit is
            refused.
        IN_PLACE: what a person asked for is done to what serves; nothing is launched, and no submit is refused.
        IN_A_ROW: one thing after the other, each when everything of the one before has come to its end.
    """

    FAILOVER = "failover"
    REPAIR = "repair"
    CANCEL = "cancel"
    NOTHING = "nothing"
    PAGE = "page"
    PLANNED = "planned"
    TAKEN_BACK = "taken back"
    IN_PLACE = "in place"
    IN_A_ROW = "in a row"


# What a drill waits for, in words.
AWAITED: Mapping[Outcome, str] = {
    Outcome.FAILOVER: "another incarnation in service",
    Outcome.REPAIR: "Livy to be repaired in place",
    Outcome.CANCEL: "the failover to be called off",
    Outcome.NOTHING: "the end of the fault",
    Outcome.PAGE: "a person to be told",
    Outcome.PLANNED: "the planned cut-over",
    Outcome.TAKEN_BACK: "the change to be taken back",
    Outcome.IN_PLACE: "the end of the deploy",
    Outcome.IN_A_ROW: "the end of what the last act began",
}
ASKED_FOR = frozenset({Outcome.PLANNED, Outcome.TAKEN_BACK, Outcome.IN_PLACE})


class Old(StrEnum):
    """What must have become of the incarnation that was in service when the fault struck."""

    ENDED = "ended"
    SERVES = "serves"


class Moment(StrEnum):
    """Something that happens in a drill, which later acts wait for.

    What is done after ``REST`` is done to what serves then.  It comes once for each act that waits for it: when the
    last one has led to a cut-over, no operation and no deploy runs, and nothing is left that neither serves nor stands
    by.
    """

    FAULT = "the fault"
    LAUNCH = "the launch of another cluster"
    CUT_OVER = "the cut-over"
    PAGE = "the page"
    REST = "the end of all that came of it"


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
        missing: name of a metric that must have been missing for so long that an alarm rings; no act can wait for it.
    """

    subject: str = ""
    metric: str = ""
    missing: str = ""

    def __post_init__(self) -> None:
        if sum(map(bool, (self.subject, self.metric, self.missing))) != 1:
            raise ValueError(
                f"a page is a subject, a metric or a missing metric, got subject={self.subject!r}, "
                f"metric={self.metric!r}, missing={self.missing!r}"
            )

    @property
    def text(self) -> str:
        """For people."""
        if self.missing:
            return f"an alarm on the missing {self.missing}"
        return f"an alarm on {self.metric}" if self.metric else f'a message "{self.subject}"'

    def came(
        self, *, subjects: Sequence[str], metrics: Mapping[str, float], silent: Mapping[str, int] | None = None
    ) -> bool:
        """Whether it is among what people were told.

        Args:
            subjects: of the messages.
            metrics: name of a metric -> its highest value.
            silent: name of a metric -> for how many whole minutes it was missing.
        """
        if self.missing:
            return (silent or {}).get(self.missing, 0) >= SILENCE_ALARMS[self.missing]
        if self.metric:
            return metrics.get(self.metric, 0) > 0
        return any(self.is_about(subject) for subject in subjects)

    def is_about(self, subject: str) -> bool:
        """Whether a message with this subject is what is meant."""
        return bool(self.subject) and re.search(self.subject, subject) is not None


# What people are told of each outcome, whatever the fault.
TOLD_BY_OUTCOME: Mapping[Outcome, Page] = {
    Outcome.FAILOVER: Page(subject="failed over"),
    Outcome.REPAIR: Page(subject="was restarted"),
    Outcome.CANCEL: Page(subject="called off"),
    Outcome.PLANNED: Page(subject="switched over"),
    Outcome.TAKEN_BACK: Page(subject="switchover of .* failed"),
}
# What people may be told where the limit for proof that the old applications are dead may pass.
FENCE_PAGES = (Page(metric=FENCE_OVERDUE), Page(subject="still runs jobs"))

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
        overdue: whether jobs that outlast the drain limit must go down with their cluster, and they alone.
        named: whether each job that goes down must have been named in a message before its client was told.
        fence_bound: whether the limit for proof that the old applications are dead may pass: only then may the effect
            of a job be doubled, and it is listed.
        pages: what people must be told of this fault, besides the outcome; acts that wait for the page wait for these.
        may: what people may be told as well.  They must be told nothing else.
        zone: where the new incarnation must serve, a name of :class:`emr_drill.faults.traces.Seen`; empty for any AZ.
        leaves_zone: whether it must serve in another AZ than the one before it.
        shows: what else must be found in what was written down.
        survivor_grows: whether the half that was not struck must have been allowed more instances until both serve
            again, where the settings say so.
        watch_seconds: how long no more may happen after the last act, where nothing or a page is expected.
        limit_seconds: how long the drill waits for the outcome.
    """

    outcome: Outcome
    operations: Mapping[str, Range]
    launches: Range
    old: Old
    jobs_lost: bool
    overdue: bool = False
    named: bool = False
    fence_bound: bool = False
    pages: tuple[Page, ...] = ()
    may: tuple[Page, ...] = ()
    zone: str = ""
    leaves_zone: bool = False
    shows: tuple[Trace | Silence, ...] = ()
    survivor_grows: bool = False
    watch_seconds: float = WATCH_SECONDS
    limit_seconds: float = LIMIT_SECONDS

    @property
    def told(self) -> tuple[Page, ...]:
        """What people must be told, all of it."""
        by_outcome = TOLD_BY_OUTCOME.get(self.outcome)
        return self.pages if by_outcome is None else (*self.pages, by_outcome)

    @property
    def allowed(self) -> tuple[Page, ...]:
        """What people may be told; whatever else they are told is a false page."""
        return (*self.told, *self.may, *(FENCE_PAGES if self.fence_bound else ()))


def failover(
    *,
    times: int = 1,
    launches: Range = (1, 1),
    failed: Range = (0, 0),
    pages: tuple[Page, ...] = (),
    may: tuple[Page, ...] = (),
    zone: str = "",
    shows: tuple[Trace | Silence, ...] = (),
    fence_bound: bool = False,
    survivor_grows: bool = False,
    limit_seconds: float = LIMIT_SECONDS,
) -> Expectation:
    """Another incarnation takes over, so many *times*; before that *failed* operations may have failed."""
    return Expectation(
        outcome=Outcome.FAILOVER,
        operations={"failed over": (times, times), "failed": failed},
        launches=launches,
        old=Old.ENDED,
        jobs_lost=True,
        fence_bound=fence_bound,
        survivor_grows=survivor_grows,
        pages=pages,
        may=may,
        zone=zone,
        shows=shows,
        limit_seconds=limit_seconds,
    )


def repair(*, shows: tuple[Trace | Silence, ...] = ()) -> Expectation:
    """Livy is restarted; no launch, no job lost."""
    return Expectation(
        outcome=Outcome.REPAIR,
        operations={"repaired": (1, 1)},
        launches=(0, 0),
        old=Old.SERVES,
        jobs_lost=False,
        shows=shows,
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


def nothing(*, pages: tuple[Page, ...] = (), may: tuple[Page, ...] = ()) -> Expectation:
    """No operation begins, no job is lost, nobody is told anything but *pages*."""
    return Expectation(
        outcome=Outcome.NOTHING,
        operations={},
        launches=(0, 0),
        old=Old.SERVES,
        jobs_lost=False,
        pages=pages,
        may=may,
    )


def page(*pages: Page) -> Expectation:
    """A person is told, and what is done is up to that person, who asks for a failover by hand in the end."""
    return Expectation(
        outcome=Outcome.PAGE,
        operations={},
        launches=(0, 0),
        old=Old.ENDED,
        jobs_lost=True,
        pages=pages,
        may=(Page(subject="failed over"),),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Otherwise:
    """What must happen where another strategy is deployed.

    Attributes:
        expect: what must happen.
        must: the same in a sentence.
    """

    expect: Expectation
    must: str


# With a standby other things are launched, and at other times.
WARM = "active-passive-warm"
NAMED = frozenset({WARM})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A row of the table.

    Attributes:
        name: what ``--fault`` takes.
        acts: what is done, in order; the first ones at the fault.
        expect: what must happen.
        must: the same in a sentence.
        notices: who notices the fault.
        struck: what shows that the fault really hit: without it whatever came is no answer to it.
        real: whether the row is run with real services too.
        fastest: the highest speed of the drill's clock at which the row means something: limits of sockets run on
            machine time.
        fastest_real: likewise with real services, which take machine time for what they do.
        adds_up: whether the phases by the machine's history must add up to the recovery by the submitter's log: not
            where the controller itself is disturbed between moving the traffic and saying so.
        strategies: names of the strategies that the row is for; empty for all.
        otherwise: name of a strategy -> what must happen there, if not the same; of those of :data:`NAMED` each row
            that is for them has to say it.
        settings: what is deployed at first, besides the settings file: ``cdk synth -c`` arguments.
        change: settings that a deploy of the row changes, likewise.
        tls: whether the front door speaks TLS in this row, also without ``--tls``.
        load: what jobs run, if not the usual waves.
        managed_cluster: which one is struck; empty for any.
        remains: what must be left when the strategy's stack is deleted at the end, and nothing else besides what there
            was before it; ``None`` to leave it deployed.
    """

    name: str
    acts: tuple[Act, ...]
    expect: Expectation
    must: str
    notices: str
    struck: tuple[Trace | Silence, ...] = ()
    real: bool = False
    fastest: float = FASTEST
    fastest_real: float = FASTEST_REAL
    adds_up: bool = True
    strategies: tuple[str, ...] = ()
    otherwise: Mapping[str, Otherwise] = field(default_factory=dict)
    settings: tuple[str, ...] = ()
    change: tuple[str, ...] = ()
    tls: bool = False
    load: Load | None = None
    managed_cluster: str = ""
    remains: tuple[Remains, ...] | None = None

    @property
    def what(self) -> str:
        """What is done and when, in a sentence for the person who watches."""
        return "; ".join(act.text for act in self.acts)

    @property
    def deploys_its_own(self) -> bool:
        """Whether an assembly that others share will not do: the row deploys settings or a certificate of its own."""
        return bool(self.settings or self.change or self.tls)

    def is_for(self, strategy: str) -> bool:
        """Whether the row means something where *strategy* is deployed."""
        if strategy in NAMED:
            return strategy in self.strategies or strategy in self.otherwise
        return not self.strategies or strategy in self.strategies

    def under(self, strategy: str) -> Fault:
        """The row as it is where *strategy* is deployed."""
        other = self.otherwise.get(strategy)
        return self if other is None else replace(self, expect=other.expect, must=other.must)
