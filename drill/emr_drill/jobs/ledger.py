"""What the jobs really did: a file outside all clusters, one JSON line for each ending of a job."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

EFFECT, FAILED = "effect", "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the ledger.

    Attributes:
        job: the job's key.
        incarnation: name of the cluster that ran it.
        application: YARN application id.
        at: simulated seconds since 1970.
        event: ``effect`` (it did what it was for) or ``failed`` (its own fault, on purpose).
    """

    job: str
    incarnation: str
    application: str
    at: float
    event: str


def read(path: Path) -> list[Entry]:
    """Every entry, in the order in which they were written; none if no job has ended yet.

    Raises:
        ValueError: a line is not an entry (a torn write would be a fault of the drill itself).
    """
    if not path.exists():
        return []
    entries = []
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        try:
            data = json.loads(line)
            entries.append(Entry(**{name: data[name] for name in ("job", "incarnation", "application", "at", "event")}))
        except (KeyError, TypeError, json.JSONDecodeError) as error:
            raise ValueError(f"{path}, line {number} is not a ledger entry: {line!r}") from error
    return entries
