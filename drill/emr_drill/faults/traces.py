"""What a drill writes down, and what has to be found in it: that a fault really hit, that something was really done."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Everything that was written down since a fault.

    Attributes:
        entries: of the journal, and in the same form what the probers saw (``evidence``) and what became of each POST
            of a client (``submit``); see :mod:`emr_drill.faults.seen`.
        names: what stands for what in a row: ``old`` for the id of the cluster in service when the fault struck,
            ``zone`` for its AZ, ``preferred`` and ``third`` for the AZs that a launch prefers then, ``standby`` for the
            id of the cluster that stood by; a name is empty for what there is not.
        moments: when each moment of the drill was first seen, by its name.
        since: when the fault struck, seconds since 1970 on the drill's clock.
        until: when the drill ended.
    """

    entries: Sequence[Entry] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    moments: Mapping[str, float] = field(default_factory=dict)
    since: float = 0.0
    until: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Entries that must have been written since the fault.

    Attributes:
        what: what they show, for people: "CreateStack is refused".
        kind: of the entries.
        like: name in an entry -> what is there; ``*`` stands for anything, ``{old}`` for a name of :class:`Seen`.
        above: name in an entry -> what its number must be above.
        least: how many there must be at least.
        most: and at most; ``None`` for any number.
        per_minute: how many there must be in a minute at least, on average from the first one to the last one.
        after: a moment of the drill that must have come before them; empty for none.
        seconds: and how long before.
    """

    what: str
    kind: str
    like: Mapping[str, str] = field(default_factory=dict)
    above: Mapping[str, float] = field(default_factory=dict)
    least: int = 1
    most: int | None = None
    per_minute: float = 0.0
    after: str = ""
    seconds: float = 0.0

    def why_not(self, seen: Seen) -> str | None:
        """What is missing, for people; ``None`` if nothing is."""
        found = self._found(seen)
        if len(found) < self.least:
            return f"{self.what}: seen {len(found)} times, at least {self.least} must be"
        if self.most is not None and len(found) > self.most:
            return f"{self.what}: seen {len(found)} times, at most {self.most} must be"
        if self.per_minute and (rate := _per_minute(found)) < self.per_minute:
            return f"{self.what}: seen {rate:.1f} times in a minute, {self.per_minute:g} must be"
        return None

    def _found(self, seen: Seen) -> list[Entry]:
        begin = seen.since
        if self.after:
            begin = seen.moments.get(self.after, math.inf) + self.seconds
        return [
            entry
            for entry in seen.entries
            if _is_like(entry, self.kind, self.like, seen.names)
            and all(float(entry.get(name, 0)) > least for name, least in self.above.items())
            and float(entry["at"]) >= begin
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Entries that must not have been written for a while since the fault, though they come all the time.

    Attributes:
        what: what that shows, for people.
        kind: of the entries.
        like: see :class:`Trace`.
        minutes: for how many whole minutes of the clock at least.
    """

    what: str
    kind: str
    minutes: int
    like: Mapping[str, str] = field(default_factory=dict)

    def why_not(self, seen: Seen) -> str | None:
        """What is missing, for people; ``None`` if nothing is."""
        times = [float(entry["at"]) for entry in seen.entries if _is_like(entry, self.kind, self.like, seen.names)]
        minutes = silent_minutes(times, since=seen.since, until=seen.until)
        if minutes >= self.minutes:
            return None
        return f"{self.what}: for {minutes} whole minutes at the longest, {self.minutes} must be"


def silent_minutes(times: Iterable[float], *, since: float, until: float) -> int:
    """For how many whole minutes of the clock, one after the other, nothing happened: how alarms count.

    What happens after the last of *times* is not known, as functions hand over what they measured when they end; only
    where there is none at all nothing happened up to *until*.
    """
    marks = [since, *sorted(at for at in times if at >= since)]
    if len(marks) == 1:
        marks.append(until)
    gaps = [math.floor(later / 60) - math.floor(earlier / 60) - 1 for earlier, later in itertools.pairwise(marks)]
    return max(0, *gaps)


def _is_like(entry: Entry, kind: str, like: Mapping[str, str], names: Mapping[str, str]) -> bool:
    return entry.get("kind") == kind and all(
        fnmatchcase(str(entry.get(name, "")), pattern.format_map(names)) for name, pattern in like.items()
    )


def _per_minute(found: Sequence[Entry]) -> float:
    times = sorted(float(entry["at"]) for entry in found)
    span = times[-1] - times[0] if times else 0.0
    return (len(times) - 1) * 60 / span if span > 0 else 0.0
